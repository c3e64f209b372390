"""notebooks/model_development.ipynb: each step is what its text says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from executed import ROOT, execute

pytestmark = pytest.mark.slow


def test_each_step_is_what_its_text_says(tmp_path: Path) -> None:
    """Features help, the leaderboard begins with the best, plots are shown, and a saved model predicts the same."""
    done = execute(ROOT / "notebooks" / "model_development.ipynb", tmp_path)
    outputs = done.outputs
    loss, area = (
        [float(value) for value in re.findall(r"\d\.\d+", line)]
        for line in outputs["features"].splitlines()
        if line.startswith(("log loss", "ROC AUC"))
    )
    assert loss[1] < loss[0] - 0.03
    assert area[1] > area[0] + 0.02
    losses = [float(value) for value in re.findall(r"^\d+ +[a-z_]+ +(\d\.\d+)", outputs["candidates"], re.MULTILINE)]
    assert losses == sorted(losses)
    assert len(losses) == 10
    assert outputs["evaluation"].startswith("<Evaluation of Titanic survival")
    assert done.pictures["importance"] == 1
    (lefebre,) = re.findall(r"Lefebre.* (\w+)$", outputs["explain"], re.MULTILINE)
    assert lefebre == "died"
    assert outputs["save"] == "the loaded model predicts the same for 1,309 passengers\n"
