"""Kinds of columns and classes of targets, inferred from values that nobody has described."""

import random
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from written import read_table

from classification_model.config.core import load_config
from classification_model.config.features import ColumnFeature
from classification_model.processing.kinds.infer_columns import infer_columns
from classification_model.processing.kinds.inferred import Inferred
from classification_model.runtime.input.schema import DEFAULT_MISSING_VALUES, SchemaField


def infer(values: list[Any], name: str = "x", **options: Any) -> Inferred:
    """Infer the kind of one column."""
    (inferred,) = infer_columns(pd.DataFrame({name: pd.Series(values, dtype=object)}), **options)
    return inferred


def described(values: list[Any], name: str = "x") -> dict[str, Any] | None:
    """Return what a config would say of a column, None where it is no feature."""
    feature = infer(values, name).feature
    return None if feature is None else feature.model_dump(exclude_unset=True)


NUMBERS = ["3", "1.5", "-2", "1e3", "7", "8.25"] * 5


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param(NUMBERS, {"kind": "numeric"}, id="numbers"),
        pytest.param([*NUMBERS, "", " ", "NA", "?", "-", "null"], {"kind": "numeric"}, id="numbers and blanks"),
        pytest.param(["$1,200", "$950", " ", "$10", "$3"] * 9, {"kind": "numeric"}, id="money"),
        pytest.param(["12%", "7.5 %", "", "100%"] * 9, {"kind": "numeric"}, id="shares"),
        pytest.param([1.5, None, 3.25, float("nan")] * 9, {"kind": "numeric"}, id="floats and gaps"),
        pytest.param([Decimal("1.5"), Decimal(2)] * 9, {"kind": "numeric"}, id="decimals"),
        pytest.param([1, 2.0, 3] * 9, {"kind": "numeric"}, id="whole numbers and floats"),
        pytest.param(
            ["20240131", "20231224"] * 9, {"kind": "datetime", "datetime_format": "%Y%m%d"}, id="dates of digits alone"
        ),
        pytest.param(["1e400", *NUMBERS], {"kind": "numeric", "missing_values": ("1e400",)}, id="beyond all numbers"),
        pytest.param(
            [*NUMBERS, "Unknown", "not told"],
            {"kind": "numeric", "missing_values": ("not told", "unknown")},
            id="numbers and few words",
        ),
        pytest.param([*NUMBERS, *["unknown"] * 9], {"kind": "categorical"}, id="numbers and many words"),
        pytest.param([*NUMBERS * 9, *"abcdef"], {"kind": "categorical"}, id="numbers and many kinds of words"),
        pytest.param(["Yes", "no", "", "YES"] * 9, {"kind": "boolean"}, id="yes and no"),
        pytest.param([0, 1, None] * 9, {"kind": "boolean"}, id="0 and 1"),
        pytest.param([0.0, 1.0] * 9, {"kind": "boolean"}, id="0.0 and 1.0"),
        pytest.param(["1.0", "0"] * 9, {"kind": "boolean"}, id="1.0 and 0 as texts"),
        pytest.param([True, False] * 9, {"kind": "boolean"}, id="truth values"),
        pytest.param(["yes", "1"] * 9, {"kind": "categorical"}, id="two words that both say yes"),
        pytest.param(["yes", "no", "maybe"] * 9, {"kind": "categorical"}, id="three words"),
        pytest.param([True, 0, 1, 2] * 9, {"kind": "categorical"}, id="truth values among numbers"),
        pytest.param([" red", "red", "blue "] * 9, {"kind": "categorical"}, id="words with blanks"),
        pytest.param(["2024-01-31", "2023-12-24"] * 9, {"kind": "datetime"}, id="ISO 8601"),
        pytest.param(["2024-01-31T10:00:00Z", "2023-12-24T01:00"] * 9, {"kind": "datetime"}, id="ISO 8601 with time"),
        pytest.param([date(2024, 1, 31), datetime(2023, 12, 24, tzinfo=UTC)] * 9, {"kind": "datetime"}, id="dates"),
        pytest.param([pd.Timestamp("2024-01-31"), pd.NaT, pd.Timestamp(0)] * 9, {"kind": "datetime"}, id="timestamps"),
        pytest.param(
            ["31.01.2024", "1.2.2024", ""] * 9, {"kind": "datetime", "datetime_format": "%d.%m.%Y"}, id="dots"
        ),
        pytest.param(
            ["31/01/2024", "1/2/2024"] * 9, {"kind": "datetime", "datetime_format": "%d/%m/%Y"}, id="day first"
        ),
        pytest.param(
            ["01/31/2024", "1/2/2024"] * 9, {"kind": "datetime", "datetime_format": "%m/%d/%Y"}, id="month first"
        ),
        pytest.param(["1/31/24", "1/2/24"] * 9, {"kind": "datetime", "datetime_format": "%m/%d/%y"}, id="short years"),
        pytest.param(
            ["31-Jan-2024", "24-Dec-2023"] * 9, {"kind": "datetime", "datetime_format": "%d-%b-%Y"}, id="named months"
        ),
        pytest.param(
            [*["31.01.2024", "24.12.2023"] * 9, "unknown"],
            {"kind": "datetime", "missing_values": ("unknown",), "datetime_format": "%d.%m.%Y"},
            id="dates and few words",
        ),
        pytest.param(["31.01.2024", "2024-01-31"] * 9, {"kind": "categorical"}, id="dates in two formats"),
        pytest.param(
            [*["1/2/2024", "3/4/2024"] * 30, "1/31/2024"],
            {"kind": "datetime", "datetime_format": "%m/%d/%Y"},
            id="month first, as one date of many shows",
        ),
        pytest.param([*[1.5, 2.5] * 30, date(2024, 1, 31)], {"kind": "categorical"}, id="a date among numbers"),
        pytest.param(["14:30", "09:15"] * 9, {"kind": "numeric", "number_format": "clock"}, id="times of day"),
        pytest.param(
            [f"C{number % 30}" for number in range(90)],
            {"kind": "categorical", "encode": "target"},
            id="many categories",
        ),
        pytest.param([f"it was number {number}, I think" for number in range(90)], {"kind": "text"}, id="texts"),
        pytest.param([2**60 + number for number in range(3)] * 9, {"kind": "categorical"}, id="codes of 19 digits"),
    ],
)
def test_the_kind_of_a_column_follows_from_its_values(values: list[Any], expected: dict[str, Any]) -> None:
    """Values decide the kind, the format of dates, and which words among numbers or dates mean "missing"."""
    assert described(values) == expected


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        pytest.param(["", None, "n/a"], "every value is missing", id="nothing"),
        pytest.param(["x"] * 9, "every value is the same", id="one word"),
        pytest.param(["1", "1.0", "$1"] * 9, "every value is the same", id="one number, spelled in three ways"),
        pytest.param([*["x"] * 99, "y"], "all values but 1 are the same", id="one row differs"),
        pytest.param([*[None] * 97, 3, 4, 5], "all values but 3 are missing", id="three rows are there"),
        pytest.param([[1, 2], [3]] * 9, "its values are of no known kind: expected text, found a list", id="lists"),
        pytest.param([{"a": 1}] * 9, "its values are of no known kind: expected text, found an object", id="objects"),
        pytest.param(
            [time(9, 15), time(14)] * 9,
            "its values are of no known kind: expected text, found a value of type time",
            id="times",
        ),
        pytest.param(
            [b"ab", b"c"], "its values are of no known kind: expected text, found a value of type bytes", id="bytes"
        ),
        pytest.param([1.5, float("inf"), 2] * 9, "it holds infinite numbers", id="infinite"),
        pytest.param(
            ["a\0", "b"] * 9,
            "its values are of no known kind: expected text that UTF-8 can carry, found a NUL or a lone surrogate",
            id="NUL",
        ),
        pytest.param(
            ["a" * 10_001, "b"] * 9,
            "its values are of no known kind: expected at most 10000 characters, found more",
            id="long",
        ),
    ],
)
def test_a_column_that_nothing_can_be_learned_from_says_why(values: list[Any], reason: str) -> None:
    """Empty, constant, nearly constant and unreadable columns are no features, and no index either."""
    assert infer(values) == Inferred("x", None, reason)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        pytest.param("n", [str(1000 + number) for number in range(90)], id="consecutive texts"),
        pytest.param("n", list(range(90, 0, -1)), id="consecutive numbers, backwards"),
        pytest.param("customer_id", [str(number * 37) for number in range(90)], id="numbers called id"),
        pytest.param("customerId", [f"C{number}" for number in range(9)], id="codes called id"),
        pytest.param("Unnamed: 0", [number * 2 for number in range(9)], id="the index of a frame"),
        pytest.param("x", [f"C-{number * 37}" for number in range(90)], id="90 codes"),
    ],
)
def test_values_that_only_tell_rows_apart_are_an_index(name: str, values: list[Any]) -> None:
    """Consecutive numbers, codes that all differ, and what is called an id name the rows."""
    inferred = infer(values, name)
    assert inferred.identifies
    assert inferred.feature is None


