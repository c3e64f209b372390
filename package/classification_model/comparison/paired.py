"""Differences of two models on the same rows, with intervals, and the smallest detectable difference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import norm
from statsmodels.stats.contingency_tables import mcnemar

from classification_model.errors import DataError
from classification_model.evaluation.metrics import (
    RESAMPLES,
    Claims,
    calibration_errors,
    resamples,
    score,
    weighted_scores,
)

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from classification_model.evaluation.metrics import Outcome

#: What the bootstrap compares.
COMPARED = ("log_loss", "roc_auc", "brier", "calibration_error")
_POWER = 0.8
_LEAST_RESAMPLES, _MOST_DRAWN = 200, 20_000_000


@dataclass(frozen=True)
class SharedRows:
    """A set of labelled rows with the predictions of both models. Neither model was trained on these rows.

    Attributes
    ----------
    name
        ``holdout``: rows that the rule in the manifest holds out. ``recent``: the newest labelled predictions.
    champion, challenger
        The `Outcome` of each model on the rows: true labels and probabilities.
    features
        Frame with the features of the same rows in the same order. `compare` slices the rows by the values in it.

    Examples
    --------
    `compare` shows a whole comparison:

    >>> import numpy as np
    >>> import pandas as pd
    >>> import classification_model as cm
    >>> outcome = cm.Outcome(("died", "survived"), np.array([0, 1]), np.array([[0.8, 0.2], [0.3, 0.7]]))
    >>> cm.SharedRows("recent", outcome, outcome, pd.DataFrame({"age": [22.0, 38.0]})).name
    'recent'
    """

    name: str
    champion: Outcome
    challenger: Outcome
    features: pd.DataFrame

    def check(self) -> None:
        """Refuse rows that cannot be compared.

        Raises
        ------
        DataError
            If the models have different classes, or their rows are not the same.
        """
        one, other = self.champion, self.challenger
        if one.classes != other.classes:
            msg = (
                f"{self.name}: expected models of the same classes, found {', '.join(one.classes)} of the champion and "
                f"{', '.join(other.classes)} of the challenger"
            )
            raise DataError(msg)
        if not np.array_equal(one.truth, other.truth):
            msg = f"{self.name}: expected the same true labels for both models, found others: give both the same rows"
            raise DataError(msg)
        if not len(one.truth) == len(self.features) > 0:
            msg = (
                f"{self.name}: expected one row or more with features for each, found {len(one.truth)} predicted rows "
                f"and {len(self.features)} rows of features"
            )
            raise DataError(msg)


@dataclass(frozen=True)
class Difference:
    """What the challenger has more than the champion.

    Attributes
    ----------
    value, low, high
        The difference, challenger less champion, and its interval.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class PairedAccuracy:
    """Right and wrong predictions of two models on the same rows.

    Attributes
    ----------
    rows, gained, lost
        Number of rows, of those that only the challenger has right, and of those that only the champion has.
    p_value
        Of McNemar's exact test, two-sided: how likely so uneven disagreements are when neither is better.
    difference
        Of the accuracy.
    loss_p_value
        One-sided: how likely so good a result is when the challenger loses more accuracy than the margin. Below the
        limit, it is not inferior.
    smallest
        The smallest difference of accuracy that would be found in four of five such sets of rows.
    """

    rows: int
    gained: int
    lost: int
    p_value: float
    difference: Difference
    loss_p_value: float
    smallest: float


def paired_accuracy(
    champion: NDArray[np.bool_], challenger: NDArray[np.bool_], *, margin: float, p_value: float
) -> PairedAccuracy:
    """Compare which rows two models have right.

    Parameters
    ----------
    champion, challenger
        Whether each has a row right, shape (n_rows,).
    margin
        How much accuracy may be lost.
    p_value
        One less the confidence of the interval, and the level of the test whose power `smallest` is of.

    References
    ----------
    McNemar, "Note on the sampling error of the difference between correlated proportions or percentages",
    Psychometrika 12, 153-157, 1947. Bonett and Price, "Adjusted Wald confidence interval for a difference of binomial
    proportions based on paired data", Journal of Educational and Behavioral Statistics 37, 479-488, 2012. Connor,
    "Sample size for testing differences in proportions for the paired-sample design", Biometrics 43, 207-211, 1987.
    """
    rows = len(champion)
    gained, lost = int((challenger & ~champion).sum()), int((champion & ~challenger).sum())
    more, less = (gained + 1) / (rows + 2), (lost + 1) / (rows + 2)
    middle, deviation = more - less, float(np.sqrt((more + less - (more - less) ** 2) / (rows + 2)))
    reach = float(norm.ppf(1 - p_value / 2))
    share = (gained + lost + 1) / (rows + 2)
    return PairedAccuracy(
        rows=rows,
        gained=gained,
        lost=lost,
        p_value=float(mcnemar([[0, lost], [gained, 0]], exact=True).pvalue),  # rows on which both agree do not count
        difference=Difference(
            (gained - lost) / rows, max(-1.0, middle - reach * deviation), min(1.0, middle + reach * deviation)
        ),
        loss_p_value=float(norm.sf((middle + margin) / deviation)),
        smallest=float(min(1.0, (reach + norm.ppf(_POWER)) * np.sqrt(share / rows))),
    )


def scores_of(outcome: Outcome) -> dict[str, float]:
    """Compute all metrics, and the expected calibration error."""
    rows = np.ones((1, len(outcome.truth)))
    return score(outcome) | {"calibration_error": float(calibration_errors(Claims.of(outcome), rows)[0])}


def paired_differences(shared: SharedRows, *, p_value: float, random_state: int) -> dict[str, Difference]:
    """Compute differences of log loss, ROC AUC, Brier score and expected calibration error, by a paired bootstrap.

    Each resample draws rows for both models at once, so that what a row does to both cancels out. There are 1,000 of
    them; of more than 20,000 rows, of which intervals are narrow, fewer, and 200 at least.

    Parameters
    ----------
    shared
        The rows.
    p_value
        One less the confidence of the intervals.
    random_state
        Seed of the resampling.
    """
    champion, challenger = scores_of(shared.champion), scores_of(shared.challenger)
    drawn: dict[str, list[NDArray[np.float64]]] = {name: [] for name in COMPARED}
    rows = len(shared.features)
    for weights in resamples(rows, random_state, max(_LEAST_RESAMPLES, min(RESAMPLES, _MOST_DRAWN // rows))):
        one, other = _resampled(shared.champion, weights), _resampled(shared.challenger, weights)
        for name in COMPARED:
            drawn[name].append(other[name] - one[name])
    found = {}
    for name, parts in drawn.items():
        values = np.concatenate(parts)
        values = values[np.isfinite(values)]  # a resample of one class has no ROC AUC
        limits = [p_value / 2 * 100, (1 - p_value / 2) * 100]
        low, high = np.percentile(values, limits) if len(values) else (np.nan, np.nan)
        found[name] = Difference(challenger[name] - champion[name], float(low), float(high))
    return found


def _resampled(outcome: Outcome, weights: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    return weighted_scores(outcome, weights) | {"calibration_error": calibration_errors(Claims.of(outcome), weights)}
