"""Read JSON files: lines of rows in blocks, or one document of rows or columns."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import orjson
import pyarrow as pa

from classification_model.errors import DataError
from classification_model.tables.formats import check_header, empty
from classification_model.tables.reading.text_blocks import Block, every_line, read_blocks
from classification_model.tables.reading.value_types import ValueTypes
from classification_model.tables.source import Batch, Piece, Values

if TYPE_CHECKING:
    from classification_model.tables.reading.open_file import Opened

#: Rows of a document that are taken at a time.
ROWS = 2**14


class JsonLinesSource:
    """A file of one object a line, a row each; read twice, since any row may be the first with some column.

    Parameters
    ----------
    file
        The file.
    block
        Bytes that are read at a time.

    Raises
    ------
    DataError
        If a line is no object, or has a key twice.

    Attributes
    ----------
    name, types, size
        As `Source`; its unit is the byte.
    """

    def __init__(self, file: Opened, block: int) -> None:
        self.name = file.name
        self.size = file.size
        self._block = block
        self._file = file
        found: dict[str, ValueTypes] = {}
        for part in read_blocks(file, "utf-8", every_line, self._block):
            rows = self._parse(part)
            for name in dict.fromkeys(name for row in rows for name in row):
                found.setdefault(name, ValueTypes()).see([row.get(name) for row in rows])
        check_header(list(found), self.name)
        self._found = found
        self.types = {name: types.stored for name, types in found.items()}

    def pieces(self) -> Iterator[Piece]:
        """Yield the blocks of the file."""
        self._file.rewind()
        for block in read_blocks(self._file, "utf-8", every_line, self._block):
            yield Piece(partial(self._load, block), block.units)

    def _load(self, block: Block) -> Batch:
        rows = self._parse(block)
        values = {name: [row.get(name) for row in rows] for name in self._found}
        return Batch(_as_columns(values, self._found), len(rows))

    def _parse(self, block: Block) -> list[dict[str, Any]]:
        rows = []
        for number, line in enumerate(block.content.splitlines(), start=block.line):
            if line.strip():
                row = _parse(line, self.name, number)
                if not isinstance(row, dict):
                    msg = f"{self.name}: line {number}: expected a JSON object, found another value"
                    raise DataError(msg)
                rows.append(row)
        return rows


class JsonSource:
    """A JSON document: a list of rows as objects, or an object of columns. It is held in memory as a whole.

    Parameters
    ----------
    file
        The file.
    rows
        Rows of a batch at most.

    Raises
    ------
    DataError
        If it is neither.

    Attributes
    ----------
    name, types, size
        As `Source`; its unit is the row.
    """

    def __init__(self, file: Opened, rows: int = ROWS) -> None:
        self.name = file.name
        self._rows = rows
        content = file.read_all().removeprefix(codecs.BOM_UTF8)
        if not content.strip():
            raise empty(file.name)
        self._columns, self.size = _columns_of(_parse(content, file.name), file.name)
        check_header(list(self._columns), self.name)
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
        values = {name: column[start : start + count] for name, column in self._columns.items()}
        return Batch(_as_columns(values, self._found), count)


def _as_columns(values: Mapping[str, list[Any]], found: Mapping[str, ValueTypes]) -> dict[str, Values]:
    return {
        name: column if found[name].uniform is None else pa.array(column, found[name].uniform)
        for name, column in values.items()
    }


def _parse(content: bytes, source: str, line: int = 1) -> Any:
    """Parse the JSON that begins in a line of a file."""
    try:
        document = orjson.loads(content)
        # A colon for every key and no more: no key is there twice.
        if not isinstance(document, dict) or content.count(b":") > len(document):
            json.loads(content, object_pairs_hook=partial(_check_keys, source))
    except orjson.JSONDecodeError as error:
        place = f"line {line + error.lineno - 1}, column {error.colno}"
        msg = f"{source}: {place}: expected JSON, found a syntax error: {error.msg}"
        raise DataError(msg) from error
    except RecursionError as error:
        msg = f"{source}: line {line}: expected a few levels of nested JSON, found hundreds"
        raise DataError(msg) from error
    return document


def _check_keys(source: str, pairs: Sequence[tuple[str, Any]]) -> None:
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        check_header(names, source)


def _columns_of(data: Any, source: str) -> tuple[dict[str, list[Any]], int]:
    """Return the columns of a document, and the number of its rows."""
    if isinstance(data, list) and all(isinstance(row, dict) for row in data):
        names = dict.fromkeys(name for row in data for name in row)
        return {name: [row.get(name) for row in data] for name in names}, len(data)
    if not (isinstance(data, dict) and data and all(isinstance(values, list) for values in data.values())):
        msg = (
            f"{source}: expected a JSON list of rows as objects, or an object of columns as lists, found another value"
        )
        raise DataError(msg)
    lengths = {len(values) for values in data.values()}
    if len(lengths) > 1:
        msg = f"{source}: expected columns of one length, found lengths from {min(lengths)} to {max(lengths)}"
        raise DataError(msg)
    return data, lengths.pop()
