"""Metrics on slices: the rows that share a value of a feature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from classification_model.evaluation.metrics import SMALLEST_PROBABILITY
from classification_model.profiling.written_values import written_moment, written_number
from classification_model.runtime.mle.accuracy_rule import wilson

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from classification_model.evaluation.metrics import Outcome
    from classification_model.runtime.input.schema import InputSchema

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
    """Compute metrics for each category, truth value, quarter of the numbers and dates, and for missing values.

    Slices of fewer than 20 rows, and features of more than 8 values that are texts, are left out.

    Parameters
    ----------
    features
        Columns to cut the rows by, as `readable` returns them.
    outcome
        Labels and predictions of the rows.
    """
    slices = []
    for name in features.columns:
        for value, mask in slices_of(features[name]):
            if mask.sum() >= SMALLEST_SLICE:
                slices.append(_slice(str(name), value, outcome.take(mask)))
    return slices


def readable(features: pd.DataFrame, schema: InputSchema) -> pd.DataFrame:
    """Return prepared columns such that slices of them read well: moments as dates, truth values as yes and no.

    Parameters
    ----------
    features
        The columns, as `processing.rows.Rows.features`.
    schema
        The fields that they are.
    """
    columns = {}
    for field in schema.fields:
        if field.name in features:
            column = features[field.name]
            if field.kind == "datetime":
                column = pd.to_datetime(column, unit="s")
            elif field.kind == "boolean":
                column = column.map({0.0: "no", 1.0: "yes"})
            columns[field.name] = column
    return pd.DataFrame(columns)


def slices_of(column: pd.Series) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Yield name and mask of each category, quarter of the numbers or dates, and of the missing values."""
    missing = column.isna().to_numpy()
    write: Callable[..., str] = str
    if pd.api.types.is_datetime64_dtype(column.dtype):
        column, write = (column - pd.Timestamp(0, unit="s")).dt.total_seconds(), written_moment
    elif pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype):
        write = written_number
    distinct = column.dropna().unique()
    if len(distinct) <= MOST_SLICES:
        for value in sorted(distinct):
            yield write(value), (column == value).to_numpy()
    elif write is not str:
        yield from _quarters(column.to_numpy(), ~missing, write)
    else:
        return
    if missing.any():
        yield "missing", missing


def _quarters(
    values: NDArray[np.float64], present: NDArray[np.bool_], write: Callable[..., str]
) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Cut numbers at their quartiles; each quarter is named by its least and greatest number."""
    finite = values[np.isfinite(values)]
    edges = np.unique(np.quantile(finite, [0.25, 0.5, 0.75]))
    places = np.searchsorted(edges, values, side="left")
    for place in range(len(edges) + 1):
        mask = present & (places == place)
        if mask.any():
            low, high = write(values[mask].min()), write(values[mask].max())
            yield (low if low == high else f"{low} to {high}"), mask


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
