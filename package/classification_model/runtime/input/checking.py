"""Check rows and columns against an input schema: values, errors and warnings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence, Sized
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from classification_model.errors import InputError
from classification_model.runtime.input.columns import encode
from classification_model.runtime.input.names import Hints
from classification_model.runtime.input.values import UnreadableValue

if TYPE_CHECKING:
    from classification_model.runtime.answers import AnswerIssue
    from classification_model.runtime.input.columns import Column
    from classification_model.runtime.input.schema import Finding, InputSchema, SchemaField, Value

_REQUIRED = ("required", "required: training never saw it missing; send null where it is unknown")
_DUPLICATED = ("duplicated_field", "given twice, under two of its names")
#: Stands for a key that a row does not have, in distinction from one whose value is null.
ABSENT = object()


@dataclass(frozen=True)
class Issue:
    """An error or a warning on an input. It never contains the value.

    Attributes
    ----------
    row
        Number of the row, counted from 0; None for a whole column.
    field
        Name of the column.
    code
        Code of the error or warning, which does not change.
    message
        What was expected and what was found.
    """

    row: int | None
    field: str
    code: str
    message: str

    def as_dict(self) -> AnswerIssue:
        """Return the issue as JSON-ready values."""
        return {"row": self.row, "field": self.field, "code": self.code, "message": self.message}


@dataclass
class CheckedRows:
    """The values of an input, with its errors and warnings.

    Attributes
    ----------
    count
        Number of rows.
    columns
        Values of each field of the schema, in order of rows: float, text or None (missing or wrong).
    errors
        Values that break the schema.
    warnings
        Values that training did not see.
    """

    count: int
    columns: dict[str, list[Value]]
    errors: list[Issue] = field(default_factory=list)
    warnings: list[Issue] = field(default_factory=list)

    @property
    def bad_rows(self) -> set[int]:
        """Numbers of the rows that must not be predicted."""
        if any(issue.row is None for issue in self.errors):
            return set(range(self.count))
        return {issue.row for issue in self.errors if issue.row is not None}

    def take(self, rows: Sequence[int]) -> CheckedRows:
        """Return the values of some rows, without errors and warnings."""
        return CheckedRows(len(rows), {name: [values[row] for row in rows] for name, values in self.columns.items()})

    def arrays(self, texts: AbstractSet[str]) -> dict[str, Column]:
        """Return the columns as a model takes them: numbers with NaN for missing ones, encoded texts.

        Parameters
        ----------
        texts
            Fields that hold categories or texts.
        """
        return {
            name: encode(values) if name in texts else np.array(values, dtype=np.float64)  # type: ignore[arg-type]
            for name, values in self.columns.items()
        }


def check_input(schema: InputSchema, given: Any) -> CheckedRows:
    """Read a frame, a mapping of columns or a sequence of rows.

    Raises
    ------
    InputError
        If it is none of these.
    """
    if isinstance(given, Mapping):
        return check_columns(schema, given)
    if is_frame(given):
        return check_columns(schema, columns_of_frame(given), len(given))
    if isinstance(given, Sequence) and not isinstance(given, (str, bytes)):
        return check_rows(schema, given)
    msg = f"expected a pandas DataFrame, a dict of columns or a list of row dicts, found {type(given).__name__}"
    raise InputError(msg)


def is_frame(given: Any) -> bool:
    """Tell whether an input is a pandas DataFrame, without importing pandas."""
    return hasattr(given, "iloc") and hasattr(given, "columns") and not isinstance(given, type)


def columns_of_frame(frame: Any) -> dict[str, list[Any]]:
    """Return the values of a frame's columns.

    Raises
    ------
    InputError
        If two columns have one name.
    """
    names = [column_name(name) for name in frame.columns]
    repeated = next((name for name, count in Counter(names).items() if count > 1), None)
    if repeated is not None:
        msg = f"the frame has the column {repeated[:100]!r} twice"
        raise InputError(msg)
    return {name: frame.iloc[:, place].tolist() for place, name in enumerate(names)}


def _unknown(row: int | None, key: str, hints: Hints) -> Issue:
    finding = ("unknown_field", f"not a column of the training table{hints.of(key)}")
    return Issue(row, _printable(key), *finding)


def check_rows(schema: InputSchema, rows: Sequence[Mapping[str, Any]]) -> CheckedRows:
    """Read rows given as mappings.

    Raises
    ------
    InputError
        If a row is not a mapping.
    """
    columns: dict[str, list[Any]] = {field.name: [ABSENT] * len(rows) for field in schema.fields}
    errors: list[Issue] = []
    hints = Hints(schema)
    for number, row in enumerate(rows):
        if not isinstance(row, Mapping):
            msg = (
                f"expected rows as mappings of column to value, found {type(row).__name__} as row {number} (counted "
                "from 0)"
            )
            raise InputError(msg)
        for given, value in row.items():
            key = column_name(given)
            if key not in schema.names:
                errors.append(_unknown(number, key, hints))
            elif (name := schema.names[key]) is None:
                continue
            elif columns[name][number] is ABSENT:
                columns[name][number] = value
            else:
                errors.append(Issue(number, name, *_DUPLICATED))
    return _read(schema, columns, len(rows), errors)


def check_columns(schema: InputSchema, given: Mapping[str, Any], rows: int | None = None) -> CheckedRows:
    """Read columns given as sequences or arrays of one length.

    Parameters
    ----------
    given
        Values of each column.
    rows
        Number of rows, which columns cannot tell when there are none.

    Raises
    ------
    InputError
        If the columns differ in length, or one is not a sequence.
    """
    lists = [(spelt := column_name(key), as_list(spelt, values)) for key, values in given.items()]
    count = len(lists[0][1]) if lists else rows or 0
    columns: dict[str, list[Any]] = {}
    errors: list[Issue] = []
    hints = Hints(schema)
    for key, values in lists:
        if len(values) != count:
            found = f"{count} values in the first and {len(values)} in {_printable(key)!r}"
            msg = f"expected columns of one length, found {found}"
            raise InputError(msg)
        if key not in schema.names:
            errors.append(_unknown(None, key, hints))
        elif (name := schema.names[key]) is None:
            continue
        elif name in columns:
            errors.append(Issue(None, name, *_DUPLICATED))
        else:
            columns[name] = values
    for field_ in schema.fields:
        if field_.name not in columns:
            columns[field_.name] = [None] * count
            if not field_.nullable:
                errors.append(Issue(None, field_.name, *_REQUIRED))
    return _read(schema, columns, count, errors)


def _read(schema: InputSchema, columns: dict[str, list[Any]], count: int, errors: list[Issue]) -> CheckedRows:
    checked = CheckedRows(count, {}, errors)
    hopeless = {issue.field for issue in errors if issue.row is None}
    for field_ in schema.fields:
        checked.columns[field_.name] = (
            [None] * count if field_.name in hopeless else _read_column(field_, columns[field_.name], checked)
        )
    bad = checked.bad_rows
    checked.warnings = [issue for issue in checked.warnings if issue.row not in bad]
    for issues in (checked.errors, checked.warnings):
        issues.sort(key=lambda issue: -1 if issue.row is None else issue.row)
    return checked


def _read_column(field_: SchemaField, values: list[Any], checked: CheckedRows) -> list[Value]:
    """Read a column, each distinct text once."""
    answer = partial(read_value, field_, field_.reader())
    remembered = cache(answer)
    column: list[Value] = []
    for row, value in enumerate(values):
        parsed, finding, is_error = remembered(value) if isinstance(value, str) else answer(value)
        column.append(parsed)
        if finding is not None:
            (checked.errors if is_error else checked.warnings).append(Issue(row, field_.name, *finding))
    return column


def read_value(field_: SchemaField, read: Callable[[Any], Value], value: Any) -> tuple[Value, Finding | None, bool]:
    """Read a value; return it, what is to be said of it, and whether that is an error."""
    if value is ABSENT:
        return None, None if field_.nullable else _REQUIRED, not field_.nullable
    try:
        parsed = read(value)
    except UnreadableValue as error:
        return None, (error.code, str(error)), True
    return parsed, field_.remark(parsed), False


def as_list(name: str, values: Any) -> list[Any]:
    """Return the values of a column; a mapping or a set has no order of rows, a table has columns of its own."""
    is_column = isinstance(values, Sized) and isinstance(values, Iterable) and getattr(values, "ndim", 1) == 1
    if not is_column or isinstance(values, (str, bytes, bytearray, memoryview, Mapping, AbstractSet)):
        found = f"for column {_printable(name)!r}, found {type(values).__name__}"
        msg = f"expected a sequence of values {found}: give a single row as a list of one mapping"
        raise InputError(msg)
    is_plain = isinstance(values, np.ndarray) and values.dtype.kind not in "mM"  # whose tolist() may give integers
    return list(values.tolist() if is_plain else values)


def column_name(key: Any) -> str:
    """Return the text that spells the name of a column."""
    if isinstance(key, str):
        return key
    with suppress(ValueError):  # an integer of thousands of digits
        return str(key)
    return type(key).__name__


def _printable(name: str) -> str:
    return name[:100].encode(errors="replace").decode()
