"""The DAG in a real Airflow: what it consists of, and what its runs do to a real store."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG
from conftest import COMMAND, DEPLOY, Command, Run
from problem import write_problem, write_rows

PACKAGE = DEPLOY.parent / "package" / "classification_model"
TRAINED = {"process_data": "success", "retrain_check": "success", "retrain": "success"}
SKIPPED = {"process_data": "success", "retrain_check": "skipped", "retrain": "skipped"}


def versions(folder: Path) -> list[str]:
    """Return the versions in the store of a folder."""
    return sorted(path.name for path in (folder / "store" / "versions").iterdir())


def current(folder: Path) -> str:
    """Return the current version of the store of a folder."""
    version: str = json.loads((folder / "store" / "CURRENT").read_text(encoding="utf-8"))["version"]
    return version


def test_the_folder_holds_one_dag_of_three_tasks_in_a_row(dag_bag: DagBag) -> None:
    """It is imported without an error and without a warning, and only `retrain` can change what serves."""
    assert (dag_bag.import_errors, dag_bag.captured_warnings) == ({}, {})
    (dag,) = dag_bag.dags.values()
    arrows = {task.task_id: task.downstream_task_ids for task in dag.tasks}
    assert arrows == {"process_data": {"retrain_check"}, "retrain_check": {"retrain"}, "retrain": set()}
    assert not any("promote" in task.bash_command for task in dag.tasks)


def test_runs_do_not_pile_up_and_failures_are_tried_again(dag_bag: DagBag) -> None:
    """One run at a time, none for the past, and two retries five minutes apart."""
    dag = dag_bag.dags["retraining"]
    assert (dag.schedule, dag.catchup, dag.max_active_runs) == ("15 3 * * *", False, 1)
    assert {(task.retries, task.retry_delay) for task in dag.tasks} == {(2, timedelta(minutes=5))}


def test_the_schedule_is_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is read when the file is parsed; the other variables are not."""
    monkeypatch.setenv("AIRFLOW_VAR_RETRAINING_SCHEDULE", "@weekly")
    monkeypatch.setenv("AIRFLOW_VAR_RETRAINING_STORE", "elsewhere")
    dag = DagBag(dag_folder=DEPLOY / "dags").dags["retraining"]
    assert dag.schedule == "@weekly"
    assert "elsewhere" not in str([task.env for task in dag.tasks])


def test_the_titanic_model_is_trained_once_and_serves(run: Run, tmp_path: Path) -> None:
    """An empty store gets its first model; the same interval again replaces the processed file and trains nothing."""
    shutil.copy(PACKAGE / "config.yml", tmp_path)
    shutil.copytree(PACKAGE / "datasets", tmp_path / "datasets")
    assert run(tmp_path) == TRAINED
    (version,) = versions(tmp_path)
    assert current(tmp_path) == version
    (processed,) = (tmp_path / "processed").iterdir()
    assert processed.name == "20260301T031500.parquet"
    assert run(tmp_path) == SKIPPED
    assert versions(tmp_path) == [version]
    assert [path.name for path in (tmp_path / "processed").iterdir()] == [processed.name]


def test_a_drifted_log_leads_to_one_retraining(run: Run, command: Command, folder: Path) -> None:
    """The better model is promoted; the same interval again, and `retrain` by hand, train no second time."""
    first = current(folder)
    write_rows(folder / "new.csv", 400, 1, is_new=True)
    places = ("--log", "log", "--store", "store")
    done = command(folder, "predict", "new.csv", "--output", "predicted.csv", *places, "--index", "parcel")
    assert done.returncode == 0, done.stderr
    columns = ("--key", "parcel", "--label", "late", "--config", "config.yml")
    done = command(folder, "labels", "join", "new.csv", *places, *columns)
    assert done.returncode == 0, done.stderr
    assert run(folder) == TRAINED
    second = current(folder)
    assert versions(folder) == [first, second]
    assert run(folder) == SKIPPED
    done = command(folder, "retrain", "--config", "config.yml", *places)
    assert done.stdout.startswith(f"not needed: {second} stays current"), done.stderr
    assert versions(folder) == [first, second]


def test_a_manual_run_without_a_logical_date_does_the_same(run: Run, folder: Path) -> None:
    """It has no data interval; its processed file is named for the time of the run."""
    assert run(folder, interval=None) == SKIPPED
    (processed,) = (folder / "processed").iterdir()
    at = datetime.strptime(processed.stem, "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    assert timedelta(0) <= datetime.now(UTC) - at < timedelta(hours=1)


@pytest.mark.parametrize("failing", ["process_data", "retrain_check", "retrain"])
def test_a_command_that_fails_fails_its_task_and_changes_no_store(run: Run, folder: Path, failing: str) -> None:
    """What comes after the task does not run, and the version that served still does."""
    before = current(folder), versions(folder)
    if failing == "process_data":
        states = run(folder, config=folder / "nowhere.yml")
    elif failing == "retrain_check":
        states = run(folder, log=folder / "nowhere")
    else:
        (folder / "gone").mkdir()
        (folder / "gone" / "versions").write_text("no folder")
        states = run(folder, store=folder / "gone")
    names = list(TRAINED)
    place = names.index(failing)
    assert states == {
        **dict.fromkeys(names[:place], "success"),
        failing: "failed",
        **dict.fromkeys(names[place + 1 :], "upstream_failed"),
    }
    assert (current(folder), versions(folder)) == before


def test_bad_rows_are_left_out_where_a_variable_says_so(run: Run, tmp_path: Path) -> None:
    """A row without a target is an error by default."""
    folder = tmp_path / "problem"
    write_problem(folder)
    with (folder / "table.csv").open("a", encoding="utf-8") as table:
        table.write("0-last,12.5,van,\n")
    assert run(folder)["process_data"] == "failed"
    assert run(folder, drop_bad_rows="yes") == TRAINED


def test_a_failure_that_passes_is_tried_again(
    run: Run, dag: DAG, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A source that is there only at the second try costs a retry, and the run succeeds."""
    for task in dag.tasks:
        monkeypatch.setattr(task, "retries", 2)
        monkeypatch.setattr(task, "retry_delay", timedelta(0))
    wrapper = folder / "command"
    wrapper.write_text(f'#!/bin/sh\nmkdir {folder}/tried || exec {COMMAND} "$@"\nexit 2\n', encoding="utf-8")
    wrapper.chmod(0o755)
    assert run(folder, command=wrapper) == SKIPPED


def test_values_of_variables_are_taken_literally(run: Run, tmp_path: Path) -> None:
    """Spaces, quotes, semicolons, templates and substitutions are parts of names, and nothing of them is run."""
    injection = f"touch {tmp_path.name}-broken"
    odd = tmp_path / f"""it's "odd"; {injection}; $({injection}) `{injection}` {{{{ 6 * 7 }}}} & $HOME \\ *"""
    write_problem(odd)
    (odd / "bin ; false").mkdir()
    (odd / "bin ; false" / "classification-model").symlink_to(COMMAND)
    (odd / "table.csv").rename(odd / "raw table; exit 1.csv")
    states = run(odd, command=odd / "bin ; false" / "classification-model", source=odd / "raw table; exit 1.csv")
    assert states == TRAINED
    assert current(odd) in versions(odd)
    assert sorted(path.name for path in tmp_path.iterdir()) == [odd.name]
    assert not list(Path.cwd().rglob("*-broken"))
