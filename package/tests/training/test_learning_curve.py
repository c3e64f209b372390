"""The learning curve: the winner fitted on fewer rows, whatever divides the folds, at a bounded cost."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from problems import DERIVED, EVERY_KIND, load, make_config, make_table

from classification_model.evaluation.judged import LearningCurve
from classification_model.evaluation.metrics import score
from classification_model.processing.data_manager import TrainingData
from classification_model.training.folds import PreparedFold, draw_folds, fit_fold, prepare_fold
from classification_model.training.learning_curve import learning_curve
from classification_model.training.model_selection import Selection, select_model

MODULE = "classification_model.training.learning_curve"
SPLITS: dict[str, dict[str, Any]] = {
    "random": {},
    "group": {"data": {"group": "code"}, "training": {"split": {"kind": "group"}}},
    "time": {"data": {"time": "day"}, "training": {"split": {"kind": "time"}}},
}


def compared(
    folder: Path, rows: int = 400, candidates: dict[str, Any] | None = None, features: Any = None, **sections: Any
) -> tuple[TrainingData, Selection]:
    """Compare candidates on a table without gaps; by default logistic regression in four settings."""
    training = {"candidates": candidates or {"logistic_regression": {"C": ["1", "0.1", "0.3", "3"]}}}
    sections["training"] = training | sections.get("training", {})
    data = load(make_table(rows, gaps=0), make_config(features or EVERY_KIND, folder=folder, **sections))
    return data, select_model(data, jobs=1)


def measured(data: TrainingData, selection: Selection) -> LearningCurve:
    """Measure the curve, which is there."""
    curve = learning_curve(data, selection, 0.123, 1)
    assert curve is not None
    return curve


@pytest.mark.slow
@pytest.mark.parametrize("kind", SPLITS)
def test_the_curve_ends_in_the_comparison(tmp_path: Path, kind: str) -> None:
    """The last point has the winner's metric on the folds; the others have fewer rows, and are the same each time."""
    data, selection = compared(tmp_path, features=EVERY_KIND | DERIVED, **SPLITS[kind])
    curve = measured(data, selection)
    assert curve == measured(data, selection)
    assert [point.share for point in curve.points] == [0.1, 0.25, 0.5, 1]
    rows = [point.rows for point in curve.points]
    np.testing.assert_allclose(rows, np.array([0.1, 0.25, 0.5, 1]) * rows[-1], rtol=0.15, atol=3)
    last = curve.points[-1]
    assert (
        last.others == tuple(score(outcome)["log_loss"] for outcome in selection.winner.outcomes)[-len(last.others) :]
    )
    assert last.own == 0.123
    assert {len(point.others) for point in curve.points} == {1}
    assert curve.points[0].own < curve.points[0].others[0]


def watch(monkeypatch: pytest.MonkeyPatch) -> list[NDArray[np.intp]]:
    """Return a list of the rows of each fit from here on."""
    drawn = []

    def watched(data: TrainingData, rows: NDArray[np.intp], test: NDArray[np.intp]) -> PreparedFold:
        drawn.append(rows)
        return prepare_fold(data, rows, test)

    monkeypatch.setattr(f"{MODULE}.prepare_fold", watched)
    return drawn


@pytest.mark.slow
@pytest.mark.parametrize("kind", SPLITS)
def test_fewer_rows_are_drawn_as_the_folds_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """Rows come from those to learn from: by class, by whole groups, or the latest of them."""
    data, selection = compared(tmp_path, **SPLITS[kind])
    drawn = watch(monkeypatch)
    measured(data, selection)
    train, _ = draw_folds(data)[-1]
    assert len(drawn) == 3
    assert all(set(fewer) <= set(more) <= set(train) for fewer, more in pairwise(drawn))
    for rows in drawn:
        others = np.setdiff1d(train, rows)
        if data.train.moments is not None:
            assert data.train.moments[rows].min() >= data.train.moments[others].max()
        elif data.train.groups is not None:
            assert not set(data.train.groups[rows]) & set(data.train.groups[others])
        else:
            red = [(data.train.labels[part] == "red").mean() for part in (rows, train)]
            assert red[0] == pytest.approx(red[1], abs=0.03)


def fits_of(folder: Path, monkeypatch: pytest.MonkeyPatch, **options: Any) -> int:
    """Return the number of fits of the curve."""
    data, selection = compared(folder, features={"size": "numeric"}, **options)
    drawn = watch(monkeypatch)
    learning_curve(data, selection, 0.0, 1)
    return len(drawn)


@pytest.mark.slow
def test_the_work_follows_from_the_comparison(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More settings to compare allow more folds, at most two; a single one allows one, without half of the rows."""
    many = {"logistic_regression": {"C": [f"0.{place}1" for place in range(1, 9)]}}
    assert fits_of(tmp_path, monkeypatch, candidates=many, training={"trials": 8}) == 6
    one: dict[str, Any] = {"logistic_regression": {}}
    assert fits_of(tmp_path, monkeypatch, candidates=one) == 2
    two: dict[str, Any] = {"logistic_regression": {}, "random_forest": {"n_estimators": "5"}, "average": {}}
    assert fits_of(tmp_path, monkeypatch, candidates=two, training={"estimator": "average"}) == 2


@pytest.mark.slow
def test_many_columns_have_a_shorter_curve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With more than 100 columns, one fold is fitted on a tenth and on a quarter of its rows."""
    draw = np.random.default_rng(0)
    numbers = pd.DataFrame(draw.normal(size=(300, 101)), columns=[f"x{place}" for place in range(101)])
    table = pd.concat([make_table(300, gaps=0), numbers], axis=1)
    training = {"candidates": {"logistic_regression": {"C": [f"0.{place}1" for place in range(1, 9)]}}, "trials": 8}
    config = make_config(dict.fromkeys(map(str, numbers), "numeric"), folder=tmp_path, training=training)
    data = load(table, config)
    selection = select_model(data, jobs=1)
    drawn = watch(monkeypatch)
    learning_curve(data, selection, 0.0, 1)
    assert len(drawn) == 2


def test_a_share_with_too_few_rows_of_a_class_is_left_out(tmp_path: Path) -> None:
    """Fifty rows of two classes have a tenth with two of each, which is no fit; without a share there is no curve."""
    data, selection = compared(tmp_path, rows=60, features={"size": "numeric"})
    assert [point.share for point in measured(data, selection).points] == [0.5, 1]
    data, selection = compared(tmp_path, rows=24, features={"size": "numeric"})
    assert learning_curve(data, selection, 0.0, 1) is None


def test_a_fit_that_fails_on_few_rows_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A share that cannot be fitted does not end the training."""
    data, selection = compared(tmp_path, features={"size": "numeric"})

    def fussy(name: str, setting: Any, data: TrainingData, fold: PreparedFold) -> Any:
        if len(fold.train) < 40:
            msg = "too few"
            raise ValueError(msg)
        return fit_fold(name, setting, data, fold)

    monkeypatch.setattr(f"{MODULE}.fit_fold", fussy)
    assert [point.share for point in measured(data, selection).points] == [0.25, 0.5, 1]
