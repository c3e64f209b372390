"""What a row must look like: the input schema of a model, and rows turned into columns that fit it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from classification_model.errors import InputError
from classification_model.values import (
    UnreadableValue,
    is_missing,
    read_boolean,
    read_category,
    read_moment,
    read_number,
    read_text,
)

Kind = Literal["numeric", "categorical", "boolean", "text", "datetime"]
Value = float | str | None

DEFAULT_MISSING_VALUES = ("?", "na", "n/a", "nan", "null", "none", "<na>", "#n/a", "-")

_READERS: dict[str, Callable[..., Value]] = {
    "numeric": read_number,
    "categorical": read_category,
    "boolean": read_boolean,
    "text": read_text,
}


class _Absent:
    """A key that a row does not have, in distinction from one whose value is null."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT = _Absent()


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

    def reader(self) -> Callable[[Any], Value]:
        """Return the function that reads a value of this column: value in, float, text or None out."""
        marks = frozenset(self.missing_values)
        if self.kind == "datetime":
            return partial(read_moment, marks=marks, pattern=self.datetime_format)
        return partial(_READERS[self.kind], marks=marks)

    def remark(self, value: Value) -> tuple[str, str] | None:
        """Return the code and text of a warning when a readable value is unlike those of training."""
        if value is None:
            return None if self.nullable else ("unexpected_missing", "missing here, never in training: imputed")
        if isinstance(value, float):
            if (self.minimum is not None and value < self.minimum) or (
                self.maximum is not None and value > self.maximum
            ):
                return "out_of_range", f"outside of the training range {self.minimum:g} to {self.maximum:g}"
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
    def _names(self) -> dict[str, str]:
        return {key: field.name for field in self.fields for key in (field.name, *field.aliases)}

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
            for key, value in row.items():
                name = self._names.get(key)
                if name is None:
                    if key not in self.ignored:
                        errors.append(_unknown(number, key))
                elif columns[name][number] is ABSENT:
                    columns[name][number] = value
                else:
                    errors.append(_duplicated(number, name))
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
        lengths = {}
        for key, values in given.items():
            if isinstance(values, (str, bytes)) or not hasattr(values, "__len__"):
                msg = (
                    f"expected a sequence of values for column {key!r}, found {type(values).__name__}: "
                    "give a single row as a list of one mapping"
                )
                raise InputError(msg)
            lengths[key] = len(values)
        if len(set(lengths.values())) > 1:
            listed = ", ".join(f"{key}: {length}" for key, length in lengths.items())
            msg = f"expected columns of one length, found {listed}"
            raise InputError(msg)
        count = next(iter(lengths.values()), rows or 0)
        columns: dict[str, list[Any]] = {}
        errors: list[Issue] = []
        for key, values in given.items():
            name = self._names.get(key)
            if name is None:
                if key not in self.ignored:
                    errors.append(_unknown(None, key))
            elif name in columns:
                errors.append(_duplicated(None, name))
            else:
                columns[name] = values.tolist() if isinstance(values, np.ndarray) else list(values)
        for field_ in self.fields:
            if field_.name not in columns:
                columns[field_.name] = [None] * count
                if not field_.nullable:
                    errors.append(_required(None, field_.name))
        return self._read(columns, count, errors)

    def _read(self, columns: dict[str, list[Any]], count: int, errors: list[Issue]) -> CheckedRows:
        checked = CheckedRows(count, {}, errors)
        hopeless = {issue.field for issue in errors if issue.row is None}
        for field_ in self.fields:
            checked.columns[field_.name] = (
                [None] * count if field_.name in hopeless else _read_column(field_, columns[field_.name], checked)
            )
        checked.errors.sort(key=lambda issue: -1 if issue.row is None else issue.row)
        bad = checked.bad_rows
        checked.warnings = [issue for issue in checked.warnings if issue.row not in bad]
        checked.warnings.sort(key=lambda issue: -1 if issue.row is None else issue.row)
        return checked


def _read_column(field_: SchemaField, values: list[Any], checked: CheckedRows) -> list[Value]:
    """Read a column, each distinct value once."""
    read = field_.reader()
    memory: dict[tuple[type, Any], tuple[Value, tuple[str, str] | None, bool]] = {}

    def answer(value: Any) -> tuple[Value, tuple[str, str] | None, bool]:
        if value is ABSENT:
            if field_.nullable:
                return None, None, False
            issue = _required(None, field_.name)
            return None, (issue.code, issue.message), True
        try:
            parsed = read(value)
        except UnreadableValue as error:
            return None, (error.code, str(error)), True
        return parsed, field_.remark(parsed), False

    column: list[Value] = []
    for row, value in enumerate(values):
        key = (type(value), None if is_missing(value) else value)
        try:
            if key not in memory:
                memory[key] = answer(value)
            parsed, finding, is_error = memory[key]
        except TypeError:  # an unhashable value: a list or an object
            parsed, finding, is_error = answer(value)
        column.append(parsed)
        if finding is not None:
            (checked.errors if is_error else checked.warnings).append(Issue(row, field_.name, *finding))
    return column


def _unknown(row: int | None, key: Any) -> Issue:
    return Issue(row, str(key)[:100], "unknown_field", "not a column of the training table")


def _duplicated(row: int | None, name: str) -> Issue:
    return Issue(row, name, "duplicated_field", "given twice, under two of its names")


def _required(row: int | None, name: str) -> Issue:
    return Issue(row, name, "required", "required: training never saw it missing; send null where it is unknown")
