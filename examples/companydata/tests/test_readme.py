"""README.md: its commands and its Python run, and its tables are those of the code."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import psycopg

from data_engineering.make_database import SCRIPTS
from local_postgres import LocalPostgres

HERE = Path(__file__).resolve().parents[1]
PAGE = (HERE / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"(<!-- not run here: [^>]+ -->\n)?```(bash|python)\n(.*?)```", re.DOTALL)


def test_its_blocks_run_one_after_the_other(postgres: LocalPostgres, tmp_path: Path) -> None:
    """Each block that is not marked otherwise succeeds, in a copy of the folder; predictions are in the database."""
    copy = tmp_path / "companydata"
    ignored = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "tests")
    shutil.copytree(HERE, copy, ignore=ignored)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    blocks = [(language, code) for note, language, code in BLOCK.findall(PAGE) if not note]
    assert len(blocks) == 6
    for language, code in blocks:
        program = [sys.executable, "-"] if language == "python" else ["bash", "-euo", "pipefail"]
        done = subprocess.run(
            program, input=code, cwd=copy, env=os.environ | {"PATH": path}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{code}\n{done.stdout}\n{done.stderr}"
    with psycopg.connect(postgres.url.replace("/postgres?", "/companydata?")) as connection:
        assert connection.execute("SELECT count(*) FROM predictions").fetchone() == (200,)


def test_its_tables_are_those_of_the_database() -> None:
    """Every table that the scripts make, and every role, has its row."""
    tables = set(
        re.findall(r"TABLE IF NOT EXISTS public\.(\w+)", (SCRIPTS / "4_tables.sql").read_text(encoding="utf-8"))
    )
    section = PAGE.partition("\n## The tables\n")[2].partition("\n## ")[0]
    named = {
        name for row in re.findall(r"^\| (`.+?) \|", section, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)
    }
    assert named == tables
    roles = re.findall(r"^\| `(\w+)` \|", PAGE.partition("\n## The roles\n")[2].partition("\n## ")[0], re.MULTILINE)
    assert roles == ["de_user", "ds_user", "analyst", "app_user"]


def test_its_links_lead_somewhere() -> None:
    """Each relative link is a file that exists."""
    for link in re.findall(r"\]\((?!https?:)([^)#]+)\)", PAGE):
        assert (HERE / link).exists(), link
