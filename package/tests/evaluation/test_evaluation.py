"""Metrics, intervals, thresholds, slices and importances, held against scikit-learn's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from problems import EVERY_KIND, load, make_config, make_table
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    brier_score_loss,
    f1_score,
    log_loss,
    roc_auc_score,
)
from statsmodels.stats.proportion import proportion_confint

from classification_model.evaluation.importances import importances, rows_used
from classification_model.evaluation.metrics import (
    METRICS,
    Outcome,
    choose_threshold,
    is_better,
    score,
    score_with_intervals,
    weighted_scores,
)
from classification_model.evaluation.slice_metrics import readable, slice_metrics, slices_of
from classification_model.pipeline import build_pipeline
from classification_model.processing.pipeline_model import PipelineModel, columns_of
from classification_model.runtime.inference.classes import decide
from classification_model.runtime.input.columns import Column
from classification_model.runtime.input.schema import InputSchema, Kind, SchemaField
from classification_model.training.folds import class_numbers

LABELS = ("a", "b", "c")


@st.composite
def outcomes(draw: st.DrawFn, classes: int | None = None) -> Outcome:
    """Draw predictions with many ties, certainties among them, for rows of every class."""
    count = classes or draw(st.integers(2, 3))
    rows = draw(st.integers(count, 30))
    truth = draw(hnp.arrays(np.int64, rows, elements=st.integers(0, count - 1)))
    truth[:count] = range(count)
    marks = draw(hnp.arrays(np.float64, (rows, count), elements=st.integers(0, 4))) + np.eye(count)[truth[::-1]] * 0.5
    marks[marks.sum(axis=1) == 0] = 1
    threshold = draw(st.sampled_from([0.3, 0.5, 0.8])) if count == 2 else None
    return Outcome(LABELS[:count], truth, marks / marks.sum(axis=1, keepdims=True), threshold)


def by_scikit_learn(outcome: Outcome, weights: NDArray[np.float64] | None = None) -> dict[str, float]:
    """Compute all metrics with scikit-learn."""
    truth, probabilities, predicted = outcome.truth, outcome.probabilities, outcome.predicted
    classes = range(len(outcome.classes))
    scores = {
        "log_loss": log_loss(truth, probabilities, labels=classes, sample_weight=weights),
        "accuracy": accuracy_score(truth, predicted, sample_weight=weights),
    }
    if len(classes) == 2:
        positive = probabilities[:, 1]
        return scores | {
            "roc_auc": roc_auc_score(truth, positive, sample_weight=weights),
            "average_precision": average_precision_score(truth, positive, sample_weight=weights),
            "brier": brier_score_loss(truth, positive, sample_weight=weights),
            "f1": f1_score(truth, predicted, sample_weight=weights, zero_division=0.0),
        }
    binary = np.eye(len(classes))[truth]
    return scores | {
        "roc_auc": roc_auc_score(binary, probabilities, sample_weight=weights),
        "average_precision": average_precision_score(binary, probabilities, sample_weight=weights),
        "brier": brier_score_loss(truth, probabilities, sample_weight=weights, labels=classes, scale_by_half=False),
        "f1": f1_score(truth, predicted, labels=classes, average="macro", sample_weight=weights, zero_division=0.0),
    }


@pytest.mark.slow
@given(outcomes())
def test_every_metric_is_that_of_scikit_learn(outcome: Outcome) -> None:
    """Of two classes and of three, with ties and certainties, each metric equals scikit-learn's function."""
    assert score(outcome) == pytest.approx(by_scikit_learn(outcome), abs=1e-12)
    assert list(score(outcome)) == list(METRICS)


