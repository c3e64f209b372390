"""Labels of a real PostgreSQL: tables and queries of it, and what is told, and not told, where they cannot be read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from commands import Command
from postgres import PASSWORD, as_administrator, query_url, table_url
from problems import make_config, make_table, train
from test_labels import CLASSES, recorded, write_log

from classification_model.errors import ClassificationModelError, DataError, InputError
from classification_model.labels.joining import JoinReport, join_labels
from classification_model.labels.latest import Counted
from classification_model.labels.sources import LabelSource

pytestmark = pytest.mark.slow


#: Values in which a query that is put together from texts would break off.
METACHARACTERS = ["'; DROP TABLE outcomes; --", 'a"b', "100%", "%s %(x)s", ":name", "\\", "a\nb", "a\u2028b", "$1", "?"]


@pytest.fixture(autouse=True)
def granted(database: psycopg.Connection[Any]) -> None:
    """Make the table that the tests read: a key that is a number, and a label."""
    database.execute('CREATE TABLE outcomes (key bigint, label text, "odd "" name; --" text)')


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Log predictions of the keys 7, "7", "a", none, 8 and "b"."""
    write_log(tmp_path / "log", 7, "7", "a", None, 8, "b")
    return tmp_path / "log"


def join(
    log: Path,
    url: str,
    *,
    table: str | None = None,
    query: str | None = None,
    key: str = "key",
    label: str = "label",
    **options: Any,
) -> JoinReport:
    """Join a table or a query of the database; the URL as it is where neither is named."""
    if table is not None:
        url = table_url(url, table)
    elif query is not None:
        url = query_url(url, query)
    return join_labels(log, LabelSource(url, key, label), **{"by": "index", "classes": CLASSES} | options)


def test_a_table_is_joined(log: Path, postgres: str, database: psycopg.Connection[Any]) -> None:
    """Numbers of a table are keys of predictions, rows without a label are told, and the source is the table's name."""
    database.execute("INSERT INTO outcomes VALUES (7, 'red'), (8, NULL), (9, 'green'), (NULL, 'red')")
    report = join(log, postgres, table="outcomes")
    assert recorded(log) == {"p0": "red", "p1": "red"}
    assert (report.rows, report.matched, report.without_label, report.without_key) == (4, 1, 1, 1)
    assert report.unknown_keys == Counted(1, ("9",))
    assert report.source == "outcomes"
    assert join(log, postgres, table="outcomes").appended == 0


@pytest.mark.parametrize("table", ["sales.outcomes", "v.1", "Sales Of ;--.T\"'"])
def test_tables_of_schemas_and_of_any_name_are_found(
    table: str, log: Path, postgres: str, database: psycopg.Connection[Any]
) -> None:
    """A name is that of a table, or of a schema and a table; what characters are in it does not matter."""
    schema, _, name = ("public", ".", table) if table == "v.1" else table.partition(".")
    where = psycopg.sql.Identifier(schema, name)
    if schema != "public":
        database.execute(psycopg.sql.SQL("CREATE SCHEMA {}").format(psycopg.sql.Identifier(schema)))
    database.execute(psycopg.sql.SQL("CREATE TABLE {} AS SELECT 'a' AS key, 'green' AS label").format(where))
    join(log, postgres, table=table)
    assert recorded(log) == {"p2": "green"}


def test_a_query_is_joined_as_it_stands(log: Path, postgres: str, database: psycopg.Connection[Any]) -> None:
    """Colons, casts and per cents of a query are its own."""
    database.execute("INSERT INTO outcomes VALUES (7, 'it is red'), (8, 'a:green')")
    query = (
        "SELECT key::text AS key, CASE WHEN label LIKE '%:gr%' THEN 'green' ELSE 'red' END::text AS label, "
        "':x' AS more FROM outcomes WHERE label <> '%s :key'"
    )
    report = join(log, postgres, query=query)
    assert recorded(log) == {"p0": "red", "p1": "red", "p4": "green"}
    assert report.source == "query"


