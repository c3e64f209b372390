"""Retraining, whole: what drifted is learned, the better model serves, and a kill at any stage loses nothing."""

from __future__ import annotations

import shutil
import signal
from collections import Counter
from pathlib import Path

import orjson
import pandas as pd
import pytest
from commands import Command
from operated import CONFIG, log_rows, make_problem, make_rows, make_store
from retraining_process import Retraining, Stage

from classification_model.config.core import load_config
from classification_model.config.sections import Config
from classification_model.errors import StoreError
from classification_model.processing.data_manager import DataLoader
from classification_model.retrain_pipeline import run_retraining
from classification_model.retraining.challenger import shares_holdout
from classification_model.runtime.log.decision_log import read_decisions
from classification_model.runtime.log.label_log import LabelLog
from classification_model.runtime.log.prediction_log import PredictionLog
from classification_model.runtime.log.sealed_lines import seal
from classification_model.runtime.model_folder.manifest import Holdout, LeftOut
from classification_model.runtime.store.store import ModelStore

pytestmark = pytest.mark.slow


STAGES = [
    Stage("retraining.records", "append_decision", "after", 1),
    Stage("retraining.training_into_store", "train_model", "after", 1),
    Stage("retraining.training_into_store", "write_model", "after", 1),
    Stage("runtime.store.store", "copy_model_folder", "before", 1),
    Stage("runtime.store.store", "copy_model_folder", "after", 1),
    Stage("retraining.records", "append_decision", "before", 2),
    Stage("runtime.store.store", "write_current", "before", 1),
    Stage("runtime.store.store", "write_current", "after", 1),
    Stage("retraining.records", "append_decision", "after", 3),
]


@pytest.fixture(scope="module")
def operated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a problem whose model serves, and whose predictions went wrong in a world that has changed."""
    folder = tmp_path_factory.mktemp("operated")
    config = make_problem(folder)
    store = make_store(folder, config)
    log_rows(store, folder / "log", make_rows(400, 1, world="new"))
    return folder


@pytest.fixture
def folder(operated: Path, tmp_path: Path) -> Path:
    """Copy it, for a test of its own."""
    return Path(shutil.copytree(operated, tmp_path / "operated"))


def retrain(folder: Path, config: Config | None = None, **options: object) -> object:
    """Retrain in this process."""
    config = load_config(folder / "config.yml") if config is None else config
    return run_retraining(config, ModelStore(folder / "store"), folder / "log", jobs=1, **options)  # type: ignore[arg-type]


def kinds(folder: Path) -> Counter[str]:
    """Count what is on record, by its kind."""
    return Counter(entry["kind"] for entry in read_decisions(folder / "log"))


def test_what_drifted_is_learned_and_the_better_model_serves(folder: Path) -> None:
    """The new version names the old one, its time and a hash; everything is on record in order."""
    report = run_retraining(load_config(folder / "config.yml"), ModelStore(folder / "store"), folder / "log", jobs=1)
    store = ModelStore(folder / "store")
    assert report.outcome == "promoted"
    assert report.decision.retrain == "yes"
    assert (report.learned_rows, report.recent_rows) == (236, 98)
    assert report.notes[-1] == "left out: 10 logged rows with no index and the same features as a newer one"
    assert report.challenger == store.current()
    assert report.comparison is not None
    champion = store.load("1.0.0").manifest
    assert {item.name: item.rows for item in report.comparison.sets} == {"holdout": champion.holdout.rows, "recent": 98}
    assert store.current().startswith("1.0.0+2")  # type: ignore[union-attr]
    row = {"distance": 90, "carrier": "swift"}
    assert store.load("1.0.0").predict([row])["predictions"] == ["late"]
    assert store.load(report.challenger or "").predict([row])["predictions"] == ["in time"]
    assert list(kinds(folder)) == ["retrain-check", "comparison", "promotion", "retraining"]
    assert not (folder / "store" / "retraining").exists()
    assert store.rollback().version == "1.0.0"


def test_the_table_is_read_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was hashed is what is learned from and compared on: the file may be gone as soon as it was read."""
    read = DataLoader._read_file

    def read_and_remove(self: DataLoader, source: str) -> tuple[pd.DataFrame, LeftOut]:
        table = read(self, source)
        Path(source).unlink()
        return table

    monkeypatch.setattr(DataLoader, "_read_file", read_and_remove)
    assert (
        run_retraining(load_config(folder / "config.yml"), ModelStore(folder / "store"), folder / "log", jobs=1).outcome
        == "promoted"
    )