@pytest.mark.slow
@given(outcomes(), st.randoms(use_true_random=False))
def test_every_resample_is_scored_as_scikit_learn_scores_weights(outcome: Outcome, random: st.DataObject) -> None:
    """A resample, which is how often each row was drawn, gives each metric as scikit-learn's `sample_weight` does."""
    seed = random.randrange(10**6)  # type: ignore[attr-defined]
    drawn = np.random.default_rng(seed).integers(0, 4, (3, len(outcome.truth))).astype(np.float64)
    drawn[:, : len(outcome.classes)] += 1  # of every class one row
    found = weighted_scores(outcome, drawn)
    for resample, weights in enumerate(drawn):
        assert {name: values[resample] for name, values in found.items()} == pytest.approx(
            by_scikit_learn(outcome, weights), abs=1e-12
        )


@pytest.mark.slow
@given(outcomes(classes=3))
def test_a_class_that_no_row_has_is_left_out(outcome: Outcome) -> None:
    """Where no row is of the third class, areas are means over the others, and nothing is NaN or warned of."""
    present = outcome.truth < 2
    found = score(outcome.take(present))
    areas = [
        roc_auc_score(outcome.truth[present] == number, outcome.probabilities[present, number]) for number in (0, 1)
    ]
    assert found["roc_auc"] == pytest.approx(np.mean(areas))
    assert all(np.isfinite(value) for value in found.values())


def simulated(rows: int, seed: int, strength: float = 1.0) -> Outcome:
    """Draw calibrated predictions of two classes."""
    draw = np.random.default_rng(seed)
    positive = 1 / (1 + np.exp(-strength * draw.normal(size=rows)))
    truth = (draw.random(rows) < positive).astype(np.int64)
    return Outcome(LABELS[:2], truth, np.column_stack([1 - positive, positive]))


@settings(max_examples=25)
@given(outcomes(), st.integers(0, 99))
def test_an_interval_is_drawn_by_its_seed(outcome: Outcome, seed: int) -> None:
    """The same seed gives the same intervals around the metrics, in order and without NaN."""
    metrics = score_with_intervals(outcome, seed)
    assert metrics == score_with_intervals(outcome, seed)
    assert {name: metric.value for name, metric in metrics.items()} == score(outcome)
    assert all(
        np.isfinite([metric.low, metric.high]).all() and metric.low <= metric.high for metric in metrics.values()
    )


def test_another_seed_draws_other_intervals() -> None:
    """The seed decides what is drawn."""
    outcome = simulated(200, 0)
    assert score_with_intervals(outcome, 0) != score_with_intervals(outcome, 1)


@pytest.mark.slow
def test_an_interval_of_the_accuracy_is_as_wide_as_that_of_a_share() -> None:
    """The bootstrap of a mean over rows agrees with Wilson's interval, with rows so many that they go in portions."""
    outcome = simulated(5000, 0)
    metric = score_with_intervals(outcome, 0)["accuracy"]
    low, high = proportion_confint(round(metric.value * 5000), 5000, method="wilson")
    assert (metric.low, metric.high) == pytest.approx((low, high), abs=0.003)


@pytest.mark.slow
@pytest.mark.parametrize(("metric", "truth"), [("accuracy", 0.6745), ("brier", 0.2066), ("roc_auc", 0.7394)])
def test_intervals_cover_what_they_should(metric: str, truth: float) -> None:
    """Of 120 tables about 95% have the true value, known from two million rows, within their interval."""
    covered = 0
    for seed in range(120):
        found = score_with_intervals(simulated(150, seed), 0)[metric]
        covered += found.low <= truth <= found.high
    assert 107 <= covered <= 119


@pytest.mark.slow
def test_wider_tables_have_narrower_intervals() -> None:
    """With a hundred times the rows an interval is about ten times as narrow."""
    narrow, wide = (score_with_intervals(simulated(rows, 0), 0)["log_loss"] for rows in (10_000, 100))
    assert 5 < (wide.high - wide.low) / (narrow.high - narrow.low) < 20