@pytest.mark.parametrize(
    ("name", "values", "kind"),
    [
        pytest.param("paid", [str(number * 37) for number in range(90)], "numeric", id="a word that ends in id"),
        pytest.param("price_index", [f"{number}.5" for number in range(90)], "numeric", id="measured, called index"),
        pytest.param("x", [number * 10**9 for number in range(90)], "numeric", id="far apart"),
        pytest.param("x", ["0", "99999999999999999999"] * 2, "numeric", id="twenty digits"),
        pytest.param("x", [*range(90), None], "numeric", id="consecutive with a gap"),
        pytest.param("date_key", [f"2024-01-{day:02}" for day in range(1, 29)], "datetime", id="dates"),
    ],
)
def test_measurements_that_all_differ_are_no_index(name: str, values: list[Any], kind: str) -> None:
    """Numbers with gaps or fractions, and dates, are learned from although no two are the same."""
    feature = infer(values, name).feature
    assert feature is not None
    assert feature.kind == kind


def test_marks_of_missing_values_count_in_any_case() -> None:
    """A config may write its words for "missing" as it likes."""
    inferred = infer([*NUMBERS, *["Not Told"] * 20], missing_values=["NOT told"])
    assert inferred.feature == ColumnFeature(kind="numeric")


def test_the_columns_of_the_titanic_are_inferred() -> None:
    """Of the real table, kinds come out as a person would choose them."""
    config = load_config()
    table = read_table(str(config.folder / config.data.source))
    kinds = {column.name: column.feature.kind for column in infer_columns(table) if column.feature is not None}
    assert kinds == {
        "pclass": "numeric",
        "survived": "boolean",
        "name": "text",
        "sex": "categorical",
        "age": "numeric",
        "sibsp": "numeric",
        "parch": "numeric",
        "ticket": "categorical",
        "fare": "numeric",
        "cabin": "categorical",
        "embarked": "categorical",
        "boat": "categorical",
        "body": "numeric",
        "home.dest": "categorical",
    }


