"""Draw the plots of a monitoring report as SVG for its page."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from classification_model.plotting.figures import BLUE, INK, RED, as_svg, new_figure, plot_style

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from classification_model.monitoring.performance import Estimate
    from classification_model.monitoring.report import MonitoringReport


def draw_plots(report: MonitoringReport, floor: float) -> dict[str, str]:
    """Draw the plots of a report.

    Parameters
    ----------
    report
        What was measured.
    floor
        Accuracy that is demanded.

    Returns
    -------
    dict
        SVG of each plot by its caption, without those that would show nothing.
    """
    plots: dict[str, Callable[[Axes], None]] = {}
    if report.windows:
        plots["Accuracy by window: observed with its 95% interval, expected, and the floor (dashed)"] = lambda axes: (
            _draw_accuracy(axes, report, floor)
        )
        plots["Predictions and labels by window"] = lambda axes: _draw_counts(axes, report)
    if report.calibration:
        plots["Calibration: actual share by predicted probability, with 95% intervals"] = lambda axes: (
            _draw_calibration(axes, report)
        )
    return {caption: _svg(draw, number) for number, (caption, draw) in enumerate(plots.items())}


def _svg(draw: Callable[[Axes], None], number: int) -> str:
    """Draw a plot; its ids are its own, as several plots stand in one page."""
    with plot_style():
        figure = new_figure()
        draw(figure.add_subplot())
    return as_svg(figure, number)


def _draw_accuracy(axes: Axes, report: MonitoringReport, floor: float) -> None:
    windows, ends = report.windows, _mark_ends(axes, report)
    observed = _intervals([window.accuracy for window in windows])
    expected = _intervals([window.expected_accuracy for window in windows])
    axes.errorbar(ends, observed[0], observed[1:], color=BLUE, marker="o", markersize=4, linewidth=1, label="observed")
    axes.plot(ends, expected[0], color=RED, marker=".", linewidth=1, label="expected")
    axes.axhline(floor, color=INK, linestyle="--", linewidth=1)
    axes.set(ylabel="Accuracy", ylim=(0, 1.02))
    axes.legend(loc="lower left")


def _intervals(estimates: Sequence[Estimate | None]) -> NDArray[np.float64]:
    """Return values, and lengths of intervals below and above, shape (3, n); NaN, which breaks a line, for none."""
    known = [(one.value, one.value - one.low, one.high - one.value) if one else (np.nan,) * 3 for one in estimates]
    return np.asarray(np.clip(np.array(known).T, 0.0, None))


def _draw_counts(axes: Axes, report: MonitoringReport) -> None:
    windows, ends = report.windows, _mark_ends(axes, report)
    axes.plot(ends, [window.predictions for window in windows], color=BLUE, marker=".", label="predictions")
    axes.plot(ends, [window.labels for window in windows], color=RED, marker=".", label="labelled")
    axes.set(ylabel="Rows")
    axes.set_ylim(bottom=0)
    axes.legend(loc="lower left")


def _mark_ends(axes: Axes, report: MonitoringReport) -> NDArray[Any]:
    """Return where windows end: windows of a number of predictions by that number, others in time, which is UTC."""
    if report.window.isdecimal():
        axes.set_xlabel("Predictions")
        shown = np.cumsum([window.predictions for window in report.windows])
        return np.asarray(shown + report.predictions - shown[-1])
    return np.array([window.end.replace(tzinfo=None) for window in report.windows], dtype="datetime64[us]")


def _draw_calibration(axes: Axes, report: MonitoringReport) -> None:
    bins = report.calibration
    lengths = [
        [max(0.0, one.actual - one.actual_low) for one in bins],
        [max(0.0, one.actual_high - one.actual) for one in bins],
    ]
    axes.plot([0, 1], [0, 1], color=INK, linestyle="--", linewidth=1)
    axes.errorbar(
        [one.predicted for one in bins],
        [one.actual for one in bins],
        lengths,
        color=BLUE,
        marker="o",
        markersize=4,
        linewidth=1,
    )
    axes.set(xlabel="Mean predicted probability", ylabel="Actual share", xlim=(0, 1), ylim=(0, 1.02))