@pytest.mark.slow
@given(outcomes())
def test_a_prediction_is_the_class_of_its_probabilities(outcome: Outcome) -> None:
    """The second of two classes is predicted from the threshold on, of more the likeliest, the first of equals."""
    for row, number in enumerate(outcome.predicted):
        probabilities = outcome.probabilities[row].tolist()
        if outcome.threshold is None:
            assert number == probabilities.index(max(probabilities))
        else:
            assert number == (probabilities[1] >= outcome.threshold)
    assert decide(np.empty((0, 3)), None).shape == (0,)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("measure", "function"),
    [("accuracy", accuracy_score), ("balanced_accuracy", balanced_accuracy_score), ("f1", f1_score)],
)
@settings(max_examples=10)
@given(outcome=outcomes(classes=2))
def test_a_threshold_is_the_best_of_all(measure: str, function: object, outcome: Outcome) -> None:
    """No threshold from 0.05 to 0.95 in steps of 0.01 does better by the measure, and none as good is closer to 0.5."""
    found = choose_threshold(outcome, measure)
    grid = [round(step / 100, 2) for step in range(5, 96)]
    values = {}
    for threshold in grid:
        predicted = (outcome.probabilities[:, 1] >= threshold).astype(int)
        values[threshold] = function(outcome.truth, predicted)  # type: ignore[operator]
    best = max(values.values())
    closest = min((threshold for threshold in grid if values[threshold] == best), key=lambda value: abs(value - 0.5))
    assert values[found] == best
    assert abs(found - 0.5) == pytest.approx(abs(closest - 0.5))


@pytest.mark.parametrize(("metric", "better"), [("roc_auc", 0.9), ("f1", 0.9), ("log_loss", 0.1), ("brier", 0.1)])
def test_more_is_better_of_some_metrics_and_less_of_others(metric: str, better: float) -> None:
    """An area is better the larger it is, a loss the smaller, and nothing is better than its equal."""
    assert is_better(metric, better, 0.5)
    assert not is_better(metric, 0.5, better)
    assert not is_better(metric, 0.5, 0.5)


def test_slices_are_categories_quarters_and_gaps() -> None:
    """A slice is a category, a truth value, a quarter of the numbers or the missing ones, of 20 rows or more."""
    rows = 200
    features = pd.DataFrame(
        {
            "number": pd.Series([*range(100), *[None] * 100], dtype=np.float64),
            "few": pd.Series([0.0, 1.0] * 100),
            "category": pd.Series(["x"] * 150 + ["y"] * 40 + [None] * 10, dtype=object),
            "many": pd.Series([f"k{row % 9}" for row in range(rows)], dtype=object),
            "zeros": pd.Series([0.0] * 150 + list(range(1, 51))),
        }
    )
    slices = slice_metrics(features, simulated(rows, 0))
    assert [(found.feature, found.value, found.rows) for found in slices] == [
        ("number", "0 to 24", 25),
        ("number", "25 to 49", 25),
        ("number", "50 to 74", 25),
        ("number", "75 to 99", 25),
        ("number", "missing", 100),
        ("few", "0", 100),
        ("few", "1", 100),
        ("category", "x", 150),
        ("category", "y", 40),
        ("zeros", "0", 150),
        ("zeros", "1 to 50", 50),
    ]


