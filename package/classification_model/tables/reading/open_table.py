"""Open a table file in the format of its suffix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from classification_model.errors import DataError, require_extra
from classification_model.runtime.model_folder.file_layout import UNKNOWN, FileLayout
from classification_model.tables.formats import format_of
from classification_model.tables.python_values import UnreadableArray, python_values
from classification_model.tables.reading import json_files, parquet_files, text_blocks
from classification_model.tables.reading.csv_files import CsvSource
from classification_model.tables.reading.json_files import JsonLinesSource, JsonSource
from classification_model.tables.reading.parquet_files import ParquetSource
from classification_model.tables.source import Batch

if TYPE_CHECKING:
    from classification_model.tables.reading.open_file import Opened
    from classification_model.tables.reading.text_layout import Expected
    from classification_model.tables.source import Source

#: Remarks on a table that are repeated.
MOST_REMARKS = 20


def open_table(
    file: Opened, layout: FileLayout = UNKNOWN, *, expected: Expected | None = None, rows: int | None = None
) -> Source:
    """Read what a file says of its columns.

    Parameters
    ----------
    file
        The file; the suffix of its name tells the format.
    layout
        How it is written, where that is known.
    expected
        How a CSV file or a workbook is probably written.
    rows
        Rows of a batch, about; as many as are quick to read in this format when None.

    Raises
    ------
    DataError
        If it is no table of that format.
    """
    kind = format_of(file.name)
    if kind == "parquet":
        return ParquetSource(file, rows or parquet_files.ROWS)
    if kind == "json":
        return JsonSource(file, rows or json_files.ROWS)
    if kind == "xlsx":
        return _open_workbook(file, layout, expected, rows)
    size = text_blocks.block_size(file, rows or text_blocks.ROWS)
    if kind == "jsonl":
        return JsonLinesSource(file, size)
    if kind == "tsv":
        layout = layout.model_copy(update={"delimiter": "\t"})
    return CsvSource(file, layout, size, expected)


def _open_workbook(file: Opened, layout: FileLayout, expected: Expected | None, rows: int | None) -> Source:
    with require_extra("excel", "reading a workbook"):
        from classification_model.tables.reading.workbooks import WorkbookSource  # noqa: PLC0415 - an extra brings it
    return WorkbookSource(file, layout, expected, rows or json_files.ROWS)


def remarks_of(table: Source) -> list[str]:
    """Return what was done about oddities of a table, as far as it was read: columns without a name and the like.

    After 20 of them, only their number is said.
    """
    found: list[str] = list(getattr(table, "remarks", ()))
    left_out = len(found) - MOST_REMARKS
    return found if left_out <= 0 else [*found[:MOST_REMARKS], f"and {left_out} more of the like"]


def read_rows(table: Source) -> Batch:
    """Read all rows of a table.

    Returns
    -------
    Batch
        Each column as a list of Python's values. Cells of CSV are texts, "" where empty; other formats keep their
        types.

    Raises
    ------
    DataError
        If a row is malformed, or a value is not what the type of its column says, naming line or column.
    """
    columns: dict[str, list[Any]] = {name: [] for name in table.types}
    count = 0
    for piece in table.pieces():
        batch = piece.load()
        count += batch.count
        for name, values in batch.columns.items():
            try:
                columns[name] += python_values(values)
            except UnreadableArray as error:
                msg = f"{table.name}: column {name!r} {error}"
                raise DataError(msg) from error
    return Batch(columns, count)
