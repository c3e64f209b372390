"""The first model of a store: trained and promoted by `retrain`, once, whatever kills it."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pandas as pd
import pytest
from commands import Command
from operated import CONFIG, make_problem, make_rows, make_store
from retraining_process import Retraining, Stage

from classification_model.config.core import load_config
from classification_model.errors import StoreError
from classification_model.retrain_pipeline import run_retraining
from classification_model.retraining.training_into_store import train_into_store
from classification_model.runtime.log.decision_log import read_decisions
from classification_model.runtime.store.store import ModelStore
from classification_model.train_pipeline import run_training

pytestmark = pytest.mark.slow

STAGES = [
    Stage("retraining.first_model", "append_decision", "after", 1),
    Stage("retraining.training_into_store", "train_model", "after", 1),
    Stage("retraining.training_into_store", "write_model", "after", 1),
    Stage("runtime.store.store", "copy_model_folder", "before", 1),
    Stage("runtime.store.store", "copy_model_folder", "after", 1),
    Stage("retraining.records", "append_decision", "before", 1),
    Stage("retraining.records", "append_decision", "after", 1),
    Stage("runtime.store.store", "write_current", "before", 1),
    Stage("runtime.store.store", "write_current", "after", 1),
    Stage("retraining.records", "append_decision", "before", 2),
    Stage("retraining.records", "append_decision", "after", 2),
]
RECORD = ["retrain-check", "retraining", "promotion"]


@pytest.fixture
def problem(tmp_path: Path) -> Path:
    """Make a problem without a store and without a log."""
    make_problem(tmp_path)
    return tmp_path


@pytest.fixture
def retrain(command: Command, problem: Path) -> Command:
    """Return a function that runs `retrain` on the problem."""

    def run(*options: str | Path) -> object:
        return command("retrain", "--config", "config.yml", "--log", "log", "--store", "store", *options)

    return run  # type: ignore[return-value]


def kinds(folder: Path) -> list[str]:
    """Return the kinds of what is on record."""
    return [entry["kind"] for entry in read_decisions(folder / "log")]


def versions_once_added(store: ModelStore) -> dict[str, int]:
    """Return each version with the inode of its folder, which tells whether it was written again."""
    versions = store.versions() if store.folder.exists() else []
    return {version: store.path(version).stat().st_ino for version in versions}


def test_the_first_retraining_makes_the_store_and_says_so(retrain: Command, problem: Path) -> None:
    """Neither the store nor the log exists; the outcome names the store, and a second run trains nothing."""
    done = retrain()
    assert done.code == 0, done.err
    store = ModelStore(problem / "store")
    (version,) = store.versions()
    assert done.out.splitlines() == [
        f"first model: {version} is the first current version of the store store",
        "retrain-check: yes: the store store has no current version, as there was no such folder",
    ]
    assert store.current() == version
    assert version.startswith("1.0.0+2")
    assert kinds(problem) == RECORD
    check, retraining, promotion = (entry["content"] for entry in read_decisions(problem / "log"))
    assert (check["rule"], check["model"], check["evidence"]["fired"]) == ("no-model", "Parcels", ["no-model"])
    assert (retraining["outcome"], retraining["champion"], retraining["challenger"]) == ("first model", None, version)
    assert promotion == {"model": "Parcels", "version": version, "previous": None}
    assert not (problem / "store" / "retraining").exists()
    again = retrain()
    assert again.out.startswith(f"not needed: {version} stays current\n")
    assert store.versions() == [version]


def test_the_first_model_is_trained_on_the_given_source(retrain: Command, problem: Path) -> None:
    """--source replaces the table of the config, and the report as JSON has no champion."""
    pd.DataFrame(make_rows(700, 5)).to_csv(problem / "other.csv", index=False)
    done = retrain("--source", "other.csv", "--json")
    assert done.code == 0, done.err
    report = json.loads(done.out)
    assert (report["outcome"], report["champion"], report["comparison"]) == ("first model", None, None)
    assert ModelStore(problem / "store").load(report["challenger"]).manifest.data.rows == 700


@pytest.mark.parametrize("state", ["an empty folder", "no versions"])
def test_a_store_without_a_current_version_gets_one(problem: Path, state: str) -> None:
    """Whatever else the store lacks, the model of the table is current afterwards."""
    store = ModelStore(problem / "store")
    if state == "an empty folder":
        (problem / "store").mkdir()
    else:
        store.create()
    report = run_retraining(load_config(problem / "config.yml"), store, problem / "log", jobs=1)
    assert report.outcome == "first model"
    assert store.current() == report.challenger
    assert report.decision.reasons == (f"the store {problem / 'store'} has no current version",)


def test_a_store_that_lost_its_current_version_is_for_a_person(retrain: Command, problem: Path) -> None:
    """No model is promoted over versions that may have served: what to do is said, and the store stays as it is."""
    assert retrain().out.startswith("first model: ")
    store = ModelStore(problem / "store")
    (version,) = store.versions()
    (problem / "store" / "CURRENT").unlink()
    pd.DataFrame(make_rows(700, 2)).to_csv(problem / "table.csv", index=False)
    done = retrain()
    assert done.code == 2
    assert done.err.endswith(
        f"expected a current version in the store store, which holds {version}, found none: make one of them current "
        "with promote, or use an empty --store\n"
    )
    assert (store.versions(), store.current()) == ([version], None)


def test_a_first_model_that_was_not_promoted_is_no_obstacle(problem: Path) -> None:
    """A run is killed after its model was added and announced; the next one has a new table, and trains anew."""
    config = load_config(problem / "config.yml")
    run_retraining(config, ModelStore(problem / "store"), problem / "log", jobs=1)
    store = ModelStore(problem / "store")
    (first,) = store.versions()
    (problem / "store" / "CURRENT").unlink()
    log = problem / "log" / "decisions.jsonl"
    lines = log.read_text(encoding="utf-8").splitlines(keepends=True)
    assert '"kind":"promotion"' in lines[-1]
    log.write_text("".join(lines[:-1]), encoding="utf-8")
    pd.DataFrame(make_rows(700, 2)).to_csv(problem / "table.csv", index=False)
    report = run_retraining(config, store, problem / "log", jobs=1)
    assert (report.outcome, store.current()) == ("first model", report.challenger)
    assert store.versions() == [first, report.challenger]


def test_a_gate_that_is_missed_leaves_the_store_empty(retrain: Command, problem: Path) -> None:
    """Nothing is saved; the next run trains again, and serves once the gate is reached."""
    (problem / "config.yml").write_text(CONFIG + "gates:\n  accuracy: 0.999\n", encoding="utf-8")
    done = retrain()
    assert done.code == 0, done.err
    assert done.out.startswith("gate missed: the new model is not saved, the store store has no current version\n")
    assert "note: the model misses its gates and is not saved: accuracy is " in done.out
    store = ModelStore(problem / "store")
    assert (store.versions(), store.current()) == ([], None)
    assert kinds(problem) == ["retrain-check", "retraining"]
    (problem / "config.yml").write_text(CONFIG, encoding="utf-8")
    assert retrain().out.startswith("first model: ")


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: "-".join(map(str, stage)))
def test_row_34_a_first_training_that_is_killed_is_finished_by_the_next(problem: Path, stage: Stage) -> None:
    """A model that was added is promoted and not trained again; it serves in the end, and that is on record once."""
    assert Retraining(problem, stage).end() == (-signal.SIGKILL, "")
    store = ModelStore(problem / "store")
    outcome = "first model" if store.current() is None else "not needed"
    added = versions_once_added(store)
    assert Retraining(problem).end() == (0, outcome)
    after = versions_once_added(store)
    (version,) = after
    assert added in ({}, after)
    assert store.current() == version
    promotions = [entry["content"] for entry in read_decisions(problem / "log") if entry["kind"] == "promotion"]
    assert promotions == [{"model": "Parcels", "version": version, "previous": None}]
    assert not (problem / "store" / "retraining").exists()


def test_row_34_two_first_trainings_at_once_make_one_version(problem: Path) -> None:
    """The second one is told that another runs, or finds that nothing is left to do."""
    ends = [retraining.end() for retraining in [Retraining(problem) for _ in range(2)]]
    assert len(ModelStore(problem / "store").versions()) == 1
    assert kinds(problem).count("promotion") == 1
    assert [code for code, _ in ends] == [0, 0]
    assert "first model" in {out for _, out in ends}
    for _, out in ends:
        assert out in {"first model", "not needed"} or "another retraining of the store" in out


def test_a_version_that_was_promoted_meanwhile_serves_on(problem: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person who promotes a model during the first training keeps it; the record says what happened."""
    config, store = load_config(problem / "config.yml"), ModelStore(problem / "store")

    def slow(*arguments: object, **options: object) -> object:
        report = run_training(config, output=problem / "models", version="1.0.1", jobs=1)
        store.promote(store.add(report.folder))
        return train_into_store(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr("classification_model.retraining.first_model.train_into_store", slow)
    report = run_retraining(config, store, problem / "log", jobs=1)
    assert (report.outcome, report.notes) == ("overtaken", ("version 1.0.1 was promoted meanwhile",))
    assert store.current() == "1.0.1"
    assert report.challenger in store.versions()
    store.promote(report.challenger)
    monkeypatch.undo()
    run_retraining(config, store, problem / "log", jobs=1)
    assert "promotion" not in kinds(problem)  # which this person made without --log


def test_a_store_of_another_problem_is_refused_before_the_training(retrain: Command, problem: Path) -> None:
    """Without CURRENT its versions tell what it is for, and the message names both problems."""
    make_store(problem, load_config(problem / "config.yml"))
    (problem / "store" / "CURRENT").unlink()
    (problem / "config.yml").write_text(CONFIG.replace("Parcels", "Letters"), encoding="utf-8")
    done = retrain()
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "error: expected versions of 'Letters', the app.name of the config, in the store store, found those of "
        "'Parcels': set --config to its own config, or use another --store\n"
    )


