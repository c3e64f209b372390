"""The features of a record: what was given, by field, as JSON that a field reads alike."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from classification_model.runtime.input.schema import InputSchema, SchemaField
from classification_model.runtime.log.given_rows import as_json, given_rows

NOON = datetime(2020, 5, 1, 12, tzinfo=UTC)
SCHEMA = InputSchema(
    fields=(
        SchemaField(name="age", kind="numeric", nullable=True, aliases=("years",)),
        SchemaField(name="3", kind="text", nullable=True),
        SchemaField(name="seen", kind="datetime", nullable=True),
        SchemaField(name="written", kind="datetime", nullable=True, datetime_format="%d.%m.%Y"),
    ),
    ignored=("survived",),
)
FIELDS = {field.name: field for field in SCHEMA.fields}
COLUMNS: dict[Any, list[Any]] = {
    "years": [1, None, 3.5],
    3: ["a", "b", None],
    "seen": [NOON, None, "2020-05-01"],
    "survived": [1, 1, 1],
}
ROWS = [dict(zip(COLUMNS, values, strict=True)) for values in zip(*COLUMNS.values(), strict=True)]
GIVEN = [
    {"age": 1, "3": "a", "seen": "2020-05-01T12:00:00+00:00"},
    {"age": None, "3": "b", "seen": None},
    {"age": 3.5, "3": None, "seen": "2020-05-01"},
]


@pytest.mark.parametrize("given", [ROWS, COLUMNS, pd.DataFrame(COLUMNS)], ids=["rows", "columns", "frame"])
def test_the_features_are_the_same_however_rows_are_given(given: Any) -> None:
    """By the name of the field; what is ignored is left out, and so are rows that are not asked for."""
    found = given_rows(SCHEMA, given, [0, 1, 2])
    assert found == GIVEN
    assert given_rows(SCHEMA, given, [2]) == found[2:]
    assert given_rows(SCHEMA, given, []) == []


@pytest.mark.parametrize(
    ("value", "name", "written"),
    [
        ("a", "3", "a"),
        (np.str_("a"), "3", "a"),
        (pd.NA, "age", None),
        (math.nan, "age", None),
        (np.bool_(True), "age", True),
        (np.int8(3), "age", 3),
        (2**64 - 1, "age", 2**64 - 1),
        (2**64, "age", str(2**64)),
        (-(2**63), "age", -(2**63)),
        (-(2**63) - 1, "age", str(-(2**63) - 1)),
        (np.float32(0.5), "age", 0.5),
        (Decimal("1.5"), "age", 1.5),
        (math.inf, "age", "inf"),
        (date(2020, 5, 1), "3", "2020-05-01"),
        (date(2020, 5, 1), "seen", "2020-05-01T00:00:00+00:00"),
        (np.datetime64("2020-05-01"), "written", "01.05.2020"),
        (timedelta(minutes=65), "age", 3900.0),
        (time(14, 35), "age", 52500.0),
        ([1], "3", [1]),
    ],
)
def test_a_value_is_json_that_its_field_reads_alike(value: Any, name: str, written: Any) -> None:
    """Numbers beyond 64 bits and infinite ones are texts; moments are written as the field's format says."""
    found = as_json(value, FIELDS[name])
    assert (found, type(found)) == (written, type(written))
