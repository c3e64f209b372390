"""Compute partial dependences: the mean probability of each class when one column has a given value in every row."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from classification_model.runtime.input.columns import Encoded

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from classification_model.evaluation.importances import Predict
    from classification_model.runtime.input.columns import Column
    from classification_model.runtime.input.schema import InputSchema, Kind

#: Columns, values of each, and rows that each value is put into: at most so many.
MOST_COLUMNS, MOST_VALUES, MOST_ROWS = 6, 16, 300


@dataclass(frozen=True)
class PartialDependence:
    """What a model makes of the values of one column, on average over rows.

    Attributes
    ----------
    feature, kind
        Name and kind of the column.
    values
        Values that were put into the column: numbers, truth values (0 and 1) and moments (seconds since 1970) in
        order; categories and texts, the most frequent first.
    probabilities
        For each value the mean probability of each class, shape (n_values, n_classes).
    rows
        Number of rows that each value was put into.
    """

    feature: str
    kind: Kind
    values: tuple[float, ...] | tuple[str, ...]
    probabilities: NDArray[np.float64]
    rows: int


def partial_dependences(
    predict: Predict, columns: Mapping[str, Column], names: Iterable[str], schema: InputSchema, random_state: int
) -> tuple[PartialDependence, ...]:
    """Compute the partial dependence of the probabilities on some columns.

    Parameters
    ----------
    predict
        Returns the probabilities of rows; see `Predict`.
    columns
        All columns of the rows, by name.
    names
        Columns to compute it for, the most interesting first.
    schema
        Kinds of the columns.
    random_state
        Seed of the drawing of rows.

    Returns
    -------
    tuple of PartialDependence
        Of the first 6 columns that have two values or more; texts of more than 16 values are left out. Each has up to
        16 values (quantiles of numbers and moments, the most frequent categories), put into up to 300 rows.

    References
    ----------
    Friedman, "Greedy function approximation: a gradient boosting machine", Annals of Statistics 29, 2001, section 8.2.
    """
    kinds = {field.name: field.kind for field in schema.fields}
    total = max((len(column) for column in columns.values()), default=0)
    drawn = np.random.default_rng(random_state).permutation(total)[:MOST_ROWS]
    sample = {name: column[np.sort(drawn)] for name, column in columns.items()}
    found: list[PartialDependence] = []
    for name in names:
        if len(found) == MOST_COLUMNS:
            break
        values = _values_of(columns[name], kinds[name])
        if len(values) > 1:
            means = _means(predict, sample, name, values, len(drawn))
            found.append(PartialDependence(name, kinds[name], values, means, len(drawn)))
    return tuple(found)


def _values_of(column: Column, kind: Kind) -> tuple[float, ...] | tuple[str, ...]:
    if isinstance(column, Encoded):
        counts = Counter(column.codes[column.codes >= 0].tolist())
        if kind == "text" and len(counts) > MOST_VALUES:
            return ()
        texts = sorted(((-count, column.values[code]) for code, count in counts.items()))
        return tuple(text for _, text in texts[:MOST_VALUES])
    present = column[~np.isnan(column)]
    distinct = np.unique(present)
    if len(distinct) > MOST_VALUES:  # without the ends, which few rows have
        places = np.linspace(0.02, 0.98, MOST_VALUES)
        distinct = np.unique(np.quantile(present, places, method="closest_observation"))
    return tuple(distinct.tolist())


def _means(
    predict: Predict,
    sample: Mapping[str, Column],
    name: str,
    values: tuple[float, ...] | tuple[str, ...],
    rows: int,
) -> NDArray[np.float64]:
    """Return the mean probabilities with each value in a column, shape (n_values, n_classes)."""
    every = np.tile(np.arange(rows), len(values))
    laid_out = {other: column[every] for other, column in sample.items()}
    places = np.repeat(np.arange(len(values)), rows)
    texts = tuple(value for value in values if isinstance(value, str))
    laid_out[name] = Encoded(places, texts) if texts else np.array(values, dtype=np.float64)[places]
    return np.asarray(predict(laid_out, len(every)).reshape(len(values), rows, -1).mean(axis=1))
