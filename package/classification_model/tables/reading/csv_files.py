"""Read CSV files in blocks, each cell as a text."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from itertools import chain

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from classification_model.errors import DataError
from classification_model.runtime.model_folder.file_layout import UNKNOWN, FileLayout
from classification_model.tables.formats import SettingError, check_parted, first_sentence, not_in_encoding
from classification_model.tables.reading.header_names import read_header
from classification_model.tables.reading.open_file import Opened, in_memory
from classification_model.tables.reading.ragged_rows import padded_columns, surplus_of
from classification_model.tables.reading.text_blocks import (
    SAMPLE,
    Block,
    count_line_ends,
    foreign_byte,
    outside_quotes,
    read_blocks,
)
from classification_model.tables.reading.text_layout import Expected, find_layout
from classification_model.tables.source import Batch, Piece

#: Bytes of the beginning of a file that tell whether a column without a name is empty.
UNNAMED_SAMPLE = 2**22
#: What other files begin with, and what they are.
_OTHER_FILES = {
    b"\x1f\x8b": "a file compressed by gzip: let its name end in .gz, as in table.csv.gz",
    b"PK\x03\x04": "a zip archive: let the name of a workbook end in .xlsx, and unpack any other",
}


class CsvSource:
    """A delimited file.

    Parameters
    ----------
    file
        The file.
    layout
        How it is written; what this leaves open is found in the file.
    block
        Bytes that are read at a time.
    expected
        How it is probably written, and columns that it probably has.

    Raises
    ------
    DataError
        If it has no header, or one that is malformed.

    Attributes
    ----------
    name, types, size
        As `Source`; its unit is the byte.
    layout
        How it is written.
    """

    def __init__(
        self, file: Opened, layout: FileLayout = UNKNOWN, block: int = SAMPLE, expected: Expected | None = None
    ) -> None:
        self.name = file.name
        self.size = file.size
        start = file.peek(SAMPLE)
        _check_is_text(start, file.name)
        found = find_layout(start, layout, expected, file.name)
        self._encoding, self._delimiter, self._skipped = found.encoding, found.delimiter, found.skipped
        self._titles = found.titles
        self.layout = FileLayout(encoding=found.encoding, delimiter=found.delimiter, skip_rows=found.skip_rows)
        surplus = surplus_of(found.first_rows)
        is_unnamed = surplus is not None or any(not cell.strip() for row in found.first_rows[:1] for cell in row)
        ahead = file.peek(UNNAMED_SAMPLE) if is_unnamed else b""
        blocks = self._read(file, block)
        first = next(blocks)
        content = self._first_row(first.content)
        cells = self._read_cells(content, first.line)
        self._has_row_names = surplus == "row names"
        self._header = read_header(
            [""] * (surplus == "row names") + cells + [""] * (surplus == "last cells"), self.name
        )
        self._short: list[int] = []
        self._empty: frozenset[int] = frozenset()
        if ahead:
            self._empty = self._find_empty(ahead)
        self.types = {name: pa.string() for place, name in enumerate(self._header.names) if place not in self._empty}
        self._blocks = chain([_below(first, content)], blocks)

    @property
    def remarks(self) -> list[str]:
        """What was done about oddities of the file so far, in sentences."""
        short = sum(self._short)
        found = [f"the first {self._titles} line(s) look like titles: see skip_rows"] if self._titles else []
        found += [f"{short} row(s) end before the last column: the cells are read as missing"] if short else []
        if self._has_row_names:
            name = self._header.names[0]
            first = f"each row has one cell more than the header: the first one is read as {name!r}"
            return [first, *self._header.remarks(self._empty)[1:], *found]
        return [*self._header.remarks(self._empty), *found]

    def pieces(self) -> Iterator[Piece]:
        """Yield the blocks of the file."""
        for block in self._blocks:
            yield Piece(partial(self._load, block), block.units)

    def _read(self, file: Opened, block: int) -> Iterator[Block]:
        end_of_rows = outside_quotes(file.name, self._delimiter)
        return read_blocks(file, self._encoding, end_of_rows, block, skipped=self._skipped)

    def _first_row(self, content: bytes) -> bytes:
        """Return the first row, whose cells may hold line ends."""
        lines = io.StringIO(content.decode(errors="replace"), newline="")
        rows = csv.reader(lines, delimiter=self._delimiter)
        with suppress(csv.Error):
            next(rows)
        return b"".join(content.splitlines(keepends=True)[: max(rows.line_num, 1)])

    def _read_cells(self, content: bytes, line: int) -> list[str]:
        """Return the cells of the header as they stand."""
        try:
            read = pa.csv.ReadOptions(use_threads=False, block_size=len(content) + 1)
            with pa.csv.open_csv(pa.py_buffer(content), read, self._parsing()) as reader:
                header: list[str] = reader.schema.names
        except UnicodeDecodeError as error:
            raise not_in_encoding(self.name, self._encoding, foreign_byte(content, line)) from error
        except pa.ArrowInvalid as error:
            msg = f"{self.name}: its header cannot be parsed: {first_sentence(error)}"
            raise DataError(msg) from error
        check_parted(header, self.name, self._delimiter)
        return header

    def _find_empty(self, start: bytes) -> frozenset[int]:
        """Return the positions of columns that have neither a name nor, at the beginning of the file, a value."""
        blocks = self._read(in_memory(start, self.name), UNNAMED_SAMPLE)
        first = next(blocks)
        empty = frozenset(self._header.unnamed)
        for block in chain([_below(first, self._first_row(first.content))], blocks):
            if block.content:
                columns = self._columns(block)
                empty = frozenset(place for place in empty if not _first_text(columns[place]))
            if len(start) == UNNAMED_SAMPLE:  # what comes next may be cut off
                break
        return empty

    def _parsing(self, *, is_single: bool = False) -> pa.csv.ParseOptions:
        """Return how cells are told apart; in a single column, an empty line is an empty cell."""
        return pa.csv.ParseOptions(delimiter=self._delimiter, newlines_in_values=True, ignore_empty_lines=not is_single)

    def _load(self, block: Block) -> Batch:
        if not block.content:
            return Batch({name: pa.nulls(0, pa.string()) for name in self.types}, 0)
        columns = self._columns(block)
        for place in self._empty:
            text = _first_text(columns[place])
            if text:
                raise self._late_value(block, place, text)
        kept = zip(self._header.names, columns, strict=True)
        return Batch({name: column for name, column in kept if name in self.types}, len(columns[0]))

    def _columns(self, block: Block) -> list[pa.Array]:
        """Return the columns of some rows by position."""
        names = self._header.names
        read = pa.csv.ReadOptions(use_threads=False, block_size=len(block.content) + 1, column_names=names)
        types = dict.fromkeys(names, pa.string())
        convert = pa.csv.ConvertOptions(column_types=types, strings_can_be_null=False, null_values=[])
        parsing = self._parsing(is_single=len(names) == 1)
        try:
            table = pa.csv.read_csv(pa.py_buffer(block.content), read, parsing, convert).combine_chunks()
        except pa.ArrowInvalid as error:
            return self._odd_columns(block, error)
        return [column.chunk(0) if column.num_chunks else pa.nulls(0, pa.string()) for column in table.columns]

    def _odd_columns(self, block: Block, error: Exception) -> list[pa.Array]:
        """Read rows that Arrow cannot, as some lack their last cells.

        Raises
        ------
        DataError
            If it is more than that, naming the line where that can be told.
        """
        foreign = foreign_byte(block.content, block.line)
        if foreign:
            raise not_in_encoding(self.name, self._encoding, foreign) from error
        width = len(self._header.names)
        try:
            found = padded_columns(block, width, self._delimiter, self.name, may_be_short=not self._has_row_names)
        except DataError as fault:
            if not self._titles:
                raise
            msg = f"{fault}, and above it what looks like titles"
            raise SettingError(msg, "skip_rows", str(self._titles)) from error
        if found is None:
            msg = f"{self.name}: {first_sentence(error)}"
            raise DataError(msg) from error
        columns, short = found
        self._short.append(short)
        return columns

    def _late_value(self, block: Block, place: int, text: str) -> DataError:
        line = block.line + count_line_ends(block.content[: max(block.content.find(text.encode()), 0)])
        return DataError(
            f"{self.name}: column {place + 1} has no name, and its first value near line {line}: give it a name "
            "in the header"
        )


def _check_is_text(start: bytes, name: str) -> None:
    for mark, what in _OTHER_FILES.items():
        if start.startswith(mark):
            msg = f"{name}: expected text, found {what}"
            raise DataError(msg)


def _below(first: Block, header: bytes) -> Block:
    """Return the rows of the first block that are below the header."""
    rows = first.content[len(header) :]
    return Block(rows, first.line + count_line_ends(header), first.units, is_cut=first.is_cut and rows != b"")


def _first_text(column: pa.StringArray) -> str | None:
    """Return the first cell that is not blank; None where all are."""
    trimmed = pc.utf8_trim_whitespace(column)
    found = trimmed.filter(pc.not_equal(trimmed, ""))
    return found[0].as_py() if len(found) else None