cells = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.decimals(),
    st.text(max_size=8),
    st.dates(),
    st.datetimes(),
    st.sampled_from(
        ["", " ", "NA", "-", "$1,200", "12%", "yes", "No", "2024-01-31", "31.01.2024", "1.0", "\0", "unknown"]
    ),
    st.lists(st.integers(), max_size=2),
)
columns_of_cells = st.lists(cells, min_size=1, max_size=60) | st.lists(
    st.lists(cells, min_size=1, max_size=3).flatmap(st.sampled_from), min_size=1, max_size=60
)


@pytest.mark.slow
@given(values=columns_of_cells, name=st.text(max_size=5) | st.sampled_from(["id", "key", "n"]))
def test_what_is_inferred_can_be_read(values: list[Any], name: str) -> None:
    """Whatever a column holds, it is either refused or every one of its values reads as the inferred kind."""
    inferred = infer(values, name)
    if inferred.feature is None:
        assert inferred.reason
    else:
        field = SchemaField(
            name=name,
            kind=inferred.feature.kind,
            nullable=True,
            missing_values=(*DEFAULT_MISSING_VALUES, *inferred.feature.missing_values),
            datetime_format=inferred.feature.datetime_format,
        )
        read = field.reader()
        assert len({read(value) for value in values}) > 1


@pytest.mark.slow
@given(
    values=st.lists(st.sampled_from([*NUMBERS, "", "yes", "no", "2024-01-31", "a b c d", "unknown"]), min_size=1),
    seed=st.randoms(use_true_random=False),
)
def test_the_order_of_rows_does_not_matter(values: list[str], seed: random.Random) -> None:
    """The same values in another order are the same column."""
    shuffled = seed.sample(values, len(values))
    assert infer(shuffled) == infer(values)
