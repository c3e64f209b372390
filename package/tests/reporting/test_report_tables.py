"""Sentences and tables of the report: slices, costs, gain, learning curve and pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from problems import DERIVED, EVERY_KIND, load, make_config, make_table

from classification_model.evaluation.judged import LearningCurve, LearningPoint
from classification_model.evaluation.metrics import Outcome
from classification_model.evaluation.slice_metrics import slice_metrics
from classification_model.reporting.pipeline_steps import PipelineStep, pipeline_steps
from classification_model.reporting.report_tables import cost_rows, gain_rows, slice_rows
from classification_model.reporting.sentences import learning_sentence
from classification_model.training.fit_winner import fit_pipeline


def outcome_of(right: list[float]) -> Outcome:
    """Return rows of two classes by the probability of the true one."""
    truth = np.arange(len(right)) % 2
    given = np.array(right)
    positive = np.where(truth == 1, given, 1 - given)
    return Outcome(("no", "yes"), truth, np.column_stack([1 - positive, positive]))


def test_the_worst_slices_come_first_and_are_marked() -> None:
    """Slices are in the order of their log loss; one is worse if its whole interval is below the accuracy of all."""
    outcome = outcome_of([0.9] * 200 + [0.45] * 100 + [0.6] * 30)
    features = pd.DataFrame({"group": ["good"] * 200 + ["bad"] * 100 + ["fair"] * 30}, dtype=object)
    rows = slice_rows(slice_metrics(features, outcome), outcome)
    assert [(row.slice.value, row.is_worse) for row in rows] == [("bad", True), ("fair", False), ("good", False)]
    whole = -np.mean(np.log([0.9] * 200 + [0.45] * 100 + [0.6] * 30))
    assert [row.excess for row in rows] == pytest.approx(-np.log([0.45, 0.6, 0.9]) - whole)


def test_costs_and_gain_are_of_two_classes() -> None:
    """With more classes, or without a positive row, there are no rows of them."""
    outcome = outcome_of([0.9] * 50 + [0.4] * 50)
    assert [row.ratio for row in cost_rows(outcome, outcome)] == [0.2, 1, 5]
    assert [(row.contacted, row.lift) for row in gain_rows(outcome)][:2] == [(0.05, 2), (0.1, 2)]
    three = Outcome(("a", "b", "c"), np.zeros(3, dtype=np.int64), np.full((3, 3), 1 / 3))
    assert cost_rows(three, three) == []
    assert gain_rows(three) == []
    assert gain_rows(outcome.take(outcome.truth == 0)) == []


def test_the_best_threshold_is_chosen_out_of_fold_and_priced_on_the_hold_out() -> None:
    """Rows that chose a threshold would make it look cheaper than it is."""
    chosen = outcome_of([0.9] * 60 + [0.4] * 40)
    priced = outcome_of([0.9] * 40 + [0.1] * 60)
    for row, alone in zip(cost_rows(chosen, priced), cost_rows(priced, priced), strict=True):
        assert row.threshold == next(one.threshold for one in cost_rows(chosen, chosen) if one.ratio == row.ratio)
        assert row.cost >= alone.cost


@pytest.mark.parametrize(
    ("metric", "before", "last", "helps"),
    [
        ("log_loss", (0.5, 0.6), (0.4, 0.5), True),
        ("log_loss", (0.5, 0.6), (0.3, 0.61), False),
        ("log_loss", (0.5, 0.6), (0.499, 0.599), False),
        ("roc_auc", (0.7, np.nan), (0.8, np.nan), True),
        ("roc_auc", (0.8, 0.8), (0.7, 0.7), False),
    ],
)
def test_the_learning_curve_is_put_in_words(metric: str, before: Any, last: Any, helps: bool) -> None:
    """More rows would help if the last ones did, in every fold and by more than a hundredth."""
    curve = LearningCurve(metric, (LearningPoint(0.5, 1000, before, 0), LearningPoint(1, 2000, last, 0)))
    sentence = learning_sentence(curve)
    assert sentence.startswith("From 1,000 rows to 2,000, the ")
    assert ("may make the model better" in sentence) == helps
    assert ("like these would hardly help" in sentence) != helps
    assert ("on one fold" in sentence) == (np.isfinite(np.array(last)).sum() == 1)


def test_a_learning_curve_that_no_fold_could_judge_says_nothing() -> None:
    """Nan is no metric."""
    points = (LearningPoint(0.5, 1000, (np.nan,), 0), LearningPoint(1, 2000, (np.nan,), 0))
    assert learning_sentence(LearningCurve("roc_auc", points)) == ""


@pytest.mark.slow
def test_the_pipeline_is_drawn_step_by_step(tmp_path: Path) -> None:
    """Every step says in words what it does and on which columns; the estimator is the last one."""
    data = load(make_table(150), make_config(EVERY_KIND | DERIVED, folder=tmp_path))
    members = {"logistic_regression": {"C": 0.5}, "random_forest": {"n_estimators": 3}}
    steps = {step.what: step for step in pipeline_steps(fit_pipeline(data, "average", members))}
    assert next(iter(steps)) == "Derive features"
    assert "total: sum of size, price" in steps["Derive features"].columns
    assert "day_days, day_month, day_weekday: date parts of day" in steps["Derive features"].columns
    assert steps["Fill gaps with -1"] == PipelineStep("Fill gaps with -1", ("count",))
    assert "price" in steps["Fill gaps with the mean"].columns
    assert steps["Replace categories by the rates of the classes, cross-fitted"].columns == ("code",)
    last = steps["Average the probabilities"]
    assert last.columns[0] == "LogisticRegression, C 0.5, max_iter 2000, random_state 0"
    assert list(steps)[-1] == last.what
    assert not [what for what in steps if what[0].isupper() and " " not in what]
    alone = pipeline_steps(fit_pipeline(data, "random_forest", {"n_estimators": 3}))[-1]
    assert alone.what == "RandomForestClassifier"
    assert "n_estimators 3" in alone.columns


@pytest.mark.slow
def test_a_step_of_many_columns_names_some(tmp_path: Path) -> None:
    """Of 40 columns 30 are named, and the others are counted."""
    draw = np.random.default_rng(0)
    table = make_table(60, gaps=0).assign(**{f"x{place}": draw.normal(size=60) for place in range(40)})
    data = load(table, make_config({f"x{place}": "numeric" for place in range(40)}, folder=tmp_path))
    step = pipeline_steps(fit_pipeline(data, "logistic_regression", {}))[1]
    assert (len(step.columns), step.more) == (30, 10)
