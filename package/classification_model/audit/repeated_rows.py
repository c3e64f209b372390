"""Rows with the same features: on both sides of the hold-out, or with different labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from classification_model.audit.class_labels import ClassLabels
    from classification_model.audit.coded_column import CodedColumn

#: Share of the repeated rows that shuffled columns show where the repetition means nothing.
NO_WONDER = 0.8


@dataclass(frozen=True)
class Repetition:
    """Numbers of rows with the features of another row.

    Attributes
    ----------
    rows
        Rows that have them.
    conflicting
        Those of these rows whose features come with more than one label.
    held_out, held_out_alike
        Held-out rows with the features of a row to train on; those of them that share a label with such a row.
    """

    rows: int
    conflicting: int
    held_out: int = 0
    held_out_alike: int = 0


def count_repeated(
    columns: Sequence[CodedColumn], labels: ClassLabels, held_out: NDArray[np.bool_] | None
) -> Repetition | None:
    """Count the rows that have the features of another row; None where that is no wonder.

    It is no wonder where columns with few values make few different rows: where nearly as many rows, 80% or more, are
    equal once each column is shuffled by itself.

    Parameters
    ----------
    columns
        All columns.
    labels
        The labels of the same rows.
    held_out
        Mask of the held-out rows; None before they are drawn.
    """
    found = _count(_row_numbers(columns, None), labels, held_out)
    if not found.rows:
        return None
    by_chance = _count(_row_numbers(columns, np.random.default_rng(0)), labels, held_out)
    return None if by_chance.rows >= NO_WONDER * found.rows else found


def _row_numbers(columns: Sequence[CodedColumn], random: np.random.Generator | None) -> NDArray[np.int64]:
    """Give equal rows the same number; with `random`, of columns that are shuffled by themselves."""
    hashing = np.random.default_rng(1)
    keys = np.zeros(len(columns[0]), dtype=np.uint64)
    for column in columns:
        weights = hashing.integers(2**63, size=len(column.values) + 1, dtype=np.uint64)
        codes = column.codes if random is None else random.permutation(column.codes)
        keys += weights[codes]  # wraps around
    return np.unique(keys, return_inverse=True)[1].astype(np.int64)


def _count(rows: NDArray[np.int64], labels: ClassLabels, held_out: NDArray[np.bool_] | None) -> Repetition:
    repeated = np.bincount(rows)[rows] > 1
    kinds = np.unique(rows * len(labels.names) + labels.numbers) // len(labels.names)
    conflicting = np.bincount(kinds)[rows] > 1
    if held_out is None:
        return Repetition(int(repeated.sum()), int(conflicting.sum()))
    labelled = rows * len(labels.names) + labels.numbers
    both = held_out & np.isin(rows, rows[~held_out])
    alike = held_out & np.isin(labelled, labelled[~held_out])
    return Repetition(int(repeated.sum()), int(conflicting.sum()), int(both.sum()), int(alike.sum()))
