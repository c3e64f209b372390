"""From sales to predictions in the database, by HTTP and by the commands, each step as its own role."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import classification_model as cm
import psycopg
import pytest
from companies import SHOP, SHOP_DAYS, as_role, fill
from test_database import ask_for_passwords
from test_training import train

from data_science.connections import table_url
from data_science.fetch_data import fetch_feature_store
from demonstration import FEATURES, inputs_of
from local_postgres import LocalPostgres
from serving import ask, command, served

HERE = Path(__file__).resolve().parents[1]


@pytest.fixture
def predicted(filled: LocalPostgres, tmp_path: Path) -> dict[str, Any]:
    """Train, serve, and predict all customers over HTTP; give the answer."""
    assert train(tmp_path / "store").returncode == 0
    table = fetch_feature_store()
    with served(tmp_path / "store", tmp_path / "log") as port:
        body = {"inputs": inputs_of(table), "index": table["prediction_key"].tolist()}
        status, answer = ask(port, "POST", "/predict", body)
        assert status == 200
        assert ask(port, "POST", "/predict", {"inputs": [dict.fromkeys(FEATURES, "many")]})[0] == 422
    assert isinstance(answer, dict)
    return answer


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run our command line."""
    program = [command("classification-model"), *arguments]
    return subprocess.run(program, env=os.environ | variables, capture_output=True, text=True, check=False)


def test_predictions_come_back_to_the_database(predicted: dict[str, Any], tmp_path: Path) -> None:
    """What the API answered is joined with the labels by their keys, judged, and shipped by app_user."""
    table = fetch_feature_store()
    store, log = ("--store", str(tmp_path / "store")), ("--log", str(tmp_path / "log"))
    assert predicted["version"] == cm.ModelStore(tmp_path / "store").current()
    right = sum(
        label == ("lapses", "buys")[bought]
        for label, bought in zip(predicted["predictions"], table["bought"], strict=True)
    )

    labels, keys = table_url("app_user", "labels"), ("--key", "prediction_key", "--label", "label")
    joined = run("labels", "join", *log, *store, *keys, LABELS_URL=labels)
    assert joined.returncode == 0, joined.stderr
    assert f"{len(table)} labels added to the log, 0 were there already" in joined.stdout
    checked = run("retrain-check", *log, *store, "--labels", labels, *keys)
    assert checked.returncode == 0, checked.stderr
    assert f"0 labels added to the log, {len(table)} were there already" in checked.stdout
    assert f"{right} of {len(table)} labelled predictions are right" in checked.stdout

    with as_role("de_user") as connection:  # forty days later, customers have other labels, of another cut-off date
        built = fill(connection, SHOP, SHOP_DAYS + 40)
        assert built.cut_off > table["cut_off"].max()
    later = run("labels", "join", *log, *store, *keys, LABELS_URL=labels)
    assert f"0 labels added to the log, {len(table)} were there already" in later.stdout
    assert "contradict" not in later.stdout

    for count in (len(table), 0):
        shipped = run("log", "ship", *log, LOG_SHIP_TO=table_url("app_user", "predictions"))
        assert shipped.returncode == 0, shipped.stderr
        assert shipped.stdout.startswith(f"shipped {count} predictions and {count} labels")
    with as_role("ds_user") as connection:
        rows = connection.execute(
            "SELECT prediction_id::text, \"index\", prediction, (features->>'frequency')::int, version, l.label "
            "FROM predictions JOIN predictions_labels USING (prediction_id) "
            'JOIN labels l ON prediction_key = "index" '
            "WHERE predictions_labels.label = l.label ORDER BY customer_id"
        ).fetchall()
    assert [row[0] for row in rows] == predicted["prediction_ids"]
    assert [row[1] for row in rows] == table["prediction_key"].tolist()
    assert [row[2] for row in rows] == predicted["predictions"]
    assert [row[3] for row in rows] == table["frequency"].tolist()
    assert {row[4] for row in rows} == {predicted["version"]}


