"""notebooks/eda.ipynb: what it concludes follows from what it prints."""

from __future__ import annotations

import os
import runpy
from pathlib import Path

import pytest

from local_postgres import LocalPostgres

HERE = Path(__file__).resolve().parents[1]
#: Where the kernel finds the example, as pytest does.
PATH = os.pathsep.join([str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])])
NOTEBOOK = HERE / "notebooks" / "eda.ipynb"
#: How the tests of the API run notebooks.
EXECUTED = runpy.run_path(str(HERE.parents[1] / "classification_api" / "tests" / "executed.py"))


def test_the_conclusions_follow_from_the_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a PostgreSQL of its own, each number of the last cell was printed by a cell before, and nothing is left."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    own, temporary = tmp_path / "own", tmp_path / "tmp"
    own.mkdir()
    temporary.mkdir()
    done = EXECUTED["execute"](NOTEBOOK, own, TMPDIR=str(temporary), PYTHONPATH=PATH)
    assert done.unfounded() == []
    (checked, customers) = done.outputs["leak"].split(" have ")[0].removesuffix(" customers").split(" of ")
    assert checked == customers
    assert all(done.pictures[name] == 1 for name in ("strengths", "recency", "rhythm", "rest"))
    assert list(temporary.iterdir()) == []


def test_it_reads_the_database_of_a_server(filled: LocalPostgres, tmp_path: Path) -> None:
    """With DATABASE_URL, it reads what is there, makes nothing, and runs to its end."""
    done = EXECUTED["execute"](NOTEBOOK, tmp_path, PYTHONPATH=PATH)
    assert done.outputs["connect"] == ""
    assert " customers, 3,600 sales from " in done.outputs["tables"]
