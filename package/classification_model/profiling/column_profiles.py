"""Profile one column of prepared rows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from classification_model.profiling import bins
from classification_model.profiling.association import bias_corrected_v, coarse_codes
from classification_model.profiling.table_profile import Bar, ColumnProfile, Distribution, NumberSummary
from classification_model.profiling.written_values import written_moment, written_number

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

#: Categories that are counted one by one.
MOST_CATEGORIES = 10
_DAY = 86_400


@dataclass(frozen=True)
class RowClasses:
    """The classes of the rows of a table.

    Attributes
    ----------
    codes
        Class of each row by its number among those that have rows, shape (n_rows,).
    groups
        Group of each row by its number, shape (n_rows,).
    count
        Number of groups.
    """

    codes: NDArray[np.int64]
    groups: NDArray[np.int64]
    count: int


def profile_column(name: str, kind: str, column: pd.Series, classes: RowClasses | None) -> ColumnProfile:
    """Profile a column.

    Parameters
    ----------
    name, kind
        Name and kind of the column.
    column
        Its values, as in `Rows.features`.
    classes
        Classes of its rows; None without classes.
    """
    values = column.to_numpy()
    missing = column.isna().to_numpy()
    present = values[~missing]
    infinite = np.isinf(present) if values.dtype == np.float64 else np.zeros(len(present), dtype=bool)
    known = ~missing
    known[known] = ~infinite
    present = present[~infinite]
    groups = None if classes is None else classes.groups
    count = 0 if classes is None else classes.count
    numbers, distribution = _look_at(kind, present, _Counter(None if groups is None else groups[known], count))
    return ColumnProfile(
        name=name,
        kind=kind,
        rows=len(values),
        missing=int(missing.sum()),
        missing_by_group=() if groups is None else tuple(np.bincount(groups[missing], minlength=count).tolist()),
        infinite=int(infinite.sum()),
        distinct=int(pd.Series(present).nunique()),
        numbers=numbers,
        distribution=distribution,
        association=None if classes is None else bias_corrected_v(coarse_codes(values), classes.codes),
        gap_association=None if classes is None else _gap_association(missing, classes.codes),
    )


def _gap_association(missing: NDArray[np.bool_], classes: NDArray[np.int64]) -> float:
    return bias_corrected_v(missing.astype(np.int64), classes) if missing.any() and not missing.all() else 0.0


@dataclass(frozen=True)
class _Counter:
    """Counts rows in bars, in all and by group."""

    groups: NDArray[np.int64] | None
    count: int

    def bars(self, names: Sequence[str], places: NDArray[np.int64]) -> tuple[Bar, ...]:
        """Count the rows of bars; `places` is the number of the bar of each row."""
        rows = np.bincount(places, minlength=len(names)).tolist()
        if self.groups is None:
            return tuple(Bar(name, count, ()) for name, count in zip(names, rows, strict=True))
        cells = np.bincount(places * self.count + self.groups, minlength=len(names) * self.count)
        by_group = cells.reshape(len(names), self.count).tolist()
        return tuple(Bar(name, row, tuple(parts)) for name, row, parts in zip(names, rows, by_group, strict=True))


def _look_at(kind: str, present: NDArray[Any], counter: _Counter) -> tuple[NumberSummary | None, Distribution]:
    if kind == "boolean":
        return None, _truth_values(present, counter)
    if kind == "categorical":
        return None, _categories(present, counter)
    if kind == "text":
        present = np.array([len(text) for text in present.tolist()], dtype=np.float64)
    if len(present) == 0:
        return None, Distribution((), of="lengths" if kind == "text" else "values")
    write = written_number
    if kind == "datetime":
        write = partial(written_moment, with_time=bool((present % _DAY).any()))
    spread = _spread(present, counter, of_moments=kind == "datetime", of="lengths" if kind == "text" else "values")
    return _summary(present, write), spread


def _truth_values(present: NDArray[Any], counter: _Counter) -> Distribution:
    if len(present) == 0:
        return Distribution(())
    return Distribution(counter.bars(("no", "yes"), (present != 0).astype(np.int64)))


def _categories(present: NDArray[Any], counter: _Counter) -> Distribution:
    if len(present) == 0:
        return Distribution(())
    codes, found = pd.factorize(present)
    counts = np.bincount(codes)
    order = np.argsort(-counts, kind="stable")
    shown = order if len(order) <= MOST_CATEGORIES else order[: MOST_CATEGORIES - 1]
    if len(shown) == len(order) and all(re.fullmatch(r"-?\d{1,9}", str(value)) for value in found):
        shown = np.argsort([int(value) for value in found])  # such as 1, 2, 3, which are read in their order
    names = [str(found[code]) for code in shown.tolist()]
    places = np.full(len(counts), len(shown), dtype=np.int64)
    places[shown] = np.arange(len(shown))
    if len(shown) < len(order):
        names.append(f"{len(order) - len(shown):,} others")
    return Distribution(counter.bars(names, places[codes]))


def _spread(present: NDArray[np.float64], counter: _Counter, *, of_moments: bool, of: str) -> Distribution:
    found = np.unique(present)
    if len(found) == 1 or (len(found) <= bins.BINS and not of_moments):
        names = bins.written_edges(found, of_moments=of_moments)
        return Distribution(counter.bars(names, np.searchsorted(found, present)), of=of)
    edges = bins.moment_edges(present) if of_moments else bins.number_edges(present)
    places = np.clip(np.searchsorted(edges, present, side="right") - 1, 0, len(edges) - 2)
    written = bins.written_edges(edges, of_moments=of_moments)
    return Distribution(counter.bars(bins.written_bins(written), places), written, of)


def _summary(present: NDArray[np.float64], write: Callable[[float], str]) -> NumberSummary:
    scale = float(np.abs(present).max()) or 1.0  # so that squares of very large numbers stay finite
    scaled = present / scale
    low, quarter, middle, high_quarter, high = bins.quantiles(present, [0, 0.25, 0.5, 0.75, 1])
    centred = scaled - scaled.mean()
    deviation = float(np.sqrt((centred**2).mean()))
    is_spread = deviation > 1e-9
    mean = float(scaled.mean()) * scale
    figures = {
        "least": low,
        "lower_quartile": quarter,
        "median": middle,
        "upper_quartile": high_quarter,
        "most": high,
        "mean": mean,
    }
    return NumberSummary(
        **figures,
        deviation=deviation * scale,
        skewness=float((centred**3).mean() / deviation**3) if is_spread else 0.0,
        written={name: write(value) for name, value in figures.items()},
    )
