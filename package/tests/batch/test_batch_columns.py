"""Columns of files: read as a value of one row would be, whatever types the file holds them in."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import garbage
import numpy as np
import pyarrow as pa
import pytest
from arrow_columns import COLUMNS, ODD_TEXTS, arrays, floats, wholes
from hypothesis import given, settings
from hypothesis import strategies as st

from classification_model.batch.column_reader import REMEMBERED, ColumnReader
from classification_model.runtime.input.checking import check_columns
from classification_model.runtime.input.columns import Encoded
from classification_model.runtime.input.number_format import NumberFormat
from classification_model.runtime.input.schema import InputSchema, SchemaField
from classification_model.tables.python_values import UnreadableArray

BY_VALUE: dict[str, Any] = {"marks_by_value": True}
FIELDS = {
    "number": SchemaField(name="f", kind="numeric", nullable=True, minimum=-5.0, maximum=80.0),
    "required number": SchemaField(name="f", kind="numeric", nullable=False),
    "marked number": SchemaField(
        name="f", kind="numeric", nullable=True, missing_values=("-999", "1e3"), minimum=0.0, **BY_VALUE
    ),
    "category": SchemaField(
        name="f", kind="categorical", nullable=True, categories=("3", "a", "true", "0.5", "\u00e9")
    ),
    "any category": SchemaField(name="f", kind="categorical", nullable=False, missing_values=("none", "\u00e0")),
    "boolean": SchemaField(name="f", kind="boolean", nullable=False),
    "text": SchemaField(name="f", kind="text", nullable=True),
    "required text": SchemaField(name="f", kind="text", nullable=False),
    "date": SchemaField(name="f", kind="datetime", nullable=True, minimum=0.0, maximum=1e9),
    "number with a comma": SchemaField(
        name="f",
        kind="numeric",
        nullable=True,
        missing_values=("-999", "3,125", "9"),
        **BY_VALUE,
        written=NumberFormat(decimal=","),
    ),
    "marked number within": SchemaField(
        name="f", kind="numeric", nullable=True, missing_values=("3",), minimum=0.0, **BY_VALUE
    ),
    "number of the first release": SchemaField(name="f", kind="numeric", nullable=True, missing_values=("3", "80")),
    "category of the first release": SchemaField(
        name="f", kind="categorical", nullable=True, missing_values=("3", "9.0")
    ),
    "length": SchemaField(name="f", kind="numeric", nullable=True, written=NumberFormat(unit="km", censored=True)),
    "clock": SchemaField(name="f", kind="numeric", nullable=True, written=NumberFormat(spelling="clock")),
    "duration": SchemaField(name="f", kind="numeric", nullable=False, written=NumberFormat(spelling="duration")),
    "marked category": SchemaField(
        name="f", kind="categorical", nullable=True, missing_values=("9", "3.0", "0"), **BY_VALUE
    ),
    "marked text": SchemaField(name="f", kind="text", nullable=True, missing_values=("9.0", "3"), **BY_VALUE),
    "marked boolean": SchemaField(name="f", kind="boolean", nullable=True, missing_values=("9", "0"), **BY_VALUE),
    "marked date": SchemaField(
        name="f", kind="datetime", nullable=True, missing_values=("1970-01-01", "2024-02-29t00:00"), **BY_VALUE
    ),
    "digits": SchemaField(name="f", kind="datetime", nullable=True, datetime_format="%Y%m%d"),
    "epoch": SchemaField(
        name="f", kind="datetime", nullable=True, datetime_format="unix_s", missing_values=("0",), **BY_VALUE
    ),
    "milliseconds": SchemaField(name="f", kind="datetime", nullable=True, datetime_format="unix_ms"),
    "time of day": SchemaField(name="f", kind="datetime", nullable=True, datetime_format="%d-%m-%Y %H:%M"),
    "written date": SchemaField(name="f", kind="datetime", nullable=False, datetime_format="%d.%m.%Y"),
}


def check(field: SchemaField, values: pa.Array | list[Any], expected: list[Any]) -> None:
    """Hold what is read of a column of a file against what is read of the same values one by one."""
    reader = ColumnReader(field)
    for _ in range(2):  # the second time from memory
        reading = reader.read(values)
        checked = check_columns(InputSchema(fields=(field,)), {"f": expected})
        if isinstance(reading.column, Encoded):
            assert reading.column.tolist() == checked.columns["f"]
        else:
            assert [None if math.isnan(value) else value for value in reading.column.tolist()] == checked.columns["f"]
        remarks = [0] * len(expected) if reading.remarks is None else reading.remarks.tolist()
        said = [(reader.remarks.texts[code], reader.remarks.are_errors[code]) if code else None for code in remarks]
        issues = [(issue, False) for issue in checked.warnings] + [(issue, True) for issue in checked.errors]
        assert dict(enumerate(said)) == dict.fromkeys(range(len(expected))) | {
            issue.row: (issue.message, is_error) for issue, is_error in issues
        }


@pytest.mark.slow
@pytest.mark.parametrize("kind", COLUMNS)
@settings(max_examples=120)
@given(data=st.data())
def test_a_column_of_any_type_is_read_as_its_values_one_by_one(kind: str, data: st.DataObject) -> None:
    """Values, errors and warnings of an Arrow array are those of its Python values, as codes of a dictionary too."""
    values = data.draw(arrays(kind))
    check(FIELDS[data.draw(st.sampled_from(sorted(FIELDS)))], values, values.to_pylist())


@pytest.mark.parametrize("field", FIELDS)
def test_odd_texts_are_read_one_by_one(field: str) -> None:
    """Marks of missing values, numbers in many spellings, words of other scripts, and texts that are too long."""
    check(FIELDS[field], pa.array(ODD_TEXTS), list(ODD_TEXTS))


@pytest.mark.slow
@pytest.mark.parametrize("field", FIELDS)
@settings(max_examples=60)
@given(values=st.lists(garbage.anything, max_size=8) | st.lists(st.none() | wholes | floats, max_size=8))
def test_a_list_of_anything_is_read_value_by_value(field: str, values: list[Any]) -> None:
    """Python's values of any types, as JSON gives some of them, are read as those of a caller."""
    check(FIELDS[field], values, values)


