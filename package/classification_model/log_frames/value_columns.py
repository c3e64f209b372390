"""Collect columns of JSON values part by part, typed if all values are of one type."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NULL = type(None)
#: How values of one type are stored, until it is known whether those of other parts are of the same.
_STORED: dict[type, pa.DataType] = {str: pa.large_string(), float: pa.float64(), int: pa.int64()}


class ValueColumn:
    """Gathers the values of a column; rows that no part covers are null.

    Examples
    --------
    >>> column = ValueColumn()
    >>> column.add(0, [0.5, None])
    >>> column.add(2, [1.5])
    >>> column.finish(np.array([2, 1, 0]), 3).tolist()
    [1.5, nan, 0.5]
    """

    def __init__(self) -> None:
        self._parts: list[tuple[int, pa.Array | NDArray[np.object_]]] = []
        self._types: set[type] = set()

    def add(self, start: int, values: Sequence[Any]) -> None:
        """Take some values.

        Parameters
        ----------
        start
            Number of the row of the first.
        values
            As JSON has them.
        """
        types = set(map(type, values)) - {_NULL}
        self._types |= types
        if not types:
            return
        self._parts.append((start, _store(values, types)))

    def finish(self, rows: NDArray[np.int64], count: int, *, are_objects: bool = False) -> pd.Series:
        """Return some rows of the column, which is not here any more then.

        Parameters
        ----------
        rows
            Numbers of the rows.
        count
            Number of all rows.
        are_objects
            Whether the values are given as objects in any case.

        Returns
        -------
        pandas.Series
            Of dtype str or float64, where missing values are NaN, for texts and for floats; of int64 for integers
            without missing values; else of objects, where they are None.
        """
        parts, self._parts = self._parts, []
        kind = _STORED.get(*self._types) if len(self._types) == 1 else None
        if not are_objects and kind is not None and all(isinstance(values, pa.Array) for _, values in parts):
            column = take(_joined(parts, count, kind), rows)
            if pa.types.is_large_string(kind):
                return pd.Series(column.to_pandas(), dtype="str")
            if not pa.types.is_integer(kind) or not column.null_count:
                return pd.Series(column.to_numpy(), copy=False)
            return pd.Series(column.to_pylist(), dtype=object)
        objects = np.full(count, None, dtype=object)
        while parts:
            start, values = parts.pop()
            objects[start : start + len(values)] = _as_objects(values)
        return pd.Series(objects[rows], dtype=object, copy=False)


def _store(values: Sequence[Any], types: set[type]) -> pa.Array | NDArray[np.object_]:
    if len(types) == 1:
        kind = _STORED.get(*types)
        if kind is not None:
            try:
                return pa.array(values, kind)
            except (OverflowError, pa.ArrowInvalid):  # an integer of 64 bits without a sign
                pass
    return np.fromiter(values, dtype=object, count=len(values))


def _as_objects(values: pa.Array | NDArray[np.object_]) -> NDArray[np.object_]:
    return (
        values if isinstance(values, np.ndarray) else np.fromiter(values.to_pylist(), dtype=object, count=len(values))
    )


def _joined(parts: list[tuple[int, pa.Array]], count: int, kind: pa.DataType) -> pa.ChunkedArray:
    """Return the parts as one array, with nulls between them."""
    joined = []
    end = 0
    for start, values in parts:
        if start > end:
            joined.append(pa.nulls(start - end, kind))
        joined.append(values)
        end = start + len(values)
    parts.clear()
    return pa.chunked_array([*joined, pa.nulls(count - end, kind)], kind)


def take(column: pa.ChunkedArray, rows: NDArray[np.int64]) -> pa.ChunkedArray:
    """Return some rows of a column, in a single chunk; the column itself where they are all of its rows in order."""
    if len(rows) == len(column) and (rows[:-1] < rows[1:]).all():
        return column
    return pa.chunked_array([column.combine_chunks().take(pa.array(rows))])
