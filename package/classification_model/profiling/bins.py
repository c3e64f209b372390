"""Bins of numbers and moments, with edges that people would choose."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from classification_model.profiling.written_values import written_moment, written_number

#: Bins of a plot, about, and numbers of at most so many values that get a bar each.
BINS = 12
#: Share of the values at each end that the even bins need not reach; the outer bins are as wide as they must be.
_TAIL = 0.01
#: A bin with more than this share of the values says little.
_CROWDED = 0.6
_HUGE = 1e300
_DAY, _YEAR = 86_400, 365.25 * 86_400
#: Steps of moments, in seconds or in months.
_SECONDS = (1, 5, 15, 60, 300, 900, 3600, 3 * 3600, 6 * 3600, 12 * 3600, _DAY, 2 * _DAY, 7 * _DAY)
_MONTHS = (1, 3, 6, 12, 24, 60, 120, 240, 600, 1200, 6000)


def quantiles(values: NDArray[np.float64], shares: Sequence[float]) -> list[float]:
    """Return quantiles of finite numbers, however far apart they are."""
    scale = 2.0 if np.abs(values).max() > _HUGE else 1.0  # halves, whose differences are finite
    return [scale * float(value) for value in np.quantile(values / scale, np.array(shares))]


def number_edges(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Choose the edges of bins of numbers: round, and reaching the least and the greatest one.

    Bins are even if the numbers are. If one even bin would hold most of them, as of prices and incomes, bins widen by
    round steps away from zero, such as 1, 2, 5, 10; where that is no better, bins hold about as many rows each.

    Parameters
    ----------
    values
        Finite numbers, shape (n,), of two different values or more.

    Returns
    -------
    numpy.ndarray
        Edges in ascending order, the first not above the least number, the last not below the greatest.
    """
    low, high = float(values.min()), float(values.max())
    inner_low, inner_high = quantiles(values, [_TAIL, 1 - _TAIL])
    if inner_low == inner_high:
        inner_low, inner_high = low, high
    fullest: dict[float, NDArray[np.float64]] = {}
    for choose in (_even_edges, _widening_edges, _quantile_edges):
        edges = _reaching(choose(values, inner_low, inner_high), low, high)
        share = float(np.histogram(values, edges)[0].max()) / len(values)
        if share <= _CROWDED:
            return edges
        fullest.setdefault(share, edges)
    return fullest[min(fullest)]


def _even_edges(values: NDArray[np.float64], low: float, high: float) -> list[float]:  # noqa: ARG001 - as the others
    step = _round_step((high - low) / BINS)
    if not (step > 0 and math.isfinite(step)) or low + step == low or high - step == high:
        return []  # as close as floats get, or as far apart
    return [float(f"{number * step:.12g}") for number in range(math.floor(low / step), math.ceil(high / step) + 1)]


def _round_step(size: float) -> float:
    """Return the least of 1, 2, 2.5 and 5 times a power of ten that is not below a size."""
    if not (size > 0 and math.isfinite(size)):
        return size
    power = 10.0 ** math.floor(math.log10(size))
    return next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= size * (1 - 1e-9))


def _widening_edges(values: NDArray[np.float64], low: float, high: float) -> list[float]:
    """Choose edges that widen away from zero, so many decades as hold nearly all values."""
    sizes = np.abs(values[values != 0])
    least, most = quantiles(sizes, [5 * _TAIL, 1 - _TAIL]) if len(sizes) else (1.0, 1.0)
    decades = range(math.floor(math.log10(least)), math.ceil(math.log10(most)) + 1)
    edges: list[float] = []
    for factors in ((1, 2, 5), (1, 5), (1,)):
        steps = [float(f"{factor}e{decade}") for decade in decades for factor in factors]
        steps = [step for step in steps if least <= step <= most]
        edges = [edge for edge in (*(-step for step in reversed(steps)), 0.0, *steps) if low <= edge <= high]
        if len(edges) <= BINS:
            break
    return edges if len(edges) <= 2 * BINS else []


def _quantile_edges(values: NDArray[np.float64], low: float, high: float) -> list[float]:
    found = quantiles(values, [place / BINS for place in range(1, BINS)])
    return sorted({edge for edge in (float(f"{value:.2g}") for value in found) if low < edge < high})


def _reaching(edges: list[float], low: float, high: float) -> NDArray[np.float64]:
    """Let the outer bins reach the least and the greatest value."""
    inside = [edge for edge in edges if low < edge < high]
    first = max((edge for edge in edges if edge <= low), default=low)
    last = min((edge for edge in edges if edge >= high), default=high)
    return np.array([first, *inside, last])


def moment_edges(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Choose the edges of bins of moments, in seconds since 1970 UTC: whole hours, days, months or years."""
    low, high = math.floor(values.min()), math.ceil(values.max())
    least_step = (high - low) / BINS
    step = next((seconds for seconds in _SECONDS if seconds >= least_step), None)
    if step is not None:
        offset = 4 * _DAY if step == 7 * _DAY else 0  # weeks begin on Mondays, and 1970 on a Thursday
        first = (low - offset) // step
        return np.arange(first, -((offset - high - 1) // step) + 1, dtype=np.float64) * step + offset
    months = next((count for count in _MONTHS if count / 12 * _YEAR >= least_step), _MONTHS[-1])
    begin, end = (int(np.datetime64(second, "s").astype("datetime64[M]").astype(int)) for second in (low, high))
    first = begin // months if months < 12 else (begin + 1970 * 12) // months
    offset = 0 if months < 12 else -1970 * 12
    numbers = np.arange(first * months + offset, end + months + 1, months)
    seconds = numbers.astype("datetime64[M]").astype("datetime64[s]").astype(np.float64)
    return seconds[: int(np.searchsorted(seconds, high, side="right")) + 1]


def written_edges(edges: NDArray[np.float64], *, of_moments: bool) -> tuple[str, ...]:
    """Write edges with as many digits as tell them apart, and moments as years or months where that says all."""
    if not of_moments:
        for digits in range(4, 17):
            texts = tuple(written_number(edge, digits) for edge in edges.tolist())
            if len(set(texts)) == len(texts):
                return texts
        return texts
    with_time = any(edge % _DAY for edge in edges.tolist())
    texts = tuple(written_moment(edge, with_time=with_time) for edge in edges.tolist())
    for ending in ("-01-01", "-01"):
        if not with_time and all(text.endswith(ending) for text in texts):
            return tuple(text.removesuffix(ending) for text in texts)
    return texts


def written_bins(edges: tuple[str, ...]) -> tuple[str, ...]:
    """Write bins, such as ``18 to 33``."""
    return tuple(f"{low} to {high}" for low, high in pairwise(edges))
