"""What a training made and found, for reports and for the caller."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from classification_model.evaluation.metrics import Outcome
    from classification_model.evaluation.slice_metrics import Slice
    from classification_model.processing.data_manager import TrainingData
    from classification_model.runtime.model_folder.manifest import Manifest
    from classification_model.runtime.predictor import Predictor
    from classification_model.training.model_selection import Selection


@dataclass(frozen=True)
class TrainingReport:
    """What training made and found.

    Attributes
    ----------
    folder
        The model folder; only its name before it is written.
    manifest
        What it says of itself.
    data
        Rows that were learned from and held out.
    selection
        The comparison of candidates.
    outcome
        Predictions for the hold-out.
    importances
        For each raw feature how much the hold-out's log loss grows when it is shuffled: name, mean, deviation.
    slices
        Metrics on parts of the hold-out.
    seconds
        How long it took.
    """

    folder: Path
    manifest: Manifest
    data: TrainingData
    selection: Selection
    outcome: Outcome
    importances: list[tuple[str, float, float]]
    slices: list[Slice]
    seconds: float


@dataclass(frozen=True)
class TrainedModel:
    """A model that is trained and judged, and not written yet.

    Attributes
    ----------
    report
        What training found.
    contents
        Bytes of each file of its model folder but the manifest, by name.
    predictor
        The model, ready to predict.
    """

    report: TrainingReport
    contents: dict[str, bytes] = field(repr=False)
    predictor: Predictor = field(repr=False)
