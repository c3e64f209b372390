"""One plain row, read in a few microseconds; whatever is odd about it is left to `checking`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from classification_model.values import LARGEST_EXACT_INTEGER, UnreadableValue

if TYPE_CHECKING:
    from classification_model.schema import InputSchema, SchemaField

#: Stands for a value of which something is to be said.
ODD: Any = object()


class RowReader:
    """Reads rows that meet neither error nor warning.

    It gives what `check_rows` gives, and only skips what a plain row does not need.

    Parameters
    ----------
    schema
        The schema of the rows.
    """

    def __init__(self, schema: InputSchema) -> None:
        self._accepted = frozenset([*(field.name for field in schema.fields), *schema.ignored])
        self._fields = [
            (field.name, _reader(field), _missing(field) if field.nullable else ODD) for field in schema.fields
        ]

    def read(self, row: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the values of a row by field, numbers with NaN and texts with None for missing ones.

        None when something is to be said of the row, or it has keys other than names of fields.
        """
        if not row.keys() <= self._accepted:
            return None
        values = {}
        for name, read, absent in self._fields:
            value = read(row[name]) if name in row else absent
            if value is ODD:
                return None
            values[name] = value
        return values


def _missing(field: SchemaField) -> float | None:
    return None if field.kind in {"categorical", "text"} else math.nan


def _reader(field: SchemaField) -> Callable[[Any], Any]:
    """Return a function of one value: what it reads as, or ODD."""
    slowly = _slow_reader(field)
    if field.kind == "numeric":
        return _number_reader(field, slowly)
    if field.kind == "categorical" and field.categories is not None:
        return _category_reader(field, slowly)
    return slowly


def _slow_reader(field: SchemaField) -> Callable[[Any], Any]:
    read_value, remark, missing = field.reader(), field.remark, _missing(field)

    def read(value: Any) -> Any:
        try:
            parsed = read_value(value)
        except UnreadableValue:
            return ODD
        if remark(parsed) is not None:
            return ODD
        return missing if parsed is None else parsed

    return read


def _number_reader(field: SchemaField, slowly: Callable[[Any], Any]) -> Callable[[Any], Any]:
    low = -math.inf if field.minimum is None else field.minimum
    high = math.inf if field.maximum is None else field.maximum
    is_exact = low >= -LARGEST_EXACT_INTEGER and high <= LARGEST_EXACT_INTEGER
    quick = {float, int} if is_exact else {float}
    if not (math.isfinite(low) and math.isfinite(high)):
        quick = set()

    def read(value: Any) -> Any:
        return float(value) if type(value) in quick and low <= value <= high else slowly(value)

    return read


def _category_reader(field: SchemaField, slowly: Callable[[Any], Any]) -> Callable[[Any], Any]:
    known: dict[Any, str] = {text: text for text in field.categories or ()}
    numbers = {int(text): text for text in known if text.isdecimal() and text.isascii() and text == str(int(text))}

    def read(value: Any) -> Any:
        kind = type(value)
        found = known.get(value) if kind is str else numbers.get(value) if kind is int else None
        return slowly(value) if found is None else found

    return read
