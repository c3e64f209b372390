"""A model judged on labelled rows: its metrics and plots."""

from __future__ import annotations

import itertools
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from classification_model.config.complaints import nearest
from classification_model.errors import DataError, InputError
from classification_model.evaluation.judged import Judged, judge
from classification_model.evaluation.metrics import METRICS, Outcome, score_with_intervals
from classification_model.plotting.figures import as_svg
from classification_model.plotting.model_plots import ModelPlots
from classification_model.processing.fields import to_frame
from classification_model.reporting.html_pages import render_page
from classification_model.reporting.model_in_words import METRIC_NAMES
from classification_model.runtime.input.checking import check_input

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from classification_model.runtime.model_folder.manifest import MetricValue
    from classification_model.runtime.predictor import Predictor

#: What `Evaluation.plot` draws.
PLOTS = (
    "roc",
    "precision_recall",
    "calibration",
    "threshold",
    "cost",
    "gain",
    "confusion",
    "importance",
    "partial_dependence",
    "learning_curve",
)
#: Plots that a notebook shows of an evaluation, of two classes and of more.
_SHOWN = {True: ("roc", "calibration", "threshold", "gain"), False: ("roc", "calibration", "confusion")}
_RANDOM_STATE = 0
_plot_numbers = itertools.count(1_000)


class Evaluation:
    """A model judged on labelled rows, as `Classifier.evaluate` returns it.

    Attributes
    ----------
    metrics
        A frame with a row for each metric (``roc_auc``, ``average_precision``, ``log_loss``, ``brier``, ``accuracy``
        and ``f1``): its ``value``, and ``low`` and ``high`` of its 95% bootstrap interval.
    outcome
        True classes and predicted probabilities.

    Examples
    --------
    >>> from pathlib import Path
    >>> import classification_model as cm
    >>> passengers = cm.read_table(Path(cm.__file__).parent / "datasets" / "titanic.csv")
    >>> evaluation = cm.load().evaluate(passengers.head(200))
    >>> evaluation.metrics.columns.tolist()
    ['value', 'low', 'high']
    >>> evaluation.plot("roc").axes[0].get_xlabel()
    'False positive rate'
    """

    def __init__(
        self, outcome: Outcome, metrics: dict[str, MetricValue], judge_rows: Callable[[], Judged], title: str
    ) -> None:
        self.outcome = outcome
        self.metrics = pd.DataFrame(
            [metrics[name].model_dump() for name in METRICS], index=pd.Index(METRICS, name="metric")
        )
        self._judge_rows = judge_rows
        self._title = title

    @classmethod
    def on_rows(
        cls, predictor: Predictor, frame: pd.DataFrame, truth: NDArray[np.int64], probabilities: NDArray[np.float64]
    ) -> Self:
        """Judge a model on rows.

        Parameters
        ----------
        predictor
            The model.
        frame
            Rows that it can predict.
        truth
            Number of each row's class, shape (n_rows,), counted from 0.
        probabilities
            What it predicts, shape (n_rows, n_classes).

        Raises
        ------
        DataError
            If there are rows of one class only, or none.
        """
        manifest = predictor.manifest
        present = len(np.unique(truth))
        if present < 2:
            msg = f"expected rows of two classes or more to judge the model on, found {present} in {len(truth)} row(s)"
            raise DataError(msg)
        outcome = Outcome(manifest.classes, truth, probabilities, manifest.threshold)

        def judge_rows() -> Judged:
            schema = manifest.input_schema
            features = to_frame(check_input(schema, frame).columns, schema)
            return judge(outcome, predictor.model.probabilities, features, schema, random_state=_RANDOM_STATE)

        title = f"{manifest.name}, version {manifest.version}, on {len(truth):,} rows"
        return cls(outcome, score_with_intervals(outcome, _RANDOM_STATE), judge_rows, title)

    @classmethod
    def on_holdout(cls, judged: Judged, metrics: dict[str, MetricValue], name: str) -> Self:
        """Take what a training judged on its hold-out.

        Parameters
        ----------
        judged, metrics
            The model judged on the hold-out, and its metrics.
        name
            What the model is called.
        """
        title = f"{name}, on {len(judged.outcome.truth):,} held-out rows"
        return cls(judged.outcome, metrics, lambda: judged, title)

    @cached_property
    def judged(self) -> Judged:
        """Importances, partial dependences and slices besides, made when they are first asked for."""
        return self._judge_rows()

    def plot(self, kind: str, column: str | None = None) -> Figure:
        """Draw a plot.

        Parameters
        ----------
        kind
            ``roc``, ``precision_recall``, ``calibration``, ``threshold``, ``cost``, ``gain``, ``confusion``,
            ``importance``, ``partial_dependence`` or ``learning_curve``. The plots ``threshold``, ``cost`` and ``gain``
            are of two classes; the learning curve is that of a training.
        column
            For ``partial_dependence``, one of the most important columns. The default is all of them.

        Returns
        -------
        matplotlib.figure.Figure
            The plot, which a notebook shows.

        Raises
        ------
        InputError
            If there is no such plot of this model.
        """
        if kind not in PLOTS:
            msg = f"plot: expected {nearest(str(kind), PLOTS)}, found {kind!r}"
            raise InputError(msg)
        if column is not None and kind != "partial_dependence":
            msg = f"plot: expected a column for partial_dependence only, found {column!r} for {kind}: leave it out"
            raise InputError(msg)
        plots = ModelPlots(self.judged)
        if kind == "partial_dependence":
            return plots.partial_dependence(column)
        drawn: Figure = getattr(plots, kind)()
        return drawn

    def __getstate__(self) -> dict[str, Any]:
        judged = self.judged
        return {"outcome": self.outcome, "metrics": self.metrics, "_title": self._title, "judged": judged}

    def __repr__(self) -> str:
        values = ", ".join(f"{name} {value:.4f}" for name, value in self.metrics["value"].items())
        return f"<Evaluation of {self._title}: {values}>"

    def _repr_html_(self) -> str:
        """Return what a notebook shows."""
        shown = _SHOWN[len(self.outcome.classes) == 2]
        return render_page(
            "evaluation.html.j2",
            title=self._title,
            metrics=self.metrics,
            names=METRIC_NAMES,
            plots=[as_svg(self.plot(kind), next(_plot_numbers)) for kind in shown],
        )
