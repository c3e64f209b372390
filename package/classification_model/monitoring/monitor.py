"""Measure the accuracy, the calibration and the drift of a model in operation, from its log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from classification_model.config.sections import MonitoringConfig
from classification_model.evaluation.metrics import Outcome
from classification_model.monitoring.drift import FeatureDrift, Sample, measure_drift
from classification_model.monitoring.performance import (
    calibrate,
    contradiction,
    expected_accuracy,
    observed_accuracy,
    probability_scores,
)
from classification_model.monitoring.raw_values import FieldRemarks, read_field
from classification_model.monitoring.report import ClassShare, MonitoringReport, WindowMetrics
from classification_model.monitoring.rows import MonitoredRows, select_rows
from classification_model.monitoring.windows import cut, moment_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from classification_model.runtime.model_folder.manifest import Manifest

__all__ = ["MonitoringReport", "monitor"]

MOST_WINDOWS = 1000


def monitor(
    frame: pd.DataFrame,
    manifest: Manifest,
    *,
    window: str | None = None,
    recent: str | None = None,
    notes: Sequence[str] = (),
) -> MonitoringReport:
    """Report on a model in operation, from its log.

    Parameters
    ----------
    frame
        The log, as `read_log` returns it. Add the true labels, if any are known, with `with_labels`. Rows of another
        model or version are left out; a note gives their number.
    manifest
        Manifest of the model.
    window
        Size of a window: a number of predictions such as ``500``, or a duration such as ``30m``, ``12h``, ``7d`` or
        ``2w``. The default is ``monitoring["window"]`` of the manifest. The report keeps the newest 1,000 windows.
    recent
        How many of the newest predictions to report on: a number of predictions, or a duration before the last one,
        written like `window`. The default is all predictions.
    notes
        Notes that the report shows before its own, such as those of `read_labelled_log` on damaged lines.

    Returns
    -------
    MonitoringReport
        Metrics with intervals, calibration, drift, windows and notes.

    Raises
    ------
    InputError
        If `window` or `recent` is malformed.

    Examples
    --------
    >>> import tempfile
    >>> import classification_model as cm
    >>> passenger = {"name": "Kelly, Mr. James", "sex": "male", "pclass": 3, "ticket": "330911"}
    >>> passenger |= {"sibsp": 0, "parch": 0}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with cm.PredictionLog(folder) as log:
    ...         answer = cm.ServedModel(log).load().predict_with_logging([passenger], index=["892"])
    ...     with cm.LabelLog(folder) as labels:
    ...         labels.add([(name, "died") for name in answer["prediction_ids"]], source="registry")
    ...     manifest = cm.read_manifest(cm.packaged_model())
    ...     log = cm.read_labelled_log(folder, manifest)
    >>> report = cm.monitor(log.frame, manifest, notes=log.notes)
    >>> report.predictions, report.accuracy.value
    (1, 1.0)
    """
    limits = MonitoringConfig.model_validate(manifest.monitoring)
    window = window or limits.window
    rows = select_rows(frame, manifest, recent)
    told = [*notes, *rows.notes]
    windows = _windows(rows, manifest, window, told)
    remarks, drift = _features(rows, manifest, limits, told)
    prediction_drift = _probabilities(rows, manifest, limits, told)
    labelled = np.flatnonzero(rows.usable & (rows.truth >= 0))
    right = rows.truth[labelled] == rows.predicted[labelled]
    calibration, error = calibrate(_outcome(rows, manifest, labelled), rows.predicted[labelled])
    if doubt := contradiction(right, _confidence(rows, labelled)):
        told.append(doubt)
    is_enough = len(rows) >= limits.minimum_count
    if not len(rows):
        told.append("the log has no predictions of this model")
    elif not is_enough:
        told.append(f"too few predictions for a decision on drift: {len(rows)} (minimum {limits.minimum_count})")
    judged = [feature.drifted for feature in drift if is_enough and feature.p_value is not None]
    return MonitoringReport(
        model=manifest.name,
        version=manifest.version,
        window=window,
        first=moment_of(int(rows.moments[0])) if len(rows) else None,
        last=moment_of(int(rows.moments[-1])) if len(rows) else None,
        **_measures(rows, manifest, 0, len(rows)),
        calibration=calibration,
        calibration_error=error,
        windows=windows,
        drift=drift,
        drifted_share=sum(judged) / len(judged) if judged else None,
        prediction_drift=prediction_drift,
        classes=_classes(rows, manifest),
        remarks=remarks,
        notes=tuple(told),
    )


def _outcome(rows: MonitoredRows, manifest: Manifest, chosen: NDArray[np.int64]) -> Outcome:
    return Outcome(manifest.classes, rows.truth[chosen], rows.probabilities[chosen], manifest.threshold)


def _confidence(rows: MonitoredRows, chosen: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the probability of the class that was predicted."""
    return np.asarray(rows.probabilities[chosen, rows.predicted[chosen]])