def test_a_store_that_is_damaged_or_cannot_be_made_gets_no_first_model(problem: Path) -> None:
    """A damaged CURRENT hides a model that served, and a file is no store."""
    config = load_config(problem / "config.yml")
    store = make_store(problem, config)
    (problem / "store" / "CURRENT").write_text("{", encoding="utf-8")
    with pytest.raises(StoreError, match="CURRENT of the store is damaged: promote a version"):
        run_retraining(config, store, problem / "log", jobs=1)
    assert store.versions() == ["1.0.0"]
    (problem / "file").touch()
    with pytest.raises(StoreError, match="file cannot be written: Not a directory"):
        run_retraining(config, ModelStore(problem / "file"), problem / "log", jobs=1)
    assert kinds(problem) == []


def test_the_check_says_yes_where_there_is_no_model(command: Command, problem: Path) -> None:
    """A missing and an empty store need their first model: exit code 10, on record; neither folder is made."""
    done = command("retrain-check", "--log", "log", "--store", "store", "--exit-code")
    assert done.code == 10, done.err
    reason = "the store store has no current version, as there was no such folder"
    assert done.out == f"yes: {reason}\n\nrule               no-model\n"
    assert not Path("store").exists()
    Path("store").mkdir()
    done = command("retrain-check", "--log", "log", "--store", "store", "--json")
    decision = json.loads(done.out)
    assert (done.code, decision["retrain"], decision["rule"]) == (0, "yes", "no-model")
    assert decision["reasons"] == ["the store store has no current version"]
    assert kinds(problem) == ["retrain-check", "retrain-check"]
    assert read_decisions(problem / "log")[1]["content"] == decision | {"model": None}


