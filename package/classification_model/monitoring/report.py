"""What is measured of a model in operation: the report of monitoring."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from classification_model.monitoring.drift import FeatureDrift
from classification_model.monitoring.performance import CalibrationBin, Estimate
from classification_model.monitoring.raw_values import FieldRemarks


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
    """How often a class was predicted.

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
    """How one version of a model does.

    Attributes
    ----------
    model, version
        Name of the problem, and version of the model.
    window
        How windows were cut, such as ``500`` or ``7d``.
    predictions, labels
        Number of its predictions, and of those whose label is known.
    first, last
        When the first and the last one was made; None of none.
    accuracy
        Share of labelled predictions that were right, with its 95 % Wilson interval; None without labels.
    expected_accuracy
        What the probabilities promise of all predictions; None of none.
    roc_auc, log_loss, brier
        Of labelled predictions; None without labels, `roc_auc` also when they are all of one class.
    calibration_error, calibration
        Expected calibration error, and the bins that it is made of.
    windows
        Windows in order of time.
    drift, drifted_share
        Drift of each feature that is logged, and the share of them that drifted; None when none can be judged.
    prediction_drift
        Drift of the probability of each class.
    classes
        How often each class was predicted.
    remarks
        For each field, how many rows break the schema or are unlike those of training.
    notes
        What is to be known of all this, a sentence each.
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
