"""How well one column alone predicts the class of rows that were not counted, out of fold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from classification_model.audit.coded_column import CodedColumn

FOLDS = 5
#: Numbers are binned by quantiles: bins of about so many rows, and at most so many bins.
ROWS_PER_BIN, MOST_BINS = 5, 200
#: Fewer values than this are no scale; neighbouring numbers may be as different as codes are.
LEAST_ON_A_SCALE = 20
#: A bin is counted with its neighbours, which count the less the farther they are.
_NEIGHBOURS = np.array([0.25, 0.5, 0.75, 1.0, 0.75, 0.5, 0.25])
#: Categories of fewer rows are counted together.
RARE_CATEGORY = 3
#: A class of fewer rows is not judged.
LEAST_ROWS_OF_CLASS = 10
#: Below this ROC AUC of the largest class, the other classes are not looked at.
_HOPELESS = 0.9


@dataclass(frozen=True)
class Power:
    """How well a column alone predicts the class.

    Attributes
    ----------
    roc_auc
        The lowest ROC AUC of a class of `LEAST_ROWS_OF_CLASS` rows or more against all others; 0.5 without two such
        classes.
    loss
        Log loss as a share of the log loss of the shares of the classes: 0 is perfect, 1 is as good as no column.
    """

    roc_auc: float
    loss: float


def power_of(column: CodedColumn, labels: NDArray[np.int64], folds: NDArray[np.int64]) -> Power:
    """Measure how well a column alone predicts the class.

    A row is predicted by the shares of the classes among the rows of the other folds with the same value: the same
    category, the same quantile bin of a number or date, or missing as well. One row of the average is added to each of
    these counts. The bins are those of all rows, which tells them nothing about classes. Numbers of many values are
    also counted with the bins beside theirs, and the better of both is taken: the first suits codes, the second scales.

    Parameters
    ----------
    column
        The column.
    labels
        Class numbers, shape (n_rows,).
    folds
        Fold of each row, shape (n_rows,); see `draw_folds`.
    """
    codes, are_bins = _grouped(column)
    width = int(codes.max()) + 1
    cells = folds * width + codes
    rows = np.bincount(cells, minlength=FOLDS * width)
    of_class = np.bincount(labels)
    judged = [number for number in np.argsort(-of_class, kind="stable") if of_class[number] >= LEAST_ROWS_OF_CLASS]
    if len(judged) < 2:
        return Power(0.5, 1.0)
    by_class = {}

    def count(number: int) -> NDArray[np.int64]:
        if number not in by_class:
            by_class[number] = np.bincount(cells[labels == number], minlength=FOLDS * width)
        return by_class[number]

    powers = [_power(rows, count, judged, of_class, neighbours) for neighbours in {False, are_bins}]
    return Power(max(power.roc_auc for power in powers), min(power.loss for power in powers))


def _power(
    rows: NDArray[np.int64],
    count: Callable[[int], NDArray[np.int64]],
    judged: Sequence[int],
    of_class: NDArray[np.int64],
    neighbours: bool,
) -> Power:
    """Measure the power of cells, a value in a fold each, by their rows; `count` gives those of a class."""
    others = _of_other_folds(rows, neighbours)
    lowest, loss, blind_loss = 1.0, 0.0, 0.0
    for number in judged if len(of_class) > 2 else judged[:1]:  # of two classes, both have the same AUC
        counts = count(number)
        share = of_class[number] / of_class.sum()
        scores = (_of_other_folds(counts, neighbours) + share) / (others + 1)
        lowest = min(lowest, _roc_auc(scores, counts, rows - counts))
        if number == judged[0] and lowest < _HOPELESS:
            return Power(lowest, 1.0)
        loss -= float(np.log(np.maximum(scores, 1e-15)) @ counts)
        blind_loss -= float(np.log(share) * of_class[number])
        if len(of_class) == 2:
            loss -= float(np.log(np.maximum(1 - scores, 1e-15)) @ (rows - counts))
            blind_loss -= float(np.log1p(-share) * (of_class.sum() - of_class[number]))
    return Power(lowest, loss / blind_loss)


def draw_folds(labels: NDArray[np.int64], seed: int = 0) -> NDArray[np.int64]:
    """Draw a fold for each row, so that each class is spread evenly."""
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    folds = np.empty(len(labels), dtype=np.int64)
    folds[by_class] = np.arange(len(labels)) % FOLDS
    return folds


def _grouped(column: CodedColumn) -> tuple[NDArray[np.int64], bool]:
    """Put numbers into quantile bins where they have many values, and rare categories together; 0 stays missing."""
    counts = column.counts[1:]
    if column.is_ordered:
        bins = min(MOST_BINS, max(2, len(column) // ROWS_PER_BIN))
        if len(counts) <= bins:
            return column.codes, len(counts) >= LEAST_ON_A_SCALE
        middles = (np.cumsum(counts) - counts / 2) / counts.sum()
        groups = 1 + np.floor(middles * bins).astype(np.int64)
    else:
        frequent = counts >= RARE_CATEGORY
        groups = np.where(frequent, 1 + np.cumsum(frequent), 1)
    return np.concatenate([[0], groups])[column.codes], column.is_ordered


def _of_other_folds(counts: NDArray[np.int64], neighbours: bool) -> NDArray[np.float64]:
    """Count the rows of each cell in all folds but its own, with a share of those of its neighbours on demand."""
    by_fold = counts.reshape(FOLDS, -1)
    others = (by_fold.sum(axis=0) - by_fold).astype(np.float64)
    if neighbours:
        reach = len(_NEIGHBOURS) // 2
        padded = np.pad(others[:, 1:], ((0, 0), (reach, reach)))  # without the missing ones
        windows = np.lib.stride_tricks.sliding_window_view(padded, len(_NEIGHBOURS), axis=1)
        others[:, 1:] = windows @ _NEIGHBOURS
    return np.asarray(others.ravel(), dtype=np.float64)


def _roc_auc(scores: NDArray[np.float64], positives: NDArray[np.int64], negatives: NDArray[np.int64]) -> float:
    """Compute the ROC AUC of cells of rows with the same score; cells of equal scores are ties."""
    _, ties = np.unique(scores, return_inverse=True)
    positive, negative = np.bincount(ties, weights=positives), np.bincount(ties, weights=negatives)
    below = np.cumsum(negative) - negative
    return float(positive @ (below + negative / 2) / (positive.sum() * negative.sum()))
