"""What a training made and found, for reports and for the caller."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from classification_model.evaluation import Outcome, Slice
    from classification_model.manifest import Manifest
    from classification_model.model_selection import Selection
    from classification_model.processing.data_manager import TrainingData


@dataclass(frozen=True)
class TrainingReport:
    """What training made and found.

    Attributes
    ----------
    folder
        The model folder.
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
