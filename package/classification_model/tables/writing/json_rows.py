"""Render columns as JSON objects, one for each row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from classification_model.tables.arrays import as_arrow, flags_of, text_array, text_scalar
from classification_model.tables.python_values import python_values
from classification_model.tables.writing.spelling import (
    as_json,
    bytes_of_lines,
    data_of,
    spell_dates,
    spell_numbers,
    texts_of,
)

if TYPE_CHECKING:
    from classification_model.tables.source import Values

_NULL, _QUOTE, _EMPTY = text_scalar("null"), text_scalar('"'), text_scalar("")
_ESCAPED = r'[\x00-\x1f"\\]'
_IS_ESCAPED = np.zeros(256, dtype=bool)
_IS_ESCAPED[[*range(32), ord('"'), ord("\\")]] = True


def as_json_lines(columns: Mapping[str, Values]) -> pa.Buffer:
    """Return an object a line."""
    return _objects(columns, before="{", between=",", colon=":", after="}\n")


def as_json_list(columns: Mapping[str, Values]) -> pa.Buffer:
    """Return the objects of an indented JSON list without its brackets, a comma and a line end after each."""
    return _objects(columns, before="  {\n    ", between=",\n    ", colon=": ", after="\n  },\n")


def _objects(columns: Mapping[str, Values], *, before: str, between: str, colon: str, after: str) -> pa.Buffer:
    parts = []
    for number, (name, values) in enumerate(columns.items()):
        key = (between if number else before) + orjson.dumps(name).decode() + colon
        parts += [text_scalar(key), _cells(values)]
    return bytes_of_lines([*parts, text_scalar(after)])


def _cells(values: Values) -> pa.LargeStringArray:
    if isinstance(values, list):
        return _dump(values)
    if pa.types.is_dictionary(values.type):
        return _cells(values.dictionary).take(values.indices).fill_null(_NULL)
    cells = spell_numbers(values)
    if cells is None:
        texts = texts_of(values)
        if texts is not None:
            cells = _quote(texts)
    if cells is None and (dates := spell_dates(values)) is not None:
        cells = pc.binary_join_element_wise(_QUOTE, dates, _QUOTE, _EMPTY)
    return _dump(python_values(values)) if cells is None else cells.fill_null(_NULL)


def _quote(texts: pa.LargeStringArray) -> pa.LargeStringArray:
    quoted = pc.binary_join_element_wise(_QUOTE, texts, _QUOTE, _EMPTY)
    if not _IS_ESCAPED[np.frombuffer(data_of(texts), dtype=np.uint8)].any():
        return quoted
    odd = np.flatnonzero(flags_of(pc.match_substring_regex(texts.fill_null(_EMPTY), _ESCAPED)))
    places = np.arange(len(texts))
    places[odd] = len(texts) + np.arange(len(odd))
    return pa.concat_arrays([quoted, _dump(texts.take(as_arrow(odd)).to_pylist())]).take(as_arrow(places))


def _dump(values: list[Any]) -> pa.LargeStringArray:
    return text_array([orjson.dumps(value, as_json).decode() for value in values])