def test_a_model_that_does_well_is_left_alone(operated: Path, tmp_path: Path) -> None:
    """What was decided is on record, and nothing else happens."""
    shutil.copytree(operated / "store", tmp_path / "store")
    for name in ("table.csv", "config.yml"):
        shutil.copy(operated / name, tmp_path)
    store = ModelStore(tmp_path / "store")
    log_rows(store, tmp_path / "log", make_rows(400, 2))
    report = run_retraining(load_config(tmp_path / "config.yml"), store, tmp_path / "log", jobs=1)
    assert (report.outcome, report.decision.retrain, report.challenger) == ("not needed", "no", None)
    assert store.versions() == ["1.0.0"]
    assert kinds(tmp_path) == {"retrain-check": 1}


def test_a_challenger_that_is_no_better_does_not_serve(operated: Path, tmp_path: Path) -> None:
    """Forced to train where nothing has changed, the champion stays, and the cooldown begins."""
    shutil.copytree(operated / "store", tmp_path / "store")
    for name in ("table.csv", "config.yml"):
        shutil.copy(operated / name, tmp_path)
    store = ModelStore(tmp_path / "store")
    log_rows(store, tmp_path / "log", make_rows(300, 3))
    report = run_retraining(load_config(tmp_path / "config.yml"), store, tmp_path / "log", force=True, jobs=1)
    assert report.outcome in {"held", "rejected"}
    assert store.current() == "1.0.0"
    assert report.challenger in store.versions()
    assert kinds(tmp_path) == {"retrain-check": 1, "comparison": 1, "retraining": 1}


def test_rows_that_the_tables_have_or_that_cannot_be_read_stop_no_retraining(tmp_path: Path) -> None:
    """Logged again with and without their keys, and a record of a former version, they are left out and counted."""
    table = pd.DataFrame(make_rows(700, 0))
    table.insert(0, "parcel", [float(number) for number in range(700)])
    table[:500].to_csv(tmp_path / "table.csv", index=False)
    table[500:].to_csv(tmp_path / "second.csv", index=False)
    text = CONFIG.replace("  target: late", "  validation_source: second.csv\n  target: late\n  index: parcel")
    (tmp_path / "config.yml").write_text(text, encoding="utf-8")
    config = load_config(tmp_path / "config.yml")
    store = make_store(tmp_path, config)
    known = make_rows(700, 0)[450:550]
    log_rows(store, tmp_path / "log", known)
    log_rows(store, tmp_path / "log", [row | {"parcel": f"{450 + number}"} for number, row in enumerate(known)])
    log_rows(store, tmp_path / "log", make_rows(100, 1, world="new"))
    name = "00000000-0000-7000-8000-000000000001"
    record = {
        "prediction_id": name,
        "timestamp": "2020-01-01T00:00:00.000Z",
        "model": "Parcels",
        "version": "0.9.0",
        "index": None,
        "features": {"distance": "far", "carrier": "van"},
        "prediction": "late",
        "probabilities": {"in time": 0.1, "late": 0.9},
    }
    writer, labels = PredictionLog(tmp_path / "log"), LabelLog(tmp_path / "log")
    writer.append(seal(orjson.dumps(record)))
    labels.add([(name, "late")], "test")
    writer.close()
    labels.close()
    report = run_retraining(config, store, tmp_path / "log", force=True, jobs=1)
    assert (report.learned_rows, report.recent_rows) == (75, 25)
    assert report.comparison is not None
    assert "left out: 1 logged rows with values that the config does not allow" in report.notes
    assert "left out: 100 logged rows with the same index as a row of a training table" in report.notes


