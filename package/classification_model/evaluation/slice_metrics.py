"""Metrics on slices: the rows that share a value of a feature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from classification_model.evaluation.metrics import SMALLEST_PROBABILITY
from classification_model.runtime.mle.accuracy_rule import wilson

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from classification_model.evaluation.metrics import Outcome

SMALLEST_SLICE = 20
MOST_SLICES = 8


@dataclass(frozen=True)
class Slice:
    """Metrics on the rows that share a value of a feature.

    Attributes
    ----------
    feature, value
        Which rows.
    rows
        Number of them.
    accuracy, low, high
        Share of right classes with its 95% Wilson interval.
    log_loss
        Mean negative logarithm of the probability of the true class.
    actual, predicted
        Of two classes, share of the second and its mean probability; else None.
    """

    feature: str
    value: str
    rows: int
    accuracy: float
    low: float
    high: float
    log_loss: float
    actual: float | None
    predicted: float | None


def slice_metrics(features: pd.DataFrame, outcome: Outcome) -> list[Slice]:
    """Compute metrics for each category, truth value, quarter of the numbers, and for missing values.

    Slices of fewer than 20 rows, and features of more than 8 values, are left out.
    """
    slices = []
    for name in features.columns:
        for value, mask in slices_of(features[name]):
            if mask.sum() >= SMALLEST_SLICE:
                slices.append(_slice(str(name), value, outcome.take(mask)))
    return slices


def slices_of(column: pd.Series) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Yield name and mask of each category, truth value, quarter of the numbers, and of the missing values."""
    missing = column.isna().to_numpy()
    distinct = column.dropna().unique()
    if len(distinct) <= MOST_SLICES:
        for value in sorted(distinct):
            yield (f"{value:g}" if isinstance(value, float) else str(value)), (column == value).to_numpy()
    elif pd.api.types.is_numeric_dtype(column.dtype):
        quarters = pd.qcut(column, 4, duplicates="drop")
        for interval in quarters.cat.categories:
            yield f"{interval.left:g} to {interval.right:g}", (quarters == interval).to_numpy()
    else:
        return
    if missing.any():
        yield "missing", missing


def _slice(feature: str, value: str, outcome: Outcome) -> Slice:
    right = int((outcome.predicted == outcome.truth).sum())
    rows = len(outcome.truth)
    low, high = wilson(right, rows)
    given = outcome.probabilities[np.arange(rows), outcome.truth]
    binary = len(outcome.classes) == 2
    return Slice(
        feature=feature,
        value=value,
        rows=rows,
        accuracy=right / rows,
        low=low,
        high=high,
        log_loss=float(-np.log(np.clip(given, SMALLEST_PROBABILITY, 1)).mean()),
        actual=float(outcome.truth.mean()) if binary else None,
        predicted=float(outcome.probabilities[:, 1].mean()) if binary else None,
    )