def test_row_38_metacharacters_are_values(tmp_path: Path, postgres: str, database: psycopg.Connection[Any]) -> None:
    """Keys, labels and names of columns hold what they like; nothing of it is read as SQL."""
    write_log(tmp_path / "log", *METACHARACTERS)
    database.execute('CREATE TABLE odd ("k ;--" text, "l %s :x" text)')
    database.cursor().executemany("INSERT INTO odd VALUES (%s, %s)", [(one, one) for one in METACHARACTERS])
    report = join(tmp_path / "log", postgres, table="odd", key="k ;--", label="l %s :x", classes=METACHARACTERS)
    assert report.matched == len(METACHARACTERS)
    assert list(recorded(tmp_path / "log").values()) == METACHARACTERS
    found = database.execute("SELECT count(*) FROM outcomes").fetchone()
    assert found == (0,)


def test_keys_of_other_types_are_texts(tmp_path: Path, postgres: str, database: psycopg.Connection[Any]) -> None:
    """A column of UUIDs, of numerics or of dates matches keys that spell the same."""
    name = UUID("019abcde-0000-7000-8000-000000000001")
    write_log(tmp_path / "log", str(name), "7", "2026-11-21")
    database.execute("CREATE TABLE ids AS SELECT %s::uuid AS key, 'red' AS label", [name])
    database.execute("CREATE TABLE numerics AS SELECT 7.00 AS key, 'red' AS label")
    database.execute("CREATE TABLE days AS SELECT DATE '2026-11-21' AS key, 'green' AS label")
    for table in ("ids", "numerics", "days"):
        assert join(tmp_path / "log", postgres, table=table).matched == 1
    assert recorded(tmp_path / "log") == {"p0": "red", "p1": "red", "p2": "green"}


def test_many_rows_are_read_part_by_part(log: Path, postgres: str, database: psycopg.Connection[Any]) -> None:
    """Rows of several parts are all read, and the last of a key counts."""
    database.execute("INSERT INTO outcomes SELECT n % 9, 'red' FROM generate_series(1, 25000) AS n ORDER BY n")
    database.execute("INSERT INTO outcomes VALUES (8, 'green')")
    report = join(log, postgres, query="SELECT * FROM outcomes ORDER BY label DESC")
    assert report.rows == 25_001
    assert recorded(log) == {"p0": "red", "p1": "red", "p4": "green"}


WRONG: dict[str, tuple[dict[str, str], str]] = {
    "table": ({"table": "outcome"}, r"the database has no table 'outcome': expected one of 'outcomes'$"),
    "schema": ({"table": "x.outcomes"}, r"the database has no table 'x\.outcomes': it has no tables$"),
    "key": (
        {"table": "outcomes", "key": "kee"},
        r"""the table 'outcomes' has no column 'kee': expected one of 'key', 'label', 'odd " name; --'$""",
    ),
    "label of a query": (
        {"query": "SELECT key FROM outcomes"},
        r"the query has no column 'label': expected one of 'key'$",
    ),
    "query": ({"query": "SELECT hidden FROM nowhere"}, r'cannot be read: relation "nowhere" does not exist$'),
    "no SQL": ({"query": "SELEC 'hidden"}, r"the postgresql database 'postgres' cannot be read: [\w ]+$"),
    "a change": ({"query": "DELETE FROM outcomes RETURNING key, label"}, r"cannot be read: [\w ]+$"),
    "a fault on the way": (
        {"query": "SELECT key, (1 / (key - 8))::text AS label FROM outcomes"},
        r"cannot be read: division by zero$",
    ),
}


