"""The command `retrain-check`, on real logs: its verdicts, exit codes and record."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from commands import Command

import classification_model
from classification_model.config.core import PACKAGED_CONFIG, load_config
from classification_model.errors import LogUnavailableError
from classification_model.log_frames.log_frame import read_labels
from classification_model.predict import Predictor
from classification_model.processing.data_manager import DataLoader
from classification_model.runtime.log.decision_log import FILE, append_decision, read_decisions
from classification_model.runtime.log.label_log import LabelLog
from classification_model.runtime.log.prediction_log import PredictionLog, PredictionRecords
from classification_model.runtime.model_folder.artifact import read_manifest
from classification_model.runtime.store.store import ModelStore

Fill = Callable[..., Path]
TITANIC = Path(classification_model.__file__).parent / "datasets" / "titanic.csv"


@pytest.fixture(scope="module")
def predictor(model_folder: Path) -> Predictor:
    """Load the packaged model."""
    return Predictor.load(model_folder)


@pytest.fixture(scope="module")
def passengers(predictor: Predictor) -> list[dict[str, Any]]:
    """Read passengers that the model never saw, as callers send them; of the others it is surer than it promised."""
    held_out = DataLoader(load_config(PACKAGED_CONFIG)).load().holdout.features
    known = set(zip(held_out["name"], held_out["ticket"], strict=True))
    table = pd.read_csv(TITANIC)
    chosen = [pair in known for pair in zip(table["name"], table["ticket"], strict=True)]
    fields = [field.name for field in predictor.manifest.input_schema.fields]
    rows: list[dict[str, Any]] = json.loads(table.loc[chosen, fields].to_json(orient="records"))
    return rows


@pytest.fixture
def aged(model_folder: Path, tmp_path: Path) -> Path:
    """Copy the packaged model as one that was made thirty days ago."""
    folder = tmp_path / "aged"
    shutil.copytree(model_folder, folder)
    created = (datetime.now(UTC) - timedelta(days=30)).strftime("%Y-%m-%dT%H:%M:%SZ")
    manifest = read_manifest(folder).model_copy(update={"created": created})
    (folder / "manifest.json").write_bytes(manifest.sealed_bytes())
    return folder


@pytest.fixture
def fill(predictor: Predictor, passengers: list[dict[str, Any]]) -> Fill:
    """Return a function that logs predictions, and labels of the first ones, so many of which they are right about."""

    def fill_log(right: int, labels: int, **values: Any) -> Path:
        log, rows = Path("log"), [row | values for row in passengers]
        answer: Any = predictor.predict(rows)
        names = [f"p{number}" for number in range(len(rows))]
        predictions = PredictionLog(log)
        records = PredictionRecords(predictor.manifest)
        predictions.append(records.encode(names, rows, None, answer["predictions"], answer["probabilities"]))
        predictions.close()
        other = dict(zip(predictor.manifest.classes, reversed(predictor.manifest.classes), strict=True))
        true = [label if place < right else other[label] for place, label in enumerate(answer["predictions"][:labels])]
        writer = LabelLog(log)
        writer.add(zip(names, true, strict=False), "feedback")
        writer.close()
        return log

    return fill_log


@pytest.mark.slow
@pytest.mark.parametrize(
    ("right", "labels", "verdict", "rule"),
    [
        (100, 250, "yes", "accuracy"),
        (6, 10, "wait", "too-few-labels"),
        (225, 250, "no", "none"),
        (0, 0, "no", "unknown-accuracy"),
    ],
)
def test_the_verdict_comes_first_and_the_exit_code_when_asked_for(
    command: Command, fill: Fill, aged: Path, *, right: int, labels: int, verdict: str, rule: str
) -> None:
    """The first line says yes, no or wait; the command ends with 0, or with 10, 0 and 20 where that is asked for."""
    log = fill(right, labels)
    done = command("retrain-check", "--log", log, "--model", aged)
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert lines[0].startswith(f"{verdict}: ")
    assert f"rule               {rule}" in lines
    assert "predictions        260" in lines
    done = command("retrain-check", "--log", log, "--model", aged, "--exit-code")
    assert done.code == {"yes": 10, "no": 0, "wait": 20}[verdict]
    assert done.out.startswith(f"{verdict}: ")


def test_each_verdict_is_appended_with_its_evidence(command: Command, fill: Fill, aged: Path) -> None:
    """Every check puts its verdict on record, the same that it prints as JSON."""
    log = fill(100, 250)
    printed = [json.loads(command("retrain-check", "--log", log, "--model", aged, "--json").out) for _ in range(2)]
    entries = read_decisions(log)
    assert [entry["kind"] for entry in entries] == ["retrain-check", "retrain-check"]
    model = read_manifest(aged).name
    assert [entry["content"] for entry in entries] == [verdict | {"model": model} for verdict in printed]
    evidence = printed[0]["evidence"]
    assert (evidence["labels"], evidence["accuracy"]["right"], evidence["accuracy_floor"]) == (250, 100, 0.7)
    assert evidence["version"] == read_manifest(aged).version
    assert evidence["age_days"] == pytest.approx(30, abs=0.01)


def test_drift_is_told_with_its_effect(command: Command, fill: Fill, aged: Path) -> None:
    """Where the passengers are others than in training, the answer is yes without a label, with each feature's PSI."""
    fill(0, 0, sex="female", pclass=1, age=71, fare=300, sibsp=4, parch=5)
    done = command("retrain-check", "--log", "log", "--model", aged)
    assert done.out.startswith("yes: ")
    assert "features drifted" in done.out
    assert "  fare: PSI " in done.out


