"""Bins with edges as people write them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classification_model.profiling.bins import moment_edges, number_edges, written_bins, written_edges
from classification_model.runtime.input.moments import MOMENTS


def test_even_numbers_get_even_round_bins() -> None:
    """Numbers that are spread evenly get even bins with round edges."""
    edges = number_edges(np.linspace(0.3, 79.5, 500))

    assert written_bins(written_edges(edges, of_moments=False))[:2] == ("0 to 10", "10 to 20")
    assert edges[-1] == 80


def test_prices_get_bins_that_widen() -> None:
    """Numbers most of which are small get bins that widen by round steps."""
    edges = number_edges(np.random.default_rng(0).lognormal(3, 1.5, size=2000))

    assert {10.0, 20.0, 50.0, 100.0} <= set(edges.tolist())


def test_an_outlier_does_not_swallow_the_bins() -> None:
    """One number far off leaves bins that tell the others apart."""
    values = np.append(np.linspace(1000, 1010, 999), 1e9)

    counts, _ = np.histogram(values, number_edges(values))

    assert counts.max() < 0.6 * len(values)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=60, unique=True))
def test_edges_of_numbers_ascend_and_hold_all(numbers: list[float]) -> None:
    """Edges of any finite numbers ascend, and hold the least and the greatest one."""
    values = np.array(numbers)
    if values.min() == values.max():  # 0.0 and -0.0
        return

    edges = number_edges(values)

    assert len(edges) >= 2
    assert (edges[1:] > edges[:-1]).all()
    assert edges[0] <= values.min()
    assert edges[-1] >= values.max()


@given(st.lists(st.floats(*MOMENTS), min_size=1, max_size=40))
def test_edges_of_moments_ascend_and_hold_all(seconds: list[float]) -> None:
    """Edges of any moments ascend, hold all of them, and are written differently."""
    values = np.array(seconds)

    edges = moment_edges(values)

    assert (edges[1:] > edges[:-1]).all()
    assert edges[0] <= values.min()
    assert edges[-1] >= values.max()
    assert len(set(written_edges(edges, of_moments=True))) == len(edges) < 30


@pytest.mark.parametrize(
    ("days", "first"), [(0.02, "1970-01-01 00:00"), (3, "1970-01-01 00:00"), (40, "1970-01-01"), (300, "1970-01")]
)
def test_steps_of_moments_follow_their_range(days: float, first: str) -> None:
    """A range of an hour has bins of minutes, one of months has bins of months."""
    edges = moment_edges(np.array([0.0, 86400 * days]))

    assert written_edges(edges, of_moments=True)[0] in {first, "1969-12-29"}