@pytest.mark.slow
@pytest.mark.parametrize("field", FIELDS)
@given(
    values=st.lists(
        st.none() | st.integers(-(2**62), 2**62) | st.integers(-(10**9), 10**9).map(lambda n: n * 1000), max_size=6
    ),
    zone=st.sampled_from([None, "UTC"]),
)
def test_nanoseconds_are_read_to_the_microsecond(field: str, values: list[int | None], zone: str | None) -> None:
    """A moment of nanoseconds is that of numpy, with pandas and without it."""
    moments = pa.array(values, pa.timestamp("ns", zone))
    expected: list[Any] = [None if value is None else np.datetime64(value, "ns") for value in values]
    if zone is not None or all(value is None or value % 1000 == 0 for value in values):
        whole = [
            None if value is None else dt.datetime(1970, 1, 1) + dt.timedelta(microseconds=value // 1000)  # noqa: DTZ001 - the zone follows
            for value in values
        ]
        expected = [moment and moment.replace(tzinfo=zone and dt.UTC) for moment in whole]  # type: ignore[arg-type]
    check(FIELDS[field], moments, expected)


@pytest.mark.parametrize("field", ["date", "text", "number", "category"])
@pytest.mark.parametrize(
    ("values", "numpys"),
    [
        (pa.array([10**7, None], pa.date32()), [np.datetime64(10**7, "D"), None]),
        (
            pa.array([-(10**13), None, 0], pa.timestamp("s")),
            [np.datetime64(-(10**13), "s"), None, np.datetime64(0, "s")],
        ),
    ],
    ids=["date32", "timestamp"],
)
def test_a_date_beyond_the_calendar_is_an_error_of_its_row(field: str, values: pa.Array, numpys: list[Any]) -> None:
    """A date that Python cannot hold does not keep the other rows from being read."""
    check(FIELDS[field], values, numpys)


@pytest.mark.parametrize(
    "values",
    [
        pa.array([b"ab", b"\xff"]).cast(pa.binary()).view(pa.string()),
        pa.array([0], pa.timestamp("us", "Mars/Olympus")),
    ],
    ids=["no UTF-8", "unknown zone"],
)
def test_what_is_not_of_its_own_type_is_unreadable(values: pa.Array) -> None:
    """Bytes that are no text and zones that are none end in an error that names the type."""
    with pytest.raises(UnreadableArray, match=r"of type .* cannot be read: "):
        ColumnReader(FIELDS["text"]).read(values)


def test_an_unknown_zone_does_not_matter_where_a_moment_is_due() -> None:
    """Moments are counted from 1970 UTC, in whatever zone they are shown."""
    check(FIELDS["date"], pa.array([7], pa.timestamp("s", "Mars/Olympus")), [dt.datetime(1970, 1, 1, 0, 0, 7)])  # noqa: DTZ001


def test_a_dictionary_may_hold_nulls_and_a_value_twice_and_more_than_any_row() -> None:
    """What stands in a dictionary and in no row has no say, and null is null in either place."""
    words = pa.array(["a", None, "a", "huge", *map(str, range(99))])
    indices = pa.array([0, 1, 2, None, 4], pa.int8())
    for field in FIELDS.values():
        coded = pa.DictionaryArray.from_arrays(indices, words)
        check(field, coded, coded.to_pylist())


@pytest.mark.slow
@pytest.mark.parametrize("field", FIELDS)
def test_texts_that_are_remembered_do_not_grow_without_end(field: str) -> None:
    """Millions of distinct texts leave a bounded number of them in memory."""
    reader = ColumnReader(FIELDS[field])
    for start in range(0, 4 * REMEMBERED, REMEMBERED):
        reader.read(pa.array([f"\u00e9{number}" for number in range(start, start + REMEMBERED + 7)]))
    assert len(reader._remembered) <= REMEMBERED
