"""Curves by threshold and the gain, held against scikit-learn's metrics and counts."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score

from classification_model.evaluation.metrics import Outcome
from classification_model.evaluation.threshold_curve import COST_RATIOS, cost_curves, gain_curve, threshold_curve
from classification_model.runtime.inference.classes import decide


def simulated(rows: int = 400, seed: int = 0) -> Outcome:
    """Draw two classes and probabilities with ties, 0 and 1 among them."""
    draw = np.random.default_rng(seed)
    truth = (draw.random(rows) < 0.3).astype(np.int64)
    scores = np.clip(draw.normal(0.35 + 0.3 * truth, 0.25), 0, 1).round(2)
    return Outcome(("no", "yes"), truth, np.column_stack([1 - scores, scores]))


def test_metrics_by_threshold_are_those_of_scikit_learn() -> None:
    """At each threshold the metrics are scikit-learn's of the decisions with it."""
    outcome = simulated()
    curve = threshold_curve(outcome)
    assert curve.thresholds[[0, 48, 100]].tolist() == [0, 0.48, 1]
    for place, threshold in enumerate(curve.thresholds):
        predicted = decide(outcome.probabilities, threshold)
        assert curve.accuracy[place] == pytest.approx(accuracy_score(outcome.truth, predicted))
        assert curve.recall[place] == pytest.approx(recall_score(outcome.truth, predicted))
        assert curve.f1[place] == pytest.approx(f1_score(outcome.truth, predicted))
        assert curve.predicted_share[place] == pytest.approx(predicted.mean())
        if predicted.any():
            assert curve.precision[place] == pytest.approx(precision_score(outcome.truth, predicted))


def test_without_predictions_there_is_no_precision() -> None:
    """Where no row is predicted positive, precision is not a number; without positives nothing fails."""
    outcome = Outcome(("no", "yes"), np.zeros(4, dtype=np.int64), np.full((4, 2), 0.5))
    curve = threshold_curve(outcome)
    assert np.isnan(curve.precision[curve.thresholds > 0.5]).all()
    assert (curve.precision[curve.thresholds <= 0.5] == 0).all()
    assert (curve.recall == 0).all()
    assert gain_curve(outcome).found_at(1.0) == 0


def test_costs_are_the_mean_cost_of_the_errors() -> None:
    """The cheaper error costs 1 and the other one its ratio; the dearer a miss, the lower the best threshold."""
    outcome = simulated()
    curve = threshold_curve(outcome)
    found = cost_curves(curve)
    assert tuple(one.ratio for one in found) == COST_RATIOS
    predicted = decide(outcome.probabilities, 0.4)
    missed = float(((outcome.truth == 1) & (predicted == 0)).mean())
    false_alarms = float(((outcome.truth == 0) & (predicted == 1)).mean())
    assert [one.costs[40] for one in found] == pytest.approx(
        [missed + 5 * false_alarms, missed + false_alarms, 5 * missed + false_alarms]
    )
    thresholds = [one.best_threshold for one in found]
    assert thresholds == sorted(thresholds, reverse=True)
    assert len(set(thresholds)) == 3
    for one in found:
        assert one.best_cost == one.costs.min() == one.costs[round(100 * one.best_threshold)]


def test_the_gain_is_the_share_of_positives_found() -> None:
    """Among the rows of the highest probabilities are so many of the positives; a sure model finds all at once."""
    outcome = simulated()
    curve = gain_curve(outcome)
    ends = np.flatnonzero(np.diff(np.sort(-outcome.probabilities[:, 1]), append=np.inf))
    order = np.argsort(-outcome.probabilities[:, 1], kind="stable")
    for end in ends:
        share = (end + 1) / len(order)
        if share in curve.contacted:
            found = outcome.truth[order][: end + 1].sum() / outcome.truth.sum()
            assert curve.found_at(share) == pytest.approx(found)
    assert (np.diff(curve.found) >= -1e-12).all()
    assert (curve.found[0], curve.found[-1]) == (0, 1)
    sure = Outcome(outcome.classes, outcome.truth, np.eye(2)[outcome.truth])
    assert gain_curve(sure).found_at(0.5) == pytest.approx(1)
    assert gain_curve(sure).positives == outcome.truth.mean()


def test_equal_probabilities_gain_nothing() -> None:
    """A model that says the same of every row finds as many positives as there are rows, whatever their order."""
    outcome = Outcome(("no", "yes"), np.array([1, 1, 0, 0, 0]), np.full((5, 2), 0.5))
    np.testing.assert_allclose(gain_curve(outcome).found, gain_curve(outcome).contacted)