def test_a_gate_that_is_missed_leaves_no_model(folder: Path) -> None:
    """The champion serves on, and the record says which gate."""
    (folder / "config.yml").write_text(CONFIG + "gates:\n  accuracy: 0.999\n", encoding="utf-8")
    report = run_retraining(load_config(folder / "config.yml"), ModelStore(folder / "store"), folder / "log", jobs=1)
    assert report.outcome == "gate missed"
    assert ModelStore(folder / "store").versions() == ["1.0.0"]
    assert "accuracy" in read_decisions(folder / "log")[-1]["content"]["notes"][-1]


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: "-".join(map(str, stage)))
def test_row_34_a_retraining_that_is_killed_is_finished_by_the_next(folder: Path, stage: Stage) -> None:
    """What serves is whole at any time; in the end there is one new version, it serves, and that is on record once."""
    assert Retraining(folder, stage).end() == (-signal.SIGKILL, "")
    store = ModelStore(folder / "store")
    store.load(store.current() or "")
    code, out = Retraining(folder).end()
    assert code == 0, out
    retrained = [version for version in store.versions() if "+" in version]
    assert len(retrained) == 1
    assert store.current() == retrained[0], out
    promoted = [e["content"]["version"] for e in read_decisions(folder / "log") if e["kind"] == "promotion"]
    assert promoted == retrained
    assert not (folder / "store" / "retraining").exists()


def test_row_34_two_retrainings_at_once_make_one_version(folder: Path) -> None:
    """The second one is told that another runs, or finds that nothing is left to do."""
    ends = [retraining.end() for retraining in [Retraining(folder) for _ in range(2)]]
    store = ModelStore(folder / "store")
    assert len(store.versions()) == 2
    assert store.current() != "1.0.0"
    assert kinds(folder)["promotion"] == 1
    for code, out in ends:
        assert code == 0
        assert out in {"promoted", "not needed"} or "another retraining of the store" in out


def test_a_retraining_needs_a_store_of_its_problem(folder: Path) -> None:
    """What is wrong with the store is told before anything is done."""
    (folder / "config.yml").write_text(CONFIG.replace("Parcels", "Letters"), encoding="utf-8")
    with pytest.raises(
        StoreError, match=r"expected a store of 'Letters', the app\.name of the config, found 'Parcels'"
    ):
        retrain(folder)
    assert kinds(folder) == {}


def holdout(**changes: object) -> Holdout:
    """Return a rule."""
    return Holdout.model_validate({"rule": "r", "kind": "hash", "share": 0.2, "key": ("a",), "rows": 10, **changes})


@pytest.mark.parametrize(
    ("champion", "challenger", "is_shared"),
    [
        (holdout(), holdout(rows=99), True),
        (holdout(), holdout(share=0.1), True),
        (holdout(), holdout(share=0.3), False),
        (holdout(), holdout(key=("b",)), False),
        (holdout(), holdout(kind="time", cutoff=1.0), False),
        (holdout(kind="time", cutoff=1.0), holdout(kind="time", cutoff=2.0), True),
        (holdout(kind="time", cutoff=2.0), holdout(kind="time", cutoff=1.0), False),
        (holdout(kind="table"), holdout(kind="table"), True),
        (holdout(kind="table"), holdout(kind="table", rule="other"), False),
    ],
)
def test_rows_count_as_held_out_where_the_champion_did_not_learn_from_them(
    champion: Holdout, challenger: Holdout, is_shared: bool
) -> None:
    """By hash a smaller share of the same key, by time a later moment, else the same table."""
    assert shares_holdout(champion, challenger) is is_shared


def test_the_command_says_what_became_of_it(command: Command, folder: Path) -> None:
    """In words, with the comparison; again, it finds nothing to do."""
    options = ["--config", folder / "config.yml", "--store", folder / "store", "--log", folder / "log"]
    done = command("retrain", *options)
    assert done.code == 0, done.err
    assert done.out.startswith("promoted: 1.0.0+2")
    assert "trained on 236 logged rows, compared on 98 newer ones" in done.out
    again = command("retrain", *options, "--json")
    assert again.code == 0, again.err
    assert '"outcome": "not needed"' in again.out
