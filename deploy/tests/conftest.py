"""A real Airflow, whose metadata is in a temporary SQLite, and a real `classification-model` of another environment."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG
from problem import write_problem

DEPLOY = Path(__file__).resolve().parents[1]
COMMAND = Path(os.environ["CLASSIFICATION_MODEL"])
API = Path(os.environ["CLASSIFICATION_API"])
INTERVAL = datetime(2026, 3, 1, 3, 15, tzinfo=UTC)

Command = Callable[..., subprocess.CompletedProcess[str]]
Run = Callable[..., dict[str, str]]


@pytest.fixture(scope="session")
def dag_bag() -> DagBag:
    """Parse the folder of DAGs."""
    return DagBag(dag_folder=DEPLOY / "dags")


@pytest.fixture
def dag(dag_bag: DagBag, monkeypatch: pytest.MonkeyPatch) -> DAG:
    """Give the DAG without its retries, whose delay a test would wait for."""
    dag: DAG = dag_bag.dags["retraining"]
    for task in dag.tasks:
        monkeypatch.setattr(task, "retries", 0)
    return dag


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a small problem in a folder, with the first model of its store, for copies."""
    folder = tmp_path_factory.mktemp("trained") / "problem"
    write_problem(folder)
    places = ("--config", "config.yml", "--log", "log", "--store", "store")
    subprocess.run([COMMAND, "retrain", *places], cwd=folder, check=True)
    return folder


@pytest.fixture
def folder(trained: Path, tmp_path: Path) -> Path:
    """Copy the small problem, with its store and its log."""
    return shutil.copytree(trained, tmp_path / "problem")


@pytest.fixture
def command() -> Command:
    """Return a function that runs `classification-model` in a folder."""

    def run(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run([COMMAND, *arguments], cwd=folder, capture_output=True, text=True, check=False)

    return run


@pytest.fixture
def run(dag: DAG, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that runs the DAG on a folder for an interval; it gives the state of each task."""

    def run_dag(folder: Path, *, interval: datetime | None = INTERVAL, **variables: str | Path) -> dict[str, str]:
        values = {
            "command": COMMAND,
            "config": folder / "config.yml",
            "log": folder / "log",
            "store": folder / "store",
            "processed": folder / "processed",
        }
        for name, value in (values | variables).items():
            monkeypatch.setenv(f"AIRFLOW_VAR_RETRAINING_{name.upper()}", str(value))
        ended = dag.test(run_after=interval, logical_date=interval)
        return {task.task_id: str(task.state) for task in ended.get_task_instances()}

    return run_dag