def test_slices_are_named_as_people_write_them() -> None:
    """Dates are written as dates, truth values as yes and no, and large numbers whole; no two slices share a row."""
    kinds: dict[str, Kind] = {"day": "datetime", "open": "boolean", "few": "datetime", "pay": "numeric"}
    schema = InputSchema(fields=tuple(SchemaField(name=name, kind=kind, nullable=True) for name, kind in kinds.items()))
    day = np.arange(200.0) * 86400
    features = pd.DataFrame(
        {"day": day, "open": np.arange(200) % 2, "few": day // 8640000 * 8640000, "pay": np.arange(200) * 1e4}
    ).astype(np.float64)
    features.loc[:24, ["day", "open"]] = np.nan
    names: dict[str, list[str]] = {}
    shown = readable(features, schema)
    for found in slice_metrics(shown, simulated(200, 0)):
        names.setdefault(found.feature, []).append(found.value)
    assert names == {
        "day": [
            "1970-01-26 to 1970-03-10",
            "1970-03-11 to 1970-04-23",
            "1970-04-24 to 1970-06-05",
            "1970-06-06 to 1970-07-19",
            "missing",
        ],
        "open": ["no", "yes", "missing"],
        "few": ["1970-01-01", "1970-04-11"],
        "pay": ["0 to 490,000", "500,000 to 990,000", "1,000,000 to 1,490,000", "1,500,000 to 1,990,000"],
    }
    for name in shown:
        assert np.sum([mask for _, mask in slices_of(shown[name])], axis=0).tolist() == [1] * 200


@pytest.mark.parametrize("classes", [2, 3])
def test_a_slice_is_scored_as_its_rows_are(classes: int) -> None:
    """The metrics of a slice are those of its rows alone; shares of the second class are given of two classes only."""
    draw = np.random.default_rng(0)
    probabilities = draw.dirichlet(np.ones(classes), 90)
    outcome = Outcome(LABELS[:classes], draw.integers(0, classes, 90), probabilities, 0.4 if classes == 2 else None)
    category = np.array(["x", "y", "y"] * 30, dtype=object)
    (_, found) = slice_metrics(pd.DataFrame({"category": category}), outcome)
    part = outcome.take(category == "y")
    assert (found.rows, found.accuracy) == (60, (part.truth == part.predicted).mean())
    assert found.low < found.accuracy < found.high
    assert found.log_loss == pytest.approx(score(part)["log_loss"])
    if classes == 2:
        assert found.actual == part.truth.mean()
        assert found.predicted == pytest.approx(part.probabilities[:, 1].mean())
    else:
        assert (found.actual, found.predicted) == (None, None)


@pytest.mark.slow
def test_the_feature_that_decides_is_the_most_important(tmp_path: Path) -> None:
    """Shuffling what the target depends on hurts most, and what is not used is not shuffled, by seed."""
    features = {name: item for name, item in EVERY_KIND.items() if name not in {"shape", "code", "note"}}
    features["grade"] = {"kind": "categorical", "encode": "none"}
    data = load(make_table(300, gaps=0), make_config(features, folder=tmp_path))
    labels = class_numbers(data.train.labels, data.classes)
    pipeline = build_pipeline(data.config).fit(data.train.features, labels)
    predict, columns = PipelineModel(pipeline, data.schema).probabilities, columns_of(data.train.features, data.schema)
    found = importances(predict, columns, labels, 0)
    assert found[0][0] == "size"
    assert [mean for _, mean, _ in found] == sorted((mean for _, mean, _ in found), reverse=True)
    assert "grade" not in {name for name, _, _ in found}
    assert found == importances(predict, columns, labels, 0)


def linear(features: pd.DataFrame, labels: NDArray[np.int64]) -> Callable[[Mapping[str, Column], int], Any]:
    """Fit a linear model; return what predicts columns with it."""
    model = LogisticRegression().fit(features, labels)
    return lambda columns, _: model.predict_proba(pd.DataFrame(dict(columns)))


def test_importances_do_with_rows_of_some_classes() -> None:
    """Rows among which a class is missing can be judged: the loss knows all classes of the model."""
    draw = np.random.default_rng(0)
    features = pd.DataFrame(draw.normal(size=(90, 2)), columns=["x", "noise"])
    labels = np.repeat([0, 1, 2], 30)
    features["x"] += labels * 3
    columns: dict[str, Column] = {str(name): features[name].to_numpy()[:60] for name in features}
    found = importances(linear(features, labels), columns, labels[:60], 0)
    assert found[0][0] == "x"
    assert found[0][1] > 0.5


def test_importances_are_those_of_scikit_learn() -> None:
    """The mean over many seeds is that of `permutation_importance`, within a few standard errors."""
    draw = np.random.default_rng(0)
    features = pd.DataFrame(draw.normal(size=(200, 3)), columns=["x", "y", "noise"])
    labels = (features["x"] + 0.5 * features["y"] + draw.normal(size=200) > 0).to_numpy().astype(np.int64)
    columns: dict[str, Column] = {str(name): features[name].to_numpy() for name in features}
    runs = [
        dict(each[:2] for each in importances(linear(features, labels), columns, labels, seed)) for seed in range(9)
    ]
    theirs = permutation_importance(
        LogisticRegression().fit(features, labels), features, labels, scoring="neg_log_loss", n_repeats=45
    )
    for name, expected, deviation in zip(columns, theirs.importances_mean, theirs.importances_std, strict=True):
        assert np.mean([run[name] for run in runs]) == pytest.approx(expected, abs=deviation + 1e-9)


def test_importances_of_many_columns_are_those_of_the_columns_that_matter() -> None:
    """Of many columns, each is shuffled once and the 200 that matter most again; calls do not grow without bound."""
    draw = np.random.default_rng(0)
    rows = []

    def predict(columns: Mapping[str, Column], count: int) -> NDArray[np.float64]:
        rows.append(count)
        assert {len(column) for column in columns.values()} == {count}
        assert len(columns) == 400
        share = 1 / (1 + np.exp(-3 * np.asarray(columns["x7"]) - np.asarray(columns["x301"])))
        return np.column_stack([1 - share, share])

    columns: dict[str, Column] = {f"x{number}": draw.normal(size=3000) for number in range(400)}
    labels = (3 * np.asarray(columns["x7"]) + np.asarray(columns["x301"]) > 0).astype(np.int64)
    found = importances(predict, columns, labels, 0)
    assert [name for name, _, _ in found[:2]] == ["x7", "x301"]
    assert {mean for _, mean, _ in found[2:]} == {0.0}
    assert len(found) == 200
    assert sum(rows) <= 1_000_000
    assert max(rows) <= 4096


def test_importances_of_few_rows_shuffle_several_columns_in_a_call() -> None:
    """What columns have side by side is what they have alone: each is shuffled in its own part of the rows."""
    draw = np.random.default_rng(0)
    features = pd.DataFrame(draw.normal(size=(90, 30)), columns=[f"x{number}" for number in range(30)])
    labels = (features["x0"] - features["x29"] > 0).to_numpy().astype(np.int64)
    predict, calls = linear(features, labels), []

    def counted(columns: Mapping[str, Column], count: int) -> Any:
        calls.append(count)
        return predict(columns, count)

    columns: dict[str, Column] = {str(name): features[name].to_numpy() for name in features}
    together = {name: change for name, change, _ in importances(counted, columns, labels, 0)}
    assert len(calls) == 1 + 4
    orders = np.random.default_rng(0)
    for order in [orders.permutation(90) for _ in range(5)][:1]:
        shuffled = {**columns, "x0": np.asarray(columns["x0"])[order]}
        change = log_loss(labels, predict(shuffled, 90)) - log_loss(labels, predict(columns, 90))
        assert together["x0"] == pytest.approx(change, rel=0.5)


@pytest.mark.parametrize(
    ("rows", "columns", "used"),
    [(100, 3, 100), (20_000, 3, 2000), (20_000, 100, 2000), (20_000, 400, 500), (20_000, 5000, 200), (60, 5000, 60)],
)
def test_importances_use_fewer_rows_where_there_are_many_columns(rows: int, columns: int, used: int) -> None:
    """At most 2,000 rows are shuffled, fewer with more than 100 columns, and 200 in any case."""
    assert rows_used(rows, columns) == used


def test_slices_of_dates_reach_to_the_ends_of_the_calendar() -> None:
    """A date that stands for no end, such as 9999-12-31, is one like others."""
    days = pd.Series(pd.to_datetime([0.0, 253402214400.0] * 30, unit="s"))
    assert [name for name, _ in slices_of(days)] == ["1970-01-01", "9999-12-31"]