def test_shipping_needs_no_more_than_app_user_has(predicted: dict[str, Any], tmp_path: Path) -> None:
    """Without any one of its privileges it fails with one line; with them it makes no table and reads no prediction."""
    needed = [
        "INSERT ON predictions",
        "SELECT ON predictions_shipped",
        "INSERT ON predictions_shipped",
    ]
    ship = ("log", "ship", "--log", str(tmp_path / "log"))
    target = {"LOG_SHIP_TO": table_url("app_user", "predictions")}
    assert run(*ship, LOG_SHIP_TO=table_url("ds_user", "predictions")).returncode == 2
    with as_role("de_user") as connection:
        for privilege in needed:
            connection.execute(f"REVOKE {privilege} FROM app_user")
            done = run(*ship, **target)
            assert (done.returncode, done.stderr.count("\n")) == (2, 1)
            assert "permission denied for table predictions" in done.stderr
            assert connection.execute("SELECT count(*) FROM predictions").fetchone() == (0,)
            connection.execute(f"GRANT {privilege} TO app_user")
        tables = "SELECT relname FROM pg_class WHERE relkind = 'r' ORDER BY relname"
        before = connection.execute(tables).fetchall()
        assert run(*ship, **target).returncode == 0
        assert connection.execute(tables).fetchall() == before
    with as_role("app_user") as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("SELECT FROM predictions")


def test_the_demonstration_does_it_all(tmp_path: Path) -> None:
    """`make example-companydata`: it ends with 0, has shown each step, and nothing that it started is left."""
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"} | {
        "TMPDIR": str(tmp_path)
    }
    done = subprocess.run(
        [sys.executable, "demonstration.py"], cwd=HERE, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    for text in (
        "a PostgreSQL of its own", "loaded 26 new customers and 500 new sales", " is current", "POST /predict ",
        "1 labels added to the log", "shipped 1 predictions and 1 labels", "everything that was started is stopped",
    ):  # fmt: skip
        assert text in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_the_demonstration_runs_on_a_server_that_asks_for_passwords(own_postgres: LocalPostgres) -> None:
    """With DATABASE_URL and a password for each role: every step logs in with its own, and none is printed."""
    ask_for_passwords(own_postgres)
    passwords = {f"{role.upper()}_PASSWORD": f"s3cr3t {role} @/#%" for role in ("de_user", "ds_user", "app_user")}
    command = [sys.executable, "demonstration.py"]
    done = subprocess.run(command, cwd=HERE, env=os.environ | passwords, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "passwords set for de_user, ds_user, app_user" in done.stdout
    assert "shipped 1 predictions and 1 labels" in done.stdout
    assert "s3cr3t" not in done.stdout + done.stderr


def test_the_exploration_is_a_page_and_a_pdf(tmp_path: Path) -> None:
    """`make eda`: the customers are explored as ds_user, on a server of its own, of which nothing is left."""
    if not any(map(shutil.which, ("chromium", "google-chrome"))):
        pytest.skip("no browser: neither chromium nor google-chrome is on PATH")
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    command = [sys.executable, "exploration.py", str(tmp_path / "customers.html")]
    done = subprocess.run(command, cwd=HERE, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Repeat purchases" in (tmp_path / "customers.html").read_text(encoding="utf-8")
    assert (tmp_path / "customers.pdf").read_bytes().startswith(b"%PDF-")


def test_the_demonstration_ends_where_a_step_fails(tmp_path: Path) -> None:
    """A server that is not there: one line of the step, one of the demonstration, exit code 1, no password."""
    url = f"postgresql://admin:s3cr3t@/postgres?host={tmp_path}"
    done = subprocess.run(
        [sys.executable, "demonstration.py"],
        cwd=HERE,
        env=os.environ | {"DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "error: exit code 2 of python"
    assert "s3cr3t" not in done.stdout + done.stderr
