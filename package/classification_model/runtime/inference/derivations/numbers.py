"""Sums, ratios and logarithms, with the same result for a float and for an array."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

#: One value of a row, or the values of a column, shape (n_rows,); NaN is missing.
Number = TypeVar("Number", float, NDArray[np.float64])


def add(numbers: Sequence[Number], plus: float) -> Number:
    """Add numbers and a constant; NaN where the sum is not finite."""
    if isinstance(numbers[0], float):
        return _add(numbers, plus)
    with np.errstate(over="ignore", invalid="ignore"):
        return _add(numbers, plus)


def _add(numbers: Sequence[Number], plus: float) -> Number:
    total = numbers[0]
    for number in numbers[1:]:
        total = total + number
    return _finite(total + plus)


def divide(dividend: Number, divisor: Number) -> Number:
    """Divide two numbers; NaN where the ratio is not finite, as when the divisor is zero."""
    if isinstance(dividend, float):
        return _finite(dividend / divisor) if divisor else math.nan
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        return _finite(dividend / divisor)


def log_one_plus(number: Number) -> Number:
    """Return the natural logarithm of one plus a number; NaN for -1 or less."""
    if isinstance(number, float):
        return float(np.log1p(number)) if number > -1 else math.nan
    return np.log1p(np.where(number > -1, number, np.nan))


def _finite(number: Number) -> Number:
    if isinstance(number, float):
        return number if math.isfinite(number) else math.nan
    return np.where(np.isfinite(number), number, np.nan)
