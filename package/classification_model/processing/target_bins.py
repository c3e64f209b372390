"""A numeric target as classes: its bins, whose edges are quantiles of the training rows (``data.target_bins``)."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from classification_model.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

#: Share of the rows of a bin of the average size that each bin must have.
_SMALLEST_SHARE = 0.5


def learn_edges(values: NDArray[np.float64], count: int, target: str) -> tuple[float, ...]:
    """Return the edges between bins with about the same number of rows each.

    Parameters
    ----------
    values
        The target of the training rows, shape (n_rows,), finite.
    count
        Number of bins.
    target
        Name of the target, for messages.

    Returns
    -------
    tuple of float
        Ascending quantiles, ``count - 1`` of them. A value that is equal to an edge belongs to the bin below it.

    Raises
    ------
    DataError
        If a bin would have less than half of its share of the rows, since values are too few or too often equal.

    Examples
    --------
    >>> import numpy as np
    >>> learn_edges(np.array([50.0, 60.0, 80.0, 100.0, 200.0]), 2, "price")
    (80.0,)
    """
    edges = np.quantile(values, np.arange(1, count) / count, method="inverted_cdf")
    sizes = np.bincount(bins_of(values, edges.tolist()), minlength=count)
    if sizes.min() < _SMALLEST_SHARE * len(values) / count:
        found, counts = np.unique(values, return_counts=True)
        most = int(np.argmax(counts))
        fewer = "use fewer bins, or " if count > 2 else ""
        msg = (
            f"column {target!r}, the target: expected numbers that fill {count} bins of about the same size, found "
            f"{found[most]:g} in {counts[most]} of {len(values)} rows, so that a bin holds only {sizes.min()} rows: "
            f"{fewer}put a column of classes into the table, and name it as data.target without data.target_bins"
        )
        raise DataError(msg)
    return tuple(edges.tolist())


def bins_of(values: NDArray[np.float64], edges: Sequence[float]) -> NDArray[np.int64]:
    """Return the number of the bin of each value, counted from 0; a value on an edge belongs to the bin below it."""
    return np.searchsorted(np.asarray(edges, dtype=np.float64), values, side="left").astype(np.int64)


def value_in_bin(number: int, edges: Sequence[float]) -> float:
    """Return a value that belongs to a bin: its upper edge, or for the last bin the next float above its lower edge.

    It stands for the unknown number of a row of which only the class is known.
    """
    return edges[number] if number < len(edges) else math.nextafter(edges[-1], math.inf)


def describe_bins(edges: Sequence[float], classes: Sequence[str]) -> tuple[str, ...]:
    """Describe the range of each class in words.

    Examples
    --------
    >>> describe_bins((75.0, 120.5), ("low", "mid", "high"))
    ('low: at most 75', 'mid: above 75, at most 120.5', 'high: above 120.5')
    """
    spelled = [np.format_float_positional(edge, trim="-") for edge in edges]
    ranges = [
        f"at most {spelled[0]}",
        *(f"above {low}, at most {high}" for low, high in pairwise(spelled)),
        f"above {spelled[-1]}",
    ]
    return tuple(f"{label}: {text}" for label, text in zip(classes, ranges, strict=True))
