"""Rows read quickly: what is read, and what is said of it, is what `check_rows` reads and says."""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import Any

import pytest
from garbage import anything
from hypothesis import given
from hypothesis import strategies as st

from classification_model.errors import InputError
from classification_model.runtime.input import row_reader
from classification_model.runtime.input.checking import Issue, check_rows
from classification_model.runtime.input.number_format import NumberFormat
from classification_model.runtime.input.row_reader import RowReader
from classification_model.runtime.input.schema import InputSchema, SchemaField


def a_field(name: str, kind: Any, **more: Any) -> SchemaField:
    return SchemaField(**{"name": name, "kind": kind, "nullable": True, "marks_by_value": True, **more})


COMMA = NumberFormat(decimal=",")
SCHEMA = InputSchema(
    fields=(
        a_field("bounded", "numeric", minimum=-2, maximum=80),
        a_field("needed", "numeric", nullable=False, minimum=0, maximum=10),
        a_field("wide", "numeric", minimum=-1e30, maximum=1e30),
        a_field("open", "numeric", minimum=0),
        a_field("sex", "categorical", nullable=False, categories=("female", "male")),
        a_field("deck", "categorical", categories=("1", "2", "07", "\u0663", "A")),
        a_field("free", "categorical"),
        a_field("smoker", "boolean"),
        a_field("note", "text", longest_text=100),
        a_field("title", "text", nullable=False, missing_values=("none", "n/a")),
        a_field("seen", "datetime", minimum=0, maximum=86400),
        a_field("paid", "numeric", minimum=-5, maximum=80, missing_values=("1", "-999"), written=COMMA),
        a_field("hour", "numeric", minimum=0, maximum=86400, written=NumberFormat(spelling="clock")),
        a_field("plan", "categorical", categories=("1", "2", "A"), missing_values=("9.0", "7")),
        a_field("marked", "text", missing_values=("9", "none")),
        a_field("at", "datetime", datetime_format="unix_s", missing_values=("0",)),
    ),
    ignored=("survived",),
)
READER = RowReader(SCHEMA)
GOOD = {
    "bounded": 30, "needed": 2, "wide": 1.5, "open": 7, "sex": "male", "deck": 2, "free": "x", "smoker": True,
    "note": "a note", "title": "Mr. Kelly", "seen": "1970-01-01T12:00:00",
    "paid": 12, "hour": "14:35", "plan": "A", "marked": "a note", "at": 86400,
}  # fmt: skip
NAMES = [field.name for field in SCHEMA.fields]
CELLS: list[Any] = [
    None, math.nan, math.inf, -math.inf, -2, -2.0, -2.1, -3, 0, 0.0, 1, 10, 10.5, 11, 80, 80.0, 80.5, 81, 2**53,
    2**53 + 1, -(2**53) - 1, 1e30, 1.1e30, True, False, "", " ", "male", " male", "male ", "Male", "MALE", "other",
    "1", 1.0, "1.0", 2, "2", 7, "07", "7", 3, "\u0663", "A", "a", "none", "None", "n/a", "nan", "NA", "no", "yes",
    "x" * 100, "x" * 101, "a\x00", "\ud800", "tab\t", "\u00a0a", "a\u2003", "\u00e9", "28.5", "1970-01-01",
    "1970-01-02T00:00:01", "3,125", "0,5", "1.001", "14:35", 9, "9", 9.0, "9.0", "9.00", -999, "-999,0",
    "1969-12-31", [], {}, [1], b"a", "none ", " n/a",
]  # fmt: skip


def same(rows: list[Any]) -> None:
    """Compare what both read, and say of it."""
    quick, thorough = READER.read_rows(rows), check_rows(SCHEMA, rows)
    assert repr(quick.columns) == repr(thorough.columns)
    assert (quick.errors, quick.warnings) == (thorough.errors, thorough.warnings)


@pytest.mark.parametrize("name", NAMES)
def test_each_value_of_a_field_is_read_as_check_rows_reads_it(name: str) -> None:
    """Bounds, marks, spaces and whole numbers among them, alone and among other rows."""
    for cell in CELLS:
        same([GOOD | {name: cell}])
    same([GOOD, *(GOOD | {name: cell} for cell in CELLS), GOOD])


@given(st.lists(st.dictionaries(st.sampled_from([*NAMES, "survived", "unknown"]), st.sampled_from(CELLS) | anything)))
def test_any_rows_are_read_as_check_rows_reads_them(rows: list[dict[str, Any]]) -> None:
    """Whatever is missing, unknown or of another type, errors and warnings come in the order of the rows."""
    same(rows)


def test_rows_of_other_mappings_are_read_too() -> None:
    """They take the thorough way, and those beside them do not."""
    same([GOOD, MappingProxyType(GOOD), GOOD | {"bounded": 90}, MappingProxyType(GOOD | {"needed": None})])


