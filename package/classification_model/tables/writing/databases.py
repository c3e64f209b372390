"""Write a table of a database in one transaction: it has the former rows or the new ones, never a part."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import sqlalchemy as sql

from classification_model.errors import DataError, InputError, require_extra
from classification_model.tables.databases import check_file, engine_of, failing, name_of, read_url
from classification_model.tables.python_values import python_values
from classification_model.tables.reading.database import find_table

if TYPE_CHECKING:
    from classification_model.tables.locations import Location
    from classification_model.tables.source import Batch, Values
    from classification_model.tables.writing.output import Mode, Output


@contextmanager
def opened_database_output(location: Location, types: Mapping[str, pa.DataType], mode: Mode) -> Iterator[Output]:
    """Open a table for the time of the block; the end of the block commits all rows, an error none.

    Parameters
    ----------
    location
        The table.
    types
        Its columns. A table that is not there is made with them; one that is there must have these columns.
    mode
        Whether the rows take the place of the former ones, or are added to them.

    Raises
    ------
    InputError
        If it is a query.
    DataError
        If the database refuses, or the table has other columns.
    """
    if location.table is None:
        msg = f"expected the URL of a table to write, with #table at its end, found {location.name}"
        raise InputError(msg)
    place = read_url(location.source)
    name, replaces = name_of(place), mode == "replace"
    failing_to_write = partial(failing, place, name, "written")
    with ExitStack() as stack:
        with failing_to_write():  # what the block does is not the database's
            check_file(place)
            engine = engine_of(place)
            with engine.connect() as asking:
                found = _found(asking, location.table, list(types))
            before, dot, after = location.table.partition(".")
            target = found or ((before, after) if dot else (None, location.table))
            is_there = found is not None
            output: Output
            commit: Callable[[], None] = _nothing
            if place.get_backend_name() == "postgresql":
                with require_extra("sql", "writing to postgresql"):
                    from classification_model.tables.writing.postgresql import opened_postgresql_output  # noqa: PLC0415 - an extra brings it
                opened = opened_postgresql_output(place, name, target, types, is_there=is_there, replaces=replaces)
                output = stack.enter_context(opened)
            else:
                connection = stack.enter_context(engine.connect())
                commit = connection.begin().commit
                table = _ready_table(connection, target, types, is_there=is_there, replaces=replaces)
                output = SqlOutput(connection, table, failing_to_write)
        yield output
        with failing_to_write():
            commit()


def _nothing() -> None:
    """Do nothing: the output commits by itself."""


def _found(asking: sql.Connection, table: str, columns: list[str]) -> tuple[str | None, str] | None:
    """Return schema and name of a table; None if it is not there, or an error if it has other columns."""
    before, dot, after = table.partition(".")
    inspector = sql.inspect(asking)
    places = [(None, table), (before, after)][: 2 if dot else 1]
    if not any(inspector.has_table(name, schema) for schema, name in places):
        return None
    found = find_table(asking, table)
    odd = sorted({*found.columns} ^ {*columns})
    if odd:
        there = "which the table has" if odd[0] in found.columns else "which the table lacks"
        msg = f"{found.what}: expected the columns that are written, found {odd[0]!r}, {there}: name another table"
        raise DataError(msg)
    return found.schema, found.name


class SqlOutput:
    """A table of any other database, written by rows.

    Parameters
    ----------
    connection
        In a transaction.
    table
        The table.
    failing_to_write
        Turns an error of the database into one of ours.
    """

    def __init__(
        self, connection: sql.Connection, table: sql.Table, failing_to_write: Callable[[], AbstractContextManager[None]]
    ) -> None:
        self._connection = connection
        self._table = table
        self._failing = failing_to_write

    def render(self, batch: Batch) -> list[dict[str, Any]]:
        """Return the rows."""
        columns = [_python_values(values) for values in batch.columns.values()]
        names = list(batch.columns)
        return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]

    def write(self, rendered: list[dict[str, Any]]) -> None:
        """Insert the rows."""
        if rendered:
            with self._failing():
                self._connection.execute(self._table.insert(), rendered)

    def finish(self) -> None:
        """Do nothing: the end of the block commits."""


def _python_values(values: Values) -> list[Any]:
    """Return the values of a column: decimals as floats, which every driver takes, and moments in UTC."""
    if isinstance(values, list):
        return values
    if pa.types.is_decimal(values.type):
        values = values.cast(pa.float64())
    elif pa.types.is_timestamp(values.type) and values.type.tz is not None:
        values = values.cast(pa.timestamp("us", "UTC"), safe=False)
    return python_values(values)


def _ready_table(
    connection: sql.Connection,
    target: tuple[str | None, str],
    types: Mapping[str, pa.DataType],
    *,
    is_there: bool,
    replaces: bool,
) -> sql.Table:
    """Make a table, or delete the rows that it has."""
    schema, name = target
    columns = [sql.Column(column, _sql_type(kind)) for column, kind in types.items()]
    table = sql.Table(name, sql.MetaData(), *columns, schema=schema)
    if not is_there:
        table.create(connection)
    elif replaces:
        connection.execute(table.delete())
    return table


def _sql_type(kind: pa.DataType) -> sql.types.TypeEngine[Any]:
    if pa.types.is_boolean(kind):
        return sql.Boolean()
    if pa.types.is_integer(kind):
        return sql.BigInteger()
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return sql.Double()
    if pa.types.is_date(kind):
        return sql.Date()
    if pa.types.is_timestamp(kind):
        return sql.DateTime(timezone=kind.tz is not None)
    return sql.Text()
