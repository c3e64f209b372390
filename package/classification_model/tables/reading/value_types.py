"""Infer the type of a column of Python's values, as JSON and workbooks have them, for output files with types."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from classification_model.runtime.input.values import LARGEST_EXACT_INTEGER

_UNIFORM: dict[type, pa.DataType] = {
    bool: pa.bool_(),
    float: pa.float64(),
    str: pa.string(),
    dt.date: pa.date32(),
    dt.datetime: pa.timestamp("us"),
}


class ValueTypes:
    """Collects the types of a column's values."""

    def __init__(self) -> None:
        self._types: set[type] = set()
        self._low = self._high = 0

    def see(self, values: Iterable[Any]) -> None:
        """Take values into account."""
        values = list(values)
        types = set(map(type, values))
        if int in types:
            whole = [value for value in values if type(value) is int]
            self._low, self._high = min(self._low, *whole), max(self._high, *whole)
        self._types |= types - {type(None)}

    @property
    def uniform(self) -> pa.DataType | None:
        """The one type of all values; None where there are several, or none that holds them all."""
        if not self._types:
            return pa.null()
        if self._types == {int}:
            if self._high < 2**63:
                return pa.int64()
            return pa.uint64() if self._low >= 0 else None
        return _UNIFORM.get(next(iter(self._types))) if len(self._types) == 1 else None

    @property
    def stored(self) -> pa.DataType:
        """The type in a file of types: numbers where all are, else texts."""
        if self._types == {int, float} and max(self._high, -self._low) <= LARGEST_EXACT_INTEGER:
            return pa.float64()
        return pa.string() if self.uniform is None else self.uniform