def test_after_a_retraining_the_next_one_waits(command: Command, fill: Fill, aged: Path) -> None:
    """A retraining on record within the cooldown makes the check wait, though nothing was promoted."""
    fill(100, 250)
    append_decision(Path("log"), "retraining", {"model": read_manifest(aged).name})
    done = command("retrain-check", "--log", "log", "--model", aged, "--exit-code")
    assert done.code == 20
    assert done.out.startswith("wait: the model was retrained ")
    assert "also: 100 of 250 labelled predictions are right" in done.out


def test_the_current_version_of_a_store_is_checked(
    command: Command, fill: Fill, aged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model is the store's current one, and the folders may come from the environment of the API."""
    fill(200, 250)
    store = ModelStore(Path("store"))
    store.promote(store.add(aged))
    monkeypatch.setenv("LOG_FOLDER", "log")
    monkeypatch.setenv("MODEL_STORE", "store")
    done = command("retrain-check")
    assert done.code == 0, done.err
    assert f"version {read_manifest(aged).version}, 30.0 days old" in done.out


def test_damage_of_the_log_is_told(command: Command, fill: Fill, aged: Path) -> None:
    """What could not be read of the log stands below the verdict."""
    fill(200, 250)
    (path,) = Path("log").glob("predictions-*")
    content = bytearray(path.read_bytes())
    content[200] ^= 1
    path.write_bytes(content)
    done = command("retrain-check", "--log", "log", "--model", aged)
    assert done.code == 0
    assert "note: 1 damaged lines: left out" in done.out
    assert "predictions        259" in done.out


def test_labels_of_a_table_are_joined_first(
    command: Command, fill: Fill, aged: Path, predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the index of each row, from a file or a database; they stay in the log, and a second run adds none."""
    monkeypatch.delenv("LABELS_URL", raising=False)
    log = fill(0, 0)
    with PredictionLog(log) as writer:
        records = PredictionRecords(predictor.manifest)
        rows: list[dict[str, Any]] = [{} for _ in range(5)]
        shares = [dict.fromkeys(predictor.manifest.classes, 0.5)] * 5
        writer.append(records.encode([f"k{n}" for n in range(5)], rows, range(5), ["died"] * 5, shares))
    Path("outcomes.csv").write_text("passenger,outcome\n0,died\n1,survived\n1.0,died\n9,died\n")
    options = ["retrain-check", "--log", log, "--model", aged, "--key", "passenger", "--label", "outcome"]
    first = command(*options, "--labels", "outcomes.csv")
    assert (first.code, first.err) == (0, "")
    assert first.out.startswith("3 of 4 rows of outcomes.csv match 2 of ")
    assert "2 labels added to the log, 0 were there already" in first.out
    assert re.search(r"^labels +2, minimum", first.out, re.MULTILINE)
    with closing(sqlite3.connect("outcomes.db")) as database, database:
        database.execute("CREATE TABLE outcomes AS SELECT 4 AS passenger, 'survived' AS outcome")
    monkeypatch.setenv("LABELS_URL", "sqlite:///outcomes.db#outcomes")
    second = command(*options, "--json")
    assert json.loads(second.out)["evidence"]["labels"] == 3
    assert "1 labels added to the log" in second.err
    assert "0 labels added to the log, 1 were there already" in command(*options).out
    assert len(read_labels(log)) == 3


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        (["--labels", "outcomes.csv"], "--key and --label"),
        (["--key", "passenger"], "--labels or LABELS_URL and --label"),
        (["--labels", "outcomes.csv", "--label", "outcome"], "--key"),
    ],
)
def test_labels_need_their_columns(
    command: Command, fill: Fill, given: list[str], missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without one of the three options nothing is decided, and the message says which one is missing."""
    monkeypatch.delenv("LABELS_URL", raising=False)
    done = command("retrain-check", "--log", fill(0, 0), *given)
    assert done.code == 2
    assert done.err == f"error: expected --labels, --key and --label together, found no {missing}\n"
    assert not read_decisions("log")


def test_the_variable_alone_joins_nothing(
    command: Command, fill: Fill, aged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LABELS_URL, which is there for `labels join`, does not change what `retrain-check` did without it."""
    monkeypatch.setenv("LABELS_URL", "sqlite:///none.db#outcomes")
    assert command("retrain-check", "--log", fill(0, 0), "--model", aged).code == 0


def test_without_a_log_nothing_is_decided(command: Command, aged: Path) -> None:
    """A folder that is not there is an error, and is not made."""
    done = command("retrain-check", "--log", "nowhere", "--model", aged, "--exit-code")
    assert done.code == 2
    assert done.err.startswith("error: ")
    assert "nowhere" in done.err
    assert not Path("nowhere").exists()


def test_a_verdict_that_cannot_go_on_record_is_not_given(command: Command, fill: Fill, aged: Path) -> None:
    """Where the record cannot be written, no verdict is printed that somebody could act on."""
    fill(100, 250)
    (Path("log") / FILE).mkdir()
    done = command("retrain-check", "--log", "log", "--model", aged, "--exit-code")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: decisions.jsonl cannot be read: ")
    with pytest.raises(LogUnavailableError, match=r"decisions\.jsonl"):
        read_decisions(Path("log"))
