"""Convert Arrow arrays to Python values, with the same result whether or not pandas is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from classification_model.runtime.input.moments import MOMENTS
from classification_model.runtime.input.values import LARGEST_EXACT_INTEGER
from classification_model.tables.arrays import as_arrow, flags_of, numbers_of
from classification_model.tables.formats import first_sentence

if TYPE_CHECKING:
    from classification_model.tables.source import Values


class UnreadableArray(ValueError):  # noqa: N818 - an array, not a program, is at fault
    """An array does not hold what its type says."""


def python_values(values: Values) -> list[Any]:
    """Return the values of a column; dates that Python's calendar does not hold are numpy's.

    Raises
    ------
    UnreadableArray
        If some cannot be read, as in a text that is no UTF-8 or a time zone that nobody knows.
    """
    if isinstance(values, list):
        return values
    kind = values.type
    try:
        if getattr(kind, "unit", None) == "ns":
            return _of_nanoseconds(values)
        objects: list[Any] = values.to_pylist()
    except (pa.ArrowException, ValueError, OverflowError, KeyError) as error:  # a zone may be a missing key
        if pa.types.is_date(kind) or (pa.types.is_timestamp(kind) and kind.tz is None):
            return _numpy_moments(values)
        msg = f"of type {kind} cannot be read: {first_sentence(error)}"
        raise UnreadableArray(msg) from error
    return objects


def _of_nanoseconds(values: pa.Array) -> list[Any]:
    """Return moments, times of day and durations to the microsecond; numpy's moments where they are finer."""
    kind = values.type
    if not pa.types.is_timestamp(kind):
        micro = pa.time64("us") if pa.types.is_time64(kind) else pa.duration("us")
        objects: list[Any] = values.cast(micro, safe=False).to_pylist()
        return objects
    missing = flags_of(values.is_null())
    numbers = np.where(missing, 0, numbers_of(values.cast(pa.int64())))
    if kind.tz is None and (numbers % 1000).any():
        return _numpy_moments(values)
    moments: list[Any] = as_arrow(numbers // 1000, missing).cast(pa.timestamp("us", kind.tz)).to_pylist()
    return moments


def _numpy_moments(values: pa.Array) -> list[np.datetime64 | None]:
    """Return dates and moments without a zone as numpy's."""
    unit = "D" if pa.types.is_date32(values.type) else getattr(values.type, "unit", "ms")
    width = pa.int32() if unit == "D" else pa.int64()
    numbers = values.cast(width).cast(pa.int64()) if unit == "D" else values.cast(width)
    moments = numbers_of(numbers).astype(f"datetime64[{unit}]")
    return [moment if is_valid else None for moment, is_valid in zip(moments, flags_of(values.is_valid()), strict=True)]


def seconds_of(values: pa.Array) -> NDArray[np.float64] | None:
    """Return dates and moments as seconds since 1970 UTC, shape (n_rows,), NaN for null.

    None where one is beyond what doubles hold exactly, or beyond the calendar.
    """
    kind = values.type
    if pa.types.is_date(kind):
        a_second = 1 / 86_400 if pa.types.is_date32(kind) else 1e3
        numbers = values.cast(pa.int32()).cast(pa.int64()) if pa.types.is_date32(kind) else values.cast(pa.int64())
    else:
        a_second = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e6}[kind.unit]
        numbers = values.cast(pa.int64())
    whole = numbers_of(numbers)
    if numbers.null_count:
        whole = np.where(flags_of(numbers.is_valid()), whole, 0)
    if getattr(kind, "unit", "") == "ns":
        whole = whole // 1000
    if len(whole) and max(int(whole.max()), -int(whole.min())) > LARGEST_EXACT_INTEGER:
        return None
    seconds: NDArray[np.float64] = whole * 86_400.0 if a_second < 1 else whole / a_second
    if ((seconds < MOMENTS[0]) | (seconds > MOMENTS[1])).any():
        return None
    return np.where(flags_of(numbers.is_null()), np.nan, seconds) if numbers.null_count else seconds
