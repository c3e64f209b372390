"""Columns that surely give the class away."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from classification_model.audit.chance import log_chance_of_copy, log_chance_of_one_class
from classification_model.audit.single_feature import LEAST_ROWS_OF_CLASS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from classification_model.audit.class_labels import ClassLabels
    from classification_model.audit.coded_column import CodedColumn

#: A column that is filled for one class only, though not in all its rows, must be filled in so many.
LEAST_FILLED = 20
#: What shuffled labels show in one of a thousand tables or more proves nothing.
MOST_CHANCE = 1e-3


def sure_leak(column: CodedColumn, labels: ClassLabels, columns: int = 1) -> str | None:
    """Return why a column surely gives the class away, or None.

    A column does so

    - if its values and the classes are one-to-one, a gap being a value too, or where it is filled, which must be in
      half of the rows or more; ten of these rows or more must be outside the largest class;
    - if it is filled for one class only: in 20 rows or more, or in all rows of the class, ten or more;
    - if the classes are bins of a number, and it rises or falls with this number in every row, of which 20 or more
      differ;

    and if shuffled labels would show this in fewer than one of a thousand tables of so many columns. So a column that
    is filled in two rows is no sure leak, and neither is one that is filled in twenty rows of a class that nearly all
    rows have. What predicts the class perfectly, but has more values than there are classes, is not sure; see
    `suspicion`.

    Parameters
    ----------
    column
        The column.
    labels
        The labels of the same rows.
    columns
        Number of columns that are audited.
    """
    most_chance = math.log(MOST_CHANCE / max(1, columns))
    return (
        _filled_for_one_class(column, labels, most_chance)
        or _one_to_one(column, labels, most_chance)
        or _follows(column, labels.target)
    )


def _filled_for_one_class(column: CodedColumn, labels: ClassLabels, most_chance: float) -> str | None:
    among_filled = labels.counts_among(column.filled)
    number = int(among_filled.argmax())
    filled, of_class = int(among_filled.sum()), int(labels.counts[number])
    if filled != among_filled[number] or filled < (LEAST_ROWS_OF_CLASS if filled == of_class else LEAST_FILLED):
        return None
    if log_chance_of_one_class(filled, of_class, len(labels)) > most_chance:
        return None
    name = labels.names[number]
    if filled == of_class:
        return f"filled in all {filled:,} rows of class {name!r}, and in no other row"
    return f"filled in {filled:,} rows, all of class {name!r}, and missing in all {len(labels) - filled:,} others"


def _one_to_one(column: CodedColumn, labels: ClassLabels, most_chance: float) -> str | None:
    if len(column.values) > len(labels.names):
        return None
    everywhere = np.ones(len(column), dtype=bool)
    for rows in (everywhere, column.filled):
        count = int(rows.sum())
        of_class = labels.counts_among(rows)
        classes = np.count_nonzero(of_class)
        if classes < 2 or 2 * count < len(column) or count - of_class.max() < LEAST_ROWS_OF_CLASS:
            continue
        codes = column.codes[rows]
        pairs = np.unique(codes * len(of_class) + labels.numbers[rows])
        if not len(pairs) == len(np.unique(codes)) == classes:
            continue
        if log_chance_of_copy(of_class.tolist()) <= most_chance:
            return "one-to-one with the target" + ("" if rows.all() else f" in the {count:,} rows where it is filled")
    return None


def _follows(column: CodedColumn, target: NDArray[np.float64] | None) -> str | None:
    """Find the numeric target in other units."""
    if target is None or not column.is_ordered or not column.filled.all() or len(column.values) < LEAST_FILLED:
        return None
    _, ranks = np.unique(target, return_inverse=True)
    own = column.codes - 1
    if np.array_equal(own, ranks) or np.array_equal(own.max() - own, ranks):
        return "one-to-one with the number that is to be predicted"
    return None
