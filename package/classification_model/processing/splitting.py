"""Split rows into the hold-out and cross-validation folds."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
from sklearn.model_selection import KFold, StratifiedGroupKFold, StratifiedKFold, TimeSeriesSplit

from classification_model.errors import DataError
from classification_model.runtime.model_folder.manifest import Holdout

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    import pandas as pd
    from numpy.typing import NDArray

    from classification_model.config.sections import TrainingConfig

    Fold = tuple[NDArray[np.intp], NDArray[np.intp]]
    Folds = list[Fold]

_SEPARATOR = "\x1f"


def share_of(key: str) -> float:
    """Map a key to a number from 0 to below 1: the first 8 bytes of its SHA-256, big-endian, over 2**64.

    A row is held out when the number of its key is below the share to hold out, so a row keeps its side as the
    table grows.
    """
    return int.from_bytes(hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()[:8], "big") / 2**64


def keys_of(columns: pd.DataFrame) -> list[str]:
    """Join the texts of each row, columns in the order of their names."""
    return [_SEPARATOR.join(values) for values in columns[sorted(map(str, columns))].itertuples(index=False, name=None)]


def hold_out_by_hash(columns: pd.DataFrame, share: float, what: str) -> tuple[NDArray[np.bool_], Holdout]:
    """Hold out the rows whose key's hash is small.

    Parameters
    ----------
    columns
        Texts that identify a row: its index, its group, or all its values.
    share
        Share of rows to hold out, 0 to 1.
    what
        What the key is, in words.

    Returns
    -------
    tuple
        Mask of shape (n_rows,), true where held out; the rule.
    """
    mask = np.array([share_of(key) < share for key in keys_of(columns)], dtype=bool)
    rule = (
        f"a row is held out when the first 8 bytes of the SHA-256 of {what}, over 2**64, are below {share:g}; "
        "several columns are joined by U+001F in the order of their names"
    )
    key = tuple(sorted(map(str, columns)))
    return mask, Holdout(rule=rule, kind="hash", share=share, key=key, rows=int(mask.sum()))


def hold_out_latest(moments: NDArray[np.float64], share: float) -> tuple[NDArray[np.bool_], Holdout]:
    """Hold out the latest rows; rows of the same time stay together.

    Parameters
    ----------
    moments
        Time of each row, shape (n_rows,): seconds since 1970, or any number that grows with time.
    share
        Share of rows to hold out, 0 to 1.

    Raises
    ------
    DataError
        If no rows are left to train on, as too many have the same time.
    """
    cutoff = float(np.quantile(moments, 1 - share, method="higher"))
    mask = moments >= cutoff
    if mask.all():
        msg = (
            f"data.time: expected rows before the latest {share:.0%}, found none to train on: set another "
            "training.split.kind"
        )
        raise DataError(msg)
    rule = f"a row is held out when its time is {cutoff:.15g} or later"
    return mask, Holdout(rule=rule, kind="time", share=share, cutoff=cutoff, rows=int(mask.sum()))


def make_folds(
    training: TrainingConfig,
    labels: NDArray[np.int64],
    groups: Sequence[str] | None = None,
    moments: NDArray[np.float64] | None = None,
) -> Folds:
    """Draw the cross-validation folds that all candidates are compared on.

    Parameters
    ----------
    training
        Kind of split, number of folds and seed.
    labels
        Class numbers, shape (n_rows,).
    groups
        Group of each row, for the kind ``group``.
    moments
        Time of each row, for the kind ``time``.

    Returns
    -------
    list of tuple
        Numbers of the rows to train on and to evaluate on, for each fold.

    Raises
    ------
    DataError
        If a fold has no rows of a class to train on, or no rows to evaluate on, or no fold has rows of two classes to
        evaluate on.
    """
    rows = np.zeros((len(labels), 1))
    if training.split.kind == "time" and moments is not None:
        order = np.argsort(moments, kind="stable")
        folds = [(order[train], order[test]) for train, test in TimeSeriesSplit(training.folds).split(rows)]
        folds = [(train[moments[train] < moments[test].min()], test) for train, test in folds]
    elif training.split.kind == "group" and groups is not None:
        grouped = StratifiedGroupKFold(training.folds, shuffle=True, random_state=training.random_state)
        if len(set(groups)) < training.folds:
            msg = (
                f"expected a group or more for each of {training.folds} folds, found {len(set(groups))} group(s): "
                "lower training.folds"
            )
            raise DataError(msg)
        folds = list(grouped.split(rows, labels, groups))
    else:
        stratified = StratifiedKFold(training.folds, shuffle=True, random_state=training.random_state)
        folds = list(stratified.split(rows, labels))
    classes = len(np.unique(labels))
    for number, (train, test) in enumerate(folds, start=1):
        if len(test) == 0:
            msg = f"fold {number} has no rows to evaluate on: lower training.folds or set another training.split.kind"
            raise DataError(msg)
        if len(np.unique(labels[train])) < classes:
            msg = (
                f"fold {number} has no rows of some class to train on: lower training.folds or set another "
                "training.split.kind"
            )
            raise DataError(msg)
    if all(len(np.unique(labels[test])) < 2 for _, test in folds):
        msg = "no fold has rows of two classes to evaluate on: lower training.folds or set another training.split.kind"
        raise DataError(msg)
    return folds


class AtMostFolds(StratifiedKFold):
    """`StratifiedKFold` with fewer folds if the smallest class has fewer rows (minimum 2)."""

    def split(self, X: Any, y: Any, groups: Any = None) -> Iterator[Fold]:  # noqa: ARG002 - scikit-learn's signature
        """Yield row numbers to learn from and to encode, for each fold."""
        smallest = int(np.unique(y, return_counts=True)[1].min())
        kind = StratifiedKFold if smallest > 1 else KFold
        folds = max(2, min(self.n_splits, smallest))
        yield from kind(folds, shuffle=self.shuffle, random_state=self.random_state).split(X, y)
