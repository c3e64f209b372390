"""Convert between Python, numpy and Arrow, without copies where possible, and without pandas.

pyarrow's own conversions import pandas if it is installed, which takes longer than predicting a million rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

_TYPES = {np.dtype(np.float64): pa.float64(), np.dtype(np.int64): pa.int64()}


def as_arrow(values: NDArray[Any], is_null: NDArray[np.bool_] | None = None) -> pa.Array:
    """Return float64, int64 or truth values as an Arrow array.

    Parameters
    ----------
    values
        Shape (n_rows,).
    is_null
        Which of them are null; none when left out.
    """
    valid = None if is_null is None else _bits(~is_null)
    if values.dtype == np.bool_:
        return pa.Array.from_buffers(pa.bool_(), len(values), [valid, _bits(values)])
    data = pa.py_buffer(np.ascontiguousarray(values))
    return pa.Array.from_buffers(_TYPES[values.dtype], len(values), [valid, data])


def text_array(texts: Sequence[str | None]) -> pa.LargeStringArray:
    """Return texts as an Arrow array, null for None."""
    encoded = [b"" if text is None else text.encode() for text in texts]
    ends = np.cumsum([0, *map(len, encoded)], dtype=np.int64)
    valid = _bits(np.array([text is not None for text in texts], dtype=bool))
    buffers = [valid, pa.py_buffer(ends), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(pa.large_string(), len(encoded), buffers)


def text_scalar(text: str) -> pa.LargeStringScalar:
    """Return one text as Arrow's functions take it beside arrays of large strings."""
    return text_array([text])[0]


def _bits(flags: NDArray[np.bool_]) -> pa.Buffer:
    return pa.py_buffer(np.packbits(flags, bitorder="little"))


def flags_of(values: pa.BooleanArray) -> NDArray[np.bool_]:
    """Return truth values as a numpy array, shape (n_rows,); those of nulls mean nothing."""
    bits = np.frombuffer(values.buffers()[1], dtype=np.uint8)
    return np.unpackbits(bits, bitorder="little")[values.offset : values.offset + len(values)].astype(bool)


def numbers_of(values: pa.Array) -> NDArray[Any]:
    """Return integers or floats as a numpy array, shape (n_rows,); those of nulls mean nothing."""
    kind = values.type
    prefix = "f" if pa.types.is_floating(kind) else "u" if pa.types.is_unsigned_integer(kind) else "i"
    numbers = np.frombuffer(values.buffers()[1] or b"", dtype=f"{prefix}{kind.bit_width // 8}")
    return numbers[values.offset : values.offset + len(values)]


def doubles_of(values: pa.Array) -> NDArray[np.float64]:
    """Return numbers as doubles, shape (n_rows,), NaN for null."""
    numbers: NDArray[np.float64] = numbers_of(values.cast(pa.float64(), safe=False))
    return np.where(flags_of(values.is_valid()), numbers, np.nan) if values.null_count else numbers


def codes_of(indices: pa.Array) -> NDArray[np.int64]:
    """Return the indices of a dictionary, shape (n_rows,); -1 where it is null."""
    codes: NDArray[np.int64] = numbers_of(indices).astype(np.int64)
    return np.where(flags_of(indices.is_valid()), codes, -1) if indices.null_count else codes