def test_what_is_no_row_is_named_by_its_number() -> None:
    """The number is that among all rows, not among those that are left."""
    with pytest.raises(InputError, match="row 2"):
        READER.read_rows([GOOD, GOOD, 5])


def test_one_row_is_read_with_its_warnings() -> None:
    """Missing numbers are NaN and missing texts None; each warning has the number of the row."""
    warnings: list[Issue] = []
    values = READER.read({"needed": 11, "sex": "other", "title": "Dr", "survived": 1}, 4, warnings)
    assert values is not None
    assert list(values) == NAMES
    assert (values["needed"], values["sex"], values["title"], values["deck"], values["note"]) == (
        11.0,
        "other",
        "Dr",
        None,
        None,
    )
    assert all(math.isnan(values[name]) for name in ("bounded", "wide", "open", "smoker", "seen", "paid", "hour", "at"))
    assert [(issue.row, issue.field, issue.code) for issue in warnings] == [
        (4, "needed", "out_of_range"),
        (4, "sex", "unseen_category"),
    ]


@pytest.mark.parametrize("change", [{"unknown": 1}, {"needed": "x"}, {"smoker": "perhaps"}, {"note": "x" * 101}])
def test_one_row_in_error_is_left_to_check_rows(change: dict[str, Any]) -> None:
    """So is one with a key that is no field."""
    assert READER.read(GOOD, 0, []) is not None
    assert READER.read(GOOD | change, 0, []) is None


def test_a_field_that_was_never_missing_is_remarked_where_it_is() -> None:
    """A text that is given as None is missing too."""
    warnings: list[Issue] = []
    values = READER.read(GOOD | {"title": None, "note": None}, 0, warnings)
    assert values is not None
    assert (values["title"], values["note"]) == (None, None)
    assert [(issue.field, issue.code) for issue in warnings] == [("title", "unexpected_missing")]
    left_out = {name: cell for name, cell in GOOD.items() if name != "title"}
    assert READER.read(left_out, 0, []) is None


@pytest.mark.parametrize(
    ("field", "quick", "slow"),
    [
        (a_field("x", "numeric", minimum=-2, maximum=80), [30, -2, 80, 1.5, -2.0], [81, -2.5, "30", True, None]),
        (a_field("x", "numeric", minimum=-(2**53), maximum=2**53), [2**53, -(2**53), 0.5], [2**53 + 1]),
        (a_field("x", "numeric", minimum=-1e30, maximum=0), [-1.5], [3, -3]),
        (a_field("x", "numeric", minimum=0, maximum=1e30), [1.5], [3]),
        (a_field("x", "numeric", minimum=0), [], [3, 1.5]),
        (a_field("x", "numeric", maximum=0), [], [-3, -1.5]),
        (a_field("x", "categorical", categories=("male", "2", "07")), ["male", "2", 2, "07"], ["Male", 7, 2.0, "x"]),
        (a_field("x", "categorical", categories=("a" * 100, "b" * 101), longest_text=100), ["a" * 100], ["b" * 101]),
        (a_field("x", "categorical"), [], ["male"]),
        (a_field("x", "text", longest_text=100), ["a note", "y" * 100, None], ["y" * 101, " a note", "a note ", "a\n"]),
        (a_field("x", "text", missing_values=("none",)), ["seven"], ["none", "four", 7]),
        (a_field("x", "text", missing_values=()), ["a"], [""]),
        (a_field("x", "text", missing_values=("9",)), [], ["a note", "9.0"]),
        (a_field("x", "numeric", minimum=0, maximum=9, missing_values=("7.0",)), [], [7, 3]),
        (a_field("x", "numeric", minimum=0, maximum=9, missing_values=("-999",)), [7, 3], ["7"]),
        (a_field("x", "text", categories=("a note",)), [], ["a note"]),
        (a_field("x", "boolean"), [], [True]),
    ],
)
def test_a_sound_value_is_read_quickly(
    field: SchemaField, quick: list[Any], slow: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Numbers in the range of training, its categories, and plain texts take no second look; all others do."""
    looked_at: list[Any] = []
    monkeypatch.setattr(row_reader, "_slow_reader", lambda _: looked_at.append)
    reader = RowReader(InputSchema(fields=(field,)))
    for value in quick:
        expected = float(value) if field.kind == "numeric" else value if value is None else str(value)
        assert reader.read({"x": value}, 0, []) == {"x": expected}
    assert looked_at == []
    for value in slow:
        reader.read({"x": value}, 0, [])
    assert looked_at == slow


def test_warnings_of_rows_that_were_read_either_way_are_in_the_order_of_rows() -> None:
    """The first row among them."""
    odd = GOOD | {"bounded": 90}
    for rows in ([MappingProxyType(odd), odd, MappingProxyType(odd)], [odd, MappingProxyType(odd), odd]):
        assert [issue.row for issue in READER.read_rows(rows).warnings] == [0, 1, 2]
