"""The page on scheduling: who follows it has a model that a real Airflow trained."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from conftest import COMMAND, DEPLOY

PAGE = DEPLOY.parent / "docs" / "scheduling.md"
DAG_FILE = DEPLOY / "dags" / "retraining.py"
FOLDER = "/srv/classification-model"
BLOCK = re.compile(r"<!-- not run here: the tests in deploy/ run it -->\n```bash\n(.*?)```", re.DOTALL)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Make what the page has before its first block that is run here: a clone and an environment."""
    for name in ("place", "clone/deploy/dags"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "place" / ".venv").symlink_to(COMMAND.parents[1])
    dag = DAG_FILE.read_text(encoding="utf-8").replace(FOLDER, str(tmp_path / "place"))
    (tmp_path / "clone" / "deploy" / "dags" / "retraining.py").write_text(dag, encoding="utf-8")
    (tmp_path / "clone" / "package").symlink_to(DEPLOY.parent / "package")
    return tmp_path / "place"


def test_who_follows_the_page_has_a_model_and_a_schedule(place: Path) -> None:
    """Each block succeeds in the order of the page; the DAG runs, and its processed table is where the page says."""
    blocks = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    assert len(blocks) == 4
    environment = {name: value for name, value in os.environ.items() if name != "AIRFLOW__CORE__DAGS_FOLDER"}
    environment["AIRFLOW_HOME"] = str(place.parent / "airflow")
    for block in ("airflow db migrate", *blocks):
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block.replace(FOLDER, str(place))],  # noqa: S607 - the bash that is there
            cwd=place.parent / "clone",
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
        if "airflow dags test" in block:
            assert "first model: " in done.stdout + done.stderr
            (processed,) = (place / "processed").iterdir()
            os.utime(processed, (0, 0))
    assert json.loads((place / "store" / "CURRENT").read_text(encoding="utf-8"))["previous"] == []
    assert not list((place / "processed").iterdir())


def test_the_page_names_the_variables_of_the_dag_with_their_defaults() -> None:
    """Its table has each variable that the DAG reads, and no other."""
    rows = re.findall(r"^\| `retraining_(\w+)` \| (.+?) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    dag = DAG_FILE.read_text(encoding="utf-8").replace("{FOLDER}", FOLDER)
    read = re.findall(r'variable\("(\w+)", f?"(.*?)"\)', dag)
    read += re.findall(r'Variable\.get\("retraining_(\w+)", default="(.*?)"\)', dag)
    empty = {"source": "the table of the config", "drop_bad_rows": "off"}
    assert dict(rows) == {name: f"`{value}`" if value else empty[name] for name, value in read}
