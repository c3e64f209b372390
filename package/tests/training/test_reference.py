"""The distribution of the training rows, which drift is measured against."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classification_model.runtime.input.schema import InputSchema, SchemaField
from classification_model.training.reference import describe_distribution, describe_numbers

numbers = st.lists(st.floats(-1e30, 1e30), min_size=1, max_size=40)


def describe(kind: str, values: list[Any]) -> dict[str, Any]:
    """Describe a column of a kind."""
    schema = InputSchema(fields=(SchemaField.model_validate({"name": "x", "kind": kind, "nullable": True}),))
    dtype = object if kind in {"categorical", "text"} else np.float64
    return describe_distribution(pd.DataFrame({"x": pd.Series(values, dtype=dtype)}), schema)["x"]


@given(numbers)
def test_numbers_are_described_by_their_deciles(values: list[float]) -> None:
    """Edges go from the least to the greatest number, each bin has the share of the numbers in it, all sum to one."""
    found = describe_numbers(np.array(values))
    edges, shares = found["edges"], found["shares"]
    assert (edges[0], edges[-1]) == (min(values), max(values))
    assert edges == sorted(edges)
    assert len(shares) == len(edges) - 1 <= 10
    assert sum(shares) == pytest.approx(1)
    assert found["mean"] == pytest.approx(np.mean(values), rel=1e-6, abs=1e-9 * max(map(abs, values)) + 1e-300)
    assert found["std"] >= 0


@pytest.mark.parametrize("value", [0.0, -3.5, 1e30, 5e-324])
def test_a_constant_is_one_bin(value: float) -> None:
    """Numbers that are all the same are one bin of no width."""
    assert describe_numbers(np.array([value] * 5)) == {
        "edges": [value, value],
        "shares": [1.0],
        "mean": value,
        "std": 0.0,
    }


def test_ten_times_ten_numbers_are_ten_bins() -> None:
    """Of evenly spread numbers each bin holds a tenth."""
    found = describe_numbers(np.arange(101.0))
    assert found["edges"] == pytest.approx([0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100])
    assert found["shares"] == pytest.approx([0.1] * 10, abs=0.01)


@pytest.mark.parametrize("kind", ["numeric", "datetime"])
def test_gaps_are_counted_and_left_out(kind: str) -> None:
    """The share of missing values stands apart, and all else describes the present ones."""
    found = describe(kind, [1.0, None, 3.0, None])
    assert (found["kind"], found["missing"]) == (kind, 0.5)
    assert (found["edges"][0], found["edges"][-1], found["mean"]) == (1.0, 3.0, 2.0)


def test_categories_have_shares_by_frequency() -> None:
    """Each category has its share of the present values, the most frequent first, equals by the alphabet."""
    found = describe("categorical", ["b", "a", "c", "c", None])
    assert found == {
        "kind": "categorical",
        "missing": 0.2,
        "shares": {"c": 0.5, "a": 0.25, "b": 0.25},
        "other": 0.0,
    }
    assert list(found["shares"]) == ["c", "a", "b"]


def test_truth_values_are_called_0_and_1() -> None:
    """A truth value's shares stand under 0 and 1."""
    assert describe("boolean", [1.0, 0.0, 1.0, 1.0, None])["shares"] == {"1": 0.75, "0": 0.25}


@pytest.mark.slow
@given(st.integers(1, 120))
def test_the_rest_of_many_categories_is_other(count: int) -> None:
    """Fifty categories are named, the rest is one share, and all sum to one."""
    found = describe("categorical", [f"k{number}" for number in range(count)])
    assert len(found["shares"]) == min(count, 50)
    assert found["other"] == pytest.approx(max(0, count - 50) / count)
    assert sum(found["shares"].values()) + found["other"] == pytest.approx(1)


def test_texts_are_described_by_their_length() -> None:
    """Of texts the number of characters is described, not what they say."""
    found = describe("text", ["a", "abc", None, "äöü"])
    assert (found["missing"], found["edges"][0], found["edges"][-1], found["mean"]) == (0.25, 1, 3, 7 / 3)
