"""Read tables and queries of a database part by part; no message repeats the URL or the SQL."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from itertools import repeat
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import sqlalchemy as sql
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.exc import NoSuchTableError, SAWarning

from classification_model.errors import (
    DataError,
    require_extra,
)
from classification_model.tables.databases import check_file, connect, failing, name_of, read_url
from classification_model.tables.formats import check_header, check_wanted
from classification_model.tables.reading.value_types import ValueTypes
from classification_model.tables.source import Batch, Piece

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Result

    from classification_model.tables.source import Source

_ROWS = 10_000


class DatabaseSource:
    """The rows of a table or a query, which the database sends part by part.

    Parameters
    ----------
    name
        What it is called, for messages.
    rows
        The result of a query.
    failing
        Makes a block in which an error of the database becomes one of ours.

    Attributes
    ----------
    name, types, size
        As `Source`; how many rows there are is not known. The types are those of the first 10,000 rows where these are
        truth values, numbers or texts, each column of one kind; else texts.
    """

    def __init__(self, name: str, rows: Result[Any], failing: Callable[[], AbstractContextManager[None]]) -> None:
        self.name = name
        self._failing = failing
        self.size = None
        self._names = list(rows.keys())
        self._parts = rows.partitions(_ROWS)
        self._first = self._batch(self._next())
        self.types = {column: _type_of(values) for column, values in self._first.columns.items()}

    def pieces(self) -> Iterator[Piece]:
        """Yield 10,000 rows at a time."""
        yield self._piece(self._first)
        while rows := self._next():
            yield self._piece(self._batch(rows))

    def _piece(self, batch: Batch) -> Piece:
        return Piece(partial(_same, batch), batch.count)

    def _next(self) -> Sequence[Any]:
        with self._failing():
            return next(self._parts, ())

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
        database is PostgreSQL or SQLite. The rows of a table are in the order of its primary key if it has one.
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
    failing_to_read = partial(failing, place, name_of(place), "read")
    with ExitStack() as stack:
        with failing_to_read():  # what the block does with the rows is not the database's
            if place.get_backend_name() == "postgresql":
                source: Source = stack.enter_context(_opened_postgresql(place, table, query, columns))
            else:
                check_file(place)
                connection = stack.enter_context(connect(place))
                connection.execution_options(stream_results=True, max_row_buffer=_ROWS)
                what, rows = stack.enter_context(_asked(connection, columns, table=table, query=query))
                source = DatabaseSource(what, rows, failing_to_read)
        yield source


def _opened_postgresql(
    place: URL, table: str | None, query: str | None, columns: Sequence[str] | None
) -> AbstractContextManager[Source]:
    with require_extra("sql", "reading from postgresql"):
        from classification_model.tables.reading.postgresql import opened_postgresql  # noqa: PLC0415 - an extra brings it
    if query is not None:
        return opened_postgresql(place, name_of(place), query, "the query", columns)
    with connect(place) as connection:
        found = find_table(connection, table or "", columns)
    return opened_postgresql(place, name_of(place), found.as_text(), found.what, columns)


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
            if not rows.returns_rows:
                msg = "the query: expected one that returns rows, such as SELECT ..., found one that returns none"
                raise DataError(msg)
            found = list(rows.keys())
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
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SAWarning)  # of SQLAlchemy's own cache
        for schema, name in [(None, wanted), (before, after)][: 2 if dot else 1]:
            try:
                found = [str(column["name"]) for column in inspector.get_columns(name, schema)]
            except NoSuchTableError:
                continue
            check_wanted(columns or (), found, f"the table {name!r}")
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
