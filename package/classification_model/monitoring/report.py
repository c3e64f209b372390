"""The monitoring report of a model in operation."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from classification_model.monitoring.drift import FeatureDrift
from classification_model.monitoring.performance import CalibrationBin, Estimate
from classification_model.monitoring.raw_values import FieldRemarks
from classification_model.reporting.html_pages import render_page


class WindowMetrics(BaseModel):
    """What was predicted in one window, and how good it was.

    Attributes
    ----------
    start, end
        Of a window of time, the first moment and the one after the last; else when the first and the last prediction
        were made.
    predictions, labels
        Number of predictions, and of those whose label is known.
    empty
        Number of windows without predictions that this one stands for; 0 where there are some.
    accuracy, expected_accuracy, roc_auc, log_loss, brier
        As in `MonitoringReport`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: datetime
    end: datetime
    predictions: int
    labels: int
    empty: int = 0
    accuracy: Estimate | None = None
    expected_accuracy: Estimate | None = None
    roc_auc: float | None = None
    log_loss: float | None = None
    brier: float | None = None


class ClassShare(BaseModel):
    """Predictions and labels of a class.

    Attributes
    ----------
    label
        The class.
    predicted, share
        Number of rows that it was predicted for, and their share.
    probability, probability_before
        Its mean probability, and that of the training rows, out of fold; None where the model does not say.
    labels
        Number of labelled rows whose label it is.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: str
    predicted: int
    share: float
    probability: float
    probability_before: float | None
    labels: int


class MonitoringReport(BaseModel):
    """Report on one version of a model in operation.

    Attributes
    ----------
    model, version
        Name of the problem, and version of the model.
    window
        Size of a window, such as ``500`` (predictions) or ``7d``.
    predictions, labels
        Number of predictions, and of those with a label.
    first, last
        Time of the first and the last prediction; None without predictions.
    accuracy
        Share of labelled predictions that were right, with its 95% Wilson interval; None without labels.
    expected_accuracy
        Accuracy of all predictions, estimated from their probabilities; None without predictions.
    roc_auc, log_loss, brier
        Metrics of labelled predictions; None without labels, and `roc_auc` if all are of one class.
    calibration_error, calibration
        Expected calibration error, and its bins.
    windows
        Windows in order of time.
    drift
        Drift of each logged feature.
    drifted_share
        Share of drifted features among those tested; None if none was tested.
    prediction_drift
        Drift of the probability of each class.
    classes
        Number of predictions of each class.
    remarks
        For each field, the number of rows with values that break the input schema, or that training did not see.
    notes
        Remarks, a sentence each.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    version: str
    window: str
    predictions: int
    labels: int
    first: datetime | None = None
    last: datetime | None = None
    accuracy: Estimate | None = None
    expected_accuracy: Estimate | None = None
    roc_auc: float | None = None
    log_loss: float | None = None
    brier: float | None = None
    calibration_error: float | None = None
    calibration: tuple[CalibrationBin, ...] = ()
    windows: tuple[WindowMetrics, ...] = ()
    drift: tuple[FeatureDrift, ...] = ()
    drifted_share: float | None = None
    prediction_drift: tuple[FeatureDrift, ...] = ()
    classes: tuple[ClassShare, ...] = ()
    remarks: tuple[FieldRemarks, ...] = ()
    notes: tuple[str, ...] = ()

    def to_json(self) -> bytes:
        """Return the report as an indented JSON document, which `model_validate_json` reads."""
        return self.model_dump_json(indent=2).encode() + b"\n"

    def _repr_html_(self) -> str:
        """Return what a notebook shows."""
        return render_page(
            "monitored.html.j2",
            report=self,
            estimates={"Accuracy": self.accuracy, "Expected accuracy": self.expected_accuracy},
            values={
                "ROC AUC": self.roc_auc,
                "Log loss": self.log_loss,
                "Brier score": self.brier,
                "Expected calibration error": self.calibration_error,
            },
        )