def _measures(rows: MonitoredRows, manifest: Manifest, start: int, stop: int) -> dict[str, Any]:
    """Measure the rows from one number to another."""
    usable = start + np.flatnonzero(rows.usable[start:stop])
    labelled = usable[rows.truth[usable] >= 0]
    return {
        "predictions": stop - start,
        "labels": len(labelled),
        "accuracy": observed_accuracy(rows.truth[labelled] == rows.predicted[labelled]),
        "expected_accuracy": expected_accuracy(_confidence(rows, usable)),
        **probability_scores(_outcome(rows, manifest, labelled)).model_dump(),
    }


def _windows(rows: MonitoredRows, manifest: Manifest, window: str, notes: list[str]) -> tuple[WindowMetrics, ...]:
    windows = cut(rows.moments, window)
    if len(windows) > MOST_WINDOWS:
        notes.append(f"the oldest {len(windows) - MOST_WINDOWS} of {len(windows)} windows are not listed")
    found = []
    for one in windows[-MOST_WINDOWS:]:
        start, end = moment_of(one.begin), moment_of(one.end)
        if one.empty > 1:
            notes.append(
                f"no predictions from {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}: {one.empty} empty windows"
            )
        measures = _measures(rows, manifest, one.start, one.stop)
        found.append(WindowMetrics(start=start, end=end, empty=one.empty, **measures))
    return tuple(found)


def _features(
    rows: MonitoredRows, manifest: Manifest, limits: MonitoringConfig, notes: list[str]
) -> tuple[tuple[FieldRemarks, ...], tuple[FeatureDrift, ...]]:
    remarks, samples = [], []
    unknown, never = [], []
    for field in manifest.input_schema.fields:
        column = rows.frame.get(f"features.{field.name}")
        if field.name in limits.masked or (column is None and not field.nullable):
            unknown.append(field.name)
            continue
        if column is None:
            never.append(field.name)
            column = pd.Series(np.nan, index=rows.frame.index, dtype=object)
        read = read_field(field, column)
        remarks.append(read.remarks)
        reference = manifest.training_distribution[field.name]
        trained = _training_rows(manifest)
        samples.append(Sample(field.name, field.kind, reference, trained, read.values, read.counts, read.missing))
    drift = measure_drift(samples, limits)
    if len(rows) >= limits.minimum_count:
        untested = [found.feature for found in drift if found.p_value is None]
        for names, what in (
            (unknown, "fields that are not in the log, whose drift is unknown"),
            (never, "fields that no request has, all of whose values are missing"),
            (
                untested,
                "not tested for drift, because all values fall into one bin after rare values were combined",
            ),
        ):
            if names:
                notes.append(f"{what}: {', '.join(names)}")
    return tuple(remarks), drift


def _training_rows(manifest: Manifest) -> int:
    """Return the number of rows that the distributions of the features were made of."""
    return manifest.data.rows - (0 if manifest.holdout.kind == "table" else manifest.holdout.rows)


def _probabilities(
    rows: MonitoredRows, manifest: Manifest, limits: MonitoringConfig, notes: list[str]
) -> tuple[FeatureDrift, ...]:
    reference = manifest.prediction_distribution
    if not reference:
        if len(rows):
            notes.append("the drift of the probabilities is unknown, as the manifest has no distribution of them")
        return ()
    trained = _training_rows(manifest)
    if manifest.holdout.kind == "table":  # the manifest does not say which of both tables was predicted
        trained = min(trained, manifest.holdout.rows)
    usable = rows.probabilities[rows.usable]
    counts = np.ones(len(usable), dtype=np.int64)
    samples = [
        Sample(label, "numeric", reference[label], trained, usable[:, number], counts)
        for number, label in enumerate(manifest.classes)
    ]
    return measure_drift(samples, limits)


def _classes(rows: MonitoredRows, manifest: Manifest) -> tuple[ClassShare, ...]:
    count = int(rows.usable.sum())
    if not count:
        return ()
    predicted = np.bincount(rows.predicted[rows.usable], minlength=len(manifest.classes))
    true = np.bincount(rows.truth[rows.usable & (rows.truth >= 0)], minlength=len(manifest.classes))
    probabilities = rows.probabilities[rows.usable].mean(axis=0)
    return tuple(
        ClassShare(
            label=label,
            predicted=int(predicted[number]),
            share=float(predicted[number] / count),
            probability=float(probabilities[number]),
            probability_before=manifest.prediction_distribution.get(label, {}).get("mean"),
            labels=int(true[number]),
        )
        for number, label in enumerate(manifest.classes)
    )
