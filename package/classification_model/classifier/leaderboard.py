"""The settings that a training tried, as a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classification_model.classifier.fitted_model import FolderModel, RowsModel
from classification_model.errors import InputError
from classification_model.reporting.leaderboard import LEADERBOARD, read_leaderboard, write_leaderboard

if TYPE_CHECKING:
    import pandas as pd

    from classification_model.classifier.fitted_model import FittedModel


def leaderboard_of(model: FittedModel) -> pd.DataFrame:
    """Return each trial with its metrics; see `Classifier.leaderboard`."""
    content = None
    if isinstance(model, FolderModel):
        content = model.contents.get(LEADERBOARD)
    elif isinstance(model, RowsModel) and model.selection is not None:
        content = write_leaderboard(model.selection, with_times=True)
    if content is None:
        msg = "the model does not know which settings were tried: train it with `train` or `Classifier.fit`"
        raise InputError(msg)
    return read_leaderboard(content)
