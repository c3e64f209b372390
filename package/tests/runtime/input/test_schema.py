"""Rows and columns read by an input schema."""

from collections import UserDict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from string import ascii_uppercase
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from garbage import anything, texts
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from classification_model.errors import InputError
from classification_model.runtime.input.checking import CheckedRows, check_columns, check_rows
from classification_model.runtime.input.schema import InputSchema, Kind, SchemaField

NEW_YEAR = datetime(2020, 1, 1, tzinfo=UTC)
KINDS: tuple[Kind, ...] = ("numeric", "categorical", "boolean", "text", "datetime")


def a_field(name: str, kind: Kind, **more: Any) -> SchemaField:
    return SchemaField(**{"name": name, "kind": kind, "nullable": True, **more})


SCHEMA = InputSchema(
    fields=(
        a_field("age", "numeric", minimum=0, maximum=80),
        a_field("members", "numeric", nullable=False, aliases=("size",)),
        a_field("sex", "categorical", nullable=False, categories=("female", "male")),
        a_field("smoker", "boolean"),
        a_field("note", "text"),
        a_field("seen", "datetime", minimum=NEW_YEAR.timestamp(), maximum=NEW_YEAR.timestamp() + 86400),
        a_field("2", "categorical", missing_values=("unknown",)),
    ),
    ignored=("survived", "boat"),
)
NAMES = [field.name for field in SCHEMA.fields]
GOOD = {"age": 30, "members": 2, "sex": "male", "smoker": "yes", "note": "a", "seen": NEW_YEAR, "2": "b"}


def found(checked: CheckedRows) -> list[tuple[int | None, str, str]]:
    """Give row, field and code of all errors, then of all warnings."""
    return [(issue.row, issue.field, issue.code) for issue in (*checked.errors, *checked.warnings)]


