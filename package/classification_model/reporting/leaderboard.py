"""Write the trials of a comparison as CSV, and read them back."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pandas as pd

from classification_model.errors import ArtifactError
from classification_model.evaluation.metrics import METRICS

if TYPE_CHECKING:
    from classification_model.training.model_selection import Selection

LEADERBOARD = "reports/leaderboard.csv"
_COLUMNS = ("candidate", "setting", *METRICS, "deviation", "fit_seconds", "predict_microseconds", "won")


def write_leaderboard(selection: Selection, *, with_times: bool) -> bytes:
    """Return the trials as CSV, best first.

    Parameters
    ----------
    selection
        The comparison.
    with_times
        Whether to write how long fitting and predicting took, which differs from one training to the next.
    """
    rows = [
        {
            "candidate": trial.candidate,
            "setting": json.dumps(trial.setting),
            **trial.scores,
            "deviation": trial.deviation,
            "fit_seconds": trial.fit_seconds if with_times else None,
            "predict_microseconds": trial.predict_microseconds if with_times else None,
            "won": str(trial is selection.winner).lower(),
        }
        for trial in selection.trials
    ]
    return pd.DataFrame(rows, columns=list(_COLUMNS)).to_csv(index=False, lineterminator="\n").encode()


def read_leaderboard(content: bytes) -> pd.DataFrame:
    """Read what `write_leaderboard` wrote.

    Parameters
    ----------
    content
        Bytes of ``reports/leaderboard.csv`` of a model folder.

    Returns
    -------
    pandas.DataFrame
        A row for each trial, best first. ``setting`` is a dict, and the metrics are means over the folds.
        ``deviation`` is the standard deviation of the metric that candidates are compared by. ``fit_seconds`` is of a
        fit and ``predict_microseconds`` of a row; both are NaN where times were left out. ``won`` tells the trial that
        the model is of.

    Raises
    ------
    ArtifactError
        If the file is no leaderboard.
    """
    try:
        board = pd.read_csv(io.BytesIO(content), dtype=dict.fromkeys(("candidate", "setting"), str))
        board["setting"] = [json.loads(text) for text in board["setting"]]
    except (ValueError, KeyError) as error:
        msg = f"{LEADERBOARD}: expected the trials of a training as CSV, found other content: train the model again"
        raise ArtifactError(msg) from error
    return board.astype({"fit_seconds": "float64", "predict_microseconds": "float64", "won": bool})
