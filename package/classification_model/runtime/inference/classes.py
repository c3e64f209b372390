"""Decide on classes from probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def decide(probabilities: NDArray[np.float64], threshold: float | None) -> NDArray[np.int64]:
    """Turn probabilities into class numbers.

    Parameters
    ----------
    probabilities
        Shape (n_rows, n_classes).
    threshold
        Probability from which the second of two classes is predicted; None for the most probable class.

    Returns
    -------
    numpy.ndarray
        Class numbers, shape (n_rows,).
    """
    if threshold is not None and probabilities.shape[1] == 2:
        return np.asarray(probabilities[:, 1] >= threshold, dtype=np.int64)
    return np.asarray(probabilities.argmax(axis=1), dtype=np.int64)
