"""Write a table of PostgreSQL by its binary COPY, through the driver of Arrow's ADBC, in one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from secrets import token_hex
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from classification_model.tables.reading.postgresql import LOCK_SECONDS, connected, quoted
from classification_model.tables.writing.spelling import typed_batch

if TYPE_CHECKING:
    from adbc_driver_postgresql.dbapi import Connection, Cursor
    from sqlalchemy import URL

    from classification_model.tables.source import Batch

#: Schema and name of a table; without a schema, the database finds it.
Target = tuple[str | None, str]


class PostgresqlOutput:
    """A table of PostgreSQL in an open transaction.

    Parameters
    ----------
    connection
        In the transaction.
    target
        The table that the batches go to.
    schema
        Types of the batches.
    is_temporary
        Whether it is a temporary table.
    """

    def __init__(
        self, connection: Connection, target: Target, schema: pa.Schema, *, is_temporary: bool = False
    ) -> None:
        self._connection = connection
        self._target = target
        self._schema = schema
        self._is_temporary = is_temporary

    def render(self, batch: Batch) -> pa.RecordBatch:
        """Return the batch with the types of the table."""
        return typed_batch(batch, self._schema)

    def write(self, rendered: pa.RecordBatch) -> None:
        """Copy the rows."""
        schema, name = self._target
        with self._connection.cursor() as cursor:
            cursor.adbc_ingest(name, rendered, mode="append", db_schema_name=schema, temporary=self._is_temporary)

    def finish(self) -> None:
        """Do nothing: the end of the block commits."""


@contextmanager
def opened_postgresql_output(
    place: URL, name: str, target: Target, types: Mapping[str, pa.DataType], *, is_there: bool, replaces: bool
) -> Iterator[PostgresqlOutput]:
    """Open a table for the time of the block; its end commits all rows, an error none.

    Who reads the table meanwhile waits for the end, and then sees the former rows or the new ones.

    Parameters
    ----------
    place, name
        URL of the database, and what it is called.
    target
        The table.
    types
        Its columns.
    is_there
        Whether the table exists, with these columns; else it is made.
    replaces
        Whether the rows that it has are deleted.
    """
    schema = pa.schema([(column, stored_type(kind)) for column, kind in types.items()])
    with connected(place, name, "written") as connection, connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
        cursor.execute("SET LOCAL timezone = 'UTC'")
        if not is_there:
            cursor.adbc_ingest(target[1], schema.empty_table(), mode="create", db_schema_name=target[0])
        elif replaces:
            cursor.execute(f"TRUNCATE {spelled(target)}")  # deleted rows would leave gaps, which change the order
        if not is_there or _types_there(cursor, target, list(types)) == schema.types:
            yield PostgresqlOutput(connection, target, schema)
        else:
            with _staged(connection, cursor, target, schema) as output:
                yield output
        connection.commit()


@contextmanager
def _staged(connection: Connection, cursor: Cursor, target: Target, schema: pa.Schema) -> Iterator[PostgresqlOutput]:
    """Copy rows into a temporary table, from which the database assigns them to columns of other types.

    An assignment refuses what a cast would change, such as a text that is too long. But it does not read texts as other
    types, so those are cast.
    """
    stage = f"rows_{token_hex(8)}"
    cursor.adbc_ingest(stage, schema.empty_table(), mode="create", temporary=True)
    yield PostgresqlOutput(connection, (None, stage), schema, is_temporary=True)
    kinds = _type_names(cursor, target)
    cells = []
    for field in schema:
        is_read = pa.types.is_string(field.type) and not kinds[field.name].startswith(("text", "character"))
        cells.append(f"{quoted(field.name)}::{kinds[field.name]}" if is_read else quoted(field.name))
    names = ", ".join(map(quoted, schema.names))
    query = f"SELECT {', '.join(cells)} FROM {stage}"  # noqa: S608 - names are quoted
    cursor.execute(f"INSERT INTO {spelled(target)} ({names}) {query}")
    cursor.execute(f"DROP TABLE {stage}")


def spelled(target: Target) -> str:
    """Return the name of a table as SQL takes it."""
    return ".".join(quoted(part) for part in target if part is not None)


def _types_there(cursor: Cursor, target: Target, columns: list[str]) -> list[pa.DataType]:
    query = f"SELECT {', '.join(map(quoted, columns))} FROM {spelled(target)}"  # noqa: S608 - names are quoted
    schema: pa.Schema = cursor.adbc_execute_schema(query)
    return list(schema.types)


def _type_names(cursor: Cursor, target: Target) -> dict[str, str]:
    """Return the type of each column in the words of PostgreSQL."""
    cursor.execute(
        "SELECT attname::text, format_type(atttypid, atttypmod) FROM pg_attribute "
        "WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped",
        [spelled(target)],
    )
    rows: list[tuple[Any, ...]] = cursor.fetchall()
    return {str(name): str(kind) for name, kind in rows}


def stored_type(kind: pa.DataType) -> pa.DataType:
    """Return the type that a new column has: nothing else than what every reader knows."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_null(kind) or pa.types.is_large_string(kind) or pa.types.is_nested(kind):
        return pa.string()
    return kind
