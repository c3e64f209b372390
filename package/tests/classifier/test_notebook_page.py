"""The page on notebooks: its blocks run as the cells of one notebook do, and its ten lines are ten."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[3] / "docs" / "in-a-notebook.md"
BASH = shutil.which("bash") or "bash"
BLOCKS = re.findall(r"```(python|bash)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.slow
def test_the_blocks_of_the_page_run_as_cells_of_one_notebook(tmp_path: Path) -> None:
    """Code in Python runs in one process; the commands take the model that it saved."""
    cells = "\n".join(code for language, code in BLOCKS if language == "python")
    done = subprocess.run(
        [sys.executable, "-"], input=f"import matplotlib\nmatplotlib.use('agg')\n{cells}", cwd=tmp_path,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "log_odds" in done.stdout or "probability" in done.stdout
    assert "expected the column 'plan', found 'plans': rename it" in done.stdout
    for code in (code for language, code in BLOCKS if language == "bash"):
        here = code.replace("classification-model", f"{sys.executable} -m classification_model")
        done = subprocess.run(
            [BASH, "-euo", "pipefail"], input=here, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "predictions.csv").read_text().startswith("customer_id,")


def test_ten_lines_lead_from_a_file_to_explained_predictions() -> None:
    """The block under that heading has ten lines at most, the import among them."""
    page = PAGE.read_text(encoding="utf-8")
    (block,) = re.findall(r"## Ten lines\n\n```python\n(.*?)```", page, re.DOTALL)
    lines = [line for line in block.splitlines() if line.strip()]
    assert len(lines) <= 10
    assert "explain" in lines[-1]
