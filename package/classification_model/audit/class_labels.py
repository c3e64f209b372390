"""The labels of the audited rows, as class numbers with all that the checks ask of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from classification_model.audit.single_feature import draw_folds

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class ClassLabels:
    """Labels of rows.

    Attributes
    ----------
    numbers
        Class number of each row, shape (n_rows,).
    names
        Labels by number; each has a row.
    target
        Number of each row of which the classes are bins; None if they are not.
    """

    numbers: NDArray[np.int64]
    names: tuple[str, ...]
    target: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.numbers)

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """Number of rows of each class, shape (n_classes,)."""
        return np.bincount(self.numbers, minlength=len(self.names))

    @cached_property
    def folds(self) -> NDArray[np.int64]:
        """Fold of each row, shape (n_rows,)."""
        return draw_folds(self.numbers)

    def counts_among(self, rows: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Count some rows by class."""
        return np.bincount(self.numbers[rows], minlength=len(self.names))


def class_labels(labels: NDArray[Any], target: NDArray[np.float64] | None = None) -> ClassLabels:
    """Give the labels of rows numbers."""
    numbers, names = pd.factorize(labels, sort=True)
    return ClassLabels(numbers.astype(np.int64), tuple(map(str, names)), target)
