"""Read a sheet of an Excel workbook, whose cells keep their types. It is held in memory as a whole."""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from functools import partial
from typing import IO, Any

import pyarrow as pa
from python_calamine import CalamineError, CalamineWorkbook, PasswordError

from classification_model.errors import DataError
from classification_model.runtime.model_folder.file_layout import FileLayout
from classification_model.tables.formats import SettingError, empty, first_sentence
from classification_model.tables.reading.header_names import read_header
from classification_model.tables.reading.open_file import Opened
from classification_model.tables.reading.text_layout import ROWS, Expected
from classification_model.tables.reading.title_lines import find_header
from classification_model.tables.reading.value_types import ValueTypes
from classification_model.tables.source import Batch, Piece, Values

#: Cells of a sheet, empty ones between others included, and bytes of what a workbook unpacks to.
MOST_CELLS, MOST_BYTES = 20_000_000, 2**30
_PART = 2**20
_CELL = re.compile(rb"""\br\s*=\s*["']([A-Z]{1,3})(\d{1,7})["']""")
_LONGEST_CELL = 32
_FIRST_MOMENT = dt.time()


class WorkbookSource:
    """A sheet of a workbook.

    Parameters
    ----------
    file
        The file.
    layout
        Its sheet, and the rows above the header; the first one, and what looks like titles, where these are None.
    expected
        What it probably is, and columns that it probably has.
    rows
        Rows of a batch at most.

    Raises
    ------
    DataError
        If it is no workbook, has no such sheet, or is too large.

    Attributes
    ----------
    name, types, size
        As `Source`; its unit is the row.
    layout
        How it is written.
    remarks
        What was done about oddities of the sheet, in sentences.
    """

    def __init__(self, file: Opened, layout: FileLayout, expected: Expected | None, rows: int) -> None:
        self.name = file.name
        self._rows = rows
        content = file.read_all()
        _check_size(content, file.name)
        sheet, cells = _read_sheet(content, layout, expected, file.name)
        texts = [["" if cell is None else str(cell) for cell in row] for row in cells[:ROWS]]
        place = _place_of_header(texts, layout, expected)
        if not any(texts[place : place + 1]):
            raise empty(file.name)
        header = read_header(texts[place], file.name)
        below = [row for row in cells[place + 1 :] if any(cell is not None for cell in row)]
        columns = [[row[position] for row in below] for position in range(len(header.names))]
        blank = {position for position in header.unnamed if all(cell is None for cell in columns[position])}
        self.remarks = header.remarks(blank)
        self.layout = FileLayout(skip_rows=place, sheet=sheet)
        named = zip(header.names, map(_of_one_kind, columns), strict=True)
        self._columns = {name: column for position, (name, column) in enumerate(named) if position not in blank}
        self.size = len(below)
        self._found = {name: ValueTypes() for name in self._columns}
        for name, values in self._columns.items():
            self._found[name].see(values)
        self.types = {name: types.stored for name, types in self._found.items()}

    def pieces(self) -> Iterator[Piece]:
        """Yield some rows at a time."""
        for start in range(0, self.size, self._rows):
            count = min(self._rows, self.size - start)
            yield Piece(partial(self._load, start, count), count)

    def _load(self, start: int, count: int) -> Batch:
        columns: dict[str, Values] = {}
        for name, values in self._columns.items():
            kind = self._found[name].uniform
            part = values[start : start + count]
            columns[name] = part if kind is None else pa.array(part, kind)
        return Batch(columns, count)


def _place_of_header(texts: Sequence[Sequence[str]], layout: FileLayout, expected: Expected | None) -> int:
    """Return the number of rows above the header."""
    if layout.skip_rows is not None:
        return layout.skip_rows
    found = find_header(texts)
    usual = None if expected is None else expected.layout.skip_rows
    if expected is None or usual is None:
        return found
    places = [place for place in dict.fromkeys([usual, found]) if place < len(texts)]
    return max(places, key=lambda place: len(set(texts[place]) & set(expected.names)), default=found)


def _check_size(content: bytes, name: str) -> None:
    """Refuse a workbook that would not fit into memory: its reader makes room for all cells up to the last one."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        left, most = MOST_BYTES, 0
        for part in archive.infolist():
            with archive.open(part) as file:
                unpacked, cells = _measure(file, left)
            left, most = left - unpacked, max(most, cells)
            if left < 0 or most > MOST_CELLS:
                found = f"more than {MOST_BYTES >> 30} GiB" if left < 0 else f"{most:,} cells up to the last one"
                msg = (
                    f"{name}: expected a workbook of at most {MOST_CELLS:,} cells in a sheet, found {found}: save the "
                    "sheet as a CSV file"
                )
                raise DataError(msg)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, OSError, RuntimeError, ValueError, zlib.error) as error:
        raise _unreadable(name, error) from error


def _measure(file: IO[bytes], limit: int) -> tuple[int, int]:
    """Return the bytes of a part of a workbook, read no further than a limit, and the cells of the sheet that it is."""
    rest, size, width, height = b"", 0, 0, 0
    while size <= limit and (part := file.read(_PART)):
        size += len(part)
        found = _CELL.findall(rest + part)
        if found:
            width = max(width, *(_column_number(letters) for letters in {letters for letters, _ in found}))
            height = max(height, *(int(number) for _, number in found))
        rest = part[-_LONGEST_CELL:]
    return size, width * height


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = 26 * number + letter - ord("A") + 1
    return number


def _read_sheet(
    content: bytes, layout: FileLayout, expected: Expected | None, name: str
) -> tuple[str | None, list[list[Any]]]:
    """Return the name of the sheet where it is not the first one, and its rows, each as long, None where empty."""
    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(content))
        sheets = workbook.sheet_names
        usual = None if expected is None or expected.layout.sheet not in sheets else expected.layout.sheet
        sheet = layout.sheet or usual
        if sheet is not None and sheet not in sheets:
            known = ", ".join(map(repr, sheets[:20]))
            msg = f"{name} has no sheet {sheet!r}: expected one of {known}"
            raise SettingError(msg, "sheet")
        if not sheets:
            raise empty(name)
        chosen = workbook.get_sheet_by_name(sheet or sheets[0])
        rows = [[_value(cell) for cell in row] for row in chosen.to_python(skip_empty_area=False)]
    except CalamineError as error:
        raise _unreadable(name, error) from error
    return sheet, rows


def _value(cell: Any) -> Any:
    """Return the value of a cell: None where it is empty, a whole number where it is one, a time of day as a text."""
    if cell == "":
        return None
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 2**53:
        return int(cell)
    if isinstance(cell, (dt.time, dt.timedelta)):
        return str(cell)
    return cell


def _of_one_kind(column: list[Any]) -> list[Any]:
    """Return a column in which a day among moments is its midnight."""
    kinds = {type(value) for value in column}
    if not {dt.date, dt.datetime} <= kinds:
        return column
    return [dt.datetime.combine(value, _FIRST_MOMENT) if type(value) is dt.date else value for value in column]


def _unreadable(name: str, error: Exception) -> DataError:
    if isinstance(error, PasswordError):
        return DataError(f"{name} is encrypted: save it without a password")
    return DataError(f"{name}: expected an Excel workbook, found a file that cannot be read: {first_sentence(error)}")
