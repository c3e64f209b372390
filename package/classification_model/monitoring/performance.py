"""Observed accuracy of labelled predictions, and expected accuracy from their probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydantic import BaseModel, ConfigDict
from scipy.stats import norm

from classification_model.evaluation.metrics import CALIBRATION_BINS, Claims, Outcome, calibration_errors, score
from classification_model.runtime.mle.accuracy_rule import wilson

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: How sure it must be that probabilities are not calibrated, to say so.
SURELY = 0.01


class Estimate(BaseModel):
    """A share of right predictions with its 95% interval.

    Attributes
    ----------
    value, low, high
        The share, and its interval.
    count
        Predictions that it is the share of.
    right
        How many of them were right; None where that is not known but expected.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: float
    low: float
    high: float
    count: int
    right: int | None


class CalibrationBin(BaseModel):
    """Labelled predictions of about the same probability.

    Attributes
    ----------
    low, high
        Range of the probability: of the second of two classes, or of the predicted one of more.
    count
        Number of predictions in it.
    predicted
        Their mean probability.
    actual, actual_low, actual_high
        How often it came true, with its 95% Wilson interval.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    low: float
    high: float
    count: int
    predicted: float
    actual: float
    actual_low: float
    actual_high: float


class Scores(BaseModel):
    """Measures of the probabilities of labelled predictions; None where there is nothing to compute one from.

    Attributes
    ----------
    roc_auc
        Of the second of two classes, or the mean over each class against the rest; None when only one was seen.
    log_loss, brier
        As `evaluation.metrics.score` computes them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    roc_auc: float | None = None
    log_loss: float | None = None
    brier: float | None = None


def observed_accuracy(right: NDArray[np.bool_]) -> Estimate | None:
    """Return the share of right predictions with its 95% Wilson interval; None of none."""
    if not len(right):
        return None
    hits, count = int(right.sum()), len(right)
    low, high = wilson(hits, count)
    return Estimate(value=hits / count, low=low, high=high, count=count, right=hits)


def expected_accuracy(confidence: NDArray[np.float64]) -> Estimate | None:
    """Estimate the accuracy of predictions whose labels are not known; None of none.

    Where probabilities are calibrated, the probability of the predicted class is the chance that it is right, so
    that the number of right ones has a Poisson binomial distribution. The interval is where the accuracy of these
    very predictions lies with 95% then, by the normal approximation.

    Parameters
    ----------
    confidence
        Probability of the predicted class of each row, shape (n_rows,).

    References
    ----------
    Garg et al., Leveraging Unlabeled Data to Predict Out-of-Distribution Performance, ICLR 2022, section 4 (average
    confidence); confidence-based performance estimation in the documentation of NannyML.
    """
    count = len(confidence)
    if not count:
        return None
    value, deviation = _expectation(confidence)
    reach = float(norm.ppf(0.975)) * deviation
    return Estimate(value=value, low=max(0.0, value - reach), high=min(1.0, value + reach), count=count, right=None)


def contradiction(right: NDArray[np.bool_], confidence: NDArray[np.float64]) -> str | None:
    """Say that labelled predictions were right less or more often than their probabilities promised, if they were.

    Parameters
    ----------
    right
        Whether each labelled prediction was right, shape (n_rows,).
    confidence
        The probability of the class that was predicted, shape (n_rows,).

    References
    ----------
    Spiegelhalter, Probabilistic prediction in patient management and clinical trials, Statistics in Medicine 5, 1986.
    """
    if not len(right):
        return None
    promised, deviation = _expectation(confidence)
    found = float(right.mean())
    is_impossible = deviation == 0 and found != promised
    if not is_impossible and (deviation == 0 or 2 * norm.sf(abs(found - promised) / deviation) >= SURELY):
        return None
    return (
        f"do not rely on the expected accuracy: {found:.1%} of {len(right)} labelled predictions were right, but their "
        f"probabilities predict {promised:.1%}"
    )


def _expectation(confidence: NDArray[np.float64]) -> tuple[float, float]:
    """Return mean and standard deviation of the accuracy that probabilities promise."""
    certain = np.clip(confidence, 0.0, 1.0)
    return float(certain.mean()), float(np.sqrt((certain * (1 - certain)).sum()) / len(certain))


def probability_scores(outcome: Outcome) -> Scores:
    """Compute ROC AUC, log loss and Brier score of labelled predictions."""
    if not len(outcome.truth):
        return Scores()
    found = {name: value for name, value in score(outcome).items() if name in Scores.model_fields}
    return Scores(**{name: value if np.isfinite(value) else None for name, value in found.items()})


def calibrate(outcome: Outcome, predicted: NDArray[np.int64]) -> tuple[tuple[CalibrationBin, ...], float | None]:
    """Compare probabilities with what came true, in ten bins of one width; see `evaluation.metrics.Claims`.

    Parameters
    ----------
    outcome
        Labelled predictions.
    predicted
        Number of the class that was predicted for each, shape (n_rows,).

    Returns
    -------
    tuple
        The bins that hold predictions, and the expected calibration error; None of no predictions.
    """
    rows = len(outcome.truth)
    if not rows:
        return (), None
    claims = Claims.of(outcome, predicted)
    counts = np.bincount(claims.places, minlength=CALIBRATION_BINS)
    sums = np.bincount(claims.places, weights=claims.probability, minlength=CALIBRATION_BINS)
    hits = np.bincount(claims.places, weights=claims.came_true, minlength=CALIBRATION_BINS)
    bins = []
    for place in np.flatnonzero(counts):
        low, high = wilson(int(hits[place]), int(counts[place]))
        bins.append(
            CalibrationBin(
                low=place / CALIBRATION_BINS,
                high=(place + 1) / CALIBRATION_BINS,
                count=int(counts[place]),
                predicted=float(sums[place] / counts[place]),
                actual=float(hits[place] / counts[place]),
                actual_low=low,
                actual_high=high,
            )
        )
    return tuple(bins), float(calibration_errors(claims, np.ones((1, rows)))[0])
