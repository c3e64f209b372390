"""Labels of a real PostgreSQL: tables and queries of it, and what is told, and not told, where they cannot be read."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID

import psycopg
import pytest
from commands import Command, Done
from postgres import PASSWORD, as_administrator, query_url, table_url
from problems import make_config, make_table, train
from test_labels import CLASSES, recorded, write_log

from classification_model.errors import ClassificationModelError, DataError, InputError, MissingExtraError
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


@pytest.mark.parametrize("table", ["sales.outcomes", "v.1", "Sales Of ;--.T\"'", "sales.#1?query=100% @ 7/9"])
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


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 'a' AS key, CASE 5 # 3 WHEN 6 THEN 'green' ELSE '?query=' END AS label",
        "SELECT 'a' AS key, 'green' AS label WHERE 'a:b' LIKE '%:%' AND ('{}'::jsonb ? '%s') IS FALSE",
        "SELECT 'a' AS key, 'green' AS label -- &query=SELECT 2#outcomes",
    ],
)
@pytest.mark.parametrize("write", [quote, str])
@pytest.mark.parametrize("more", ["", "&sslmode=prefer"])
def test_a_query_goes_on_to_the_end_of_the_url(
    query: str, write: type[str], more: str, log: Path, postgres: str
) -> None:
    """Signs that mean something in a URL are the query's, escaped or not; parameters of the connection come before."""
    join(log, f"{postgres}{more}&query={write(query)}")
    assert recorded(log) == {"p2": "green"}


def test_rows_of_a_table_come_in_the_order_of_its_primary_key(
    log: Path, postgres: str, database: psycopg.Connection[Any]
) -> None:
    """The last label of a key counts, wherever the database keeps it."""
    database.execute("CREATE TABLE ordered (key text, label text, place int PRIMARY KEY)")
    database.execute("INSERT INTO ordered VALUES ('a', 'green', 2), ('a', 'red', 1)")
    join(log, postgres, table="ordered")
    assert recorded(log) == {"p2": "green"}


@pytest.mark.parametrize("scheme", ["postgres", "POSTGRESQL", "postgresql+psycopg2", "postgresql+psycopg_async"])
def test_a_url_of_postgresql_for_another_driver_is_read(
    scheme: str, log: Path, postgres: str, database: psycopg.Connection[Any]
) -> None:
    """A URL that another program uses need not be changed."""
    database.execute("INSERT INTO outcomes VALUES (7, 'red')")
    assert join(log, postgres.replace("postgresql", scheme, 1), table="outcomes").matched == 1


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
    "two queries": ({"query": "SELECT 7 AS key; DELETE FROM outcomes"}, r"cannot be read: [\w ]+$"),
    "a change around a query": (
        {"query": "SELECT 7 AS key) AS hidden; COMMIT; DELETE FROM outcomes; --"},
        r"cannot be read: [\w ]+$",
    ),
    "a change by a function": (
        {"query": "SELECT setval('numbers', 9) AS key, 'red' AS label"},
        "read-only transaction",
    ),
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
    database.execute("CREATE SEQUENCE numbers")
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
        (f"nosuch://joiner:{PASSWORD}@host/labels", InputError, r"^nothing opens a URL that begins with nosuch:// \("),
        (f"postgresql+nosuch://joiner:{PASSWORD}@host/labels", InputError, "expected the URL of a database, such as"),
        (
            f"joiner:{PASSWORD}",
            InputError,
            "found settings of a connection: write a database as postgresql://host/name#t",
        ),
        (
            f"postgresql:/joiner:{PASSWORD}@host/labels",
            InputError,
            "found settings of a connection: write a database as",
        ),
        (f"joiner:{PASSWORD}@x://host/labels", InputError, "found settings of a connection: write a database as"),
        (f"postgresql://joiner:{PASSWORD}@[::1/labels", InputError, "expected the URL of a database, such as"),
        (f"postgresql://joiner:{PASSWORD}@no..host/labels", DataError, "'labels' cannot be read: .*label empty"),
        (
            f"postgresql://joiner:{PASSWORD}@127.0.0.1:1/labels?no={PASSWORD}",
            DataError,
            "'labels' cannot be read: .*option \"no\"",
        ),
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
    assert PASSWORD not in repr(LabelSource(url, "key", "label"))


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


