"""Derived features: one row at a time and many rows as columns give the same, bit for bit."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classification_model.runtime.inference.derivations import Derivation, Plan
from classification_model.runtime.input.columns import Column, encode
from classification_model.runtime.input.moments import MOMENTS

PLAN = Plan(
    [
        Derivation(derive="pattern", sources=("note",), outputs=("word",), pattern=r"^(\w+)"),
        Derivation(derive="pattern", sources=("note",), outputs=("digits",), pattern=r"\d+", as_number=True),
        Derivation(derive="contains", sources=("note",), outputs=("urgent",), words=("now", "at once")),
        Derivation(derive="sum", sources=("size", "price"), outputs=("total",), plus=1.5),
        Derivation(derive="ratio", sources=("size", "total"), outputs=("share",)),
        Derivation(derive="log", sources=("price",), outputs=("log_price",)),
        Derivation(derive="combine", sources=("word", "shape", "size"), outputs=("all",)),
        Derivation(
            derive="date_parts",
            sources=("day",),
            outputs=("y", "q", "m", "d", "w", "n", "h", "t"),
            parts=("year", "quarter", "month", "day", "weekday", "day_of_year", "hour", "days"),
        ),
    ]
)
NUMBERS = st.floats(allow_infinity=False) | st.integers(-5, 5).map(float)
TEXTS = st.none() | st.text(max_size=12) | st.sampled_from(["now 12 pieces", "later", "At Once", "x now.", "nowhere"])
MOMENT = st.just(math.nan) | st.floats(MOMENTS[0] - 10, MOMENTS[1] + 10) | st.integers(-(10**9), 10**10).map(float)
ROWS = st.lists(
    st.fixed_dictionaries({"note": TEXTS, "shape": TEXTS, "size": NUMBERS, "price": NUMBERS, "day": MOMENT}),
    max_size=8,
)


def same(one: Any, other: Any) -> bool:
    return bool(one == other or (one != one and other != other))  # noqa: PLR0124 - NaN


@pytest.mark.slow
@given(ROWS)
def test_a_row_and_a_column_are_derived_alike(rows: list[dict[str, Any]]) -> None:
    """Each derived value of a row is that of its column, and what was given stays as it was."""
    columns: dict[str, Column] = {
        name: encode([row[name] for row in rows])
        if name in {"note", "shape"}
        else np.array([row[name] for row in rows], dtype=np.float64)
        for name in ("note", "shape", "size", "price", "day")
    }
    extended = {name: column.tolist() for name, column in PLAN.extend_columns(columns).items()}
    for number, row in enumerate(rows):
        whole = dict(row)
        PLAN.extend_row(whole)
        assert set(whole) == set(extended)
        assert {name: value for name, value in whole.items() if not same(value, extended[name][number])} == {}
        assert all(whole[name] is row[name] for name in row)
        numbers = [value for name, value in whole.items() if name not in {"note", "shape", "word", "all"}]
        assert all(type(value) is float for value in numbers)
        assert not any(map(math.isinf, numbers))


def test_combinations_of_many_rows_are_few() -> None:
    """Columns of many distinct values side by side are spelled once for each combination that occurs."""
    draw = np.random.default_rng(0)
    codes = draw.integers(0, 1000, (3, 5000))
    columns: dict[str, Column] = {name: encode(map(str, row)) for name, row in zip("abc", codes.tolist(), strict=True)}
    plan = Plan([Derivation(derive="combine", sources=("a", "b", "c"), outputs=("all",))])
    expected = ["|".join(map(str, row)) for row in codes.T.tolist()]
    assert plan.extend_columns(columns)["all"].tolist() == expected