def test_the_check_adds_no_labels_without_a_model(command: Command, problem: Path) -> None:
    """Nothing says which labels there are, and a note says that."""
    options = ("--labels", "table.csv", "--key", "distance", "--label", "late")
    done = command("retrain-check", "--log", "log", "--store", "store", *options)
    assert done.code == 0, done.err
    assert done.out.endswith("note: no labels were added to the log: there is no model with their classes\n")


def test_a_model_folder_that_is_missing_stays_an_error(command: Command, problem: Path) -> None:
    """--model names a folder that must be there, with a store or without one."""
    for store in ([], ["--store", "store"]):
        done = command("retrain-check", "--log", "log", "--model", "nowhere", *store, "--exit-code")
        assert (done.code, done.out) == (2, "")
        assert "nowhere" in done.err
    assert not Path("log").exists()


def test_a_promotion_as_the_first_one_needs_a_store_without_a_current_version(problem: Path) -> None:
    """`promote(as_first=True)` changes nothing where a version is current."""
    config = load_config(problem / "config.yml")
    store = make_store(problem, config)
    other = store.add(run_training(config, output=problem / "models", version="1.0.1", jobs=1).folder)
    assert store.promote(other, as_first=True) is None
    assert store.current() == "1.0.0"
    (problem / "store" / "CURRENT").unlink()
    promotion = store.promote(other, as_first=True)
    assert promotion is not None
    assert (promotion.version, promotion.previous) == ("1.0.1", None)
