"""The settings that a training tried, as a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from classification_model.errors import InputError

if TYPE_CHECKING:
    from classification_model.training.model_selection import Selection


def leaderboard_of(selection: Selection | None) -> pd.DataFrame:
    """Return each trial with its metrics; see `Classifier.leaderboard`."""
    if selection is None:
        msg = "the model does not know which settings were tried: train it with `train` or `Classifier.fit`"
        raise InputError(msg)
    return pd.DataFrame(
        [
            {
                "candidate": trial.candidate,
                "setting": trial.setting,
                **trial.scores,
                "deviation": trial.deviation,
                "fit_seconds": trial.fit_seconds,
                "predict_microseconds": trial.predict_microseconds,
            }
            for trial in selection.trials
        ]
    )
