"""Plots of a model that was judged on labelled rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from sklearn.calibration import calibration_curve
from sklearn.metrics import precision_recall_curve, roc_auc_score, roc_curve

from classification_model.errors import InputError
from classification_model.evaluation.threshold_curve import cost_curves, gain_curve, threshold_curve
from classification_model.plotting.confusion import draw_confusion
from classification_model.plotting.dependence import draw_dependence
from classification_model.plotting.figures import BLUE, COLOURS, GREEN, INK, RED, cut_label, new_figure, plot_style

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from classification_model.evaluation.judged import Judged
    from classification_model.evaluation.metrics import Outcome

_Place = Literal["lower right", "lower left", "upper left"]

#: Classes that have a curve of their own, and features that have a bar: at most so many.
MOST_CURVES, MOST_BARS = len(COLOURS), 20
_BINS = 10
#: Curves whose legend has room inside of the plot.
_MOST_INSIDE = 3


class ModelPlots:
    """Plots of a model, each a matplotlib figure.

    Parameters
    ----------
    judged
        The model, judged on labelled rows, as `evaluation.judged.judge` returns it.
    """

    def __init__(self, judged: Judged) -> None:
        self.judged = judged

    def roc(self) -> Figure:
        """Plot true positive rate by false positive rate: of the second of two classes, or of each class."""
        with plot_style():
            figure, axes = _one_plot()
            for label, truth, scores, colour in _curves(self.judged.outcome):
                if truth.all():
                    continue  # without rows of another class there is no false positive
                false_rate, true_rate, _ = roc_curve(truth, scores)
                area = roc_auc_score(truth, scores)
                axes.plot(false_rate, true_rate, color=colour, label=f"{label} (area {area:.3f})")
            _diagonal(axes)
            axes.set(xlabel="False positive rate", ylabel="True positive rate", xlim=(0, 1), ylim=(0, 1.01))
            _legend(figure, axes, "lower right")
        return figure

    def precision_recall(self) -> Figure:
        """Plot precision by recall, with the share of the class as a dashed line."""
        with plot_style():
            figure, axes = _one_plot()
            for label, truth, scores, colour in _curves(self.judged.outcome):
                precision, recall, _ = precision_recall_curve(truth, scores)
                axes.plot(recall, precision, color=colour, label=label)
                axes.axhline(float(truth.mean()), color=colour, linestyle="--", linewidth=0.8, alpha=0.5)
            axes.set(xlabel="Recall", ylabel="Precision", xlim=(0, 1), ylim=(0, 1.01))
            _legend(figure, axes, "lower left")
        return figure

    def calibration(self) -> Figure:
        """Plot the actual share of a class by its predicted probability, in ten bins of equal size."""
        with plot_style():
            figure, axes = _one_plot()
            for label, truth, scores, colour in _curves(self.judged.outcome):
                actual, predicted = calibration_curve(truth, scores, n_bins=_BINS, strategy="quantile")
                axes.plot(predicted, actual, color=colour, marker="o", markersize=4, label=label)
            _diagonal(axes)
            axes.set(xlabel="Mean predicted probability", ylabel="Actual share", xlim=(0, 1), ylim=(0, 1.01))
            _legend(figure, axes, "upper left")
        return figure

    def confusion(self) -> Figure:
        """Plot how often each class was predicted for each true class."""
        with plot_style():
            return draw_confusion(self.judged.outcome)

    def threshold(self) -> Figure:
        """Plot accuracy, precision, recall and F1 of two classes, and the share predicted, by threshold.

        Raises
        ------
        InputError
            If there are more than two classes.
        """
        outcome = self._of_two_classes("threshold")
        curve = threshold_curve(outcome)
        lines = {
            "accuracy": curve.accuracy,
            "precision": curve.precision,
            "recall": curve.recall,
            "F1": curve.f1,
            f"predicted {cut_label(outcome.classes[1])}": curve.predicted_share,
        }
        with plot_style():
            figure, axes = _one_plot()
            for (name, values), colour in zip(lines.items(), COLOURS, strict=False):
                axes.plot(curve.thresholds, values, color=colour, label=name)
            _mark_threshold(axes, outcome)
            axes.set(xlabel=f"Threshold of {cut_label(outcome.classes[1])}", xlim=(0, 1), ylim=(0, 1.01))
            _legend_above(figure)
        return figure

    def cost(self) -> Figure:
        """Plot the mean cost of a row by threshold, for ratios of the costs of the two errors; dots mark the minima.

        Raises
        ------
        InputError
            If there are more than two classes.
        """
        outcome = self._of_two_classes("cost")
        curve = threshold_curve(outcome)
        with plot_style():
            figure, axes = _one_plot()
            for costs, colour in zip(cost_curves(curve), COLOURS, strict=False):
                axes.plot(curve.thresholds, costs.costs, color=colour, label=_ratio_in_words(costs.ratio))
                axes.plot(costs.best_threshold, costs.best_cost, color=colour, marker="o", markersize=6)
            _mark_threshold(axes, outcome)
            axes.set(xlabel=f"Threshold of {cut_label(outcome.classes[1])}", ylabel="Mean cost of a row", xlim=(0, 1))
            axes.set_ylim(bottom=0)
            _legend_above(figure, columns=1)
        return figure

    def gain(self) -> Figure:
        """Plot the share of positives found by the share of rows contacted, beside the best and a random order.

        Raises
        ------
        InputError
            If there are more than two classes.
        """
        outcome = self._of_two_classes("gain")
        curve = gain_curve(outcome)
        with plot_style():
            figure, axes = _one_plot()
            axes.plot(curve.contacted, curve.found, color=BLUE, label="the model")
            axes.plot([0, curve.positives, 1], [0, 1, 1], color=GREEN, linewidth=1, label="the best order")
            axes.plot([0, 1], [0, 1], color=INK, linestyle="--", linewidth=1, alpha=0.5, label="a random order")
            found = f"Share of all {cut_label(outcome.classes[1])} found"
            axes.set(xlabel="Share of rows, most probable first", ylabel=found, xlim=(0, 1), ylim=(0, 1.01))
            axes.legend(loc="lower right")
        return figure

    def importance(self) -> Figure:
        """Plot by how much the log loss grows when a feature is shuffled, for the 20 most important features."""
        shown = self.judged.importances[:MOST_BARS][::-1]
        with plot_style():
            figure = new_figure(height=0.8 + 0.26 * max(len(shown), 3))
            axes = figure.add_subplot()
            means, deviations = [mean for _, mean, _ in shown], [deviation for *_, deviation in shown]
            axes.barh(range(len(shown)), means, xerr=deviations, color=BLUE, ecolor=INK, error_kw={"linewidth": 1})
            axes.set_yticks(range(len(shown)), [cut_label(name) for name, _, _ in shown])
            axes.set(xlabel="Increase of the log loss when shuffled")
        return figure

    def partial_dependence(self, column: str | None = None) -> Figure:
        """Plot the mean probability by the value of a column.

        Parameters
        ----------
        column
            One of the most important features; all of them if left out.

        Raises
        ------
        InputError
            If the column is not among them.
        """
        chosen = [one for one in self.judged.dependences if column in {None, one.feature}]
        if not chosen:
            known = ", ".join(one.feature for one in self.judged.dependences) or "none"
            msg = f"partial_dependence: expected one of the most important features ({known}), found {column!r}"
            raise InputError(msg)
        outcome = self.judged.outcome
        with plot_style():
            across = min(len(chosen), 3)
            down = -(-len(chosen) // across)
            figure = new_figure(width=3.6 * across if across > 1 else 5.2, height=2.9 * down if across > 1 else 3.4)
            for place, dependence in enumerate(chosen, start=1):
                axes = figure.add_subplot(down, across, place)
                draw_dependence(axes, dependence, outcome.classes, shown_classes(outcome))
            if len(outcome.classes) > 2:
                figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside upper left", ncols=2)
        return figure

    def learning_curve(self) -> Figure:
        """Plot the metric by the number of rows that the model is fitted on: on these rows, and on others.

        Raises
        ------
        InputError
            If it was not measured.
        """
        curve = self.judged.learning_curve
        if curve is None:
            msg = "learning_curve: expected a model that was just trained on enough rows, found no learning curve"
            raise InputError(msg)
        rows = np.array([point.rows for point in curve.points])
        others = np.array([point.others for point in curve.points])
        with plot_style():
            figure, axes = _one_plot()
            axes.plot(rows, [point.own for point in curve.points], color=RED, marker="o", label="on rows fitted on")
            axes.plot(rows, np.nanmean(others, axis=1), color=BLUE, marker="o", label="on other rows")
            if others.shape[1] > 1:
                axes.plot(
                    np.repeat(rows, others.shape[1]), others.ravel(), color=BLUE, marker=".", linestyle="", alpha=0.5
                )
            axes.set(xlabel="Rows fitted on", ylabel=curve.metric.replace("_", " "))
            axes.set_xlim(left=0)
            axes.legend(loc="best")
        return figure

    def _of_two_classes(self, plot: str) -> Outcome:
        outcome = self.judged.outcome
        if len(outcome.classes) != 2:
            msg = (
                f"{plot}: expected a model of two classes, found {len(outcome.classes)}: plot roc or confusion instead"
            )
            raise InputError(msg)
        return outcome


def shown_classes(outcome: Outcome) -> list[int]:
    """Return the numbers of the classes to draw: the second of two, or the most frequent ones in order, at most 6."""
    if len(outcome.classes) == 2:
        return [1]
    counts = np.bincount(outcome.truth, minlength=len(outcome.classes))
    return sorted(np.argsort(-counts, kind="stable")[:MOST_CURVES].tolist())


def _curves(outcome: Outcome) -> Iterator[tuple[str, NDArray[np.bool_], NDArray[np.float64], str]]:
    """Yield label, truth, scores and colour of each class to draw that has rows."""
    for place, number in enumerate(shown_classes(outcome)):
        truth = outcome.truth == number
        if truth.any():
            yield cut_label(outcome.classes[number]), truth, outcome.probabilities[:, number], COLOURS[place]


def _one_plot() -> tuple[Figure, Axes]:
    figure = new_figure()
    return figure, figure.add_subplot()


def _diagonal(axes: Axes) -> None:
    axes.plot([0, 1], [0, 1], color=INK, linestyle="--", linewidth=1, alpha=0.5)


def _mark_threshold(axes: Axes, outcome: Outcome) -> None:
    if outcome.threshold is not None:
        axes.axvline(outcome.threshold, color=INK, linestyle="--", linewidth=1, alpha=0.5)


def _legend(figure: Figure, axes: Axes, place: _Place) -> None:
    """Put the legend into a plot of few curves, above one of more, and nowhere without a curve."""
    curves = len(axes.get_legend_handles_labels()[0])
    if curves > _MOST_INSIDE:
        _legend_above(figure, columns=2)
    elif curves:
        axes.legend(loc=place)


def _legend_above(figure: Figure, columns: int = 3) -> None:
    figure.legend(loc="outside upper left", ncols=columns)


def _ratio_in_words(ratio: float) -> str:
    if ratio == 1:
        return "both errors cost the same"
    times, dearer = (ratio, "a miss") if ratio > 1 else (1 / ratio, "a false alarm")
    return f"{dearer} costs {times:g} times the other error"
