"""Read rows given as dicts in a few microseconds each; rows with an error are left to `checking`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from classification_model.errors import InputError
from classification_model.runtime.input.checking import CheckedRows, Issue, check_rows
from classification_model.runtime.input.number_format import PLAIN
from classification_model.runtime.input.values import LARGEST_EXACT_INTEGER, UnreadableValue

if TYPE_CHECKING:
    from classification_model.runtime.input.schema import Finding, InputSchema, SchemaField


class Odd(NamedTuple):
    """A value of which something is to be said.

    Attributes
    ----------
    value
        What it reads as.
    finding
        Code and text of a warning; None where it is an error.
    """

    value: Any
    finding: Finding | None


_IN_ERROR = Odd(None, None)


class RowReader:
    """Reads rows that have no error.

    It gives what `check_rows` gives, and only skips what a sound row does not need.

    Parameters
    ----------
    schema
        The schema of the rows.
    """

    def __init__(self, schema: InputSchema) -> None:
        self._schema = schema
        self._accepted = frozenset([*(field.name for field in schema.fields), *schema.ignored])
        self._fields = [
            (field.name, _reader(field), _missing(field) if field.nullable else _IN_ERROR) for field in schema.fields
        ]

    def read(self, row: Mapping[str, Any], number: int, warnings: list[Issue]) -> dict[str, Any] | None:
        """Return the values of a row by field, numbers with NaN and texts with None for missing ones.

        Parameters
        ----------
        row
            Values by name of the field, or of a column that is ignored.
        number
            Number of the row, for its warnings.
        warnings
            Where they are added.

        Returns
        -------
        dict or None
            None when the row is in error, or has keys other than names of fields.
        """
        if not row.keys() <= self._accepted:
            return None
        values = {}
        for name, read, absent in self._fields:
            value = read(row[name]) if name in row else absent
            if type(value) is Odd:
                if value.finding is None:
                    return None
                warnings.append(Issue(number, name, *value.finding))
                value = value.value
            values[name] = value
        return values

    def read_rows(self, rows: Sequence[Any]) -> CheckedRows:
        """Read many rows, and leave those in error to `check_rows`.

        Raises
        ------
        InputError
            If a row is not a mapping.
        """
        names = [name for name, _, _ in self._fields]
        checked = CheckedRows(len(rows), {name: [None] * len(rows) for name in names})
        columns = [checked.columns[name] for name in names]
        left = []
        for number, row in enumerate(rows):
            before = len(checked.warnings)
            values = self.read(row, number, checked.warnings) if type(row) is dict else None
            if values is None:
                del checked.warnings[before:]
                left.append(number)
                continue
            for column, value in zip(columns, values.values(), strict=True):
                column[number] = value if value == value else None  # noqa: PLR0124 - NaN
        if left:
            self._check(rows, left, checked)
        return checked

    def _check(self, rows: Sequence[Any], numbers: list[int], checked: CheckedRows) -> None:
        """Read rows of some numbers with all that is to be said of them."""
        try:
            rest = check_rows(self._schema, [rows[number] for number in numbers])
        except InputError:
            check_rows(self._schema, rows)  # which knows the number of the row
            raise
        for name, column in rest.columns.items():
            for number, value in zip(numbers, column, strict=True):
                checked.columns[name][number] = value
        for mine, theirs in ((checked.errors, rest.errors), (checked.warnings, rest.warnings)):
            mine += [replace(issue, row=numbers[issue.row]) for issue in theirs if issue.row is not None]
            mine.sort(key=lambda issue: issue.row or 0)


def _missing(field: SchemaField) -> float | None:
    return None if field.kind in {"categorical", "text"} else math.nan


def _reader(field: SchemaField) -> Callable[[Any], Any]:
    """Return a function of one value: what it reads as, `Odd` where something is to be said of it."""
    slowly = _slow_reader(field)
    if field.kind == "numeric":
        return _number_reader(field, slowly)
    if field.kind == "categorical" and field.categories is not None:
        return _category_reader(field, slowly)
    if field.kind == "text" and field.categories is None:
        return _text_reader(field, slowly)
    return slowly


def _slow_reader(field: SchemaField) -> Callable[[Any], Any]:
    read_value, remark, missing = field.reader(), field.remark, _missing(field)

    def read(given: Any) -> Any:
        try:
            parsed = read_value(given)
        except UnreadableValue:
            return _IN_ERROR
        finding, value = remark(parsed), missing if parsed is None else parsed
        return value if finding is None else Odd(value, finding)

    return read


def _number_reader(field: SchemaField, slowly: Callable[[Any], Any]) -> Callable[[Any], Any]:
    low = -math.inf if field.minimum is None else field.minimum
    high = math.inf if field.maximum is None else field.maximum
    is_exact = low >= -LARGEST_EXACT_INTEGER and high <= LARGEST_EXACT_INTEGER
    quick = {float, int} if is_exact else {float}
    is_mark_within = any(low <= mark <= high for mark in field.missing_numbers)
    if is_mark_within or not (math.isfinite(low) and math.isfinite(high)):
        quick = set()

    def read(value: Any) -> Any:
        return float(value) if type(value) in quick and low <= value <= high else slowly(value)

    return read


def _category_reader(field: SchemaField, slowly: Callable[[Any], Any]) -> Callable[[Any], Any]:
    known: dict[Any, str] = {text: text for text in field.categories or () if len(text) <= field.longest_text}
    numbers = {int(text): text for text in known if text.isdecimal() and text.isascii() and text == str(int(text))}

    def read(value: Any) -> Any:
        kind = type(value)
        found = known.get(value) if kind is str else numbers.get(value) if kind is int else None
        return slowly(value) if found is None else found

    return read


def _text_reader(field: SchemaField, slowly: Callable[[Any], Any]) -> Callable[[Any], Any]:
    if PLAIN.numbers_among(field.marks):  # which texts of any length may spell
        return slowly
    longest_mark, longest = max(map(len, field.missing_values), default=0), field.longest_text
    finding = field.remark(None)
    missing = None if finding is None else Odd(None, finding)

    def read(value: Any) -> Any:
        if value is None:
            return missing
        is_plain = type(value) is str and longest_mark < len(value) <= longest and value.isprintable()
        return value if is_plain and value[0] != " " != value[-1] else slowly(value)

    return read
