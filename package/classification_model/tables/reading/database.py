"""Read tables and queries of a database part by part; no message repeats the URL or the SQL."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import chain, repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import sqlalchemy as sql
from sqlalchemy.exc import ArgumentError, NoSuchTableError, SQLAlchemyError

from classification_model.errors import DataError, InputError, require_extra
from classification_model.tables.formats import check_header, check_wanted, first_sentence
from classification_model.tables.reading.value_types import ValueTypes
from classification_model.tables.source import Batch, Piece

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Result

_ROWS = 10_000
_CONNECT_SECONDS = 10
_SQL_TEXT = re.compile(r' at or near ".*')


class DatabaseSource:
    """The rows of a table or a query, which the database sends part by part.

    Parameters
    ----------
    name
        What it is called, for messages.
    rows
        The result of a query.

    Attributes
    ----------
    name, types, size
        As `Source`; how many rows there are is not known. The types are those of the first 10,000 rows where these are
        truth values, numbers or texts, each column of one kind; else texts.
    """

    def __init__(self, name: str, rows: Result[Any]) -> None:
        self.name = name
        self.size = None
        self._names = list(rows.keys())
        self._parts = rows.partitions(_ROWS)
        self._first = self._batch(next(self._parts, ()))
        self.types = {column: _type_of(values) for column, values in self._first.columns.items()}

    def pieces(self) -> Iterator[Piece]:
        """Yield 10,000 rows at a time."""
        for batch in chain([self._first], map(self._batch, self._parts)):
            yield Piece(partial(_same, batch), batch.count)

    def _batch(self, rows: Sequence[Any]) -> Batch:
        columns = zip(*rows, strict=True) if rows else repeat((), len(self._names))
        return Batch(dict(zip(self._names, map(list, columns), strict=True)), len(rows))


def _same(batch: Batch) -> Batch:
    return batch


def _type_of(values: Sequence[Any]) -> pa.DataType:
    types = ValueTypes()
    types.see(values)
    return types.stored


@contextmanager
def opened_database(
    url: str, *, table: str | None = None, query: str | None = None, columns: Sequence[str] | None = None
) -> Iterator[DatabaseSource]:
    """Ask a database for rows, and keep the connection for the time of the block.

    Parameters
    ----------
    url
        URL of the database, as SQLAlchemy writes it. One of PostgreSQL need not name a driver.
    table, query
        The table or view, by name or by schema, dot and name; or a query. Nothing can be changed by it where the
        database is PostgreSQL.
    columns
        Names of the columns that are wanted; all when None.

    Raises
    ------
    InputError
        If the URL is none of a database.
    DataError
        If the database cannot be read, or has no such table or column.
    MissingExtraError
        If the driver is not installed.
    """
    place = _read_url(url)
    name = f"the {place.get_backend_name()} database {place.database!r}"
    _check_file(place, name)
    try:
        with require_extra("sql", f"reading from {place.get_backend_name()}"):
            engine = sql.create_engine(place, poolclass=sql.NullPool, connect_args=_arguments(place))
        with engine.connect() as connection:
            _protect(connection)
            with _asked(connection, columns, table=table, query=query) as (what, rows):
                yield DatabaseSource(what, rows)
    except (SQLAlchemyError, UnicodeError) as error:
        cause = getattr(error, "orig", None)
        reason = type(error).__name__ if cause is None else _SQL_TEXT.sub("", first_sentence(cause))
        if place.password:
            reason = reason.replace(str(place.password), "***")
        msg = f"{name} cannot be read: {reason}"
        raise DataError(msg) from None


def _read_url(text: str) -> URL:
    """Read the URL of a database; of PostgreSQL, by the driver that the extra installs."""
    try:
        url = sql.make_url(text)
        if url.drivername in {"postgres", "postgresql"}:
            url = url.set(drivername="postgresql+psycopg")
        is_file = url.get_dialect().name == "sqlite"
    except (SQLAlchemyError, ArgumentError, ValueError):  # whose texts hold the URL
        msg = (
            "expected the URL of a database, such as postgresql://user:password@host/database or sqlite:///file.db, "
            "found something else"
        )
        raise InputError(msg) from None
    if not is_file and (text.count("@") > 1 or "@" in (url.database or "")):  # part of a password is read as more
        msg = "expected one @ in the URL of the database, found more: write @ as %40 and / as %2F in a name or password"
        raise InputError(msg)
    return url


def _check_file(url: URL, name: str) -> None:
    """Refuse a database in a file that is not there, which SQLite would make."""
    path = url.database if url.get_backend_name() == "sqlite" else None
    if path and path != ":memory:" and not path.startswith("file:") and not Path(path).is_file():
        msg = f"{name} does not exist: expected a SQLite file"
        raise DataError(msg)


def _arguments(url: URL) -> dict[str, Any]:
    is_postgresql = url.get_backend_name() == "postgresql"
    return {"connect_timeout": _CONNECT_SECONDS} if is_postgresql and "connect_timeout" not in url.query else {}


def _protect(connection: Connection) -> None:
    """Have rows sent part by part, and nothing changed."""
    connection.execution_options(stream_results=True, max_row_buffer=_ROWS)
    if connection.dialect.name == "postgresql":
        connection.execution_options(postgresql_readonly=True)


@contextmanager
def _asked(
    connection: Connection, columns: Sequence[str] | None, *, table: str | None, query: str | None
) -> Iterator[tuple[str, Result[Any]]]:
    """Ask for rows; give what they are called, and the result."""
    if query is not None:
        with connection.execute(sql.text(query.replace(":", "\\:"))) as rows:  # no colon of it is a parameter
            found = list(rows.keys()) if rows.returns_rows else []
            check_wanted(columns or (), found, "the query")
            check_header([name for name in found if columns is None or name in columns], "the query")
            yield "the query", rows if columns is None else rows.columns(*columns)
        return
    schema, name, found = _find_table(connection, table or "")
    what = f"the table {name!r}"
    check_wanted(columns or (), found, what)
    chosen = sql.table(name, *map(sql.column, found), schema=schema)
    with connection.execute(sql.select(*(chosen.c[column] for column in columns or found))) as rows:
        yield what, rows


def _find_table(connection: Connection, wanted: str) -> tuple[str | None, str, list[str]]:
    """Find a table; return its schema, its name and its columns."""
    before, dot, after = wanted.partition(".")
    inspector = sql.inspect(connection)
    for schema, name in [(None, wanted), (before, after)][: 2 if dot else 1]:
        try:
            return schema, name, [str(column["name"]) for column in inspector.get_columns(name, schema)]
        except NoSuchTableError:
            continue
    known = sorted(inspector.get_table_names(before if dot else None))[:20]
    found = f"expected one of {', '.join(map(repr, known))}" if known else "it has no tables"
    msg = f"the database has no table {wanted!r}: {found}"
    raise DataError(msg)
