"""Plots of a table: what their axes show."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from classification_model.errors import InputError
from classification_model.plotting.figures import as_svg
from classification_model.plotting.table_plots import MOST_BARS, TablePlots
from classification_model.profiling.profile import profile_rows

CLASSES = ("died", "survived")
LONG_NAME = "a category of a name that is far too long to be shown"


@pytest.fixture(scope="module")
def plots() -> TablePlots:
    random = np.random.default_rng(0)
    labels = np.where(np.arange(200) < 20, "survived", "died")
    columns = {
        "age": np.where(np.arange(200) % 10 == 0, np.nan, random.normal(40, 10, 200)),
        "size": np.arange(200) % 4.0,
        LONG_NAME: pd.Series(np.where(labels == "died", "no", "yes" * 20), dtype=object),
        "empty": np.full(200, np.nan),
    }
    kinds = {name: "categorical" if name == LONG_NAME else "numeric" for name in columns}
    return TablePlots(profile_rows(pd.DataFrame(columns), kinds, labels, CLASSES))


def widths_of(axes: Axes) -> list[float]:
    return [patch.get_width() for patch in axes.patches if isinstance(patch, Rectangle)]


def heatmap_of(axes: Axes) -> NDArray[np.float64]:
    return np.asarray(axes.images[0].get_array())


def test_classes_show_rows_and_shares(plots: TablePlots) -> None:
    """The plot of classes has a bar a class, with its rows and share."""
    (axes,) = plots.classes().axes

    assert widths_of(axes) == [180, 20]
    assert [text.get_text() for text in axes.texts] == ["180 (90.0%)", "20 (10.0%)"]


def test_missing_shows_columns_with_gaps_alone(plots: TablePlots) -> None:
    """The plot of missing values has a bar for each column with gaps, the most first."""
    (axes,) = plots.missing().axes

    assert [label.get_text() for label in axes.get_yticklabels()] == ["empty", "age"]
    assert widths_of(axes) == pytest.approx([1.0, 0.1])


def test_a_distribution_shows_shares_of_each_class(plots: TablePlots) -> None:
    """The bars of each class, gaps included, sum to 1, however rare it is."""
    (axes,) = plots.distribution("age").axes

    assert [bars.get_label() for bars in axes.containers] == list(CLASSES)
    for bars in axes.containers:
        assert sum(patch.get_height() for patch in bars) == pytest.approx(1)
    assert axes.get_xticklabels()[-1].get_text() == "missing"


def test_numbers_of_few_values_have_a_bar_each(plots: TablePlots) -> None:
    """A column of a few numbers is labelled by these."""
    (axes,) = plots.distribution("size").axes

    assert [label.get_text() for label in axes.get_xticklabels()] == ["0", "1", "2", "3"]


def test_long_labels_are_cut(plots: TablePlots) -> None:
    """Labels of categories and columns are cut."""
    (axes,) = plots.distribution(LONG_NAME).axes
    heatmap = plots.associations().axes[0]

    shown = [label.get_text() for label in (*axes.get_yticklabels(), *heatmap.get_yticklabels())]
    assert max(map(len, shown)) <= 24


def test_associations_are_a_heatmap(plots: TablePlots) -> None:
    """The heatmap has a row and a column for each column that varies."""
    axes = plots.associations().axes[0]

    assert heatmap_of(axes).shape == (3, 3)
    assert axes.get_yticklabels()[0].get_text() == "age"


def test_strengths_are_sorted(plots: TablePlots) -> None:
    """The associations with the class are bars, the strongest first."""
    widths = widths_of(plots.strengths().axes[0])

    assert widths == sorted(widths, reverse=True)
    assert widths[0] == pytest.approx(1)


def test_an_unknown_column_names_the_nearest(plots: TablePlots) -> None:
    """A column that was not profiled is refused, and the nearest name is told."""
    with pytest.raises(InputError, match="column 'aeg' is none of the profiled ones: expected 'age'"):
        plots.distribution("aeg")


def test_many_classes_are_a_heatmap() -> None:
    """With more classes than fit side by side, a distribution has a row for each."""
    classes = [f"k{number}" for number in range(30)]
    labels = np.array(classes * 4, dtype=object)
    plots = TablePlots(profile_rows(pd.DataFrame({"x": np.arange(120.0)}), {"x": "numeric"}, labels, classes))

    axes = plots.distribution("x").axes[0]
    shares = heatmap_of(axes)

    assert [label.get_text() for label in axes.get_xticklabels()][:3] == ["0", "10", "20"]
    assert shares.sum(axis=1).tolist() == pytest.approx([1] * 10)
    assert len(plots.classes().axes[0].patches) == 30


@pytest.mark.parametrize("rows", [0, 1, 3])
@pytest.mark.parametrize("has_labels", [True, False])
@pytest.mark.parametrize("kind", ["numeric", "datetime", "boolean", "categorical", "text"])
def test_odd_tables_are_drawn(rows: int, has_labels: bool, kind: str) -> None:
    """A table of hardly any rows, with values or without, with classes or without, has all its plots."""
    values = ["$a_1$"] * rows if kind in {"categorical", "text"} else [1.0] * rows
    dtype = object if kind in {"categorical", "text"} else np.float64
    frame = pd.DataFrame(
        {"_x": pd.Series(values, dtype=dtype), "gone": pd.Series([None] * rows, dtype=dtype)}, dtype=dtype
    )
    labels = np.array(["died"] * rows, dtype=object) if has_labels else None

    plots = TablePlots(profile_rows(frame, {"_x": kind, "gone": kind}, labels, CLASSES if has_labels else ()))

    drawn = [plots.classes(), plots.missing(), plots.strengths(), plots.associations()]
    drawn += [plots.distribution(name) for name in ("_x", "gone")]
    assert all(as_svg(figure, number).startswith("<svg") for number, figure in enumerate(drawn))


def test_many_columns_are_cut_to_the_strongest() -> None:
    """Of hundreds of columns, the first of the order are drawn."""
    random = np.random.default_rng(0)
    names = [f"x{number}" for number in range(90)]
    frame = pd.DataFrame(np.where(random.random((60, 90)) < 0.5, np.nan, 1.0), columns=names)
    plots = TablePlots(profile_rows(frame, dict.fromkeys(names, "numeric"), np.array(["died"] * 60), CLASSES))

    assert len(plots.missing().axes[0].patches) == MOST_BARS
    assert len(plots.strengths().axes[0].patches) == MOST_BARS
