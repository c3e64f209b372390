"""A retraining whose config changed: another schema, or other classes, never serve by themselves."""

from __future__ import annotations

import shutil
from pathlib import Path

import orjson
import pytest
from commands import Command
from operated import CONFIG, log_rows, make_problem, make_rows, make_store

from classification_model.config.core import load_config
from classification_model.retrain_pipeline import run_retraining
from classification_model.runtime.log.decision_log import read_decisions
from classification_model.runtime.store.store import ModelStore

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def operated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a problem whose predictions went wrong in a world that has changed, so that it is retrained."""
    folder = tmp_path_factory.mktemp("operated")
    store = make_store(folder, make_problem(folder))
    log_rows(store, folder / "log", make_rows(400, 1, world="new"))
    return folder


@pytest.fixture
def folder(operated: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(operated, tmp_path / "operated"))


@pytest.mark.parametrize(
    ("old", "new", "change"),
    [
        ("distance: numeric", "distance: categorical", "field distance: numeric -> categorical"),
        ("  carrier: categorical\n", "", "field carrier removed"),
        ("1: late", "1: too late", "classes: in time, late -> in time, too late"),
        ("0: in time\n    1: late", "1: late\n    0: in time", "classes: in time, late -> late, in time"),
    ],
)
def test_other_input_or_classes_are_held_for_a_person(folder: Path, old: str, new: str, change: str) -> None:
    """The model is trained and kept, what serves goes on, and the record says what changed and what to run."""
    (folder / "config.yml").write_text(CONFIG.replace(old, new), encoding="utf-8")
    store = ModelStore(folder / "store")
    report = run_retraining(load_config(folder / "config.yml"), store, folder / "log", jobs=1)
    assert (report.outcome, report.comparison, report.recent_rows) == ("held", None, 0)
    assert store.current() == "1.0.0"
    assert store.versions() == ["1.0.0", report.challenger]
    assert report.notes[0] == (
        f"{report.challenger} has other input columns or classes than 1.0.0, so that they were not compared: a person "
        f"has to decide; promote it with `classification-model promote {report.challenger} --store STORE "
        "--schema-change`; changes:"
    )
    assert report.notes[1] == change
    entries = read_decisions(folder / "log")
    assert [entry["kind"] for entry in entries] == ["retrain-check", "retraining"]
    content = entries[-1]["content"]
    assert (content["outcome"], content["challenger"]) == ("held", report.challenger)
    assert content["notes"][:2] == list(report.notes[:2])


def test_a_field_under_another_name_is_held_though_no_request_notices(folder: Path) -> None:
    """The table and the log have other columns then, so that nobody compares; to promote it needs no further word."""
    config = CONFIG.replace("  target: late\n", "  target: late\n  rename:\n    distance: miles\n")
    (folder / "config.yml").write_text(config.replace("distance: numeric", "miles: numeric"), encoding="utf-8")
    store = ModelStore(folder / "store")
    report = run_retraining(load_config(folder / "config.yml"), store, folder / "log", jobs=1)
    assert (report.outcome, report.comparison, store.current()) == ("held", None, "1.0.0")
    assert report.challenger is not None
    assert report.notes[0] == (
        f"{report.challenger} has other names of fields than 1.0.0, so that they cannot be compared on the same rows: "
        "a person has to decide; promote it with "
        f"`classification-model promote {report.challenger} --store STORE`; changes:"
    )
    assert report.notes[1] == "field distance is called miles, and by its former name too"
    assert store.promote(report.challenger).changes == ()


def test_the_command_says_why_it_was_held_and_what_to_run(folder: Path, command: Command) -> None:
    """Run as it is told, the other command lets the model serve."""
    (folder / "config.yml").write_text(CONFIG.replace("1: late", "1: too late"), encoding="utf-8")
    options = ["--store", folder / "store", "--log", folder / "log"]
    done = command("retrain", "--config", folder / "config.yml", *options)
    assert done.code == 0, done.err
    store = ModelStore(folder / "store")
    version = store.versions()[-1]
    lines = done.out.splitlines()
    assert lines[0] == f"held: 1.0.0 stays current, {version} is in the store"
    assert lines[2].startswith(f"note: {version} has other input columns or classes than 1.0.0, so that")
    assert lines[3] == "note: classes: in time, late -> in time, too late"
    told = lines[2].partition("`classification-model ")[2].partition("`")[0].split()
    assert told == ["promote", version, "--store", "STORE", "--schema-change"]
    promoted = command(*(str(folder / "store") if word == "STORE" else word for word in told))
    assert promoted.out == f"version {version} is current\nclasses: in time, late -> in time, too late\n"
    assert store.current() == version


def test_a_config_that_changed_otherwise_is_compared_as_ever(folder: Path, command: Command) -> None:
    """What a client sends and gets stays the same: the better model is promoted by itself."""
    changed = CONFIG.replace("encoding_folds: 3", "encoding_folds: 2")
    (folder / "config.yml").write_text(changed, encoding="utf-8")
    options = ["--store", folder / "store", "--log", folder / "log", "--config", folder / "config.yml"]
    report = orjson.loads(command("retrain", *options, "--json").out)
    assert report["outcome"] == "promoted"
    assert report["comparison"]["verdict"] == "promote"
