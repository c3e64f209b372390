"""Drift: rarely found where there is none, found where there is some, and never made of a few rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from classification_model.config.sections import MonitoringConfig
from classification_model.monitoring.drift import FeatureDrift, Sample, measure_drift, population_stability
from classification_model.runtime.input.schema import InputSchema, SchemaField
from classification_model.training.reference import describe_distribution

LIMITS = MonitoringConfig()
#: A reference of as many rows as the packaged model has.
TRAINED = 1049
counts = st.lists(st.integers(0, 1000), min_size=1, max_size=12).filter(any)


def describe(values: Any, kind: str) -> dict[str, Any]:
    """Describe training values as a manifest does."""
    schema = InputSchema(fields=(SchemaField.model_validate({"name": "x", "kind": kind, "nullable": True}),))
    dtype = object if kind in {"categorical", "text"} else np.float64
    return describe_distribution(pd.DataFrame({"x": pd.Series(values, dtype=dtype)}), schema)["x"]


def sample(before: Any, now: Any, kind: str = "numeric", name: str = "x") -> Sample:
    """Hold values of a log against training values; None and NaN are missing."""
    present = pd.Series(now, dtype=object).dropna()
    values = present.tolist() if kind in {"categorical", "text"} else present.to_numpy(np.float64)
    missing = len(now) - len(present)
    return Sample(name, kind, describe(before, kind), len(before), values, np.ones(len(present), np.int64), missing)


def drift(before: Any, now: Any, kind: str = "numeric") -> FeatureDrift:
    """Measure one feature."""
    (found,) = measure_drift([sample(before, now, kind)], LIMITS)
    return found


def normal(draw: np.random.Generator, rows: int) -> NDArray[np.float64]:
    return draw.normal(size=rows)


def heavy(draw: np.random.Generator, rows: int) -> NDArray[np.float64]:
    return np.where(draw.random(rows) < 0.93, 0.0, draw.lognormal(3, 2, rows))


def truth_value(draw: np.random.Generator, rows: int) -> NDArray[np.float64]:
    return (draw.random(rows) < 0.4).astype(np.float64)


def small_count(draw: np.random.Generator, rows: int) -> NDArray[np.float64]:
    return draw.poisson(0.7, rows).astype(np.float64)


def gappy(draw: np.random.Generator, rows: int) -> NDArray[np.float64]:
    return np.where(draw.random(rows) < 0.3, np.nan, draw.exponential(size=rows))


def few_categories(draw: np.random.Generator, rows: int) -> list[str]:
    return [str(name) for name in draw.choice(["a", "b", "c", "d"], rows, p=[0.6, 0.3, 0.095, 0.005])]


def many_categories(draw: np.random.Generator, rows: int) -> list[str]:
    return [f"k{code}" for code in draw.zipf(1.3, rows) % 5000]


def rare_categories(draw: np.random.Generator, rows: int) -> list[str]:
    return [f"k{code}" for code in draw.integers(0, 350, rows)]


def keys(draw: np.random.Generator, rows: int) -> list[str]:
    return [f"k{code}" for code in draw.integers(0, 10**9, rows)]


def words(draw: np.random.Generator, rows: int) -> list[str]:
    return ["x" * length for length in draw.poisson(20, rows) + 1]


SAME: list[tuple[Callable[[np.random.Generator, int], Any], str]] = [
    (normal, "numeric"),
    (normal, "datetime"),
    (heavy, "numeric"),
    (truth_value, "numeric"),
    (truth_value, "boolean"),
    (small_count, "numeric"),
    (gappy, "numeric"),
    (few_categories, "categorical"),
    (many_categories, "categorical"),
    (rare_categories, "categorical"),
    (keys, "categorical"),
    (words, "text"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("make", "kind"), SAME, ids=lambda value: getattr(value, "__name__", value))
@pytest.mark.parametrize("rows", [100, 5000])
def test_the_same_distribution_seldom_gives_a_small_p_value(make: Any, kind: str, rows: int) -> None:
    """Of 300 pairs of samples of one distribution, about 5% have p below 0.05, and 1% drifted, none in large logs."""
    draw = np.random.default_rng(7)
    found = [drift(make(draw, TRAINED), make(draw, rows), kind) for _ in range(300)]
    # Three standard deviations above 0.05 and 0.01.
    assert np.mean([one.p_value is not None and one.p_value < 0.05 for one in found]) <= 0.09
    assert np.mean([one.drifted for one in found]) <= (0.03 if rows == 100 else 0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("before", "now", "kind"),
    [
        (normal, lambda draw, rows: draw.normal(1, 1, rows), "numeric"),
        (normal, lambda draw, rows: draw.normal(0, 3, rows), "numeric"),
        (normal, lambda draw, rows: 1000 * draw.normal(size=rows), "datetime"),
        (truth_value, lambda draw, rows: (draw.random(rows) < 0.75).astype(float), "numeric"),
        (truth_value, lambda draw, rows: (draw.random(rows) < 0.75).astype(float), "boolean"),
        (gappy, lambda draw, rows: np.where(draw.random(rows) < 0.65, np.nan, draw.exponential(size=rows)), "numeric"),
        (few_categories, lambda draw, rows: draw.choice(["a", "b", "new"], rows).tolist(), "categorical"),
        (keys, lambda draw, rows: ["k1" if is_given else None for is_given in draw.random(rows) < 0.5], "categorical"),
        (words, lambda draw, rows: ["x" * length for length in draw.poisson(28, rows)], "text"),
        (normal, lambda _, rows: [None] * rows, "numeric"),
    ],
)
def test_another_distribution_is_found(before: Any, now: Any, kind: str) -> None:
    """A shift that matters is found in 300 rows, nineteen times of twenty at least."""
    draw = np.random.default_rng(3)
    assert np.mean([drift(before(draw, TRAINED), now(draw, 300), kind).drifted for _ in range(40)]) >= 0.95


@pytest.mark.slow
def test_a_sample_of_the_same_size_as_the_reference_is_no_truth() -> None:
    """A small training sample is known to be one: a large log of the same distribution has not drifted from it."""
    draw = np.random.default_rng(0)
    alarms = [drift(draw.normal(size=60), draw.normal(size=100_000)).p_value for _ in range(200)]
    assert np.mean([p_value is not None and p_value < 0.05 for p_value in alarms]) <= 0.1


def test_few_rows_are_no_drift() -> None:
    """Rows of another distribution, but fewer than the minimum count, or none at all, do not drift."""
    before = np.random.default_rng(0).normal(size=TRAINED)
    assert not drift(before, [50.0] * 99).drifted
    assert drift(before, [50.0] * 100).drifted
    nothing = drift(before, [])
    assert (nothing.count, nothing.psi, nothing.p_value, nothing.missing_now) == (0, None, None, None)


def test_a_sure_change_that_is_small_is_no_drift() -> None:
    """A shift of a tenth of a standard deviation in a large log is sure, and too small to matter."""
    draw = np.random.default_rng(0)
    found = drift(draw.normal(size=20_000), draw.normal(0.1, 1, 20_000))
    assert found.adjusted_p_value is not None
    assert found.adjusted_p_value < LIMITS.drift.p_value
    assert found.psi is not None
    assert found.psi < LIMITS.drift.psi
    assert not found.drifted


def test_p_values_are_corrected_for_the_number_of_features() -> None:
    """One feature among twenty has its p-value multiplied by twenty, as Benjamini and Hochberg do with the least."""
    draw = np.random.default_rng(1)
    before = draw.normal(size=TRAINED)
    samples = [sample(before, draw.normal(size=500), name=f"x{number}") for number in range(19)]
    found = measure_drift([*samples, sample(before, draw.normal(0.5, 1, 500), name="shifted")], LIMITS)
    assert found[-1].p_value is not None
    assert found[-1].p_value < 1e-6
    assert found[-1].adjusted_p_value == pytest.approx(20 * found[-1].p_value)


def test_a_constant_feature_that_stays_has_no_test_and_one_that_changes_drifts() -> None:
    """A column that was one value throughout can only change its value."""
    same = drift([5.0] * 200, [5.0] * 200)
    assert (same.psi, same.p_value, same.drifted) == (0.0, None, False)
    assert drift([5.0] * 200, [6.0] * 200).drifted


def test_categories_beyond_those_that_are_named_are_one() -> None:
    """A reference of a hundred categories names fifty; those left out are no drift when they come again."""
    before = [f"k{number}" for number in range(100) for _ in range(20)]
    assert describe(before, "categorical")["other"] == pytest.approx(0.5)
    assert not drift(before, before, "categorical").drifted
    assert drift(before, [f"k{number}" for number in range(50)] * 20, "categorical").p_value is not None
    assert drift(before, ["k77"] * 200, "categorical").drifted


@given(counts, st.integers(1, 9))
def test_equal_histograms_have_an_index_of_zero(rows: list[int], times: int) -> None:
    """Histograms of the same shares have a population stability index of zero, whatever their sizes."""
    before = np.array(rows)
    assert population_stability(before, before * times) == pytest.approx(0, abs=1e-12) or 0 in rows


@given(st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 1000)), min_size=1, max_size=12), st.randoms())
def test_the_index_does_not_know_the_order_of_cells_nor_of_samples(cells: list[tuple[int, int]], random: Any) -> None:
    """Cells in another order, and samples exchanged, give the same index, which is finite and not negative."""
    before, now = np.array([*cells, (1, 1)]).T
    index = population_stability(before, now)
    assert np.isfinite(index)
    order = list(range(len(before)))
    random.shuffle(order)
    assert population_stability(before[order], now[order]) == pytest.approx(index)
    assert population_stability(now, before) == pytest.approx(index)


@pytest.mark.slow
@given(st.lists(st.one_of(st.none(), st.floats(-1e30, 1e30)), min_size=1, max_size=60), st.randoms())
def test_the_order_of_rows_does_not_matter(values: list[float | None], random: Any) -> None:
    """Rows in another order have drifted as far."""
    before = np.random.default_rng(0).normal(size=200)
    shuffled = values.copy()
    random.shuffle(shuffled)
    assert drift(before, shuffled) == drift(before, values)


@pytest.mark.slow
@given(st.lists(st.floats(-100, 100), min_size=1, max_size=80), st.lists(st.floats(-1e30, 1e30), max_size=80))
def test_any_reference_can_be_compared_with_any_log(before: list[float], now: list[float]) -> None:
    """Whatever the bins of the reference are, the measures are numbers."""
    found = drift(before, now)
    assert found.count == len(now)
    assert found.psi is None or np.isfinite(found.psi)
    assert found.p_value is None or 0 <= found.p_value <= 1
