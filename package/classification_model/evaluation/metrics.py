"""Metrics of predicted probabilities with intervals, and thresholds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from sklearn.metrics import balanced_accuracy_score, f1_score

from classification_model.runtime.inference.classes import decide
from classification_model.runtime.model_folder.manifest import MetricValue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

#: Metrics in the order of reports, and whether more is better.
METRICS = {
    "roc_auc": True,
    "average_precision": True,
    "log_loss": False,
    "brier": False,
    "accuracy": True,
    "f1": True,
}
RESAMPLES = 1000
CALIBRATION_BINS = 10
_CHUNK = 2_000_000
SMALLEST_PROBABILITY = np.finfo(np.float64).eps


@dataclass(frozen=True)
class Outcome:
    """The true classes of some rows, and the probabilities that a model gives them.

    Attributes
    ----------
    classes
        Labels in the order of the columns of `probabilities`.
    truth
        Position of the true class of each row in `classes`, counted from 0, shape (n_rows,).
    probabilities
        Probability of each class, shape (n_rows, n_classes). Each row sums to 1.
    threshold
        The second of two classes is predicted if its probability is at least this value. None with more classes.

    Examples
    --------
    Three passengers, of whom the second one survived:

    >>> import numpy as np
    >>> import classification_model as cm
    >>> probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6]])
    >>> outcome = cm.Outcome(("died", "survived"), np.array([0, 1, 0]), probabilities)
    >>> outcome.predicted.tolist()
    [0, 1, 1]
    """

    classes: tuple[str, ...]
    truth: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    threshold: float | None = 0.5

    @property
    def predicted(self) -> NDArray[np.int64]:
        """Position of the predicted class of each row in `classes`, counted from 0, shape (n_rows,)."""
        return decide(self.probabilities, self.threshold)

    def take(self, mask: NDArray[np.bool_]) -> Outcome:
        """Return the rows for which the mask is true."""
        return Outcome(self.classes, self.truth[mask], self.probabilities[mask], self.threshold)


def score(outcome: Outcome) -> dict[str, float]:
    """Compute all metrics.

    With two classes, ROC AUC, average precision and F1 are those of the second class, and the Brier score is its mean
    squared error. With more, the first three are means over each class against the rest, and the Brier score is the
    mean over rows of the sum of squared errors over classes.
    """
    weights = np.ones((1, len(outcome.truth)))
    return {name: float(values[0]) for name, values in weighted_scores(outcome, weights).items()}


def score_with_intervals(outcome: Outcome, random_state: int) -> dict[str, MetricValue]:
    """Compute all metrics with 95% percentile bootstrap intervals over rows.

    Parameters
    ----------
    outcome
        Labels and predictions.
    random_state
        Seed of the resampling.

    References
    ----------
    Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13.
    """
    point = score(outcome)
    drawn: dict[str, list[NDArray[np.float64]]] = {name: [] for name in METRICS}
    for weights in resamples(len(outcome.truth), random_state):
        for name, values in weighted_scores(outcome, weights).items():
            drawn[name].append(values)
    intervals = {}
    for name, parts in drawn.items():
        low, high = np.nanpercentile(np.concatenate(parts), [2.5, 97.5])
        intervals[name] = MetricValue(value=point[name], low=float(low), high=float(high))
    return intervals


def resamples(rows: int, random_state: int, count: int = RESAMPLES) -> Iterator[NDArray[np.float64]]:
    """Draw rows with replacement, `count` times: yield how often each was drawn, shape (some resamples, n_rows)."""
    generator = np.random.default_rng(random_state)
    chunk = max(1, _CHUNK // rows)
    for start in range(0, count, chunk):
        size = min(chunk, count - start)
        yield generator.multinomial(rows, np.full(rows, 1 / rows), size=size).astype(np.float64)


def weighted_scores(outcome: Outcome, weights: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Compute each metric once for every row of `weights`, shape (n_resamples, n_rows)."""
    truth, probabilities, predicted = outcome.truth, outcome.probabilities, outcome.predicted
    total = weights.sum(axis=1)
    given = np.clip(probabilities[np.arange(len(truth)), truth], SMALLEST_PROBABILITY, 1)
    squared = (probabilities - np.eye(probabilities.shape[1])[truth]) ** 2
    binary = probabilities.shape[1] == 2
    classes = [1] if binary else range(probabilities.shape[1])
    curves = [_areas(truth == number, probabilities[:, number], weights) for number in classes]
    return {
        "roc_auc": _mean_of_present([roc for roc, _ in curves]),
        "average_precision": _mean_of_present([precision for _, precision in curves]),
        "log_loss": weights @ -np.log(given) / total,
        "brier": weights @ (squared[:, 1] if binary else squared.sum(axis=1)) / total,
        "accuracy": weights @ (predicted == truth) / total,
        "f1": np.nan_to_num(
            _mean_of_present([_f1(truth == number, predicted == number, weights) for number in classes])
        ),
    }


