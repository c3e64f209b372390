"""Decide from counted labels whether the accuracy of a model in operation is too low."""

from __future__ import annotations

from math import sqrt
from typing import Literal

Verdict = Literal["yes", "no", "wait"]

#: Of the standard normal distribution, 95% and 99.9% lie within so many standard deviations.
Z_95, Z_999 = 1.959963984540054, 3.290526731491895


def wilson(right: int, count: int, z: float = Z_95) -> tuple[float, float]:
    """Return the Wilson score interval of a share.

    Parameters
    ----------
    right
        Number of right answers, from 0 to `count`.
    count
        Number of answers; of none, the share may be anything: 0 to 1.
    z
        How sure, in standard deviations of the standard normal distribution; `Z_95` for 95%.

    Raises
    ------
    ValueError
        If `right` is not from 0 to `count`.

    References
    ----------
    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", Journal of the American
    Statistical Association 22, 209-212, 1927.
    """
    if not 0 <= right <= count:
        msg = f"expected a number of right answers from 0 to {count}, found {right}"
        raise ValueError(msg)
    if count == 0:
        return 0.0, 1.0
    share, squared = right / count, z * z / count
    middle = (share + squared / 2) / (1 + squared)
    half = z * sqrt(share * (1 - share) / count + squared / (4 * count)) / (1 + squared)
    return (middle - half if right else 0.0), (middle + half if right < count else 1.0)


def verdict(right: int, count: int, floor: float, minimum: int) -> Verdict:
    """Decide whether the accuracy is so low that the model needs retraining.

    Parameters
    ----------
    right, count
        Number of right predictions, and number of labelled predictions.
    floor
        Accuracy below which the model needs retraining, between 0 and 1.
    minimum
        Minimum number of labels for a decision.

    Returns
    -------
    str
        ``yes``: the whole 95% Wilson interval is below the floor. ``wait``: there are too few labels, or the accuracy
        is below the floor but its interval contains the floor. Otherwise ``no``.

    Raises
    ------
    ValueError
        If `right` is not from 0 to `count`.
    """
    _, high = wilson(right, count)
    if count < minimum or count == 0:
        return "wait"
    if high < floor:
        return "yes"
    return "wait" if right / count < floor else "no"
