"""Plots of a judged model: what is drawn, of two classes and of many, whatever they are called."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from sklearn.metrics import confusion_matrix

from classification_model.errors import InputError
from classification_model.evaluation.judged import Judged, LearningCurve, LearningPoint
from classification_model.evaluation.metrics import Outcome
from classification_model.evaluation.partial_dependence import PartialDependence
from classification_model.plotting.figures import as_svg
from classification_model.plotting.model_plots import MOST_BARS, MOST_CURVES, ModelPlots

CURVE = LearningCurve(
    "log_loss", (LearningPoint(0.5, 50, (0.6, 0.7), 0.3), LearningPoint(1.0, 100, (0.5, np.nan), 0.4))
)
OF_TWO = ("threshold", "cost", "gain")
ALL = ("roc", "precision_recall", "calibration", "confusion", "importance", "partial_dependence", "learning_curve")


def judged(classes: int = 2, rows: int = 300, labels: tuple[str, ...] | None = None) -> Judged:
    """Judge a simulated model."""
    draw = np.random.default_rng(0)
    truth = np.arange(rows) % classes
    scores = draw.random((rows, classes)) + np.eye(classes)[truth] * 0.4
    outcome = Outcome(
        labels or tuple(f"class {number}" for number in range(classes)),
        truth,
        scores / scores.sum(axis=1, keepdims=True),
        0.4 if classes == 2 else None,
    )
    means = draw.dirichlet(np.ones(classes), 3)
    dependences = (
        PartialDependence("size", "numeric", (1.0, 2.0, 5.0), means, 100),
        PartialDependence("open", "boolean", (0.0, 1.0), means[:2], 100),
        PartialDependence("shape", "categorical", ("disc", "cube", "a $hape$ of a long name"), means, 100),
        PartialDependence("day", "datetime", (0.0, 86400.0 * 400, 86400.0 * 800), means, 100),
    )
    important = tuple((f"feature {place}", 1 / (place + 1), 0.01) for place in range(30))
    return Judged(outcome, important, dependences, (), CURVE)


def lines_of(figure: Figure) -> dict[str, np.ndarray]:
    """Return the points of each labelled line of the first plot, shape (2, n_points)."""
    lines = figure.axes[0].get_lines()
    return {str(line.get_label()): np.array(line.get_data()) for line in lines if str(line.get_label())[0] != "_"}


@pytest.mark.parametrize("name", [*ALL, *OF_TWO])
def test_every_plot_of_two_classes_is_a_figure_that_a_page_can_show(name: str) -> None:
    """Each method draws a figure, the same each time, whose SVG has its text as text."""
    plots = ModelPlots(judged())
    figure = getattr(plots, name)()
    assert isinstance(figure, Figure)
    drawn = as_svg(figure, 1)
    assert drawn == as_svg(getattr(plots, name)(), 1)
    assert drawn.startswith("<svg")
    assert "<text" in drawn
    assert len(drawn) < 60_000


@pytest.mark.parametrize("name", ALL)
def test_many_classes_are_drawn(name: str) -> None:
    """Of thirty classes, six have a curve, and the confusion has the most frequent ones and the others as one."""
    figure = getattr(ModelPlots(judged(30)), name)()
    assert len(as_svg(figure, 1)) < 200_000
    if name in {"roc", "precision_recall", "calibration"}:
        assert len(lines_of(figure)) == MOST_CURVES
    if name == "confusion":
        labels = [label.get_text() for label in figure.axes[0].get_xticklabels()]
        assert (len(labels), labels[-1]) == (20, "11 others")


@pytest.mark.parametrize("name", OF_TWO)
def test_plots_by_threshold_need_two_classes(name: str) -> None:
    """With more classes there is no threshold, and the error says which plots there are."""
    message = f"^{name}: expected a model of two classes, found 3: plot roc or confusion instead$"
    with pytest.raises(InputError, match=message):
        getattr(ModelPlots(judged(3)), name)()


def test_the_curves_are_of_the_positive_class() -> None:
    """Of two classes the second has a curve, which the legend names with its area."""
    plots = ModelPlots(judged(labels=("no", "yes")))
    (label,) = lines_of(plots.roc())
    assert label.startswith("yes (area ")
    assert list(lines_of(plots.calibration())) == ["yes"]


def test_a_class_without_rows_has_no_curve() -> None:
    """Rows of one class alone can be drawn, and so can rows without some class."""
    whole = judged(3).outcome
    part = ModelPlots(replace(judged(3), outcome=whole.take(whole.truth != 1)))
    assert list(lines_of(part.precision_recall())) == ["class 0", "class 2"]
    two = judged().outcome
    alone = ModelPlots(replace(judged(), outcome=two.take(two.truth == 1)))
    for name in ("roc", "precision_recall", "calibration", "confusion", *OF_TWO):
        assert as_svg(getattr(alone, name)(), 1)


@pytest.mark.parametrize("classes", [2, 3, 25])
def test_the_confusion_counts_all_rows(classes: int) -> None:
    """The numbers in the cells are those of scikit-learn, and none is lost where classes are merged."""
    outcome = judged(classes, rows=400).outcome
    figure = ModelPlots(judged(classes, rows=400)).confusion()
    shown = sorted(int(text.get_text()) for text in figure.axes[0].texts)
    assert sum(shown) == 400
    if classes < 20:
        counts = confusion_matrix(outcome.truth, outcome.predicted).ravel()
        assert shown == sorted(int(count) for count in counts if count)


def test_the_importance_is_of_the_most_important_features() -> None:
    """Of thirty features twenty have a bar, the most important one at the top."""
    axes = ModelPlots(judged()).importance().axes[0]
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert len(labels) == MOST_BARS
    assert labels[-1] == "feature 0"


def test_partial_dependence_of_one_column_or_of_all() -> None:
    """A column has a plot of its own, with dates for moments and words for truth values; an unknown one is an error."""
    plots = ModelPlots(judged())
    assert len(plots.partial_dependence().axes) == 4
    (axes,) = plots.partial_dependence("open").axes
    assert [label.get_text() for label in axes.get_xticklabels()] == ["no", "yes"]
    drawn = as_svg(plots.partial_dependence("day"), 1)
    assert ">1971<" in drawn
    message = r"^partial_dependence: expected one of the most important features \(size, .*\), found 'sise'$"
    with pytest.raises(InputError, match=message):
        plots.partial_dependence("sise")


def test_the_learning_curve_has_both_lines() -> None:
    """One line is of the rows fitted on, one of others, the mean over folds; without a curve there is an error."""
    lines = lines_of(ModelPlots(judged()).learning_curve())
    np.testing.assert_allclose(lines["on other rows"], np.array([[50, 100], [0.65, 0.5]]))
    np.testing.assert_allclose(lines["on rows fitted on"], np.array([[50, 100], [0.3, 0.4]]))
    with pytest.raises(InputError, match=r"^learning_curve: expected a model that was just trained"):
        ModelPlots(replace(judged(), learning_curve=None)).learning_curve()


ODD = (
    "$\\bad{1}$",
    "_hidden",
    "\u65e5\u672c\u8a9e",
    "\N{ROCKET}",
    "<b>&amp;",
    "x" * 300,
    "two\nlines",
    "\u202eright to left",
)


@pytest.mark.parametrize("odd", ODD, ids=lambda name: ascii(name)[:20])
@pytest.mark.parametrize("name", [*ALL, *OF_TWO])
def test_odd_labels_are_drawn_as_they_are(name: str, odd: str) -> None:
    """A class may be called anything: nothing warns, and the page gets its own characters, cut where they are many."""
    model: Any = judged(labels=("plain", odd))
    drawn = as_svg(getattr(ModelPlots(model), name)(), 1)
    if name in {"precision_recall", "confusion"}:
        shown = " ".join(odd.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").split())
        assert shown[:15] in drawn
        assert "x" * 30 not in drawn


def test_dates_at_the_ends_of_the_calendar_are_drawn() -> None:
    """A date that stands for no end, such as 9999-12-31, has no room for a margin beside it."""
    moments = (-62135596800.0, 0.0, 253402214400.0)
    means = np.array([[0.2, 0.8], [0.5, 0.5], [0.4, 0.6]])
    ends = replace(judged(), dependences=(PartialDependence("end", "datetime", moments, means, 100),))
    assert as_svg(ModelPlots(ends).partial_dependence("end"), 1).startswith("<svg")
