"""Plots of a table, drawn from its profile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from classification_model.config.complaints import nearest
from classification_model.errors import InputError
from classification_model.plotting.figures import BLUE, COLOURS, INK, cut_label, new_figure, plot_style

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from classification_model.profiling.table_profile import ColumnProfile, Distribution, TableProfile

#: Bars of a plot that shows one for each column or class.
MOST_BARS = 40
#: Classes that are drawn side by side; more are rows of a heatmap.
_MOST_SIDE_BY_SIDE = 4
_LONGEST_TICKS = 6
_ROW, _MARGIN, _WIDTH = 0.26, 0.9, 5.2
_FAINT = "#98a4b3"


class TablePlots:
    """Plots of a table: each method draws one and returns its figure.

    Parameters
    ----------
    profile
        The profile of the table, as `profile_rows` returns it.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from classification_model.profiling.profile import profile_rows
    >>> ages = pd.DataFrame({"age": [22.0, 38.0, np.nan, 35.0]})
    >>> plots = TablePlots(profile_rows(ages, {"age": "numeric"}, np.array(["no", "yes", "yes", "no"]), ("no", "yes")))
    >>> [patch.get_label() for patch in plots.distribution("age").axes[0].containers]
    ['no', 'yes']
    """

    def __init__(self, profile: TableProfile) -> None:
        self.profile = profile

    def classes(self) -> Figure:
        """Draw the number of rows of each class, the most frequent ones if there are many."""
        classes = self.profile.classes
        if len(classes) > MOST_BARS:
            kept = {one.name for one in sorted(classes, key=lambda one: -one.rows)[:MOST_BARS]}
            classes = tuple(one for one in classes if one.name in kept)
        total = max(1, self.profile.rows)
        texts = [f"{one.rows:,} ({one.rows / total:.1%})" for one in classes]
        return _bars([one.name for one in classes], [one.rows for one in classes], texts, "Rows")

    def missing(self) -> Figure:
        """Draw the share of missing values of each column that has any, the largest first."""
        columns = sorted((one for one in self.profile.columns if one.missing), key=lambda one: -one.missing)[:MOST_BARS]
        shares = [one.missing_share for one in columns]
        return _bars([one.name for one in columns], shares, [f"{share:.1%}" for share in shares], "Share missing", 1.0)

    def strengths(self) -> Figure:
        """Draw the association of each column with the class, the strongest first."""
        columns = [one for one in self.profile.by_strength() if one.association is not None][:MOST_BARS]
        values = [one.association or 0.0 for one in columns]
        texts = [f"{value:.2f}" for value in values]
        return _bars([one.name for one in columns], values, texts, "Association with the class", 1.0)

    def associations(self) -> Figure:
        """Draw the association of each column with each other as a heatmap."""
        found = self.profile.associations
        names = [cut_label(name) for name in found.names]
        size = max(2.6, 0.28 * len(names) + 1.6)
        with plot_style():
            figure = new_figure(max(_WIDTH, size + 0.6), size)
            axes = figure.add_subplot()
            if not names:
                return _empty(figure, axes, "No two columns to compare")
            image = axes.imshow(np.array(found.values), cmap="Blues", vmin=0, vmax=1)
            axes.set_xticks(range(len(names)), names, rotation=90)
            axes.set_yticks(range(len(names)), names)
            if len(names) <= 12:
                for row, values in enumerate(found.values):
                    for place, value in enumerate(values):
                        colour = "white" if value > 0.5 else "black"
                        text = "1" if row == place else f"{value:.2f}".removeprefix("0")
                        axes.text(place, row, text, ha="center", va="center", color=colour, fontsize=8)
            figure.colorbar(image, ax=axes, shrink=0.8, label="Association")
        return figure

    def distribution(self, column: str) -> Figure:
        """Draw how the values of a column are spread, gaps included: in each class if there are classes.

        Bars are shares of the rows of a class, so that a rare class is seen as well as a frequent one.

        Parameters
        ----------
        column
            Name of the column.

        Raises
        ------
        InputError
            If there is no such column.
        """
        found = self.profile.column(column)
        if found is None:
            names = [one.name for one in self.profile.columns]
            msg = f"column {column!r} is none of the profiled ones: expected {nearest(column, names)}"
            raise InputError(msg)
        names, shares = self._shares(found)
        groups = [cut_label(group.name) for group in self.profile.groups] or ["all rows"]
        with plot_style():
            are_numbers, has_gaps = found.numbers is not None, found.missing > 0
            if len(groups) > _MOST_SIDE_BY_SIDE and names:
                figure = new_figure(_WIDTH, _MARGIN + 0.6 + _ROW * len(groups))
                edges = found.distribution.edges
                ticks = {place - 0.5: edge for place, edge in enumerate(edges)}
                ticks |= {place: cut_label(name) for place, name in enumerate(names) if place >= len(edges) - 1}
                _heatmap(figure, figure.add_subplot(), ticks, groups, shares)
                axes = figure.axes[0]
            elif are_numbers:
                figure = new_figure(_WIDTH, 2.9)
                axes = figure.add_subplot()
                _columns(axes, shares, groups, found.distribution, has_gaps=has_gaps)
            else:
                figure = new_figure(_WIDTH, max(2.2, _MARGIN + len(names) * max(_ROW, 0.11 * len(groups))))
                axes = figure.add_subplot()
                if not names:
                    return _empty(figure, axes, "No rows")
                _rows(axes, shares, groups, [cut_label(name) for name in names])
            if found.distribution.of == "lengths":
                axes.set_title("Length in characters", fontsize=10, loc="left")
        return figure

    def _shares(self, column: ColumnProfile) -> tuple[list[str], NDArray[np.float64]]:
        """Return the names of the bars of a column, and the share of the rows of each group, (n_groups, n_bars)."""
        bars = column.distribution.bars
        names = [bar.name for bar in bars] + ["missing"] * (column.missing > 0)
        if self.profile.groups:
            counts = [list(bar.by_group) for bar in bars] + [list(column.missing_by_group)] * (column.missing > 0)
            rows = np.array([group.rows for group in self.profile.groups])
        else:
            counts = [[bar.rows] for bar in bars] + [[column.missing]] * (column.missing > 0)
            rows = np.array([column.rows])
        shares = np.array(counts, dtype=np.float64).reshape(len(names), len(rows)).T
        return names, shares / np.maximum(rows, 1)[:, None]


def _bars(
    names: Sequence[str], values: Sequence[float], texts: Sequence[str], label: str, most: float | None = None
) -> Figure:
    """Draw a horizontal bar for each name, the first on top, with its value beside it."""
    with plot_style():
        figure = new_figure(_WIDTH, _MARGIN + _ROW * max(3, len(names)))
        axes = figure.add_subplot()
        if not names:
            return _empty(figure, axes, "Nothing to show")
        places = np.arange(len(names))
        axes.barh(places, values, color=BLUE, height=0.7)
        axes.set_yticks(places, [cut_label(name) for name in names])
        end = most or max(*values, 1)
        for place, value, text in zip(places.tolist(), values, texts, strict=True):
            axes.text(value + end / 100, place, text, va="center", fontsize=8)
        axes.set(xlabel=label, xlim=(0, end * 1.18), ylim=(len(names) - 0.5, -0.5))
        axes.tick_params(axis="y", length=0)
        if most is not None:
            axes.set_xticks(np.linspace(0, most, 6))
            if texts[0].endswith("%"):
                axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    return figure


def _empty(figure: Figure, axes: Axes, words: str) -> Figure:
    axes.text(0.5, 0.5, words, ha="center", va="center", transform=axes.transAxes)
    axes.set_axis_off()
    return figure


def _columns(
    axes: Axes, shares: NDArray[np.float64], groups: Sequence[str], distribution: Distribution, *, has_gaps: bool
) -> None:
    """Draw bins side by side, equally wide whatever they span, with their edges below; gaps stand apart."""
    count, edges = len(distribution.bars), distribution.edges
    places = np.arange(shares.shape[1]) + 0.5
    if has_gaps:
        places[-1] += 0.7
    width = 0.92 / len(groups)
    for number, group in enumerate(groups):
        offset = (number - (len(groups) - 1) / 2) * width
        axes.bar(places + offset, shares[number], width, color=COLOURS[number], label=group)
    step = 1 + count // (2 * _LONGEST_TICKS)
    if edges:
        shown = {float(place): edges[place] for place in (*range(0, count + 1 - step // 2, step), count)}
    else:
        shown = {places[number]: bar.name for number, bar in enumerate(distribution.bars)}
    is_short = max(map(len, shown.values())) <= _LONGEST_TICKS
    if has_gaps:
        shown[places[-1]] = "missing"
    axes.set_xticks(list(shown), list(shown.values()), rotation_mode="anchor")
    axes.tick_params(axis="x", rotation=0 if is_short else 45)
    for label in axes.get_xticklabels():
        label.set_horizontalalignment("center" if is_short else "right")
    axes.set_xlim(-0.2, count + (1.9 if has_gaps else 0.2))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    _finish(axes, shares, groups)
    axes.set_ylabel("Share of the rows" if len(groups) == 1 else "Share of the class")


def _rows(axes: Axes, shares: NDArray[np.float64], groups: Sequence[str], names: Sequence[str]) -> None:
    """Draw a bar a name from left to right, the first on top; those of groups below each other."""
    places = np.arange(len(names), dtype=np.float64)
    height = 0.84 / len(groups)
    for number, group in enumerate(groups):
        offset = (number - (len(groups) - 1) / 2) * height
        axes.barh(places + offset, shares[number], height, color=COLOURS[number], label=group)
    axes.set_yticks(places, names)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    _finish(axes, shares, groups)
    axes.set_xlabel("Share of the rows" if len(groups) == 1 else "Share of the class")


def _finish(axes: Axes, shares: NDArray[np.float64], groups: Sequence[str]) -> None:
    """Draw the grid behind the bars, and the legend above the plot."""
    axes.grid(axis="x" if axes.yaxis_inverted() else "y", color=_FAINT, alpha=0.3, linewidth=0.6)
    axes.set_axisbelow(True)
    if len(groups) > 1 and shares.size:
        axes.figure.legend(loc="outside upper left", ncols=len(groups), fontsize=9)


def _heatmap(
    figure: Figure, axes: Axes, ticks: Mapping[float, str], groups: Sequence[str], shares: NDArray[np.float64]
) -> None:
    """Draw the shares of many groups as one row of a heatmap each; `ticks` are the labels below, by their places."""
    image = axes.imshow(shares, cmap="Blues", vmin=0, aspect="auto")
    axes.set_xticks(list(ticks), list(ticks.values()), rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(groups)), groups)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.tick_params(length=0, colors=INK)
    bar = figure.colorbar(image, ax=axes, label="Share of the class")
    bar.outline.set_visible(False)
    bar.ax.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
