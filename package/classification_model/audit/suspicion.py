"""Columns that predict the class almost alone, which good features seldom do."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from classification_model.audit.chance import log_chance_of_one_class, log_chance_of_share
from classification_model.audit.single_feature import LEAST_ROWS_OF_CLASS, power_of
from classification_model.audit.sure_leaks import LEAST_FILLED, MOST_CHANCE

if TYPE_CHECKING:
    from classification_model.audit.class_labels import ClassLabels
    from classification_model.audit.coded_column import CodedColumn

#: Above this ROC AUC, out of fold, a column predicts the class almost alone; gaps seldom tell as much as values.
SUSPECTED_AUC, SUSPECTED_AUC_OF_GAPS = 0.98, 0.95
#: Log loss that counts as perfect, as a share of the log loss of the shares of the classes.
PERFECT_LOSS = 0.05
#: Rows of other classes, as a share of the filled rows, in a column that is filled for one class almost only.
MOST_EXCEPTIONS = 0.02


def suspicion(column: CodedColumn, labels: ClassLabels, columns: int = 1) -> str | None:
    """Return why a column may give the class away, or None.

    A column is suspected

    - if it predicts the class out of fold with a ROC AUC above 0.98 for every class, or with a log loss of less than
      5% of that of the shares of the classes; see `power_of`;
    - if its gaps alone tell a class from all others with a ROC AUC above 0.95;
    - if it is filled for one class only, but in 10 to 19 rows, too few to be sure; or in more rows, with exceptions in
      at most 2% of them; and shuffled labels would show this in fewer than one of a thousand tables.

    A very good feature may do the same, so nothing follows but a question to the owner of the table.

    Parameters
    ----------
    column, labels, columns
        See `sure_leak`.
    """
    power = power_of(column, labels.numbers, labels.folds)
    if power.roc_auc > SUSPECTED_AUC or power.loss < PERFECT_LOSS:
        return (
            f"predicts the target almost alone, out of fold: ROC AUC {power.roc_auc:.4f}, log loss {power.loss:.1%} of "
            "that without it"
        )
    return _gaps(column, labels) or _filled_mostly_for_one_class(
        column, labels, math.log(MOST_CHANCE / max(1, columns))
    )


def _gaps(column: CodedColumn, labels: ClassLabels) -> str | None:
    rows, filled = len(labels), int(column.filled.sum())
    among_filled = labels.counts_among(column.filled)
    for number, name in enumerate(labels.names):
        of_class = int(labels.counts[number])
        if min(of_class, rows - of_class) < LEAST_ROWS_OF_CLASS:
            continue
        rate = among_filled[number] / of_class
        other_rate = (filled - among_filled[number]) / (rows - of_class)
        area = (1 + abs(rate - other_rate)) / 2
        if area > SUSPECTED_AUC_OF_GAPS:
            return (
                f"its gaps tell the class with ROC AUC {area:.4f}: filled in {rate:.1%} of the rows of class {name!r}, "
                f"and in {other_rate:.1%} of the others"
            )
    return None


def _filled_mostly_for_one_class(column: CodedColumn, labels: ClassLabels, most_chance: float) -> str | None:
    among_filled = labels.counts_among(column.filled)
    number = int(among_filled.argmax())
    filled, alike = int(among_filled.sum()), int(among_filled[number])
    of_class = int(labels.counts[number])
    if filled == alike:
        chance = log_chance_of_one_class(filled, of_class, len(labels))
        is_odd = filled >= LEAST_ROWS_OF_CLASS and chance <= most_chance
    else:
        chance = log_chance_of_share(filled, alike / max(1, filled), of_class / len(labels))
        is_odd = filled >= LEAST_FILLED and filled - alike <= MOST_EXCEPTIONS * filled and chance <= most_chance
    if not is_odd:
        return None
    of_them = "all" if filled == alike else f"{alike:,}"
    return f"filled in {filled:,} rows, {of_them} of them of class {labels.names[number]!r}"
