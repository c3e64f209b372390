"""What a row must look like: the input schema of a model, and rows turned into columns that fit it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set, Sized
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, cached_property, partial
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from classification_model.errors import InputError
from classification_model.values import (
    UnreadableValue,
    read_boolean,
    read_category,
    read_moment,
    read_number,
    read_text,
    spell_moment,
)

Kind = Literal["numeric", "categorical", "boolean", "text", "datetime"]
Value = float | str | None
#: Code and text of a remark on a value.
Finding = tuple[str, str]

DEFAULT_MISSING_VALUES = ("?", "na", "n/a", "nan", "null", "none", "<na>", "#n/a", "-")

_READERS: dict[str, Callable[..., Value]] = {
    "numeric": read_number,
    "categorical": read_category,
    "boolean": read_boolean,
    "text": read_text,
}

_REQUIRED = ("required", "required: training never saw it missing; send null where it is unknown")
_UNKNOWN = ("unknown_field", "not a column of the training table")
_DUPLICATED = ("duplicated_field", "given twice, under two of its names")
#: Stands for a key that a row does not have, in distinction from one whose value is null.
ABSENT = object()


class SchemaField(BaseModel):
    """One raw column that the model reads.

    Attributes
    ----------
    name
        Key of the value in a row.
    aliases
        Other keys that mean the same, such as the name before a rename.
    kind
        What its values are.
    nullable
        Whether training saw missing values. Where it did not, an absent key is an error, and a null is
        imputed with a warning.
    missing_values
        Texts, in lower case, that mean "missing".
    minimum, maximum
        Range seen in training, for numbers and dates (seconds since 1970); beyond it is a warning.
    categories
        Categories seen in training; another one is a warning. None when there are no categories.
    datetime_format
        How dates are written, as in `datetime.strptime`; ISO 8601 when None.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    aliases: tuple[str, ...] = ()
    kind: Kind
    nullable: bool
    missing_values: tuple[str, ...] = DEFAULT_MISSING_VALUES
    minimum: float | None = None
    maximum: float | None = None
    categories: tuple[str, ...] | None = None
    datetime_format: str | None = None

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.categories or ())

    def _spell(self, number: float) -> str:
        return spell_moment(number) if self.kind == "datetime" else f"{number:g}"

    def reader(self) -> Callable[[Any], Value]:
        """Return the function that reads a value of this column: value in, float, text or None out."""
        marks = frozenset(self.missing_values)
        if self.kind == "datetime":
            return partial(read_moment, marks=marks, pattern=self.datetime_format)
        return partial(_READERS[self.kind], marks=marks)

    def remark(self, value: Value) -> Finding | None:
        """Return the code and text of a warning when a readable value is unlike those of training."""
        if value is None:
            return None if self.nullable else ("unexpected_missing", "missing here, never in training: imputed")
        if isinstance(value, float):
            if self.minimum is not None and value < self.minimum:
                return "out_of_range", f"below the training range, which begins at {self._spell(self.minimum)}"
            if self.maximum is not None and value > self.maximum:
                return "out_of_range", f"above the training range, which ends at {self._spell(self.maximum)}"
        elif self.categories is not None and value not in self._known:
            return "unseen_category", "a category that training did not see"
        return None


@dataclass(frozen=True)
class Issue:
    """One fault or oddity of an input; it never holds the value itself.

    Attributes
    ----------
    row
        Number of the row, from 0; None when it concerns a whole column.
    field
        Name of the column.
    code
        Stable name of the fault.
    message
        What was expected and what was found.
    """

    row: int | None
    field: str
    code: str
    message: str

    def as_dict(self) -> dict[str, Any]:
        """Return the issue as JSON-ready values."""
        return {"row": self.row, "field": self.field, "code": self.code, "message": self.message}


