"""Read the raw values of a log by the input schema, and count those that training did not see."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from classification_model.runtime.input.checking import read_value
from classification_model.runtime.input.values import LARGEST_EXACT_INTEGER

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from classification_model.runtime.input.schema import SchemaField, Value

#: What pandas calls columns in which values that are equal are the same: in others, 1 and true are equal.
_OF_ONE_TYPE = {"string", "integer", "floating", "boolean"}


class FieldRemarks(BaseModel):
    """How many rows of a field are unlike those of training, or break the schema.

    Attributes
    ----------
    field, rows
        Name of the field, and number of rows looked at.
    unseen_category, out_of_range, unexpected_missing
        Rows with a category that training did not see, outside of its range, and missing where it saw none missing.
    unreadable
        Rows whose value is not of the field's kind.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    field: str
    rows: int
    unseen_category: int = 0
    out_of_range: int = 0
    unexpected_missing: int = 0
    unreadable: int = 0


@dataclass(frozen=True)
class FieldValues:
    """The values of a field in some rows.

    Attributes
    ----------
    values, counts
        Values that were read, and in how many rows each was found; one may be there more than once.
    missing
        Number of rows without a value.
    remarks
        What is odd.
    """

    values: NDArray[np.float64] | list[str]
    counts: NDArray[np.int64]
    missing: int
    remarks: FieldRemarks


def read_field(field: SchemaField, column: pd.Series) -> FieldValues:
    """Read the raw values of a field.

    Parameters
    ----------
    field
        What they should be.
    column
        The values as the log holds them, shape (n_rows,).
    """
    present = column[column.notna()]
    missing = len(column) - len(present)
    inferred = pd.api.types.infer_dtype(present)
    if field.kind == "numeric" and inferred in {"floating", "integer", "mixed-integer-float"}:
        numbers = present.to_numpy(dtype=np.float64)
        if not len(numbers) or np.abs(numbers).max() <= LARGEST_EXACT_INTEGER:
            return _of_numbers(field, numbers, missing)
    return _of_distinct(field, _distinct(present, inferred), missing)


def _of_numbers(field: SchemaField, numbers: NDArray[np.float64], missing: int) -> FieldValues:
    low = -np.inf if field.minimum is None else field.minimum
    high = np.inf if field.maximum is None else field.maximum
    remarks = FieldRemarks(
        field=field.name,
        rows=len(numbers) + missing,
        out_of_range=int(((numbers < low) | (numbers > high)).sum()),
        unexpected_missing=0 if field.nullable else missing,
    )
    return FieldValues(numbers, np.ones(len(numbers), dtype=np.int64), missing, remarks)


def _distinct(present: pd.Series, inferred: str) -> Iterator[tuple[Any, int]]:
    """Yield the values that are there, and in how many rows each is."""
    if inferred in _OF_ONE_TYPE:
        yield from present.value_counts(sort=False).items()
        return
    counts: Counter[tuple[type, Any]] = Counter()
    for value in present.tolist():
        try:
            counts[type(value), value] += 1
        except TypeError:  # an unhashable value: a list or an object
            yield value, 1
    for (_, value), count in counts.items():
        yield value, count


def _of_distinct(field: SchemaField, distinct: Iterator[tuple[Any, int]], missing: int) -> FieldValues:
    read = field.reader()
    values: list[Value] = []
    counts: list[int] = []
    found: Counter[str] = Counter()
    rows = missing
    if not field.nullable:
        found["unexpected_missing"] = missing
    for value, count in distinct:
        rows += count
        parsed, finding, is_error = read_value(field, read, value)
        if finding is not None:
            found["unreadable" if is_error else finding[0]] += count
        if is_error:
            continue
        if parsed is None:
            missing += count
        else:
            values.append(parsed)
            counts.append(count)
    remarks = FieldRemarks(field=field.name, rows=rows, **found)
    is_text = field.kind in {"categorical", "text"}
    return FieldValues(
        [str(value) for value in values] if is_text else np.array(values, dtype=np.float64),
        np.array(counts, dtype=np.int64),
        missing,
        remarks,
    )
