"""The program that trains: its exit codes, its messages, and what is in the store afterwards."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import classification_model as cm
import pytest
from companies import as_role

from data_science.fetch_data import fetch_feature_store
from data_science.model import RepeatPurchaseModel, digest_of
from local_postgres import LocalPostgres


def train(store: Path, *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the program in an empty folder."""
    command = [sys.executable, "-m", "data_science.main", "--store", str(store), *options]
    environment = os.environ | {"TRAINING_JOBS": "1"} | variables
    return subprocess.run(command, cwd=store.parent, env=environment, capture_output=True, text=True, check=False)


def test_it_trains_once_on_the_same_table(filled: LocalPostgres, tmp_path: Path) -> None:
    """0: the model is current in the store; run again, nothing is trained; on another table, another version is."""
    store = cm.ModelStore(tmp_path / "store")
    done = train(store.folder)
    assert (done.returncode, done.stderr) == (0, "")
    (version,) = store.versions()
    assert store.current() == version
    assert done.stdout.endswith(f"{version} is current\n")
    assert version.startswith("1.0.0+")
    assert version.endswith(f".{digest_of(fetch_feature_store())}")
    manifest = store.load(version).manifest
    assert (manifest.name, manifest.classes) == ("Repeat purchases", ("lapses", "buys"))
    assert {"recency_days", "frequency", "monetary", "tenure_days"} == {
        field.name for field in manifest.input_schema.fields
    }
    again = train(store.folder)
    assert (again.returncode, store.versions()) == (0, [version])
    assert "nothing new: " in again.stdout


def test_row_34_a_training_killed_before_it_promoted_is_completed(filled: LocalPostgres, tmp_path: Path) -> None:
    """The first training or a later one: the next run promotes its model, and a rollback stays a rollback."""
    store = cm.ModelStore(tmp_path / "store")
    for count in (1, 2):
        before = store.current()
        killed = subprocess.run(
            [sys.executable, "-c", _KILLED_AT_PROMOTE, store.folder],
            check=False,
            env=os.environ | {"TRAINING_JOBS": "1"},
        )
        assert killed.returncode == -signal.SIGKILL
        assert (len(store.versions()), store.current()) == (count, before)
        done = train(store.folder)
        assert (done.returncode, done.stderr, len(store.versions())) == (0, "", count)
        newest = store.versions()[-1]
        assert done.stdout.endswith(f" not promoted\n{newest} is current\n")
        assert store.current() == newest
        with as_role("de_user") as connection:
            connection.execute("UPDATE feature_store SET monetary = monetary + 1 WHERE frequency > 0")
    with as_role("de_user") as connection:
        connection.execute("UPDATE feature_store SET monetary = monetary - 1 WHERE frequency > 0")
    store.rollback()
    done = train(store.folder)
    assert "nothing new: " in done.stdout
    assert store.current() == store.versions()[0]


_KILLED_AT_PROMOTE = """
import os, signal, sys
import classification_model as cm
from data_science.fetch_data import fetch_feature_store
from data_science.main import train_and_store
cm.ModelStore.promote = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
train_and_store(fetch_feature_store(), cm.ModelStore(sys.argv[1]))
"""


def test_row_34_two_trainings_at_once_train_once(filled: LocalPostgres, tmp_path: Path) -> None:
    """On an empty store, the second one waits, and finds the model of the first."""
    store = tmp_path / "store"
    command = [sys.executable, "-m", "data_science.main", "--store", str(store)]
    environment = os.environ | {"TRAINING_JOBS": "1"}
    both = [
        subprocess.Popen(
            command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    ends = [process.communicate() for process in both]
    assert [process.returncode for process in both] == [0, 0], ends
    assert sorted("nothing new: " in output for output, _ in ends) == [False, True]
    (version,) = cm.ModelStore(store).versions()
    assert cm.ModelStore(store).current() == version


def test_row_36_it_gives_up_with_3(database: LocalPostgres, tmp_path: Path) -> None:
    """3 and one line when the table is not filled by the deadline; the wait is logged, and there is no store."""
    done = train(tmp_path / "store", "--wait", "1")
    assert (done.returncode, done.stdout) == (3, "")
    *waits, last = done.stderr.splitlines()
    assert last.startswith("error: gave up after 1 s: expected rows in feature_store, found: the ")
    assert all(" waiting for feature_store: the table is empty; asking again in " in line for line in waits)
    assert not (tmp_path / "store").exists()


def test_row_36_it_logs_that_it_waits(database: LocalPostgres, tmp_path: Path) -> None:
    """With the time, the reason and the pause, on standard error."""
    command = [sys.executable, "-m", "data_science.main", "--store", str(tmp_path / "store"), "--wait", "600"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as waiting:
        assert waiting.stderr is not None
        line = waiting.stderr.readline()
        waiting.terminate()
    assert re.fullmatch(r"\S+ \S+ waiting for feature_store: the table is empty; asking again in [0-9.]+ s\n", line)


def test_it_fails_with_2_at_once(filled: LocalPostgres, tmp_path: Path) -> None:
    """2 and one line for anything that waiting does not change, and nothing is stored."""
    with as_role("de_user") as connection:
        connection.execute("REVOKE SELECT ON feature_store FROM ds_user")
    done = train(tmp_path / "store")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith("error: ds_user may not read feature_store: permission denied")
    done = train(tmp_path / "store", DATABASE_URL="")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert train(tmp_path / "store", "--wait", "-1").returncode == 2
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("UPDATE feature_store SET bought = 0", "bought"),
        ("DELETE FROM feature_store WHERE customer_id > 12", "row"),
        ("UPDATE feature_store SET bought = customer_id % 2", "roc_auc"),
        ("ALTER TABLE feature_store DROP COLUMN frequency", "frequency"),
        ("ALTER TABLE feature_store DROP COLUMN bought", "expected the column 'bought'"),
    ],
)
def test_a_table_that_cannot_be_learned_from_is_an_error(
    statement: str, reason: str, filled: LocalPostgres, tmp_path: Path
) -> None:
    """One class, too few rows, labels by chance, a missing column: 2, lines that name it, and nothing in the store."""
    with as_role("de_user") as connection:
        connection.execute(statement)
    done = train(tmp_path / "store")
    assert done.returncode == 2
    assert all(line.startswith("error: ") for line in done.stderr.splitlines())
    assert reason in done.stderr
    assert cm.ModelStore(tmp_path / "store").versions() == []


def test_the_class_is_used_as_any_other(filled: LocalPostgres, tmp_path: Path) -> None:
    """Fitted, saved, loaded: it predicts the same, logs, and judges its accuracy."""
    table = fetch_feature_store()
    model = RepeatPurchaseModel().fit_table(table)
    model.save(tmp_path / "model")
    cm.verify(tmp_path / "model")
    loaded = RepeatPurchaseModel(cm.PredictionLog(tmp_path / "log")).load(tmp_path / "model")
    rows = table.drop(columns="bought")[:200]
    answer = loaded.predict_with_logging(rows, index=rows["prediction_key"].tolist())
    assert (
        answer["predictions"]
        == model.predict(rows)["predictions"]
        == cm.Predictor.load(tmp_path / "model").predict(rows)["predictions"]
    )
    truth = {
        name: ("lapses", "buys")[label]
        for name, label in zip(answer["prediction_ids"], table["bought"][:200], strict=True)
    }
    assert loaded.needs_retraining({str(name): label for name, label in truth.items()}).retrain == "no"
    assert loaded.manifest.version == "1.0.0"
    assert loaded.model is loaded.trainer.model
