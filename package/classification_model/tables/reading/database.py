"""Read tables and queries of a database part by part; no message repeats the URL or the SQL."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from itertools import chain, repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import sqlalchemy as sql
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.exc import ArgumentError, NoSuchTableError, SAWarning, SQLAlchemyError

from classification_model.errors import ClassificationModelError, DataError, InputError, require_extra
from classification_model.tables.formats import check_header, check_wanted, first_sentence
from classification_model.tables.reading.value_types import ValueTypes
from classification_model.tables.source import Batch, Piece

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine, Result

    from classification_model.tables.source import Source

_ROWS = 10_000
_CONNECT_SECONDS = 10
_SQL_TEXT = re.compile(r' at or near ".*')
#: What the driver of a database is installed by, where it is no dependency.
_EXTRAS = {"bigquery": "bigquery"}


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
) -> Iterator[Source]:
    """Ask a database for rows, and keep the connection for the time of the block.

    Parameters
    ----------
    url
        URL of the database, as SQLAlchemy writes it. One of PostgreSQL need not name a driver.
    table, query
        The table or view, by name or by schema, dot and name; or a query. Nothing can be changed by it where the
        database is PostgreSQL. The rows of a table are in the order of its primary key if it has one.
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
    place = read_url(url)
    name = name_of(place)
    with failing(place, name, "read"):
        if place.get_backend_name() == "postgresql":
            with require_extra("sql", "reading from postgresql"):
                from classification_model.tables.reading.postgresql import opened_postgresql  # noqa: PLC0415 - an extra brings it
            asked, what = query, "the query"
            if asked is None:
                with engine_of(place).connect() as connection:
                    found = find_table(connection, table or "", columns)
                asked, what = found.as_text(), found.what
            with opened_postgresql(place, name, asked, what, columns) as source:
                yield source
            return
        check_file(place)
        with engine_of(place).connect() as connection:
            connection.execution_options(stream_results=True, max_row_buffer=_ROWS)
            with _asked(connection, columns, table=table, query=query) as (what, rows):
                yield DatabaseSource(what, rows)


@contextmanager
def failing(place: URL, name: str, doing: str) -> Iterator[None]:
    """Turn an error of SQLAlchemy into one of ours, without the SQL and the password."""
    try:
        yield
    except ClassificationModelError:
        raise
    except (SQLAlchemyError, UnicodeError) as error:
        cause = getattr(error, "orig", None)
        reason = type(error).__name__ if cause is None else _SQL_TEXT.sub("", first_sentence(cause))
        if place.password:
            reason = reason.replace(str(place.password), "***")
        msg = f"{name} cannot be {doing}: {reason}"
        raise DataError(msg) from None


def name_of(place: URL) -> str:
    """Return what a database is called."""
    return f"the {place.get_backend_name()} database {place.database!r}"


def engine_of(place: URL) -> Engine:
    """Return what connects to a database.

    Raises
    ------
    DataError
        If it is a file that does not exist.
    MissingExtraError
        If its driver is not installed.
    """
    backend = place.get_backend_name()
    with require_extra(_EXTRAS.get(backend, "sql"), f"a database of {backend}"):
        return sql.create_engine(place, poolclass=sql.NullPool, connect_args=_arguments(place))


def read_url(text: str) -> URL:
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


def check_file(place: URL) -> None:
    """Refuse a database in a file that is not there, which SQLite would make."""
    path = place.database if place.get_backend_name() == "sqlite" else None
    if path and path != ":memory:" and not path.startswith("file:") and not Path(path).is_file():
        msg = f"{name_of(place)} does not exist: expected a SQLite file"
        raise DataError(msg)


def _arguments(place: URL) -> dict[str, Any]:
    is_postgresql = place.get_backend_name() == "postgresql"
    return {"connect_timeout": _CONNECT_SECONDS} if is_postgresql and "connect_timeout" not in place.query else {}


@dataclass(frozen=True)
class Table:
    """A table that was found.

    Attributes
    ----------
    schema, name
        Where it is; the schema is None for one that the database finds by the name alone.
    columns
        Its columns that are wanted.
    order
        The columns of its primary key.
    """

    schema: str | None
    name: str
    columns: tuple[str, ...]
    order: tuple[str, ...]

    @property
    def what(self) -> str:
        """What it is called, for messages."""
        return f"the table {self.name!r}"

    def select(self) -> sql.Select[Any]:
        """Return the query of its rows."""
        names = dict.fromkeys((*self.columns, *self.order))
        chosen = sql.table(self.name, *map(sql.column, names), schema=self.schema)
        return sql.select(*(chosen.c[name] for name in self.columns)).order_by(*(chosen.c[name] for name in self.order))

    def as_text(self) -> str:
        """Return the query in the words of PostgreSQL."""
        dialect = PGDialect()  # type: ignore[no-untyped-call] # of SQLAlchemy
        return str(self.select().compile(dialect=dialect)).replace("%%", "%")


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
    found_table = find_table(connection, table or "", columns)
    with connection.execute(found_table.select()) as rows:
        yield found_table.what, rows


def find_table(connection: Connection, wanted: str, columns: Sequence[str] | None = None) -> Table:
    """Find a table by its name, or by its schema, dot and name.

    Raises
    ------
    DataError
        If there is no such table, or it lacks a column; the message has the names that come near.
    """
    before, dot, after = wanted.partition(".")
    inspector = sql.inspect(connection)
    for schema, name in [(None, wanted), (before, after)][: 2 if dot else 1]:
        try:
            found = [str(column["name"]) for column in inspector.get_columns(name, schema)]
        except NoSuchTableError:
            continue
        check_wanted(columns or (), found, f"the table {name!r}")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SAWarning)  # of its own cache
            key = inspector.get_pk_constraint(name, schema)["constrained_columns"]
        return Table(schema, name, tuple(columns or found), tuple(key))
    known = sorted(inspector.get_table_names(before if dot else None))
    expected = f"expected one of {_nearest(wanted, known)}" if known else "it has no tables"
    msg = f"the database has no table {wanted!r}: {expected}"
    raise DataError(msg)


def _nearest(wanted: str, known: Sequence[str]) -> str:
    """List names, those that come near first."""
    near = get_close_matches(wanted.rpartition(".")[2], known, n=3, cutoff=0.5)
    return ", ".join(map(repr, list(dict.fromkeys([*near, *known]))[:20]))
