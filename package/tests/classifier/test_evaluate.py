"""`Classifier.evaluate`: metrics and plots of a model, on the hold-out and on other rows."""

from __future__ import annotations

import pickle
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.figure import Figure
from problems import make_config, make_table

import classification_model as cm
from classification_model.classifier.classifier import Classifier
from classification_model.classifier.evaluation import PLOTS
from classification_model.errors import DataError, InputError
from classification_model.evaluation.metrics import METRICS

FEATURES = {"size": {"kind": "numeric"}, "shape": {"kind": "categorical"}, "day": {"kind": "datetime"}}


@pytest.fixture(scope="module")
def model() -> Classifier:
    """Train a model of two classes."""
    return cm.train(make_table(300), config=make_config(FEATURES))


@pytest.fixture(scope="module")
def fresh() -> pd.DataFrame:
    """Make rows that it was not trained on."""
    return make_table(150, seed=1)


def test_by_default_the_held_out_rows_are_judged(model: Classifier) -> None:
    """The metrics are those of the manifest, with their intervals."""
    evaluation = model.evaluate()
    assert evaluation.metrics.index.tolist() == list(METRICS)
    for name, value in model.manifest_.metrics.items():
        assert evaluation.metrics.loc[name].to_dict() == value.model_dump()
    assert "held-out rows" in repr(evaluation)


def test_other_rows_are_judged_with_labels_in_them_or_beside_them(model: Classifier, fresh: pd.DataFrame) -> None:
    """Accuracy is what `score` gives; the order and the names of the index do not matter."""
    evaluation = model.evaluate(fresh)
    assert evaluation.metrics.loc["accuracy", "value"] == pytest.approx(model.score(fresh))
    beside = model.evaluate(fresh.drop(columns=["colour"]), fresh["colour"])
    assert beside.metrics.equals(evaluation.metrics)
    assert (evaluation.metrics["low"] <= evaluation.metrics["value"]).all()


@pytest.mark.parametrize("kind", PLOTS)
def test_every_plot_is_a_figure(model: Classifier, fresh: pd.DataFrame, kind: str) -> None:
    """Those of a training and, but for the learning curve, those of other rows."""
    assert isinstance(model.evaluate().plot(kind), Figure)
    if kind == "learning_curve":
        with pytest.raises(InputError, match="found no learning curve"):
            model.evaluate(fresh).plot(kind)
    else:
        assert isinstance(model.evaluate(fresh).plot(kind), Figure)


def test_partial_dependence_is_drawn_of_one_column(model: Classifier) -> None:
    """A column is for this plot alone, and must be one of the important ones."""
    figure = model.evaluate().plot("partial_dependence", "size")
    assert len(figure.axes) == 1
    with pytest.raises(InputError, match="expected one of the most important features"):
        model.evaluate().plot("partial_dependence", "weight")
    with pytest.raises(InputError, match="a column for partial_dependence only, found 'size' for roc"):
        model.evaluate().plot("roc", "size")
    with pytest.raises(InputError, match="plot: expected 'roc'"):
        model.evaluate().plot("rocc")


def test_rows_that_cannot_be_judged_are_refused(model: Classifier, fresh: pd.DataFrame, tmp_path: Path) -> None:
    """Without labels, of one class, without rows; a loaded model has no held-out rows."""
    with pytest.raises(DataError, match="has no column 'colour', the target"):
        model.evaluate(fresh.drop(columns=["colour"]))
    with pytest.raises(DataError, match="expected rows of two classes or more"):
        model.evaluate(fresh.assign(colour="red"))
    with pytest.raises(DataError, match="expected rows of two classes or more"):
        model.evaluate(fresh.head(0))
    model.save(tmp_path / "model")
    with pytest.raises(InputError, match="give a table, as only `train` holds rows out"):
        cm.load(tmp_path / "model").evaluate()


def test_three_classes_have_the_plots_that_suit_them() -> None:
    """A threshold is of two classes; a notebook shows the others."""
    model = cm.train(make_table(300, classes=3), config=make_config(FEATURES, classes=3))
    evaluation = model.evaluate()
    assert evaluation.metrics["value"].to_dict()["accuracy"] > 0.4
    with pytest.raises(InputError, match="expected a model of two classes, found 3"):
        evaluation.plot("threshold")
    assert evaluation._repr_html_().count("<svg") == 3


def test_a_notebook_shows_metrics_and_plots(model: Classifier) -> None:
    """Plots of two outputs share no id, since they stand in one page."""
    first, second = model.evaluate()._repr_html_(), model.evaluate()._repr_html_()
    assert "ROC AUC" in first
    assert first.count("<svg") == 4
    ids = [{part.split('"')[0] for part in page.split(' id="')[1:]} for page in (first, second)]
    assert ids[0]
    assert ids[0].isdisjoint(ids[1])


def test_an_evaluation_can_be_pickled(model: Classifier, fresh: pd.DataFrame) -> None:
    """What comes back draws the same plots."""
    evaluation = model.evaluate(fresh)
    again = pickle.loads(pickle.dumps(evaluation))  # noqa: S301 - its own
    assert again.metrics.equals(evaluation.metrics)
    assert repr(again) == repr(evaluation)
    assert isinstance(again.plot("importance"), Figure)


def test_the_leaderboard_has_every_trial(model: Classifier) -> None:
    """Best first, with the metrics and the times."""
    board = model.leaderboard()
    assert board["candidate"].tolist() == ["logistic_regression"]
    assert {*METRICS, "setting", "deviation", "won", "fit_seconds", "predict_microseconds"} <= {*board.columns}
