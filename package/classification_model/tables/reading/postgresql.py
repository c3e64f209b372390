"""Read PostgreSQL by its binary COPY, through the driver of Arrow's ADBC; no message repeats the URL or the SQL."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import adbc_driver_manager
import pyarrow as pa
from adbc_driver_postgresql import dbapi
from psycopg.conninfo import make_conninfo

from classification_model.errors import DataError
from classification_model.tables.formats import check_header, check_wanted
from classification_model.tables.locations import hide
from classification_model.tables.reading.arrow_streams import ArrowSource

if TYPE_CHECKING:
    from sqlalchemy import URL

CONNECT_SECONDS = 10
#: How long a write waits for a table that somebody else uses.
LOCK_SECONDS = 10
#: Kept as they are; a value of any other type is read as PostgreSQL spells it.
_KEPT = frozenset(
    {"bool", "int2", "int4", "int8", "float4", "float8", "text", "varchar", "bpchar", "name", "date", "timestamp",
     "timestamptz"}
)  # fmt: skip
_MOMENTS = frozenset({"date", "timestamp", "timestamptz"})
_REASON = re.compile(r"(?:ERROR|FATAL):\s*([^\n]*)")
_SQL_TEXT = re.compile(r' at or near ".*')


def address(place: URL) -> str:
    """Return the URL in the words of libpq, with a limit on the seconds to connect."""
    given: dict[str, Any] = {"host": place.host, "port": place.port, "user": place.username}
    given |= {"password": place.password, "dbname": place.database, "connect_timeout": CONNECT_SECONDS, **place.query}
    return make_conninfo(**{name: value for name, value in given.items() if value is not None})


@contextmanager
def connected(place: URL, name: str, doing: str) -> Iterator[dbapi.Connection]:
    """Connect for the time of the block; an error of the database becomes one of ours.

    Parameters
    ----------
    place
        URL of the database.
    name
        What it is called.
    doing
        What cannot be done then: ``read`` or ``written``.
    """
    try:
        with dbapi.connect(address(place)) as connection:
            yield connection
    except adbc_driver_manager.Error as error:
        raise failed(name, doing, place, error) from None


def failed(name: str, doing: str, place: URL, error: Exception) -> DataError:
    """Return the error of a database, with its reason and without the SQL and the password."""
    text = str(error)
    found = _REASON.search(text)
    reason = found[1] if found else text.partition("\n")[0].rpartition("[libpq] ")[2]
    reason = _SQL_TEXT.sub("", reason)
    if "lock timeout" in reason:
        reason = (
            f"another transaction has used the table for {LOCK_SECONDS} seconds, perhaps that of this command, which "
            "reads it: try again later, or write another table"
        )
    secrets = (place.password, place.query.get("password"))
    reason = hide(reason, [str(secret) for secret in secrets if secret])
    return DataError(f"{name} cannot be {doing}: {reason[:300].rstrip('.')}")


@contextmanager
def opened_postgresql(
    place: URL, name: str, query: str, what: str, columns: Sequence[str] | None
) -> Iterator[ArrowSource]:
    """Ask for rows, in a transaction that cannot change anything, and keep it for the time of the block.

    Parameters
    ----------
    place
        URL of the database.
    name
        What the database is called.
    query
        What is asked for.
    what
        What it is called, for messages.
    columns
        Columns that are wanted; all when None.
    """
    with connected(place, name, "read") as connection, connection.cursor() as cursor:
        # Large tables are otherwise read from wherever another query reads them at the time.
        cursor.execute("SET TRANSACTION READ ONLY")
        cursor.execute("SET LOCAL synchronize_seqscans = off")
        cursor.execute("SET LOCAL timezone = 'UTC'")
        types = _types_of(cursor, query)
        check_wanted(columns or (), list(dict(types)), what)
        wanted = [pair for pair in types if columns is None or pair[0] in columns]
        check_header([column for column, _ in wanted], what)
        cursor.execute(_with_texts(query, wanted))
        yield ArrowSource(
            what,
            cursor.fetch_record_batch(),
            lambda error: failed(name, "read", place, error),
            columns=columns,
            decimals=frozenset(column for column, kind in wanted if kind == "numeric"),
        )


def _types_of(cursor: Any, query: str) -> list[tuple[str, str]]:
    """Return the columns of a query, each with the name of its type in PostgreSQL."""
    schema: pa.Schema = cursor.adbc_execute_schema(query)
    return [(field.name, (field.metadata or {}).get(b"POSTGRESQL:type", b"").decode()) for field in schema]


def _with_texts(query: str, types: Sequence[tuple[str, str]]) -> str:
    """Return a query of the columns that are wanted, in which those of other types are texts."""
    cells = []
    for name, kind in types:
        cell = quoted(name)
        if kind in _MOMENTS:  # Arrow has no infinity of these
            cell = f"CASE WHEN isfinite({cell}) THEN {cell} END AS {cell}"
        cells.append(cell if kind in _KEPT else f"{cell}::text AS {cell}")
    return f"SELECT {', '.join(cells)} FROM ({query.strip().rstrip(';')}\n) AS asked"  # noqa: S608 - names are quoted


def quoted(name: str) -> str:
    """Return a name as SQL takes it, whatever it holds."""
    return '"' + name.replace('"', '""') + '"'