class Claims(NamedTuple):
    """Probability of the second of two classes, or of the predicted one of more, and whether it was the true class.

    Attributes
    ----------
    probability, came_true
        Values for each row, shape (n_rows,).
    places
        Number of the bin of each probability, of ten of equal width, shape (n_rows,).
    """

    probability: NDArray[np.float64]
    came_true: NDArray[np.bool_]
    places: NDArray[np.int64]

    @classmethod
    def of(cls, outcome: Outcome, predicted: NDArray[np.int64] | None = None) -> Claims:
        """Take the claims of an outcome, or those of other predictions with its probabilities, by number of class."""
        rows = np.arange(len(outcome.truth))
        of_more = outcome.predicted if predicted is None else predicted
        claimed = np.ones_like(outcome.truth) if len(outcome.classes) == 2 else of_more
        probability = outcome.probabilities[rows, claimed]
        places = np.clip((probability * CALIBRATION_BINS).astype(np.int64), 0, CALIBRATION_BINS - 1)
        return cls(probability, outcome.truth == claimed, places)


def calibration_errors(claims: Claims, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute the expected calibration error once for every row of `weights`, shape (n_resamples, n_rows).

    It is the mean over rows of the difference between what probabilities say and what came true in their bin.

    References
    ----------
    Guo et al., "On calibration of modern neural networks", ICML 2017, section 2.
    """
    excess = np.zeros((len(claims.places), CALIBRATION_BINS))
    excess[np.arange(len(excess)), claims.places] = claims.came_true - claims.probability
    return np.asarray(np.abs(weights @ excess).sum(axis=1) / weights.sum(axis=1))


def _mean_of_present(values: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Take the mean over classes, leaving out those that a resample has no rows of; NaN where it has none at all."""
    stacked = np.array(values)
    present = ~np.isnan(stacked)
    count = present.sum(axis=0)
    mean = np.full(len(count), np.nan)
    np.divide(np.where(present, stacked, 0).sum(axis=0), count, out=mean, where=count > 0)
    return mean


def _areas(
    positive: NDArray[np.bool_], scores: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return ROC AUC and average precision for every row of weights; NaN where a class is not drawn."""
    order = np.argsort(-scores, kind="stable")
    last = np.flatnonzero(np.diff(scores[order], append=-np.inf))  # of rows with one score, where they end
    sorted_weights = weights[:, order]
    hits = np.cumsum(sorted_weights * positive[order], axis=1)[:, last]
    misses = np.cumsum(sorted_weights * ~positive[order], axis=1)[:, last]
    zero = np.zeros((len(weights), 1))
    new_hits = np.diff(hits, axis=1, prepend=zero)
    new_misses = np.diff(misses, axis=1, prepend=zero)
    with np.errstate(invalid="ignore", divide="ignore"):
        roc = ((hits - new_hits / 2) * new_misses).sum(axis=1) / (hits[:, -1] * misses[:, -1])
        precision = np.where(hits > 0, hits / (hits + misses), 0)
        average = (new_hits * precision).sum(axis=1) / hits[:, -1]
    return roc, average


def _f1(positive: NDArray[np.bool_], predicted: NDArray[np.bool_], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    hits = weights @ (positive & predicted)
    marked = weights @ positive + weights @ predicted
    f1 = np.full(len(hits), np.nan)  # of a class that is neither true nor predicted
    np.divide(2 * hits, marked, out=f1, where=marked > 0)
    return f1


def is_better(metric: str, value: float, than: float) -> bool:
    """Compare two values of a metric."""
    return value > than if METRICS[metric] else value < than


def choose_threshold(outcome: Outcome, measure: str) -> float:
    """Return the probability, in steps of 0.01, that maximises a measure; of equals the closest to 0.5.

    Parameters
    ----------
    outcome
        Out-of-fold predictions of two classes.
    measure
        ``accuracy``, ``balanced_accuracy`` or ``f1``.
    """
    measures = {
        "accuracy": lambda truth, predicted: float(np.mean(truth == predicted)),
        "balanced_accuracy": balanced_accuracy_score,
        "f1": f1_score,
    }
    grid = sorted(np.round(np.arange(0.05, 0.951, 0.01), 2).tolist(), key=lambda value: (abs(value - 0.5), value))
    return float(max(grid, key=lambda value: measures[measure](outcome.truth, decide(outcome.probabilities, value))))
