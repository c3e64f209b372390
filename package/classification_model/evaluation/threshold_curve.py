"""Compute what a threshold brings for two classes: metrics and costs by threshold, and the gain of a ranking."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from classification_model.evaluation.metrics import Outcome

#: Cost of a missed positive over that of a false alarm.
COST_RATIOS = (0.2, 1.0, 5.0)
_THRESHOLDS = np.round(np.arange(0, 1.001, 0.01), 2)
_GAIN_POINTS = 101


@dataclass(frozen=True)
class ThresholdCurve:
    """Metrics of the decisions for the second of two classes, the positive one, by threshold.

    Attributes
    ----------
    thresholds
        Probabilities from which the positive class is predicted, 0 to 1 in steps of 0.01, shape (n_thresholds,).
    accuracy, recall, f1, predicted_share
        Metrics, and the share of rows that are predicted positive, shape (n_thresholds,).
    precision
        NaN where no row is predicted positive.
    missed, false_alarms
        Share of all rows that are positive but not predicted so, and the other way round, shape (n_thresholds,).
    """

    thresholds: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    f1: NDArray[np.float64]
    predicted_share: NDArray[np.float64]
    missed: NDArray[np.float64]
    false_alarms: NDArray[np.float64]


@dataclass(frozen=True)
class CostCurve:
    """Expected cost of a row by threshold.

    Attributes
    ----------
    ratio
        Cost of a missed positive over that of a false alarm.
    costs
        Mean cost of a row, in costs of the cheaper error, at each threshold of `ThresholdCurve`.
    best_threshold, best_cost
        The threshold of the smallest cost, of equals the closest to 0.5, and that cost.
    """

    ratio: float
    costs: NDArray[np.float64]
    best_threshold: float
    best_cost: float


@dataclass(frozen=True)
class GainCurve:
    """Share of the positives among the rows with the highest probabilities.

    Attributes
    ----------
    contacted
        Share of the rows, from those of the highest probability on, shape (n_points,).
    found
        Share of all positives that are among them, shape (n_points,).
    positives
        Share of the rows that are positive: the best possible curve rises to 1 there.
    """

    contacted: NDArray[np.float64]
    found: NDArray[np.float64]
    positives: float

    def found_at(self, contacted: float) -> float:
        """Return the share of positives among a share of the rows, between 0 and 1."""
        return float(np.interp(contacted, self.contacted, self.found))


def threshold_curve(outcome: Outcome) -> ThresholdCurve:
    """Compute the metrics of an outcome of two classes by threshold."""
    positive, scores = outcome.truth == 1, outcome.probabilities[:, 1]
    rows, positives = len(scores), int(positive.sum())
    ascending, hits = np.sort(scores), np.sort(scores[positive])
    predicted = rows - np.searchsorted(ascending, _THRESHOLDS, side="left")
    found = positives - np.searchsorted(hits, _THRESHOLDS, side="left")
    missed, false_alarms = positives - found, predicted - found
    precision = np.full(len(_THRESHOLDS), np.nan)
    np.divide(found, predicted, out=precision, where=predicted > 0)
    return ThresholdCurve(
        thresholds=_THRESHOLDS,
        accuracy=1 - (missed + false_alarms) / rows,
        precision=precision,
        recall=found / max(positives, 1),
        f1=2 * found / np.maximum(positives + predicted, 1),
        predicted_share=predicted / rows,
        missed=missed / rows,
        false_alarms=false_alarms / rows,
    )


def cost_curves(curve: ThresholdCurve, ratios: Sequence[float] = COST_RATIOS) -> tuple[CostCurve, ...]:
    """Compute the expected cost of a row by threshold, for each ratio of the costs of the two errors.

    References
    ----------
    Elkan, "The foundations of cost-sensitive learning", IJCAI 2001, section 2.
    """
    curves = []
    for ratio in ratios:
        costs = (curve.missed * ratio + curve.false_alarms) / min(ratio, 1.0)
        cheapest = np.flatnonzero(costs <= costs.min() * (1 + 1e-12))
        best = cheapest[np.argmin(np.abs(curve.thresholds[cheapest] - 0.5))]
        curves.append(CostCurve(ratio, costs, float(curve.thresholds[best]), float(costs[best])))
    return tuple(curves)


def gain_curve(outcome: Outcome) -> GainCurve:
    """Compute the cumulative gain of ranking rows by the probability of the second of two classes.

    Of rows with one probability, every share has the same share of positives.
    """
    positive, scores = outcome.truth == 1, outcome.probabilities[:, 1]
    order = np.argsort(-scores, kind="stable")
    last = np.flatnonzero(np.diff(scores[order], append=-np.inf))
    rows, positives = len(scores), max(int(positive.sum()), 1)
    ends = np.concatenate([[0.0], (last + 1) / rows])
    found = np.concatenate([[0.0], np.cumsum(positive[order])[last] / positives])
    contacted = np.linspace(0, 1, _GAIN_POINTS)
    return GainCurve(contacted, np.interp(contacted, ends, found), float(positive.mean()))
