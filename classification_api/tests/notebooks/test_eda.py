"""notebooks/eda.ipynb: what it concludes follows from what it prints."""

from __future__ import annotations

from pathlib import Path

import pytest
from executed import ROOT, execute

pytestmark = pytest.mark.slow


def test_the_conclusions_follow_from_the_numbers(tmp_path: Path) -> None:
    """Each number of the last cell was printed by a cell before; the table and the plots are shown."""
    done = execute(ROOT / "notebooks" / "eda.ipynb", tmp_path)
    assert done.unfounded() == []
    assert "TableReport" in done.outputs["overview"]
    assert all(done.pictures[name] == 1 for name in ("strengths", "people", "companions"))
