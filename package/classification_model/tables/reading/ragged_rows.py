"""Rows with other numbers of cells than the header: row names, a delimiter at the end of lines, missing last cells."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from itertools import zip_longest
from typing import Literal

import pyarrow as pa

from classification_model.errors import DataError
from classification_model.tables.reading.text_blocks import Block

#: What the rows have that the header lacks.
Surplus = Literal["row names", "last cells"]
_WHOLE = re.compile(r"[0-9]{1,18}")
_OTHER_DELIMITERS = ",;\t|"


def surplus_of(rows: Sequence[Sequence[str]]) -> Surplus | None:
    """Tell what rows have that their header lacks: names, as R writes them, or an empty cell at their ends.

    Parameters
    ----------
    rows
        The header and some rows below it.

    Returns
    -------
    str or None
        None unless each row has one cell more than the header, which is empty at its end, or may name it at its
        beginning: no two alike, and numbers only in ascending order.
    """
    header, *below = rows or [[]]
    if not below or any(len(row) != len(header) + 1 for row in below):
        return None
    if all(not row[-1].strip() for row in below):
        return "last cells"
    is_sentence = all(row[-1].startswith(" ") for row in below)  # which a comma without quotes parts
    names = [row[0].strip() for row in below]
    return "row names" if not is_sentence and _may_be_names(names, beside_one=len(header) == 1) else None


def _may_be_names(cells: Sequence[str], *, beside_one: bool) -> bool:
    """Tell whether cells may be the names of rows; beside a single column, these must be numbers."""
    if len(cells) < 2 or len(set(cells)) < len(cells):
        return False
    if not all(map(_WHOLE.fullmatch, cells)):
        return not beside_one
    numbers = list(map(int, cells))
    return numbers == sorted(numbers)


def padded_columns(
    block: Block, width: int, delimiter: str, source: str, *, may_be_short: bool = True
) -> tuple[list[pa.Array], int] | None:
    """Read rows of which some lack their last cells, as spreadsheets write them.

    Parameters
    ----------
    block
        The rows.
    width
        Number of cells of a whole row.
    delimiter
        What parts cells.
    source
        Name of the file, for messages.
    may_be_short
        Whether cells may be missing.

    Returns
    -------
    tuple or None
        The columns, with empty cells for missing ones, and the number of rows that lack some. None where no row is at
        fault.

    Raises
    ------
    DataError
        If a row has more cells than the header, or is cut off, naming its line.
    """
    reader = csv.reader(io.StringIO(block.content.decode(), newline=""), delimiter=delimiter)
    rows: list[list[str]] = []
    short = start = last_short = 0
    try:
        for row in reader:
            if row:
                line = block.line + start
                if len(row) > width or (
                    len(row) < width and not (may_be_short and _may_lack_cells(row, width, delimiter))
                ):
                    raise _odd(source, line, width, len(row))
                if len(row) < width:
                    short, last_short = short + 1, len(rows) + 1
                rows.append(row)
            start = reader.line_num
    except csv.Error:
        return None
    if not short:
        return None
    if block.is_cut and last_short == len(rows):
        msg = (
            f"{source}: expected {width} cell(s) in the last line, as in the header, found {len(rows[-1])} and no line "
            "end: the file is cut off; if it is whole, end it with a line break"
        )
        raise DataError(msg)
    whole = zip_longest([""] * width, *rows, fillvalue="")
    return [pa.array(column[1:], pa.string()) for column in whole], short


def _may_lack_cells(row: Sequence[str], width: int, delimiter: str) -> bool:
    """Tell whether a row ends before its last cells, and is not parted by another delimiter."""
    others = (each for each in _OTHER_DELIMITERS if each != delimiter)
    return len(row) > 1 or all(row[0].count(other) != width - 1 for other in others)


def _odd(source: str, line: int, width: int, found: int) -> DataError:
    return DataError(f"{source}: line {line}: expected {width} cell(s), as in the header, found {found}")
