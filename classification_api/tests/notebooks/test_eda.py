"""notebooks/eda.ipynb: what it concludes follows from what it prints."""

from __future__ import annotations

from pathlib import Path

import pytest
from executed import ROOT, execute

pytestmark = pytest.mark.slow


def test_the_conclusions_follow_from_the_numbers(tmp_path: Path) -> None:
    """Each number of the last cell was printed by a cell before; the table and two plots are shown."""
    done = execute(ROOT / "notebooks" / "eda.ipynb", tmp_path)
    assert done.unfounded() == []
    assert "TableReport" in done.outputs["overview"]
    assert done.pictures["people"] == done.pictures["companions"] == 1