@dataclass
class CheckedRows:
    """An input whose values are read.

    Attributes
    ----------
    count
        Number of rows.
    columns
        For each field of the schema its values, in row order: float, text or None (missing or in error).
    errors, warnings
        What is wrong, and what is odd.
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


class InputSchema(BaseModel):
    """The raw columns a model reads, and those it accepts and ignores."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fields: tuple[SchemaField, ...]
    ignored: tuple[str, ...] = ()

    @cached_property
    def _names(self) -> dict[str, str | None]:
        """Field of each key; None for a key that is ignored."""
        names = {key: field.name for field in self.fields for key in (field.name, *field.aliases)}
        return dict.fromkeys(self.ignored) | names

    def check_rows(self, rows: Sequence[Mapping[str, Any]]) -> CheckedRows:
        """Read rows given as mappings.

        Raises
        ------
        InputError
            If a row is not a mapping.
        """
        columns: dict[str, list[Any]] = {field.name: [ABSENT] * len(rows) for field in self.fields}
        errors: list[Issue] = []
        for number, row in enumerate(rows):
            if not isinstance(row, Mapping):
                msg = f"expected rows as mappings of column to value, found {type(row).__name__} as row {number}"
                raise InputError(msg)
            for given, value in row.items():
                key = column_name(given)
                if key not in self._names:
                    errors.append(Issue(number, _printable(key), *_UNKNOWN))
                elif (name := self._names[key]) is None:
                    continue
                elif columns[name][number] is ABSENT:
                    columns[name][number] = value
                else:
                    errors.append(Issue(number, name, *_DUPLICATED))
        return self._read(columns, len(rows), errors)

    def check_columns(self, given: Mapping[str, Any], rows: int | None = None) -> CheckedRows:
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
        lists = [(spelt := column_name(key), _as_list(spelt, values)) for key, values in given.items()]
        count = len(lists[0][1]) if lists else rows or 0
        columns: dict[str, list[Any]] = {}
        errors: list[Issue] = []
        for key, values in lists:
            if len(values) != count:
                msg = f"expected columns of one length, found {count} and {len(values)} values, in {_printable(key)!r}"
                raise InputError(msg)
            if key not in self._names:
                errors.append(Issue(None, _printable(key), *_UNKNOWN))
            elif (name := self._names[key]) is None:
                continue
            elif name in columns:
                errors.append(Issue(None, name, *_DUPLICATED))
            else:
                columns[name] = values
        for field_ in self.fields:
            if field_.name not in columns:
                columns[field_.name] = [None] * count
                if not field_.nullable:
                    errors.append(Issue(None, field_.name, *_REQUIRED))
        return self._read(columns, count, errors)

    def _read(self, columns: dict[str, list[Any]], count: int, errors: list[Issue]) -> CheckedRows:
        checked = CheckedRows(count, {}, errors)
        hopeless = {issue.field for issue in errors if issue.row is None}
        for field_ in self.fields:
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
    answer = partial(_answer, field_, field_.reader())
    remembered = cache(answer)
    column: list[Value] = []
    for row, value in enumerate(values):
        parsed, finding, is_error = remembered(value) if isinstance(value, str) else answer(value)
        column.append(parsed)
        if finding is not None:
            (checked.errors if is_error else checked.warnings).append(Issue(row, field_.name, *finding))
    return column


def _answer(field_: SchemaField, read: Callable[[Any], Value], value: Any) -> tuple[Value, Finding | None, bool]:
    """Read a value; return it, what is to be said of it, and whether that is an error."""
    if value is ABSENT:
        return None, None if field_.nullable else _REQUIRED, not field_.nullable
    try:
        parsed = read(value)
    except UnreadableValue as error:
        return None, (error.code, str(error)), True
    return parsed, field_.remark(parsed), False


def _as_list(name: str, values: Any) -> list[Any]:
    """Return the values of a column; a mapping or a set has no order of rows, a table has columns of its own."""
    is_column = isinstance(values, Sized) and isinstance(values, Iterable) and getattr(values, "ndim", 1) == 1
    if not is_column or isinstance(values, (str, bytes, bytearray, memoryview, Mapping, Set)):
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
