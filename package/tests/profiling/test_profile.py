"""Profiles of prepared rows: gaps, figures, distributions by class, and odd tables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from classification_model.errors import InputError
from classification_model.profiling.profile import MOST_ASSOCIATED, MOST_GROUPS, profile_rows
from classification_model.profiling.table_profile import ColumnProfile

YES_NO = ("no", "yes")
#: 2020-01-01, 2020-01-02, ...
DAYS = 1577836800.0 + 86400.0 * np.arange(1000)


def texts(*values: str | None) -> pd.Series:
    return pd.Series(values, dtype=object)


def profile_one(
    values: Any, kind: str = "numeric", labels: NDArray[Any] | None = None, classes: tuple[str, ...] = ()
) -> ColumnProfile:
    """Profile a table of a single column."""
    (column,) = profile_rows(pd.DataFrame({"x": values}), {"x": kind}, labels, classes).columns
    return column


def test_gaps_are_counted_in_all_and_by_class() -> None:
    """A column says how many of its values are missing, in all and in each class, and how well that tells the class."""
    values = np.where(np.arange(100) < 30, np.nan, np.arange(100.0))
    labels = np.where(np.arange(100) < 40, "no", "yes")

    column = profile_one(values, labels=labels, classes=YES_NO)

    assert (column.missing, column.missing_share, column.missing_by_group) == (30, 0.3, (30, 0))
    assert column.gap_association is not None
    assert column.gap_association > 0.7


def test_figures_of_numbers_are_theirs() -> None:
    """The figures of a column of numbers are those of numpy, also as people write them."""
    values = np.random.default_rng(0).lognormal(10, size=501)

    numbers = profile_one(values).numbers

    assert numbers is not None
    assert (numbers.least, numbers.median, numbers.most) == (values.min(), np.median(values), values.max())
    assert numbers.mean == pytest.approx(values.mean())
    assert numbers.deviation == pytest.approx(values.std())
    assert numbers.skewness > 2
    assert numbers.written["median"] == f"{np.median(values):,.0f}"


def test_bars_hold_all_rows_by_class() -> None:
    """The bars of a distribution hold each present row once, in all and by class."""
    values = np.random.default_rng(0).normal(size=300)
    labels = np.where(values > 1, "yes", "no")

    bars = profile_one(values, labels=labels, classes=YES_NO).distribution.bars

    assert sum(bar.rows for bar in bars) == 300
    assert np.array([bar.by_group for bar in bars]).sum(axis=0).tolist() == [
        (labels == "no").sum(),
        (labels == "yes").sum(),
    ]


def test_dates_are_binned_by_the_calendar() -> None:
    """Dates have figures that are dates, and bins that begin with months or years."""
    column = profile_one(DAYS, "datetime")

    assert column.numbers is not None
    assert column.numbers.written["least"] == "2020-01-01"
    assert column.numbers.written["mean"] == "2021-05-14"
    assert column.distribution.edges[:3] == ("2020-01", "2020-04", "2020-07")
    assert column.distribution.edges[-1] == "2022-10"


def test_categories_are_the_frequent_ones_and_all_others() -> None:
    """Of a thousand categories the most frequent ones have a bar, and all others one more."""
    names = [f"c{number}" for number in range(1000)]

    column = profile_one(texts(*names, "c7", "c7", "c9"), "categorical")

    assert column.distinct == 1000
    assert [(bar.name, bar.rows) for bar in column.distribution.bars][:2] == [("c7", 3), ("c9", 2)]
    assert (column.distribution.bars[-1].name, column.distribution.bars[-1].rows) == ("991 others", 991)


def test_texts_have_lengths() -> None:
    """Of texts, the lengths and the number of distinct ones are known."""
    column = profile_one(texts("a", "bb", "bb", None), "text")

    assert column.numbers is not None
    assert (column.distinct, column.missing, column.numbers.most, column.distribution.of) == (2, 1, 2.0, "lengths")


def test_truth_values_are_no_and_yes() -> None:
    """Truth values have the bars no and yes."""
    bars = profile_one(np.array([0.0, 1.0, 1.0, np.nan]), "boolean").distribution.bars

    assert [(bar.name, bar.rows) for bar in bars] == [("no", 1), ("yes", 2)]


def test_infinite_numbers_are_counted_and_left_out() -> None:
    """Infinite numbers are counted, and no figure holds them."""
    column = profile_one(np.array([np.inf, 1.0, 2.0, -np.inf]))

    assert column.numbers is not None
    assert (column.infinite, column.missing, column.distinct, column.numbers.most) == (2, 0, 2, 2.0)


@pytest.mark.parametrize("kind", ["numeric", "datetime", "boolean", "categorical", "text"])
@pytest.mark.parametrize("rows", [0, 1, 5])
def test_columns_without_a_value_have_no_bars(kind: str, rows: int) -> None:
    """A column that is missing everywhere, of a table with or without rows, has neither bars nor figures."""
    is_object = kind in {"categorical", "text"}
    values = pd.Series([None] * rows, dtype=object) if is_object else np.full(rows, np.nan)

    column = profile_one(values, kind, np.array(["no"] * rows, dtype=object), YES_NO)

    assert (column.distribution.bars, column.numbers, column.distinct, column.is_constant) == ((), None, 0, True)
    assert (column.missing_share, column.association) == (float(rows > 0), 0.0)


@pytest.mark.parametrize("value", [0.0, 1e300, -1e-300, 5e-324, 1912.0])
def test_constant_columns_have_one_bar(value: float) -> None:
    """A column of a single value, however large or small, has one bar and no association."""
    column = profile_one(np.full(20, value), labels=np.array(["no", "yes"] * 10), classes=YES_NO)

    assert (len(column.distribution.bars), column.is_constant, column.association) == (1, True, 0.0)


def test_one_row_is_profiled() -> None:
    """A table of one row has a profile."""
    column = profile_one(np.array([3.0]), labels=np.array(["no"]), classes=YES_NO)

    assert [(bar.name, bar.by_group) for bar in column.distribution.bars] == [("3", (1, 0))]


def test_a_class_without_rows_is_listed() -> None:
    """A class that no row has is listed with no rows."""
    profile = profile_rows(pd.DataFrame({"x": [1.0, 2.0]}), {"x": "numeric"}, np.array(["no", "no"]), YES_NO)

    assert [(one.name, one.rows) for one in profile.classes] == [("no", 2), ("yes", 0)]


def test_of_a_thousand_classes_the_frequent_ones_are_groups() -> None:
    """Of many classes all are counted, and columns by the most frequent ones and one group of all others."""
    classes = [f"k{number}" for number in range(1000)]
    labels = np.array([*classes, *["k500"] * 9], dtype=object)
    values = np.arange(float(len(labels)))

    profile = profile_rows(pd.DataFrame({"x": values}), {"x": "numeric"}, labels, classes)

    assert (len(profile.classes), len(profile.groups)) == (1000, MOST_GROUPS)
    assert [(one.name, one.rows) for one in profile.groups][-2:] == [("k500", 10), ("991 other classes", 991)]
    assert all(len(bar.by_group) == MOST_GROUPS for bar in profile.columns[0].distribution.bars)


def test_columns_may_have_any_name() -> None:
    """Names may hold any characters."""
    names = ["", "a/b", "<b>", "$x$", "naïve\n", "_", "{x}", "数"]
    frame = pd.DataFrame({name: [1.0, 2.0, 3.0] for name in names})

    assert [column.name for column in profile_rows(frame, dict.fromkeys(names, "numeric")).columns] == names


def test_without_labels_nothing_is_said_by_class() -> None:
    """A table without labels has no groups, and no association with a class."""
    profile = profile_rows(pd.DataFrame({"x": [1.0, 2.0, 3.0]}), {"x": "numeric"})

    assert (profile.classes, profile.groups, profile.columns[0].association) == ((), (), None)
    assert profile.columns[0].distribution.bars[0].by_group == ()


def test_the_strongest_columns_are_compared_with_each_other() -> None:
    """Of many columns, those of the strongest association with the class are compared with each other."""
    random = np.random.default_rng(0)
    columns = {f"x{number}": random.normal(size=200) for number in range(MOST_ASSOCIATED + 20)}
    labels = np.where(columns["x59"] > 0, "yes", "no")

    profile = profile_rows(pd.DataFrame(columns), dict.fromkeys(columns, "numeric"), labels, YES_NO)

    assert len(profile.associations.names) == MOST_ASSOCIATED
    assert "x59" in profile.associations.names
    assert profile.by_strength()[0].name == "x59"


def test_pairs_of_columns_are_listed_strongest_first() -> None:
    """Each pair of columns is listed once, the strongest association first."""
    random = np.random.default_rng(0)
    one, other = random.normal(size=300), random.normal(size=300)
    columns = {"one": one, "other": other, "copy": one * 2}

    pairs = profile_rows(pd.DataFrame(columns), dict.fromkeys(columns, "numeric")).associations.pairs()

    assert len(pairs) == 3
    assert pairs[0][:2] == ("copy", "one")
    assert pairs[0][2] == pytest.approx(1)


def test_an_unknown_label_is_an_input_error() -> None:
    """A label that is none of the classes is refused, and named."""
    with pytest.raises(InputError, match="expected one of no, yes, found 'maybe'"):
        profile_one(np.array([1.0]), labels=np.array(["maybe"]), classes=YES_NO)


def test_a_missing_column_is_an_input_error() -> None:
    """A kind of a column that the table lacks is refused, and the column named."""
    with pytest.raises(InputError, match="expected a column 'y'"):
        profile_rows(pd.DataFrame({"x": [1.0]}), {"x": "numeric", "y": "numeric"})
