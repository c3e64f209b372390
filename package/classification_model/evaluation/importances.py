"""Measure the importance of each column: how much worse a model gets when the values of the column are shuffled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from classification_model.evaluation.metrics import SMALLEST_PROBABILITY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from classification_model.runtime.input.columns import Column

REPEATS = 5
#: Rows that are shuffled: at most so many, and fewer where there are many columns, so that no more than
#: `MOST_PREDICTED` rows are predicted in all, but at least `FEWEST_ROWS`.
MOST_ROWS, FEWEST_ROWS = 2000, 200
MOST_PREDICTED = 1_000_000
#: Columns that are shuffled five times. Of more columns, each is shuffled once, and then those of the largest changes.
MOST_COLUMNS = 200
#: Rows of one call, about: several columns are shuffled side by side where there are few rows.
_ROWS_AT_ONCE = 4096


class Predict(Protocol):
    """Returns the probabilities of rows, such as `CompiledModel.probabilities`."""

    def __call__(self, columns: Mapping[str, Column], count: int, /) -> NDArray[np.float64]:
        """Return probabilities, shape (n_rows, n_classes), of rows from their columns and their number."""


def importances(
    predict: Predict,
    columns: Mapping[str, Column],
    labels: NDArray[np.int64],
    random_state: int,
) -> list[tuple[str, float, float]]:
    """Measure how much worse the log loss gets when the values of one column are shuffled among rows.

    The time grows with the number of columns times what a prediction takes.

    Parameters
    ----------
    predict
        Returns the probabilities of rows.
    columns
        Columns of the rows, by name.
    labels
        Class numbers of the rows, shape (n_rows,).
    random_state
        Seed.

    Returns
    -------
    list of tuple
        Name, mean and standard deviation over 5 shuffles, the largest mean first. Of more than 200 columns, those 200
        of which one shuffle changed most. See `rows_used` for the rows.

    References
    ----------
    Breiman, Random forests, Machine Learning 45, 2001, section 10.
    """
    generator = np.random.default_rng(random_state)
    count = rows_used(len(labels), len(columns))
    rows = generator.permutation(len(labels))[:count] if count < len(labels) else np.arange(count)
    shuffles = [generator.permutation(count) for _ in range(REPEATS)]
    kept, truth = {name: column[rows] for name, column in columns.items()}, labels[rows]
    names = list(kept)
    if len(names) > MOST_COLUMNS:
        once = _changes(predict, kept, names, truth, shuffles[:1])
        names = sorted(names, key=lambda name: -float(once[name][0]))[:MOST_COLUMNS]
    changes = _changes(predict, kept, names, truth, shuffles)
    found = [(name, float(change.mean()), float(change.std())) for name, change in changes.items()]
    return sorted(found, key=lambda row: -row[1])


def rows_used(rows: int, columns: int) -> int:
    """Return how many rows are shuffled: at most 2,000, fewer with more than 100 columns, at least 200 if there are."""
    affordable = MOST_PREDICTED // (REPEATS * max(columns, 1))
    return min(rows, MOST_ROWS, max(affordable, FEWEST_ROWS))


def _changes(
    predict: Predict,
    columns: Mapping[str, Column],
    names: Sequence[str],
    truth: NDArray[np.int64],
    shuffles: Sequence[NDArray[np.intp]],
) -> dict[str, NDArray[np.float64]]:
    """Return the change of the log loss by each shuffle of each of some columns."""
    count, repeats = len(truth), len(shuffles)
    given = predict(columns, count)[np.arange(count), truth]
    before = _loss(given).mean()
    together = max(1, _ROWS_AT_ONCE // (count * repeats))
    changes: dict[str, NDArray[np.float64]] = {}
    for start in range(0, len(names), together):
        group = names[start : start + together]
        blocks = len(group) * repeats
        plain = np.tile(np.arange(count), blocks)
        laid_out = {name: column[plain] for name, column in columns.items()}
        for place, name in enumerate(group):
            order = plain.copy()
            order[place * repeats * count : (place + 1) * repeats * count] = np.concatenate(shuffles)
            laid_out[name] = columns[name][order]
        given = predict(laid_out, len(plain))[np.arange(len(plain)), np.tile(truth, blocks)]
        losses = _loss(given).reshape(len(group), repeats, count).mean(axis=2)
        changes |= dict(zip(group, losses - before, strict=True))
    return changes


def _loss(given: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(-np.log(np.clip(given, SMALLEST_PROBABILITY, 1)))
