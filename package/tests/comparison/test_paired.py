"""The formulas of a paired comparison: against their closed forms, and the bounds at which they are cut."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite, isnan, sqrt
from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy.stats import binomtest

from classification_model.comparison import SharedRows, paired
from classification_model.comparison.paired import (
    COMPARED,
    PairedAccuracy,
    paired_accuracy,
    paired_differences,
    scores_of,
)
from classification_model.evaluation.metrics import Claims, Outcome, calibration_errors, resamples, weighted_scores

LABELS = ("no", "yes")
NORMAL = NormalDist()


def accuracy_of(gained: int, lost: int, rest: int, *, margin: float = 0.03, p_value: float = 0.05) -> PairedAccuracy:
    """Compare two models of which each is alone right so often; of the rest they are right in turn."""
    champion = np.array([False] * gained + [True] * lost + [number % 3 > 0 for number in range(rest)])
    challenger = np.array([True] * gained + [False] * lost + [number % 3 > 0 for number in range(rest)])
    return paired_accuracy(champion, challenger, margin=margin, p_value=p_value)


def shared_of(rows: int, seed: int = 0, truth: NDArray[np.int64] | None = None) -> SharedRows:
    """Draw rows that two models predict."""
    draw = np.random.default_rng(seed)
    truth = draw.integers(0, 2, rows) if truth is None else truth

    def outcome(noise: float) -> Outcome:
        positive = np.clip(0.5 + (truth - 0.5) * 0.4 + noise * draw.normal(size=rows), 0.02, 0.98)
        return Outcome(LABELS, truth, np.column_stack([1 - positive, positive]))

    return SharedRows("recent", outcome(0.3), outcome(0.2), pd.DataFrame({"size": draw.normal(size=rows)}))


CASES = [
    (0, 0, 1), (0, 0, 400), (1, 0, 1), (5, 2, 30), (2, 5, 30), (40, 5, 555), (5, 40, 555), (0, 7, 93), (9, 9, 3),
]  # fmt: skip


@pytest.mark.parametrize(("gained", "lost", "rest"), CASES)
@pytest.mark.parametrize(("margin", "p_value"), [(0.03, 0.05), (0.1, 0.01), (0.005, 0.3)])
def test_the_interval_is_that_of_bonett_and_price(
    gained: int, lost: int, rest: int, margin: float, p_value: float
) -> None:
    """One row more is counted for either model; the interval, and the test of a loss, are Wald's of these shares."""
    found = accuracy_of(gained, lost, rest, margin=margin, p_value=p_value)
    rows = gained + lost + rest
    mean = (gained - lost) / (rows + 2)
    deviation = sqrt(((gained + lost + 2) / (rows + 2) - mean * mean) / (rows + 2))
    reach = NORMAL.inv_cdf(1 - p_value / 2)
    assert (found.rows, found.gained, found.lost) == (rows, gained, lost)
    assert found.difference.value == pytest.approx((gained - lost) / rows)
    assert found.difference.low == pytest.approx(max(-1, mean - reach * deviation))
    assert found.difference.high == pytest.approx(min(1, mean + reach * deviation))
    assert found.loss_p_value == pytest.approx(NORMAL.cdf(-(mean + margin) / deviation))


@pytest.mark.parametrize(("gained", "lost", "rest"), CASES)
def test_the_smallest_difference_is_that_of_connor(gained: int, lost: int, rest: int) -> None:
    """The one that a test of this level finds with a power of 80%, among so many rows that the models tell apart."""
    rows = gained + lost + rest
    reach = NORMAL.inv_cdf(0.975) + NORMAL.inv_cdf(0.8)
    expected = min(1, reach * sqrt((gained + lost + 1) / (rows + 2) / rows))
    assert accuracy_of(gained, lost, rest).smallest == pytest.approx(expected)


def test_figures_of_a_comparison_by_hand() -> None:
    """Of 100 rows, 12 are gained and 4 lost: with one more for either, 13 and 5 of 102."""
    found = accuracy_of(12, 4, 84)
    assert found.p_value == pytest.approx(binomtest(4, 16).pvalue)
    assert (found.difference.value, found.difference.low, found.difference.high) == pytest.approx(
        (0.08, -0.001659, 0.158522), abs=1e-6
    )
    assert found.loss_p_value == pytest.approx(0.003983, abs=1e-6)
    assert found.smallest == pytest.approx(0.114374, abs=1e-6)


def test_an_interval_ends_where_shares_end() -> None:
    """Of few rows that all changed, the interval would reach beyond one."""
    assert accuracy_of(3, 0, 0).difference.high == 1.0
    assert accuracy_of(0, 3, 0).difference.low == -1.0
    assert accuracy_of(3, 0, 0).smallest == 1.0


@pytest.mark.parametrize("p_value", [0.05, 0.3])
def test_the_interval_of_a_metric_is_between_percentiles_of_a_thousand_resamples(p_value: float) -> None:
    """Both models have the same rows in each resample, which the seed decides."""
    shared = shared_of(80)
    found = paired_differences(shared, p_value=p_value, random_state=7)
    weights = np.concatenate(list(resamples(80, 7, 1000)))
    ends = [100 * p_value / 2, 100 - 100 * p_value / 2]
    scores = []
    for outcome in (shared.champion, shared.challenger):
        errors = calibration_errors(Claims.of(outcome), weights)
        scores.append(weighted_scores(outcome, weights) | {"calibration_error": errors})
    assert tuple(found) == COMPARED == ("log_loss", "roc_auc", "brier", "calibration_error")
    for name, change in found.items():
        low, high = np.percentile(scores[1][name] - scores[0][name], ends)
        assert (change.low, change.high) == pytest.approx((low, high))
        assert change.value == scores_of(shared.challenger)[name] - scores_of(shared.champion)[name]


def test_another_seed_draws_other_rows() -> None:
    """And the same one the same."""
    shared = shared_of(60)
    one, same, other = (paired_differences(shared, p_value=0.05, random_state=seed) for seed in (1, 1, 2))
    assert one == same != other


def test_resamples_of_one_class_are_left_out() -> None:
    """They have no ROC AUC; of rows that are all of one class, no resample has."""
    truth = np.zeros(12, dtype=np.int64)
    nothing = paired_differences(shared_of(12, truth=truth), p_value=0.05, random_state=0)["roc_auc"]
    assert all(map(isnan, (nothing.value, nothing.low, nothing.high)))
    truth = np.array([1, *[0] * 11])
    some = paired_differences(shared_of(12, truth=truth), p_value=0.05, random_state=0)["roc_auc"]
    assert isfinite(some.low)
    assert some.low < some.high < 1


@pytest.mark.parametrize(
    ("rows", "count"), [(19_000, 1000), (20_000, 1000), (20_001, 999), (80_000, 250), (100_000, 200), (120_000, 200)]
)
def test_of_more_than_twenty_thousand_rows_fewer_resamples_are_drawn(
    rows: int, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So many that 20 million rows are drawn, and 200 at least."""
    asked: list[tuple[int, int, int]] = []

    def one(rows: int, random_state: int, count: int) -> Iterator[NDArray[np.float64]]:
        asked.append((rows, random_state, count))
        yield np.ones((1, rows))

    monkeypatch.setattr(paired, "resamples", one)
    outcome = Outcome(LABELS, np.arange(rows) % 2, np.full((rows, 2), 0.5))
    shared = SharedRows("recent", outcome, outcome, pd.DataFrame({"size": np.zeros(rows)}))
    paired_differences(shared, p_value=0.05, random_state=5)
    assert asked == [(rows, 5, count)]
