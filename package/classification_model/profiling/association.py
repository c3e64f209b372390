"""How strongly columns go together, whatever their kinds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from classification_model.profiling.bins import quantiles

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Numbers are compared in so many bins of about the same size, categories as so many frequent ones and all others.
BINS, MOST_CATEGORIES = 10, 20
_SHARES = [place / BINS for place in range(1, BINS)]
#: Categories of fewer rows are compared together with other ones.
_LEAST_ROWS = 5


def coarse_codes(values: NDArray[np.float64] | NDArray[np.object_]) -> NDArray[np.int64]:
    """Give each row a small number by its value, to compare columns of any kinds.

    Parameters
    ----------
    values
        Values of a column of `Rows.features`, shape (n_rows,).

    Returns
    -------
    numpy.ndarray
        Numbers from 0 without a gap, shape (n_rows,): the bin of a number, the category of a text; being missing or
        infinite is a category of its own.
    """
    if values.dtype == np.float64:
        numbers = values.astype(np.float64)
        known = np.isfinite(numbers)
        edges = _edges(numbers[known])
        found = np.where(known, np.searchsorted(edges, numbers, side="left"), len(edges) + 1)
    else:
        found, _ = pd.factorize(values)
        counts = np.bincount(found + 1)[1:]
        kept = np.argsort(-counts, kind="stable")[:MOST_CATEGORIES]
        kept = kept[counts[kept] >= _LEAST_ROWS]
        renamed = np.full(len(counts) + 1, len(kept))
        renamed[kept] = np.arange(len(kept))
        renamed[-1] = len(kept) + 1  # missing, which has the number -1
        found = renamed[found]
    return np.unique(found, return_inverse=True)[1].astype(np.int64)


def _edges(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the greatest number of each bin but the last: each number has its own where they are few."""
    distinct = np.unique(numbers)
    if len(distinct) <= BINS:
        return distinct[:-1]
    deciles = np.array(quantiles(numbers, _SHARES))
    # numbers that are mostly the greatest one have a bin below it too
    return np.unique(np.where(deciles == distinct[-1], distinct[-2], deciles))


def bias_corrected_v(first: NDArray[np.int64], second: NDArray[np.int64]) -> float:
    """Measure how strongly two columns of codes go together: 0 for not at all, 1 if each tells the other.

    It is Cramer's V with a correction, without which columns of many values would seem to go together by chance.

    Parameters
    ----------
    first, second
        Codes of the rows from 0 without a gap, shape (n_rows,).

    References
    ----------
    Bergsma, A bias-correction for Cramer's V and Tschuprow's T, Journal of the Korean Statistical Society 42, 2013.
    """
    rows = len(first)
    if rows < 2:
        return 0.0
    height, width = int(first.max()) + 1, int(second.max()) + 1
    if min(height, width) < 2:
        return 0.0
    counts = np.bincount(first * width + second, minlength=height * width).reshape(height, width)
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0))
    squared = float((counts**2 / expected).sum()) - 1  # chi-squared over the number of rows
    squared = max(0.0, squared - (height - 1) * (width - 1) / (rows - 1))
    corrected = [size - (size - 1) ** 2 / (rows - 1) for size in (height, width)]
    most = min(corrected) - 1
    return float(min(1.0, np.sqrt(squared / most))) if most > 0 else 0.0
