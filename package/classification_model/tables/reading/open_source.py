"""Open a table by its name, wherever it is: a file, a URL, a database or a service of another package."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from classification_model.errors import ClassificationModelError, DataError, InputError, require_extra
from classification_model.runtime.model_folder.file_layout import UNKNOWN, FileLayout
from classification_model.tables.formats import check_wanted, format_of
from classification_model.tables.locations import Location, locate
from classification_model.tables.reading.arrow_streams import ArrowSource
from classification_model.tables.reading.open_file import Opened, opened, unreadable
from classification_model.tables.reading.open_table import open_table
from classification_model.tables.services import ReadService, source_of

if TYPE_CHECKING:
    from classification_model.tables.reading.text_layout import Expected
    from classification_model.tables.source import Source


@dataclass(frozen=True)
class OpenedTable:
    """A table that is open for the time of a block.

    Attributes
    ----------
    table
        Its columns, and its rows in pieces.
    name
        What it is called in messages, without secrets.
    file
        The file that it is read from; None for a database or a service.
    """

    table: Source
    name: str
    file: Opened | None

    @property
    def may_wait(self) -> bool:
        """Whether reading may wait for somebody else, as from a pipe."""
        return self.file is None or self.file.state is None

    def check_unchanged(self) -> None:
        """See that a file is still what it was; see `Opened.check_unchanged`."""
        if self.file is not None:
            self.file.check_unchanged()


@contextmanager
def opened_source(
    source: str,
    layout: FileLayout = UNKNOWN,
    *,
    columns: Sequence[str] | None = None,
    expected: Expected | None = None,
    rows: int | None = None,
) -> Iterator[OpenedTable]:
    """Open a table for the time of the block.

    Parameters
    ----------
    source
        A path, ``-``, or a URL; see `locations.locate`.
    layout
        How a CSV file or a workbook is written; what this leaves open is found in the file.
    columns
        Columns that there must be; a database sends no others.
    expected
        How a CSV file or a workbook is probably written, and columns that it probably has.
    rows
        Rows of a piece, about; as many as are quick to read when None.

    Raises
    ------
    DataError
        If it cannot be read, or lacks a column.
    InputError
        If nothing opens such a URL.
    MissingExtraError
        If what opens it is not installed.
    """
    location = locate(source)
    if location.kind == "database":
        with require_extra("sql", "reading from a database"):
            from classification_model.tables.reading.database import opened_database  # noqa: PLC0415 - an extra brings it
        with opened_database(location.source, table=location.table, query=location.query, columns=columns) as database:
            yield OpenedTable(database, location.name, None)
    elif location.kind == "service":
        with _opened_service(location, columns) as service:
            yield OpenedTable(service, location.name, None)
    else:
        if location.kind != "stream" and not Path(location.source).is_dir():  # which opening it says
            format_of(location.name)
        with opened(source) as file:
            table = open_table(file, layout, expected=expected, rows=rows)
            check_wanted(columns or (), list(table.types), location.name)
            yield OpenedTable(table, location.name, file)


def _reader_of(location: Location) -> ReadService:
    read = source_of(location.scheme)
    if read is None:
        msg = f"{location.name}: {location.scheme}:// is registered for writing alone: register a source too"
        raise InputError(msg)
    return read


@contextmanager
def _opened_service(location: Location, columns: Sequence[str] | None) -> Iterator[ArrowSource]:
    """Ask a registered function for a table."""

    def failed(error: Exception) -> DataError:
        return unreadable(location.name, error, location.redact)

    try:
        given = _reader_of(location)(location.source)
        if hasattr(given, "iloc"):  # a frame of pandas, whose index is no column
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # pyarrow's own, of moments with a time zone
                given = pa.Table.from_pandas(given, preserve_index=False)
        reader = pa.RecordBatchReader.from_stream(given)
    except ClassificationModelError:
        raise
    except Exception as error:  # noqa: BLE001 - of any library
        raise failed(error) from None
    with reader:
        yield ArrowSource(location.name, reader, failed, columns=columns)