@pytest.mark.parametrize(("options", "fault"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_read_is_told_in_a_line(
    options: dict[str, str], fault: str, log: Path, postgres: str, database: psycopg.Connection[Any]
) -> None:
    """Wrong names and queries are told without SQL and password, and nothing is put on record or changed."""
    database.execute("INSERT INTO outcomes VALUES (7, 'red'), (8, 'red')")
    with pytest.raises(DataError, match=fault) as raised:
        join(log, postgres, **options)
    assert not re.search(rf"\n|SELECT|DELETE|hidden|{PASSWORD}", str(raised.value))
    assert recorded(log) == {}
    assert database.execute("SELECT count(*) FROM outcomes").fetchone() == (2,)


@pytest.mark.parametrize(
    ("url", "kind", "fault"),
    [
        (f"postgresql://joiner:{PASSWORD}@127.0.0.1:1/labels", DataError, r"'labels' cannot be read: .*refused"),
        (f"postgres://joiner:{PASSWORD}@no-such-host.invalid/labels", DataError, r"'labels' cannot be read: "),
        (f"nosuch://joiner:{PASSWORD}@host/labels", InputError, "expected the URL of a database, such as"),
        (f"postgresql+nosuch://joiner:{PASSWORD}@host/labels", InputError, "expected the URL of a database, such as"),
        (f"joiner:{PASSWORD}", InputError, "expected the URL of a database, such as"),
        (f"postgresql://joiner:{PASSWORD}@host:port/labels", InputError, "expected the URL of a database, such as"),
    ],
)
def test_a_database_that_cannot_be_reached_keeps_its_password(
    url: str, kind: type[ClassificationModelError], fault: str, log: Path
) -> None:
    """A wrong URL, or one where nobody answers, is told in a line without it."""
    with pytest.raises(kind, match=fault) as raised:
        join(log, url, table="outcomes")
    assert PASSWORD not in str(raised.value)
    assert "\n" not in str(raised.value)
    assert raised.value.__cause__ is None


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://reader:p@ssw0rd@127.0.0.1:1/db",
        "postgresql://reader:p@ssw0rd/more@127.0.0.1:1/db",
        "postgresql://reader:p@ssw0rd?more@127.0.0.1:1/db",
        "postgresql://rea/der:ssw0rd@127.0.0.1:1/db",
    ],
)
def test_a_password_that_is_written_as_it_is_is_refused(url: str, log: Path) -> None:
    """A sign @ or / that cuts a password in two is to be escaped; no part of it is repeated as a host or a database."""
    with pytest.raises(InputError, match="write @ as %40 and / as %2F in a name or password") as raised:
        join(log, url, table="outcomes")
    assert "ssw0rd" not in str(raised.value)


def test_a_password_with_escaped_signs_is_read(log: Path, postgres: str, database: psycopg.Connection[Any]) -> None:
    """What the refusal asks for is what works."""
    database.execute("INSERT INTO outcomes VALUES (7, 'red')")
    with psycopg.connect(as_administrator(postgres), autocommit=True) as administrator:
        administrator.execute("CREATE ROLE signs LOGIN PASSWORD 'p@ss/w0rd'")
        administrator.execute("GRANT joiner TO signs")
        assert join(log, postgres.replace(f"joiner:{PASSWORD}", "signs:p%40ss%2Fw0rd"), table="outcomes").matched == 1
        administrator.execute("DROP ROLE signs")


def test_a_table_and_a_query_are_too_much(log: Path, postgres: str) -> None:
    """A table or a query is read, not both."""
    with pytest.raises(InputError, match="expected --table or --query, found both"):
        join(log, postgres, table="outcomes", query="SELECT 1")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train a small model; give its folder."""
    config = make_config({"size": {"kind": "numeric"}}, folder=tmp_path_factory.mktemp("model"))
    return train(make_table(120, gaps=0), config).folder


def test_the_command_takes_the_url_from_the_environment(
    command: Command, monkeypatch: pytest.MonkeyPatch, log: Path, model: Path, postgres: str
) -> None:
    """LABELS_URL stands for the source, and stands in no output, whatever happens."""
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("INSERT INTO outcomes VALUES (7, 'red')")
    monkeypatch.setenv("LABELS_URL", postgres)
    options = ["--log", log, "--key", "key", "--label", "label", "--model", model]
    done = command("labels", "join", *options, "--table", "outcomes")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("1 of 1 rows of outcomes match 2 of 6 predictions\n2 labels added to the log")
    missing = command("labels", "join", *options, "--table", "nothing")
    assert (missing.code, missing.out) == (2, "")
    assert missing.err == "error: the database has no table 'nothing': expected one of 'outcomes'\n"
    told = [done, missing, command("labels", "join", *options), command("labels", "join", "--help")]
    assert not any(PASSWORD in one.out + one.err for one in told)
