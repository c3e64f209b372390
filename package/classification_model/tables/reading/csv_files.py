"""Read CSV files in blocks, each cell as a text."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from itertools import chain

import pyarrow as pa
import pyarrow.csv

from classification_model.errors import DataError
from classification_model.tables.formats import (
    check_delimiter,
    check_header,
    check_parted,
    first_sentence,
    not_in_encoding,
    sniff_delimiter,
)
from classification_model.tables.reading.open_file import Opened
from classification_model.tables.reading.text_blocks import (
    SAMPLE,
    Block,
    count_line_ends,
    foreign_byte,
    outside_quotes,
    read_blocks,
)
from classification_model.tables.source import Batch, Piece


class CsvSource:
    """A delimited file.

    Parameters
    ----------
    file
        The file.
    delimiter
        What parts its cells; found in its header when None.
    encoding
        How it is written.
    block
        Bytes that are read at a time.

    Raises
    ------
    DataError
        If it has no header, or one that is malformed.

    Attributes
    ----------
    name, types, size
        As `Source`; its unit is the byte.
    """

    def __init__(self, file: Opened, delimiter: str | None, encoding: str, block: int) -> None:
        self.name = file.name
        self.size = file.size
        self._encoding = encoding
        start = file.peek(SAMPLE)
        self._delimiter = sniff_delimiter(start, encoding) if delimiter is None else delimiter
        check_delimiter(self._delimiter, file.name)
        blocks = read_blocks(file, encoding, outside_quotes(file.name, self._delimiter), block)
        first = next(blocks)
        header = self._first_row(first.content)
        self._header = self._read_header(header, first.line)
        self.types = dict.fromkeys(self._header, pa.string())
        line = first.line + count_line_ends(header)
        self._blocks = chain([Block(first.content[len(header) :], line, first.units)], blocks)

    def _first_row(self, content: bytes) -> bytes:
        """Return the first row, whose cells may hold line ends."""
        lines = io.StringIO(content.decode(errors="replace"), newline="")
        rows = csv.reader(lines, delimiter=self._delimiter)
        with suppress(csv.Error):
            next(rows)
        return b"".join(content.splitlines(keepends=True)[: max(rows.line_num, 1)])

    def _read_header(self, content: bytes, line: int) -> list[str]:
        try:
            read = pa.csv.ReadOptions(use_threads=False, block_size=len(content) + 1)
            with pa.csv.open_csv(pa.py_buffer(content), read, self._parsing()) as reader:
                header: list[str] = reader.schema.names
        except UnicodeDecodeError as error:
            raise not_in_encoding(self.name, self._encoding, foreign_byte(content, line)) from error
        except pa.ArrowInvalid as error:
            msg = f"{self.name}: its header cannot be parsed: {first_sentence(error)}"
            raise DataError(msg) from error
        check_header(header, self.name)
        check_parted(header, self.name, self._delimiter)
        return header

    def _parsing(self, *, is_single: bool = False) -> pa.csv.ParseOptions:
        """Return how cells are told apart; in a single column, an empty line is an empty cell."""
        return pa.csv.ParseOptions(delimiter=self._delimiter, newlines_in_values=True, ignore_empty_lines=not is_single)

    def pieces(self) -> Iterator[Piece]:
        """Yield the blocks of the file."""
        for block in self._blocks:
            yield Piece(partial(self._load, block), block.units)

    def _load(self, block: Block) -> Batch:
        if not block.content:
            return Batch({name: pa.nulls(0, pa.string()) for name in self._header}, 0)
        read = pa.csv.ReadOptions(use_threads=False, block_size=len(block.content) + 1, column_names=self._header)
        convert = pa.csv.ConvertOptions(column_types=self.types, strings_can_be_null=False, null_values=[])
        parsing = self._parsing(is_single=len(self._header) == 1)
        try:
            table = pa.csv.read_csv(pa.py_buffer(block.content), read, parsing, convert).combine_chunks()
        except pa.ArrowInvalid as error:
            raise self._malformed(block.content, block.line, error) from error
        columns = {
            name: column.chunk(0) if column.num_chunks else pa.nulls(0, pa.string())
            for name, column in zip(self._header, table.columns, strict=True)
        }
        return Batch(columns, table.num_rows)

    def _malformed(self, content: bytes, line: int, error: Exception) -> DataError:
        """Return the error of a block that cannot be parsed, naming the line where that can be told."""
        if "UTF8" in str(error):
            return not_in_encoding(self.name, self._encoding, foreign_byte(content, line))
        found = self._odd_row(content, line)
        return DataError(f"{self.name}: {found or first_sentence(error)}")

    def _odd_row(self, content: bytes, line: int) -> str | None:
        """Say which is the first row with more or fewer cells than the header."""
        reader = csv.reader(io.StringIO(content.decode(errors="replace"), newline=""), delimiter=self._delimiter)
        start, expected = 0, len(self._header)
        with suppress(csv.Error):
            for row in reader:
                if row and len(row) != expected:
                    return f"line {line + start}: expected {expected} cell(s), as in the header, found {len(row)}"
                start = reader.line_num
        return None
