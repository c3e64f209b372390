"""Rows of an input of any kind as JSON values, from which they can be predicted again."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from classification_model.runtime.input.checking import as_list, column_name, columns_of_frame, is_frame
from classification_model.runtime.input.durations import seconds_of
from classification_model.runtime.input.moments import spell_moment
from classification_model.runtime.input.values import NO_MARKS, is_missing, read_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from classification_model.runtime.input.schema import InputSchema, SchemaField


def given_rows(schema: InputSchema, given: Any, rows: Sequence[int]) -> list[dict[str, Any]]:
    """Return rows of an input by name of the field, as JSON values; what was not given is left out.

    Parameters
    ----------
    schema
        The schema that the input was read by.
    given
        What was predicted: a frame, a mapping of columns or a sequence of rows.
    rows
        Numbers of those rows that are in no error.

    Returns
    -------
    list of dict
        They are read as the input was: missing values are None, moments are texts, of a field with a format as the
        format writes them.
    """
    fields = {field.name: field for field in schema.fields}
    names = {key: fields[name] for key, name in schema.names.items() if name is not None}
    if not is_frame(given) and not isinstance(given, Mapping):
        return [
            {
                field.name: as_json(value, field)
                for key, value in given[row].items()
                if (field := names.get(column_name(key))) is not None
            }
            for row in rows
        ]
    columns = columns_of_frame(given) if is_frame(given) else given
    kept = [
        (field, as_list(field.name, values))
        for key, values in columns.items()
        if (field := names.get(column_name(key))) is not None
    ]
    return [{field.name: as_json(values[row], field) for field, values in kept} for row in rows]


def as_json(value: Any, field: SchemaField) -> Any:
    """Return a value that a field can read as a JSON value that it reads alike."""
    if isinstance(value, str):
        return str.__str__(value)
    if is_missing(value):
        return None
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value) if -(2**63) <= value < 2**64 else str(int(value))
    if isinstance(value, (float, np.floating, Decimal)):
        number = float(value)
        return number if math.isfinite(number) else repr(number)
    if isinstance(value, (date, np.datetime64)):
        if field.kind != "datetime":
            return read_text(value, NO_MARKS)
        moment = field.reader()(value)
        return spell_moment(moment, field.datetime_format) if isinstance(moment, float) else None
    if isinstance(value, (time, timedelta)):
        return seconds_of(value)
    return value
