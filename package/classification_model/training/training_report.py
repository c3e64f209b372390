"""The result of a training, for reports and for the caller."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from classification_model.processing.left_out_rows import reasons_of
from classification_model.processing.run_records import RunRecord
from classification_model.tables.locations import short_name

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from classification_model.evaluation.judged import Judged
    from classification_model.evaluation.metrics import Outcome
    from classification_model.processing.data_manager import TrainingData
    from classification_model.runtime.model_folder.manifest import AuditFinding, Manifest
    from classification_model.runtime.predictor import Predictor
    from classification_model.training.model_selection import Selection


@dataclass(frozen=True)
class TrainingReport:
    """The result of a training.

    Attributes
    ----------
    folder
        The model folder; before it is written, its name only.
    manifest
        Manifest of the model.
    data
        Rows to train on and held-out rows.
    selection
        The comparison of candidates.
    judged
        The model, judged on the hold-out.
    in_sample
        Labels and predictions of rows that the model was fitted on: all of them, or 5,000.
    audit
        What is odd about the rows.
    seconds
        Duration of the training in seconds.
    """

    folder: Path
    manifest: Manifest
    data: TrainingData
    selection: Selection
    judged: Judged
    in_sample: Outcome
    audit: tuple[AuditFinding, ...]
    seconds: float


@dataclass(frozen=True)
class TrainedModel:
    """A trained and evaluated model that is not written yet.

    Attributes
    ----------
    report
        The result of the training.
    contents
        Bytes of each file of the model folder, except the manifest, by name.
    predictor
        The model, ready to predict.
    """

    report: TrainingReport
    contents: dict[str, bytes] = field(repr=False)
    predictor: Predictor = field(repr=False)


def record_of(report: TrainingReport, source: Any, started: datetime) -> RunRecord:
    """Return the record of a training.

    Parameters
    ----------
    report
        Its report.
    source
        The name of the table, or the frame or function that was given.
    started
        When it began.
    """
    manifest = report.manifest
    dropped = reasons_of(manifest.left_out, report.data.config.data.target)
    return RunRecord(
        run="train",
        problem=manifest.name,
        started=started,
        seconds=report.seconds,
        source=short_name(source) if isinstance(source, str) else "the given table",
        sink=str(report.folder),
        rows_in=manifest.data.rows + sum(dropped.values()),
        rows_out=len(report.data.train),
        held_out=len(report.data.holdout),
        dropped=dropped,
        fingerprint=manifest.data.sha256,
        config_hash=manifest.config_hash,
        version=manifest.version,
    )
