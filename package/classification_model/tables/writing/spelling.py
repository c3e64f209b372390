"""Convert columns to texts, and join texts to lines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from classification_model.tables.arrays import as_arrow, doubles_of, text_array, text_scalar
from classification_model.tables.formats import first_sentence
from classification_model.tables.python_values import UnreadableArray

if TYPE_CHECKING:
    from classification_model.tables.source import Batch, Values

#: Whole numbers up to it are spelled in full, as Python does.
_LARGEST_IN_FULL = 1e15
_DECIMAL_ZERO, _NOTHING = text_scalar(".0"), text_scalar("")
_JSON_TYPES = (bool, int, float, list, tuple, dict)


def spell_numbers(values: pa.Array) -> pa.LargeStringArray | None:
    """Spell truth values and numbers; null where they are null, NaN or infinite, None if they are no such values."""
    kind = values.type
    if pa.types.is_floating(kind):
        return _spell_doubles(values)
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind) or pa.types.is_decimal(kind):
        return values.cast(pa.large_string())
    return None


def spell_dates(values: pa.Array) -> pa.LargeStringArray | None:
    """Spell dates and moments in ISO 8601; None if they are no such values."""
    if pa.types.is_date(values.type):
        return values.cast(pa.large_string())
    if pa.types.is_timestamp(values.type):
        return pc.replace_substring(values.cast(pa.large_string()), " ", "T")
    return None


def _spell_doubles(values: pa.Array) -> pa.LargeStringArray:
    numbers = doubles_of(values)
    finite = np.isfinite(numbers)
    doubles = as_arrow(numbers, ~finite)
    with np.errstate(invalid="ignore"):
        is_whole = (np.abs(numbers) < _LARGEST_IN_FULL) & (numbers == np.floor(numbers))
    texts = doubles.cast(pa.large_string())
    if not is_whole.any():
        return texts
    whole = as_arrow(np.where(is_whole, numbers, 0).astype(np.int64)).cast(pa.large_string())
    return pc.if_else(as_arrow(is_whole), pc.binary_join_element_wise(whole, _DECIMAL_ZERO, _NOTHING), texts)


def texts_of(values: pa.Array) -> pa.LargeStringArray | None:
    """Return texts as large strings; None if they are no texts.

    Raises
    ------
    UnreadableArray
        If one is no UTF-8.
    """
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        return None
    try:
        values.validate(full=True)
    except pa.ArrowInvalid as error:
        msg = f"of type {values.type} cannot be read: {first_sentence(error)}"
        raise UnreadableArray(msg) from error
    return values.cast(pa.large_string())


def spell_each(values: Iterable[Any]) -> pa.LargeStringArray:
    """Spell Python's values of any types: texts as they are, lists and objects as JSON."""
    return text_array([_spell(value) for value in values])


def _spell(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return orjson.dumps(value, as_json).decode() if isinstance(value, _JSON_TYPES) else str(value)


def as_json(value: Any) -> float | str:
    """Return what JSON can hold of a value that it does not know."""
    return float(value) if isinstance(value, (Decimal, np.number)) else str(value)


def typed_array(values: Values, kind: pa.DataType) -> pa.Array:
    """Return the values of a column as an Arrow array of a type.

    Raises
    ------
    UnreadableArray
        If a value is not of this type.
    """
    try:
        if not isinstance(values, list):
            return values if values.type.equals(kind) else values.cast(kind)
        return pa.array(values, kind) if pa.types.is_floating(kind) else spell_each(values).cast(kind)
    except pa.ArrowException as error:
        msg = f"cannot be written as {kind}: {first_sentence(error)}"
        raise UnreadableArray(msg) from error


def typed_batch(batch: Batch, schema: pa.Schema) -> pa.RecordBatch:
    """Return the columns of a batch with the types of a schema, and in its order."""
    columns = [typed_array(batch.columns[field.name], field.type) for field in schema]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def bytes_of_lines(cells: Sequence[pa.LargeStringArray | pa.LargeStringScalar]) -> pa.Buffer:
    """Put cells, or what stands between them in every line, side by side, and the lines one after the other."""
    return data_of(pc.binary_join_element_wise(*cells, _NOTHING))


def data_of(texts: pa.LargeStringArray) -> pa.Buffer:
    """Return the bytes of all texts, one after the other."""
    _, offsets, data = texts.buffers()
    if data is None or not len(texts):
        return pa.py_buffer(b"")
    bounds = np.frombuffer(offsets, dtype=np.int64)[texts.offset : texts.offset + len(texts) + 1]
    return data.slice(int(bounds[0]), int(bounds[-1] - bounds[0]))
