"""Render columns as lines of a CSV or TSV file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from classification_model.tables.arrays import text_scalar
from classification_model.tables.python_values import python_values
from classification_model.tables.writing.spelling import (
    bytes_of_lines,
    data_of,
    spell_dates,
    spell_each,
    spell_numbers,
    texts_of,
)

if TYPE_CHECKING:
    from classification_model.tables.source import Values

#: Letters for which a cell is quoted, beside the delimiter.
_QUOTED = '"\r\n'
_EMPTY, _QUOTE = text_scalar(""), text_scalar('"')


def as_delimited(columns: Mapping[str, Values], delimiter: str) -> pa.Buffer:
    """Return the lines of one column or more, parted by a comma or a tab; what is missing is an empty cell."""
    between = text_scalar(delimiter)
    cells = [part for values in columns.values() for part in (_cells(values, delimiter), between)]
    return bytes_of_lines([*cells[:-1], text_scalar("\n")])


def header_line(names: Iterable[str], delimiter: str) -> pa.Buffer:
    """Return the header of a delimited file."""
    return as_delimited({str(number): [name] for number, name in enumerate(names)}, delimiter)


def _cells(values: Values, delimiter: str) -> pa.LargeStringArray:
    if not isinstance(values, list):
        if pa.types.is_dictionary(values.type):
            return _cells(values.dictionary, delimiter).take(values.indices).fill_null(_EMPTY)
        plain = spell_numbers(values)
        plain = spell_dates(values) if plain is None else plain
        if plain is not None:
            return plain.fill_null(_EMPTY)
    texts = None if isinstance(values, list) else texts_of(values)
    if texts is None:
        texts = spell_each(python_values(values))
    return _quote(texts.fill_null(_EMPTY), delimiter)


def _quote(texts: pa.LargeStringArray, delimiter: str) -> pa.LargeStringArray:
    letters = np.frombuffer(data_of(texts), dtype=np.uint8)
    if not any((letters == ord(letter)).any() for letter in _QUOTED + delimiter):
        return texts
    must_be = pc.match_substring_regex(texts, f"[{_QUOTED}{delimiter}]")
    doubled = pc.replace_substring(texts, '"', '""')
    return pc.if_else(must_be, pc.binary_join_element_wise(_QUOTE, doubled, _QUOTE, _EMPTY), texts)
