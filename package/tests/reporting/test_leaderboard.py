"""The trials of a training as CSV: written, read back, and refused where they are something else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from classification_model.errors import ArtifactError
from classification_model.evaluation.metrics import METRICS
from classification_model.reporting.leaderboard import read_leaderboard, write_leaderboard
from classification_model.training.model_selection import Selection, Trial

SETTING: dict[str, Any] = {"C": 0.3, "penalty": 'l2, "or" not'}
TRIALS = tuple(
    Trial(name, setting, dict.fromkeys(METRICS, place + 0.125), 0.01, (), 1.5, 20.0)
    for place, (name, setting) in enumerate(
        {"logistic_regression": SETTING, "random_forest": {}, "average": {"logistic_regression": SETTING}}.items()
    )
)
SELECTION = Selection(TRIALS[1], TRIALS, 3)


def test_the_trials_are_read_back() -> None:
    """Every trial has a row in the order of the comparison, with its setting, metrics and times, and whether it won."""
    board = read_leaderboard(write_leaderboard(SELECTION, with_times=True))
    assert board["candidate"].tolist() == [trial.candidate for trial in TRIALS]
    assert board["setting"].tolist() == [trial.setting for trial in TRIALS]
    for metric in METRICS:
        assert board[metric].tolist() == [trial.scores[metric] for trial in TRIALS]
    assert board["won"].tolist() == [False, True, False]
    assert board["won"].dtype == bool
    assert (board["fit_seconds"] == 1.5).all()
    assert (board["predict_microseconds"] == 20).all()
    assert (board["deviation"] == 0.01).all()


def test_times_may_be_left_out() -> None:
    """Without times their cells are empty, and read as numbers that are missing; the rest is the same."""
    content = write_leaderboard(SELECTION, with_times=False)
    assert b"1.5" not in content
    with_times, without = read_leaderboard(write_leaderboard(SELECTION, with_times=True)), read_leaderboard(content)
    assert without[["fit_seconds", "predict_microseconds"]].isna().all(axis=None)
    assert without["fit_seconds"].dtype == np.float64
    times = ["fit_seconds", "predict_microseconds"]
    pd.testing.assert_frame_equal(with_times.drop(columns=times), without.drop(columns=times))


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"candidate,setting\nx,{\n", b"\xff\xfe"])
def test_other_content_is_refused(content: bytes) -> None:
    """What is no leaderboard is told in one line."""
    with pytest.raises(ArtifactError, match=r"^reports/leaderboard\.csv: expected the trials of a training as CSV"):
        read_leaderboard(content)