NO_TABLE = {
    "": "found neither$",
    "?sslmode=prefer": "found neither$",
    "#": "found # without a table$",
    "#%20": "found # without a table$",
    "?query=": r"found \?query= without a query$",
    "?sslmode=prefer&query=%20": r"found \?query= without a query$",
    "#outcomes?sslmode=prefer": r"found @ or \? after #: write parameters before #",
}


@pytest.mark.parametrize(("end", "fault"), NO_TABLE.items())
def test_a_url_without_a_table_or_a_query_is_told_the_form_of_one(end: str, fault: str, log: Path) -> None:
    """The message says how a URL ends, and what was found instead."""
    with pytest.raises(InputError, match=rf"^expected the URL of a postgresql database .*#table.*{fault}") as raised:
        join(log, f"postgresql://joiner:{PASSWORD}@127.0.0.1:1/labels{end}")
    assert PASSWORD not in str(raised.value)


def test_a_password_with_the_sign_of_a_table_is_refused(log: Path) -> None:
    """A sign # cuts a password in two; neither part is repeated as a table or a host."""
    with pytest.raises(InputError, match="in a name or password @ as %40, # as %23 and") as raised:
        join(log, "postgresql://joiner:s3cr3t#and-long@127.0.0.1:1/labels")
    assert not re.search("s3cr3t|and-long", str(raised.value))


SQLITE = {
    "change": (
        "?query=DELETE FROM outcomes RETURNING key, label",
        "cannot be read: attempt to write a readonly database$",
    ),
    "table": ("?query=DROP TABLE outcomes", "cannot be read: attempt to write a readonly database$"),
    "no rows": ("?query=PRAGMA query_only=OFF", "^the query: expected one that returns rows, such as SELECT"),
    "parameter": (
        "?timeout=s3cr3t#outcomes",
        "^the sqlite database .* its URL that the driver takes, .* among 'timeout'$",
    ),
}


@pytest.mark.parametrize(("end", "fault"), SQLITE.values(), ids=SQLITE)
def test_a_sqlite_database_is_only_read(end: str, fault: str, log: Path) -> None:
    """A query that would change something, and a parameter that is none, end with a line."""
    path = log.parent / "crm.db"
    with closing(sqlite3.connect(path)) as connection:
        with connection:
            connection.execute("CREATE TABLE outcomes AS SELECT 'a' AS key, 'red' AS label")
        with pytest.raises((DataError, InputError), match=fault) as raised:
            join(log, f"sqlite:///{path}{end}")
        assert "s3cr3t" not in str(raised.value)
        assert connection.execute("SELECT count(*) FROM outcomes").fetchone() == (1,)
    assert join(log, f"sqlite:///{path}?timeout=3#outcomes").matched == 1


def test_a_driver_that_is_not_installed_is_named(log: Path) -> None:
    """The extra of the package does not install it, so no message says so."""
    with pytest.raises(MissingExtraError, match=r"of oracle needs its driver oracledb, .* not installed: install it$"):
        join(log, f"oracle://joiner:{PASSWORD}@host/labels", table="outcomes")


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
    options = ["--log", log, "--key", "key", "--label", "label", "--model", model]

    def run(url: str, *more: str) -> Done:
        monkeypatch.setenv("LABELS_URL", url)
        return command("labels", "join", *options, *more)

    done = run(table_url(postgres, "outcomes"))
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("1 of 1 rows of outcomes match 2 of 6 predictions\n2 labels added to the log")
    again = run(query_url(postgres, "SELECT * FROM outcomes"), "--dry-run")
    assert again.out.startswith("1 of 1 rows of query match 2 of 6 predictions\n")
    missing = run(table_url(postgres, "nothing"))
    assert (missing.code, missing.out) == (2, "")
    assert missing.err == "error: the database has no table 'nothing': expected one of 'outcomes'\n"
    told = [done, again, missing, run(postgres), run(postgres, "--help")]
    assert not any(PASSWORD in one.out + one.err for one in told)
