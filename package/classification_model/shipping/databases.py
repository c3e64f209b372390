"""Ship to a database: each part in one transaction with the position in its file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sql
from sqlalchemy.dialects import mysql
from sqlalchemy.exc import DBAPIError, IntegrityError

from classification_model.errors import DataError, InputError
from classification_model.shipping.parts import SCHEMAS, Part
from classification_model.tables.arrays import text_scalar
from classification_model.tables.databases import check_file, engine_of, failing, name_of, read_url
from classification_model.tables.reading.database import find_table
from classification_model.tables.writing.spelling import bytes_of_lines

if TYPE_CHECKING:
    from classification_model.runtime.log.line_files import Kind
    from classification_model.tables.locations import Location

#: Databases that keep rows of a transaction that failed.
_WITHOUT_TRANSACTIONS = frozenset({"bigquery"})
_MYSQL = ("mysql", "mariadb")
#: A text, and a moment, each of any size and with microseconds, which are not the usual ones of MySQL.
_TEXT = sql.Text().with_variant(mysql.LONGTEXT(), *_MYSQL)
_MOMENT = sql.DateTime(timezone=True).with_variant(mysql.DATETIME(fsp=6), *_MYSQL)
#: What cannot be in a text of COPY as it is. PostgreSQL has no character 0 at all, and one must not stop the rest.
_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\ufffd"}
_SHIPPED = ("file", "shipped")


class DatabaseTarget:
    """Three tables of a database: the predictions, the labels, and how far each file of the log was shipped.

    Parameters
    ----------
    location
        The table of the predictions. The others are named after it, with ``_labels`` and ``_shipped`` at the end. A
        table that is not there is made.

    Attributes
    ----------
    name, identity, most_rows, every
        As `Target`.
    """

    most_rows = 25_000
    every = 5.0

    def __init__(self, location: Location) -> None:
        self._place = read_url(location.source)
        self._table = location.table or ""
        self.name = f"{location.name} of {name_of(self._place)}"
        self.identity = f"{self._place.set(password=None)}#{self._table}"
        if self._place.get_backend_name() in _WITHOUT_TRANSACTIONS:
            msg = (
                f"expected a database with transactions, so that no record is shipped twice, found "
                f"{name_of(self._place)}: ship Parquet files to a folder that it can read"
            )
            raise InputError(msg)

    @contextmanager
    def opened(self) -> Iterator[OpenDatabase]:
        """Connect for the time of the block; see `Target.opened`."""
        with failing(self._place, name_of(self._place), "written"):
            check_file(self._place)
            with engine_of(self._place).connect() as connection:
                yield OpenDatabase(connection, self._table)


class OpenDatabase:
    """The tables, over an open connection.

    Parameters
    ----------
    connection
        To the database.
    table
        Name of the table of predictions, or schema, dot and name.

    Attributes
    ----------
    positions
        As `OpenTarget`.
    """

    def __init__(self, connection: sql.Connection, table: str) -> None:
        self._connection = connection
        self._tables: dict[Kind, sql.Table] = {
            "predictions": self._table(table, _columns("predictions")),
            "labels": self._table(f"{table}_labels", _columns("labels")),
        }
        file = sql.Column("file", sql.String(255), primary_key=True)
        self._shipped = self._table(f"{table}_shipped", [file, sql.Column("shipped", sql.BigInteger, nullable=False)])
        rows = connection.execute(sql.select(*(self._shipped.c[name] for name in _SHIPPED)))
        self.positions = {str(name): int(end) for name, end in rows}
        connection.commit()

    def _table(self, wanted: str, columns: list[sql.Column[Any]]) -> sql.Table:
        """Find a table that has the columns, or make it."""
        names = [column.name for column in columns]
        before, dot, after = wanted.partition(".")
        inspector = sql.inspect(self._connection)
        places = [(None, wanted), (before, after)] if dot else [(None, wanted)]
        if any(inspector.has_table(name, schema) for schema, name in places):
            found = find_table(self._connection, wanted, names)
            return sql.Table(found.name, sql.MetaData(), *columns, schema=found.schema)
        schema, name = places[-1]
        table = sql.Table(name, sql.MetaData(), *columns, schema=schema)
        table.create(self._connection)
        self._connection.commit()
        return table

    def write(self, part: Part) -> None:
        """Write a part; see `OpenTarget.write`."""
        with self._connection.begin():
            self._move(part)  # first, so that another process waits here
            if part.rows.num_rows:
                self._insert(part)
        self.positions[part.file] = part.end

    def _move(self, part: Part) -> None:
        """Move the position from the start of a part to its end.

        Raises
        ------
        DataError
            If it is not at the start any more.
        """
        shipped, is_known = self._shipped, part.file in self.positions
        if is_known:
            where = (shipped.c.file == part.file) & (shipped.c.shipped == part.start)
            moved = self._connection.execute(shipped.update().where(where).values(shipped=part.end)).rowcount == 1
        else:
            try:
                self._connection.execute(shipped.insert().values(file=part.file, shipped=part.end))
                moved = True
            except IntegrityError:
                moved = False
        if not moved:
            msg = f"another process has shipped {part.file} to the table {self._tables['predictions'].name!r} meanwhile"
            raise DataError(msg)

    def _insert(self, part: Part) -> None:
        table = self._tables[part.kind]
        if self._connection.dialect.driver == "psycopg":
            self._copy(table, _as_copied(part.rows))
        else:
            self._connection.execute(table.insert(), part.rows.to_pylist())

    def _copy(self, table: sql.Table, lines: pa.Buffer) -> None:
        """Insert rows by PostgreSQL's COPY, as texts, which the database reads as whatever type a column has."""
        spell = self._connection.dialect.identifier_preparer
        names = ", ".join(spell.quote(column.name) for column in table.columns)
        driver: Any = self._connection.connection.driver_connection
        dbapi: Any = self._connection.dialect.dbapi
        try:
            with (
                driver.cursor() as cursor,
                cursor.copy(f"COPY {spell.format_table(table)} ({names}) FROM STDIN") as copy,
            ):
                copy.write(lines)
        except dbapi.Error as error:
            raise DBAPIError("COPY", None, error) from error


def _columns(kind: Kind) -> list[sql.Column[Any]]:
    return [sql.Column(field.name, _MOMENT if pa.types.is_timestamp(field.type) else _TEXT) for field in SCHEMAS[kind]]


def _as_copied(rows: pa.Table) -> pa.Buffer:
    """Return rows in the text format of COPY."""
    cells = [part for name in rows.column_names for part in (_cells(rows[name].combine_chunks()), text_scalar("\t"))]
    return bytes_of_lines([*cells[:-1], text_scalar("\n")])


def _cells(column: pa.Array) -> pa.LargeStringArray:
    texts = column.cast(pa.large_string())
    if not pa.types.is_timestamp(column.type):
        for sign, spelled in _ESCAPES.items():
            texts = pc.replace_substring(texts, sign, spelled)
    return texts.fill_null(text_scalar("\\N"))
