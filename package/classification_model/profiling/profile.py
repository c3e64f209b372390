"""Profile a table of prepared rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from classification_model.errors import InputError
from classification_model.profiling.association import bias_corrected_v, coarse_codes
from classification_model.profiling.column_profiles import RowClasses, profile_column
from classification_model.profiling.table_profile import Associations, ColumnProfile, Group, TableProfile

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Groups by which columns are counted, and columns whose associations with each other are measured.
MOST_GROUPS, MOST_ASSOCIATED = 10, 40


def profile_rows(
    features: pd.DataFrame,
    kinds: Mapping[str, str],
    labels: NDArray[Any] | None = None,
    classes: Sequence[str] = (),
) -> TableProfile:
    """Profile a table of prepared rows: gaps, distributions by class, and what goes with what.

    Parameters
    ----------
    features
        Prepared columns, as `Rows.features`.
    kinds
        Kind of each column to profile, by its name.
    labels
        Label of each row, shape (n_rows,); None without classes.
    classes
        All labels, in order.

    Raises
    ------
    InputError
        If a label is none of the classes, or `features` lacks a column.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> ages = pd.DataFrame({"age": [22.0, 38.0, np.nan, 35.0]})
    >>> profile = profile_rows(ages, {"age": "numeric"}, np.array(["no", "yes", "yes", "no"]), ("no", "yes"))
    >>> age = profile.column("age")
    >>> age.missing, age.missing_by_group, age.numbers.written["median"]
    (1, (0, 1), '35')
    """
    lacking = [name for name in kinds if name not in features.columns]
    if lacking:
        msg = f"features: expected a column {lacking[0]!r}, which kinds names, found {len(features.columns)} others"
        raise InputError(msg)
    counts: tuple[Group, ...] = ()
    groups: tuple[Group, ...] = ()
    of_rows: RowClasses | None = None
    if labels is not None:
        counts, groups, of_rows = _classes(labels, classes)
    columns = tuple(profile_column(name, kind, features[name], of_rows) for name, kind in kinds.items())
    return TableProfile(
        rows=len(features),
        complete_rows=int(features[list(kinds)].notna().all(axis=1).sum()),
        classes=counts,
        groups=groups,
        columns=columns,
        associations=_associations(features, columns),
    )


def _classes(labels: NDArray[Any], classes: Sequence[str]) -> tuple[tuple[Group, ...], tuple[Group, ...], RowClasses]:
    """Count the classes, and put all but the most frequent ones into one group."""
    numbers = pd.Index(list(classes), dtype=object).get_indexer(pd.Index(labels, dtype=object))
    if (numbers < 0).any():
        msg = f"labels: expected one of {', '.join(classes)[:100]}, found {str(labels[numbers.argmin()])[:100]!r}"
        raise InputError(msg)
    rows = np.bincount(numbers, minlength=len(classes))
    counts = tuple(Group(label, count) for label, count in zip(classes, rows.tolist(), strict=True))
    shown = np.arange(len(classes))
    if len(classes) > MOST_GROUPS:
        shown = np.sort(np.argsort(-rows, kind="stable")[: MOST_GROUPS - 1])
    places = np.full(len(classes), len(shown), dtype=np.int64)
    places[shown] = np.arange(len(shown))
    groups = tuple(counts[number] for number in shown.tolist())
    others = len(classes) - len(shown)
    if others:
        groups = (*groups, Group(f"{others:,} other classes", int(rows.sum() - rows[shown].sum())))
    codes = np.unique(numbers, return_inverse=True)[1].astype(np.int64)
    return counts, groups, RowClasses(codes, places[numbers], len(groups))


def _associations(features: pd.DataFrame, columns: tuple[ColumnProfile, ...]) -> Associations:
    """Measure the associations of columns with each other: those that vary, the strongest ones."""
    varying = [column for column in columns if not column.is_constant and column.kind != "text"]
    varying.sort(key=lambda column: -(column.association or 0.0))
    strongest = {column.name for column in varying[:MOST_ASSOCIATED]}
    names = [column.name for column in columns if column.name in strongest]
    codes = [coarse_codes(features[name].to_numpy()) for name in names]
    values = np.eye(len(names))
    for row in range(len(names)):
        for place in range(row):
            values[row, place] = values[place, row] = bias_corrected_v(codes[row], codes[place])
    return Associations(tuple(names), tuple(map(tuple, values.tolist())))
