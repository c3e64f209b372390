"""Read labels from a CSV, Parquet or JSON file, or a table or query of a database, part by part."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fsspec

from classification_model.errors import DataError, InputError, require_extra
from classification_model.tables.formats import STANDARD_STREAM, check_wanted, format_of
from classification_model.tables.python_values import UnreadableArray, python_values
from classification_model.tables.reading.open_file import opened
from classification_model.tables.reading.open_table import open_table

if TYPE_CHECKING:
    from classification_model.tables.source import Source

_URL = re.compile(r"[A-Za-z][\w+.-]*://\S*")
_PASSWORD = re.compile(r"@|(password|pwd)\s*=", re.IGNORECASE)
_SQLITE = b"SQLite format 3\0"
#: The keys of some rows, and their labels.
Part = tuple[list[Any], list[Any]]


@dataclass(frozen=True)
class LabelSource:
    """A table that has a column of keys and one of labels.

    Attributes
    ----------
    source
        CSV, Parquet or JSON file, a URL of one, ``-`` for CSV on standard input; or the URL of a database, as
        SQLAlchemy writes it, such as ``postgresql://user:password@host/database`` or ``sqlite:///file.db``.
    key, label
        Names of the columns.
    table
        Table or view of a database, as ``table`` or ``schema.table``.
    query
        SQL query of a database, instead of a table.
    delimiter, encoding
        Delimiter and encoding of a CSV file. By default the delimiter is guessed from the header.
    """

    source: str = field(repr=False)  # it may hold a password
    key: str
    label: str
    table: str | None = None
    query: str | None = None
    delimiter: str | None = None
    encoding: str = "utf-8"

    @property
    def name(self) -> str:
        """Name of the source in the log, which is never the URL of a database."""
        if self.table is not None:
            return self.table
        if self.query is not None:
            return "query"
        return Path(self.source.partition("?")[0]).name if "://" in self.source else Path(self.source).name

    def parts(self) -> Iterator[Part]:
        """Yield the keys and labels of some rows at a time, in order.

        Raises
        ------
        DataError
            If the source cannot be read, or lacks a column.
        InputError
            If it is not a file, and no table or query of a database is given.
        MissingExtraError
            If it is a database, and what reads it is not installed.
        """
        if self.table is not None and self.query is not None:
            msg = "expected --table or --query, found both: leave one out"
            raise InputError(msg)
        try:
            with self._opened() as table:
                for piece in table.pieces():
                    columns = piece.load().columns
                    yield python_values(columns[self.key]), python_values(columns[self.label])
        except UnreadableArray as error:
            msg = f"{self.name}: a column {error}"
            raise DataError(msg) from error

    @contextmanager
    def _opened(self) -> Iterator[Source]:
        if self.table is None and self.query is None:
            with _opened_file(self) as table:
                yield table
            return
        with require_extra("sql", "reading labels from a database"):
            from classification_model.tables.reading.database import opened_database  # noqa: PLC0415 - an extra brings it
        with opened_database(self.source, table=self.table, query=self.query, columns=(self.key, self.label)) as rows:
            yield rows


@contextmanager
def _opened_file(source: LabelSource) -> Iterator[Source]:
    """Open a file; no message repeats a URL, which may hold a password."""
    if not _may_be_file(source.source):
        msg = "expected the URL of a file, or with --table or --query that of a database"
        raise InputError(msg)
    if _is_sqlite(source.source):
        msg = (
            f"{source.source} is a SQLite database: name it as sqlite:///{source.source} "
            "with --table or --query for its labels"
        )
        raise InputError(msg)
    try:
        if source.source != STANDARD_STREAM:
            format_of(source.source)
        with opened(source.source) as file:
            table = open_table(file, delimiter=source.delimiter, encoding=source.encoding)
            check_wanted((source.key, source.label), list(table.types), source.name)
            yield table
            file.check_unchanged()
    except DataError as error:
        if "://" not in source.source:
            raise
        raise DataError(_URL.sub(source.name, str(error).replace(source.source, source.name))) from None


def _is_sqlite(source: str) -> bool:
    """Tell whether a file is a SQLite database, by its first bytes."""
    try:
        with Path(source).open("rb") as file:
            return file.read(len(_SQLITE)) == _SQLITE
    except (OSError, ValueError):  # not a file, or not readable: opening it as a table says why
        return False


def _may_be_file(source: str) -> bool:
    """Tell a file or its URL from what may hold a password, which no message must repeat."""
    scheme, mark, _ = source.partition("://")
    if mark:
        return scheme in fsspec.available_protocols()
    try:
        return _PASSWORD.search(source) is None or Path(source).exists()
    except OSError:  # too long for a name; its text repeats it
        return False
