"""Read a log folder, and decide from it whether to retrain."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from classification_model.config.sections import MonitoringConfig
from classification_model.labels.latest import with_labels
from classification_model.log_frames.log_frame import read_labels, read_log
from classification_model.monitoring.monitor import monitor
from classification_model.retraining.decision import decide_retraining
from classification_model.runtime.log.decision_log import append_decision, last_retraining
from classification_model.runtime.log.sealed_lines import LogFaults

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from classification_model.retraining.decision import RetrainingDecision
    from classification_model.runtime.model_folder.manifest import Manifest


class MonitoredLog(NamedTuple):
    """A log of predictions with their labels.

    Attributes
    ----------
    frame
        A row per prediction, as `labels.latest.with_labels` returns it.
    notes
        Lines that could not be read, and labels that do not fit, as sentences.
    """

    frame: pd.DataFrame
    notes: list[str]


def read_labelled_log(folder: Path | str, manifest: Manifest) -> MonitoredLog:
    """Read the predictions of a log folder with their labels.

    Parameters
    ----------
    folder
        The log folder.
    manifest
        Manifest of the model. Labels that are not among its classes are not used, and a note counts them.

    Returns
    -------
    MonitoredLog
        A frame of the predictions with their labels, and notes on records and labels that are not used.

    Raises
    ------
    DataError
        If the folder does not exist, or cannot be read.

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
    ...     log = cm.read_labelled_log(folder, cm.read_manifest(cm.packaged_model()))
    >>> log.frame[["prediction", "label"]].values.tolist(), log.notes
    ([['died', 'died']], [])
    """
    faults = LogFaults()
    labelled = with_labels(read_log(folder, faults), read_labels(folder, faults), manifest.classes)
    return MonitoredLog(labelled.frame, [*faults.describe(), *labelled.describe()])


def check_retraining(
    folder: Path, log: MonitoredLog, manifest: Manifest, now: datetime
) -> tuple[RetrainingDecision, tuple[str, ...]]:
    """Decide whether to retrain a model, and log the decision.

    Drift is measured on the newest window of predictions, of at least ``monitoring.minimum_count``.

    Parameters
    ----------
    folder
        The log folder.
    log
        Result of `read_labelled_log`.
    manifest
        Manifest of the model.
    now
        The time, with time zone.

    Returns
    -------
    tuple
        The decision, and notes on the log.

    Raises
    ------
    LogUnavailableError
        If the decision cannot be logged.
    """
    limits = MonitoringConfig.model_validate(manifest.monitoring)
    report = monitor(log.frame, manifest, notes=log.notes)
    newest = monitor(log.frame, manifest, recent=limits.window)
    if newest.predictions < limits.minimum_count:
        newest = monitor(log.frame, manifest, recent=str(limits.minimum_count))
    decision = decide_retraining(
        report,
        limits,
        created=datetime.fromisoformat(manifest.created),
        now=now,
        last_retrained=last_retraining(folder, manifest.name),
        newest=newest,
    )
    append_decision(folder, "retrain-check", decision.as_dict() | {"model": manifest.name}, now=now)
    return decision, report.notes