def columns_of(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """Turn rows of the same keys into columns."""
    return {key: [row[key] for row in rows] for key in rows[0]}


def test_a_row_is_read_into_the_columns_of_the_schema() -> None:
    """Numbers and truth values become floats, categories and texts stay text, moments become seconds."""
    checked = check_rows(SCHEMA, [GOOD])
    assert checked == CheckedRows(
        1,
        {
            "age": [30.0],
            "members": [2.0],
            "sex": ["male"],
            "smoker": [1.0],
            "note": ["a"],
            "seen": [NEW_YEAR.timestamp()],
            "2": ["b"],
        },
    )
    assert checked.bad_rows == set()


@pytest.mark.parametrize("row", [MappingProxyType(GOOD), UserDict(GOOD), dict(reversed(GOOD.items()))], ids=type)
def test_a_row_may_be_any_mapping_in_any_order(row: Mapping[str, Any]) -> None:
    """Rows are read by key, whatever mapping they are."""
    assert check_rows(SCHEMA, [row]) == check_rows(SCHEMA, [GOOD])


def test_an_absent_key_is_missing_where_training_saw_gaps_and_an_error_where_it_did_not() -> None:
    """A row may leave out what may be missing; what training never saw missing must at least be null."""
    checked = check_rows(SCHEMA, [{"members": 1, "sex": "male"}, {"members": 1}])
    assert [checked.columns[name][0] for name in NAMES] == [None, 1.0, "male", None, None, None, None]
    assert found(checked) == [(1, "sex", "required")]
    assert "send null" in checked.errors[0].message


def test_null_where_training_saw_no_gap_is_a_warning() -> None:
    """An explicit null is always accepted, with a warning where training never saw one."""
    checked = check_rows(SCHEMA, [dict.fromkeys(NAMES)])
    assert all(values == [None] for values in checked.columns.values())
    assert found(checked) == [(0, "members", "unexpected_missing"), (0, "sex", "unexpected_missing")]


def test_an_absent_column_concerns_the_whole_table() -> None:
    """A column that training never saw missing is missed once, not once a row, and no row is predicted."""
    checked = check_columns(SCHEMA, {"sex": ["male"] * 3})
    assert found(checked) == [(None, "members", "required")]
    assert checked.bad_rows == {0, 1, 2}


def test_ignored_columns_may_hold_anything() -> None:
    """Columns of the training table that the model does not read are not even looked at."""
    rows = [GOOD | {"survived": object(), "boat": [1, 2]}]
    assert check_rows(SCHEMA, rows) == check_rows(SCHEMA, [GOOD]) == check_columns(SCHEMA, columns_of(rows))


def test_an_unknown_key_is_an_error_of_its_row() -> None:
    """A key that no training table had is refused in the row that has it; other rows are read."""
    checked = check_rows(SCHEMA, [GOOD, GOOD | {"agee": 3}, GOOD])
    assert found(checked) == [(1, "agee", "unknown_field")]
    assert checked.columns["age"] == [30.0, 30.0, 30.0]


def test_an_unknown_column_is_an_error_of_the_table() -> None:
    """A column that no training table had is refused for all rows at once."""
    checked = check_columns(SCHEMA, columns_of([GOOD, GOOD]) | {"agee": [1, 2]})
    assert found(checked) == [(None, "agee", "unknown_field")]
    assert checked.bad_rows == {0, 1}


def test_an_alias_is_read_as_its_field() -> None:
    """A column goes by its name before a rename as well."""
    row = {("size" if key == "members" else key): value for key, value in GOOD.items()}
    assert check_rows(SCHEMA, [row]) == check_columns(SCHEMA, columns_of([row])) == check_rows(SCHEMA, [GOOD])


@pytest.mark.parametrize(("second", "field"), [("size", "members"), (2, "2")])
def test_a_field_given_twice_is_an_error(second: Any, field: str) -> None:
    """Under name and alias, or under a name and the number it spells, a value is ambiguous even when equal."""
    row = GOOD | {second: GOOD[field]}
    assert found(check_rows(SCHEMA, [GOOD, row])) == [(1, field, "duplicated_field")]
    assert found(check_columns(SCHEMA, {key: [value] for key, value in row.items()})) == [
        (None, field, "duplicated_field")
    ]


def test_numbers_as_keys_are_the_names_they_spell() -> None:
    """A frame's integer column 2 and a row's key 2 are the field called 2."""
    row: dict[Any, Any] = {(2 if key == "2" else key): value for key, value in GOOD.items()}
    assert check_rows(SCHEMA, [row]) == check_rows(SCHEMA, [GOOD])


@pytest.mark.parametrize(
    "key", ["\ud800", "x" * 10**6, 10**5000, ("a", "b"), None, 1.5, np.nan, b"age", "", "\x00"], ids=type
)
def test_an_unknown_name_is_reported_in_printable_form(key: Any) -> None:
    """An unknown name of any type and length is reported by at most 100 characters that UTF-8 can carry."""
    checked = check_rows(SCHEMA, [GOOD | {key: 1}])
    assert [issue.code for issue in checked.errors] == ["unknown_field"]
    assert len(checked.errors[0].field.encode()) <= 100
    assert check_columns(SCHEMA, {key: [1]} | columns_of([GOOD])).errors[0].field == checked.errors[0].field


@pytest.mark.parametrize(
    "row", [None, 1, "age", ["age", 30], [("age", 30)], object(), pd.Series({"age": 30})], ids=type
)
def test_a_row_that_is_no_mapping_is_an_input_error(row: Any) -> None:
    """Rows that have no keys cannot be read at all, and the first of them is named."""
    with pytest.raises(
        InputError, match=r"expected rows as mappings of column to value, found \w+ as row 1 \(counted from 0\)"
    ):
        check_rows(SCHEMA, [GOOD, row])


@pytest.mark.parametrize(
    "column",
    [
        30,
        None,
        "male",
        b"male",
        bytearray(b"male"),
        {0: 30},
        {30},
        {30: 1}.keys(),
        iter([30]),
        list,
        np.array(30),
        np.array([[30]]),
        pd.DataFrame({"age": [30]}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_column_that_is_no_sequence_is_an_input_error(column: Any) -> None:
    """A scalar, and what has no order of rows or columns of its own, is not taken for a column."""
    with pytest.raises(
        InputError, match=r"expected a sequence of values for column 'age', found \w+: give a single row"
    ):
        check_columns(SCHEMA, {"age": column})


@pytest.mark.parametrize(
    "column",
    [
        (30, None),
        np.array([30, np.nan]),
        np.ma.masked_array([30, 31], mask=[False, True]),
        pd.Series([30, None], index=["b", "a"]),
        pd.array([30, pd.NA], dtype="Int64"),
        pd.Index([30, None]),
        pd.Categorical([30, None]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_column_may_be_any_sequence(column: Any) -> None:
    """Tuples, arrays, series, indexes and extension arrays are columns, read in their own order."""
    checked = check_columns(SCHEMA, {"age": column, "members": [1, 1], "sex": ["male", "male"]})
    assert found(checked) == []
    assert checked.columns["age"] == [30.0, None]


@pytest.mark.parametrize("unit", ["D", "s", "us", "ns"])
def test_moments_in_arrays_are_moments_in_every_unit(unit: str) -> None:
    """An array of datetime64 is read as moments, one of timedelta64 refused, though both give integers to Python."""
    moments = np.array(["2020-01-01", "NaT"], dtype=f"datetime64[{unit}]")
    checked = check_columns(
        SCHEMA, {"seen": moments, "age": moments - moments[0], "members": [1, 1], "sex": ["male", "male"]}
    )
    assert checked.columns["seen"] == [NEW_YEAR.timestamp(), None]
    assert found(checked) == [(0, "age", "type")]


def test_columns_of_different_lengths_are_an_input_error() -> None:
    """Columns that do not line up are no table; the column and both lengths are named."""
    with pytest.raises(InputError, match="columns of one length, found 3 values in the first and 2 in 'sex'"):
        check_columns(SCHEMA, {"age": [1, 2, 3], "members": [1, 2, 3], "sex": ["male", "male"]})


def test_a_table_without_columns_has_the_rows_it_says() -> None:
    """A frame may have rows and no columns: each of them is in error where a column is required."""
    checked = check_columns(SCHEMA, {}, 2)
    assert found(checked) == [(None, "members", "required"), (None, "sex", "required")]
    assert checked.bad_rows == {0, 1}


def test_no_rows_are_no_error() -> None:
    """An empty list of rows has nothing wrong with it, nor have columns without values."""
    assert found(check_rows(SCHEMA, [])) == []
    assert found(check_columns(SCHEMA, {name: [] for name in NAMES})) == []
    assert check_rows(SCHEMA, []).columns == {name: [] for name in NAMES}


def test_bad_values_are_reported_by_row_and_field_and_the_rest_is_read() -> None:
    """Each unreadable value is one error, in the order of rows, and stands as missing in its column."""
    rows = [GOOD | {"seen": "no date"}, GOOD, GOOD | {"age": True, "smoker": "perhaps"}, GOOD | {"note": "\x00"}]
    checked = check_rows(SCHEMA, rows)
    assert found(checked) == [
        (0, "seen", "not_a_date"),
        (2, "age", "type"),
        (2, "smoker", "type"),
        (3, "note", "text"),
    ]
    assert checked.columns["age"] == [30.0, 30.0, None, 30.0]
    assert checked.bad_rows == {0, 2, 3}


@pytest.mark.parametrize(
    ("given_value", "message"),
    [
        ({"age": -0.5}, "below the training range, which begins at 0"),
        ({"age": 81}, "above the training range, which ends at 80"),
        ({"seen": "2019-12-31"}, "below the training range, which begins at 2020-01-01T00:00:00+00:00"),
        ({"seen": "9999-12-31"}, "above the training range, which ends at 2020-01-02T00:00:00+00:00"),
        ({"sex": "other"}, "a category that training did not see"),
        ({"sex": "Male"}, "a category that training did not see"),
    ],
    ids=str,
)
def test_values_unlike_those_of_training_are_warnings(given_value: dict[str, Any], message: str) -> None:
    """A number, date or category that training did not see is read, with a warning that spells the range."""
    checked = check_rows(SCHEMA, [GOOD, GOOD | given_value])
    (name,) = given_value
    assert [(issue.row, issue.field, issue.message) for issue in checked.warnings] == [(1, name, message)]
    assert checked.errors == []
    assert checked.columns[name][1] is not None


@pytest.mark.parametrize("edge", [{"age": 0}, {"age": 80.0}, {"seen": "2020-01-02"}, {"2": "anything"}], ids=str)
def test_the_edges_of_training_are_no_warning(edge: dict[str, Any]) -> None:
    """The least and the greatest value of training are inside of its range; a field without categories has no edge."""
    assert found(check_rows(SCHEMA, [GOOD | edge])) == []


@pytest.mark.parametrize(("given_range", "codes"), [({"minimum": 5}, [1]), ({"maximum": 5}, [0]), ({}, [])], ids=str)
def test_a_range_may_be_open_on_a_side(given_range: dict[str, float], codes: list[int]) -> None:
    """A field that knows one end of its range only warns beyond that end."""
    schema = InputSchema(fields=(a_field("x", "numeric", **given_range),))
    assert [issue.row for issue in check_rows(schema, [{"x": 9}, {"x": 1}]).warnings] == codes


def test_rows_in_error_have_no_warnings() -> None:
    """A row that is not predicted gets its errors, and is not warned about besides."""
    assert found(check_rows(SCHEMA, [GOOD | {"age": 99, "seen": "?", "sex": []}])) == [(0, "sex", "type")]


def test_each_field_has_marks_of_its_own() -> None:
    """A word that means missing in one column is a value in another."""
    checked = check_rows(SCHEMA, [GOOD | {"2": "Unknown", "note": "Unknown"}, GOOD | {"2": "NA", "note": "NA"}])
    assert checked.columns["2"] == [None, "NA"]
    assert checked.columns["note"] == ["Unknown", None]


def test_a_value_is_read_alike_wherever_it_stands() -> None:
    """Values that Python calls equal, but that read differently, do not take each other's place."""
    noon, alike = NEW_YEAR, NEW_YEAR.astimezone(timezone(timedelta(hours=1)))
    for values in ([noon, alike], [1, True, 1.0], [0.0, -0.0, False]):
        for some in (values, values[::-1]):
            together = check_columns(SCHEMA, {"note": some, "members": [1] * len(some), "sex": ["male"] * len(some)})
            alone = [check_rows(SCHEMA, [GOOD | {"note": value}]).columns["note"][0] for value in some]
            assert together.columns["note"] == alone


cells = st.fixed_dictionaries(dict.fromkeys(NAMES, anything))
rows_of_cells = st.lists(cells, min_size=1, max_size=5)


@pytest.mark.slow
@given(rows_of_cells)
def test_rows_and_columns_give_the_same_answer(rows: list[dict[str, Any]]) -> None:
    """The same cells read as rows and as columns have the same values, errors and warnings."""
    assert check_rows(SCHEMA, rows) == check_columns(SCHEMA, columns_of(rows))


@pytest.mark.slow
@given(rows_of_cells)
def test_each_row_is_read_by_itself(rows: list[dict[str, Any]]) -> None:
    """No row's answer depends on the rows around it."""
    together = check_rows(SCHEMA, rows)
    for number, row in enumerate(rows):
        alone = check_rows(SCHEMA, [row])
        assert [together.columns[name][number] for name in NAMES] == [alone.columns[name][0] for name in NAMES]
        assert (number in together.bad_rows) == (0 in alone.bad_rows)


@pytest.mark.slow
@given(
    st.lists(st.dictionaries(st.sampled_from([*NAMES, "size", "boat"]) | texts | st.integers(), anything, max_size=9))
)
def test_garbage_rows_are_answered_row_by_row(rows: list[dict[Any, Any]]) -> None:
    """Whatever mappings come in, no row is dropped or invented, and each has values or an error."""
    checked = check_rows(SCHEMA, rows)
    assert checked.count == len(rows)
    assert checked.bad_rows <= set(range(len(rows)))
    for field in SCHEMA.fields:
        values = checked.columns[field.name]
        assert len(values) == len(rows)
        assert {type(value) for value in values} <= {
            type(None),
            float if field.kind in {"numeric", "boolean", "datetime"} else str,
        }
    order = [-1 if issue.row is None else issue.row for issue in checked.errors]
    assert order == sorted(order)


@pytest.mark.slow
@given(st.dictionaries(st.sampled_from(NAMES) | texts, st.lists(anything, max_size=3) | anything, max_size=4))
def test_garbage_columns_are_answered_or_refused(columns: dict[str, Any]) -> None:
    """Whatever columns come in, they are read row by row, or refused as no table."""
    try:
        checked = check_columns(SCHEMA, columns)
    except InputError:
        return
    lengths = {len(values) for values in columns.values()} or {0}
    assert lengths == {checked.count}
    assert all(len(values) == checked.count for values in checked.columns.values())


@given(st.sampled_from(NAMES), st.text(ascii_uppercase, min_size=12, max_size=99))
def test_no_issue_repeats_a_value(name: str, secret: str) -> None:
    """Errors and warnings name rows and fields, and never hold what was in them."""
    for value in (secret, [secret], {secret: secret}, secret + "\x00", secret.encode()):
        checked = check_rows(SCHEMA, [GOOD | {name: value}])
        assert secret not in repr(checked.errors) + repr(checked.warnings)


@pytest.mark.slow
@given(st.sampled_from(KINDS), st.booleans(), st.lists(texts, max_size=3))
def test_a_schema_survives_the_manifest(kind: Kind, nullable: bool, names: list[str]) -> None:
    """A schema written as JSON and read again reads rows the same way."""
    plain = tuple(name.encode(errors="replace").decode() for name in names)
    schema = InputSchema(fields=(a_field("x", kind, nullable=nullable, aliases=plain),), ignored=plain)
    assert InputSchema.model_validate_json(schema.model_dump_json()) == schema


@pytest.mark.parametrize("mark", ["?", "NA", "n/a", "NaN", "null", "None", "<NA>", "#N/A", "-"])
def test_marks_of_missing_values_are_known_in_any_case(mark: str) -> None:
    """A field without marks of its own has those that tables of spreadsheets, R and pandas have."""
    field = a_field("x", "categorical")
    assert field.reader()(f" {mark} ") is None
    assert field.reader()(f"{mark}{mark}x") is not None


@pytest.mark.parametrize(
    ("value", "more", "code"),
    [
        (-1.0, {}, "out_of_range"),
        (11.0, {}, "out_of_range"),
        (0.0, {}, None),
        (10.0, {}, None),
        ("other", {"kind": "categorical", "categories": ("a",)}, "unseen_category"),
        ("a", {"kind": "categorical", "categories": ("a",)}, None),
        ("other", {"kind": "categorical", "categories": ()}, "unseen_category"),
        (None, {"nullable": False}, "unexpected_missing"),
        (None, {}, None),
    ],
)
def test_each_remark_has_its_code(value: Any, more: dict[str, Any], code: str | None) -> None:
    """Programs read the code, which does not change."""
    found = a_field("x", **{"kind": "numeric", "minimum": 0, "maximum": 10, **more}).remark(value)
    assert (None if found is None else found[0]) == code


def test_a_schema_cannot_be_changed_and_has_no_unknown_members() -> None:
    """Neither a field nor the whole; so a manifest of a later format is refused."""
    for model, name in ((SCHEMA.fields[0], "nullable"), (SCHEMA, "ignored")):
        with pytest.raises(ValidationError, match="frozen"):
            setattr(model, name, ())
        with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
            type(model).model_validate(model.model_dump() | {"unit": "kg"})


@pytest.mark.parametrize("kind", KINDS)
def test_a_field_has_the_limit_on_texts_that_is_promised(kind: Kind) -> None:
    """10,000 characters for categories, else 1,000, unless it says so; of rows of the manifest itself, 10,000."""
    assert a_field("x", kind).longest_text == (10_000 if kind == "categorical" else 1000)
    assert a_field("x", kind, longest_text=100).longest_text == 100
    own = InputSchema(fields=(a_field("x", kind, longest_text=100),), ignored=("y",)).for_own_rows()
    assert ([each.longest_text for each in own.fields], own.ignored) == ([10_000], ("y",))
    for refused in (99, 10_001):
        with pytest.raises(ValidationError, match="longest_text"):
            a_field("x", kind, longest_text=refused)


def test_a_key_that_is_ignored_has_no_field_unless_it_is_a_name_of_one() -> None:
    """Names and aliases come first; texts are the fields that hold categories or texts."""
    other = a_field("x", "text", aliases=("y", "z"))
    schema = InputSchema(fields=(*(a_field(kind, kind) for kind in KINDS), other), ignored=("boat", "y"))
    expected: dict[str, str | None] = {"boat": None, "x": "x", "y": "x", "z": "x"}
    assert schema.names == expected | {kind: kind for kind in KINDS}
    assert schema.texts == {"categorical", "text", "x"}


def test_an_issue_is_json() -> None:
    """Row, field, code and message."""
    (issue,) = check_rows(SCHEMA, [GOOD, GOOD | {"age": "x"}]).errors
    assert issue.as_dict() == {"row": 1, "field": "age", "code": "type", "message": "expected a number, found text"}


def test_some_rows_are_taken_without_what_was_said_of_them() -> None:
    """In the order that is asked for; as arrays, missing numbers are NaN."""
    checked = check_rows(SCHEMA, [GOOD | {"age": 99}, GOOD | {"age": "x"}, GOOD | {"age": 2, "note": "c"}])
    taken = checked.take([2, 0])
    assert (taken.count, taken.columns["age"], taken.columns["note"]) == (2, [2.0, 99.0], ["c", "a"])
    assert (taken.errors, taken.warnings) == ([], [])
    arrays = checked.arrays(SCHEMA.texts)
    ages = np.asarray(arrays["age"])
    assert ages.dtype == np.float64
    assert (ages.tolist()[::2], bool(np.isnan(ages[1]))) == ([99.0, 2.0], True)
    assert arrays["note"].tolist() == ["a", "a", "c"]
