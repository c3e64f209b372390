"""The decision to retrain: each rule, at its boundary, and the evidence it gives."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from classification_model.config.sections import MonitoringConfig
from classification_model.monitoring.drift import FeatureDrift
from classification_model.monitoring.performance import Estimate
from classification_model.monitoring.report import MonitoringReport, WindowMetrics
from classification_model.retraining.decision import RetrainingDecision, decide_retraining
from classification_model.runtime.mle.accuracy_rule import verdict, wilson

NOW = datetime(2026, 11, 21, 13, tzinfo=UTC)


def estimate(right: int, count: int) -> Estimate:
    """Make an accuracy of counted labels."""
    low, high = wilson(right, count)
    return Estimate(value=right / count, low=low, high=high, count=count, right=right)


def drift(feature: str, drifted: bool = True) -> FeatureDrift:
    """Make the drift of a feature."""
    return FeatureDrift(
        feature=feature,
        kind="numeric",
        reference_count=900,
        count=500,
        psi=0.31 if drifted else 0.01,
        test="chi2",
        statistic=80.5,
        p_value=1e-9,
        adjusted_p_value=1e-8,
        missing_before=0.1,
        missing_now=0.1,
        drifted=drifted,
    )


def window(right: int, count: int) -> WindowMetrics:
    """Make a window of labelled predictions."""
    accuracy = estimate(right, count) if count else None
    return WindowMetrics(start=NOW, end=NOW, predictions=count, labels=count, accuracy=accuracy)


def report(right: int = 0, labels: int = 0, *, predictions: int = 1000, **fields: Any) -> MonitoringReport:
    """Make a report of so many right predictions among so many labelled ones."""
    given = {"drift": (drift("age", False),), "drifted_share": 0.0, "expected_accuracy": estimate(820, 1000)} | fields
    accuracy = estimate(right, labels) if labels else None
    return MonitoringReport(
        model="Titanic",
        version="1.0.0",
        window="500",
        predictions=predictions,
        labels=labels,
        accuracy=accuracy,
        **given,
    )


def decide(
    found: MonitoringReport,
    *,
    age_days: float = 30,
    retrained_days_ago: float | None = None,
    newest: MonitoringReport | None = None,
    **limits: Any,
) -> RetrainingDecision:
    """Decide on a model of some age."""
    last = None if retrained_days_ago is None else NOW - timedelta(days=retrained_days_ago)
    created = NOW - timedelta(days=age_days)
    return decide_retraining(
        found, MonitoringConfig.model_validate(limits), created=created, now=NOW, last_retrained=last, newest=newest
    )


@given(st.integers(1, 5000).flatmap(lambda count: st.tuples(st.integers(0, count), st.just(count))))
def test_the_interval_is_that_of_statsmodels(counts: tuple[int, int]) -> None:
    """The Wilson interval in closed form equals that of statsmodels."""
    assert wilson(*counts) == pytest.approx(proportion_confint(*counts, method="wilson"), abs=1e-12)


def test_of_no_labels_the_accuracy_may_be_anything() -> None:
    """The interval of no labels is 0 to 1, and what is no count is refused."""
    assert wilson(0, 0) == (0.0, 1.0)
    with pytest.raises(ValueError, match="expected a number of right answers from 0 to 10, found 11"):
        wilson(11, 10)


@given(st.integers(0, 3000), st.integers(0, 3000), st.integers(1, 99), st.integers(1, 300))
def test_more_right_answers_never_speak_for_another_model(right: int, wrong: int, percent: int, minimum: int) -> None:
    """Turning a wrong answer into a right one never moves the verdict from no to wait or yes, or from wait to yes."""
    order = ["yes", "wait", "no"]
    count, floor = right + wrong + 1, percent / 100
    before = verdict(right, count, floor, minimum)
    assert order.index(before) <= order.index(verdict(right + 1, count, floor, minimum))


@pytest.mark.parametrize(
    ("right", "count", "expected"),
    [
        (6, 10, "wait"),
        (0, 99, "wait"),
        (0, 0, "wait"),
        (61, 100, "yes"),
        (62, 100, "wait"),
        (69, 100, "wait"),
        (70, 100, "no"),
        (100, 100, "no"),
    ],
)
def test_accuracy_counts_only_when_its_whole_interval_is_below_the_floor(right: int, count: int, expected: str) -> None:
    """Of 100 labels, 61 right ones are surely below 0.70, 62 may be or not, 70 are not; fewer decide nothing."""
    assert verdict(right, count, 0.70, 100) == expected


def test_a_share_that_equals_the_floor_is_not_below_it() -> None:
    """Floors that binary fractions miss are reached by the same share of right answers."""
    assert all(verdict(percent, 100, percent / 100, 100) == "no" for percent in range(1, 100))


def test_six_right_of_ten_labels_wait() -> None:
    """Ten labels decide nothing: wait, and the reason says how many are needed."""
    found = decide(report(6, 10))
    assert (found.retrain, found.rule) == ("wait", "too-few-labels")
    (reason,) = found.reasons
    assert reason.startswith(
        "6 of 10 labelled predictions are right, an accuracy of 60.0% (31.3% to 83.2%): too few labels"
    )


def test_low_accuracy_asks_for_another_model() -> None:
    """When the upper bound of the interval is below the floor the answer is yes, with the numbers in the evidence."""
    found = decide(report(600, 1000))
    assert (found.retrain, found.rule, found.world_changed) == ("yes", "accuracy", True)
    assert "600 of 1000 labelled predictions are right" in found.reasons[0]
    assert found.evidence["labels"] == 1000
    assert found.evidence["accuracy"]["high"] == pytest.approx(0.6299, abs=1e-4)
    assert found.evidence["accuracy_floor"] == 0.70
    assert found.evidence["fired"] == ["accuracy"]


@pytest.mark.parametrize(
    ("right", "decision", "rule"), [(665, "yes", "accuracy"), (690, "wait", "uncertain-accuracy"), (700, "no", "none")]
)
def test_an_interval_that_straddles_the_floor_waits_below_it_and_is_fine_above(
    right: int, decision: str, rule: str
) -> None:
    """Below the floor by its value alone the accuracy waits for more labels, from the floor on it is no reason."""
    found = decide(report(right, 1000))
    assert (found.retrain, found.rule) == (decision, rule)


def test_a_bad_week_is_not_hidden_by_good_months() -> None:
    """When the newest windows with enough labels are surely below the floor the answer is yes, whatever was before."""
    windows = (window(450, 500),) * 8 + (window(30, 60), window(0, 0), window(28, 60))
    found = decide(report(450 * 8 + 58, 4120, windows=windows))
    assert (found.retrain, found.rule) == ("yes", "recent-accuracy")
    assert (found.evidence["recent_accuracy"]["right"], found.evidence["recent_accuracy"]["count"]) == (58, 120)
    assert decide(report(450 * 8 + 40, 4080, windows=(*windows[:8], window(40, 80)))).rule == "none"


def test_drift_of_enough_features_asks_for_another_model() -> None:
    """At the limit of the share, features that drifted say yes, named with their effect sizes; below it they do not."""
    features = (drift("age"), drift("fare"), drift("sex", False), drift("pclass", False))
    found = decide(report(900, 1000, drift=features, drifted_share=0.5), drift={"share": 0.5})
    assert (found.retrain, found.rule, found.world_changed) == ("yes", "drift", True)
    assert found.reasons == ("2 features drifted, 50% of those tested (limit 50%): age (PSI 0.31), fare (PSI 0.31)",)
    assert found.evidence["drifted_features"][1] == {
        "feature": "fare",
        "psi": 0.31,
        "test": "chi2",
        "statistic": 80.5,
        "adjusted_p_value": 1e-8,
    }
    found = decide(report(900, 1000, drift=features, drifted_share=0.5), drift={"share": 0.51})
    assert (found.retrain, found.rule) == ("no", "none")
    assert len(found.evidence["drifted_features"]) == 2


def test_drift_needs_enough_predictions() -> None:
    """Drift of fewer predictions than the least asks for nothing."""
    few = report(predictions=99, drift=(drift("age"),), drifted_share=1.0, prediction_drift=(drift("yes"),))
    assert (decide(few).retrain, decide(few).rule) == ("wait", "too-few-predictions")
    assert decide(few.model_copy(update={"predictions": 100})).evidence["fired"] == ["drift"]


def test_predictions_that_drift_ask_for_labels() -> None:
    """They may be right, though no feature drifted: while labels are too few to tell, the answer is wait."""
    drifted = (drift("survived"), drift("died", False))
    found = decide(report(9, 10, prediction_drift=drifted))
    assert (found.retrain, found.rule) == ("wait", "prediction-drift")
    assert found.reasons[0].startswith(
        "the predicted probabilities drifted (survived (PSI 0.31)), and there are too few labels"
    )
    assert decide(report(900, 1000, prediction_drift=drifted)).retrain == "no"


def test_drift_is_judged_by_the_newest_predictions() -> None:
    """A long past hides no drift of the present, and a drift that has passed asks for nothing."""
    calm, drifting = report(900, 1000), report(predictions=500, drift=(drift("age"),), drifted_share=1.0)
    assert decide(calm, newest=drifting).rule == "drift"
    assert decide(report(900, 1000, drift=(drift("age"),), drifted_share=1.0), newest=calm).retrain == "no"


@pytest.mark.parametrize(("age", "expected"), [(89.99, "no"), (90, "yes"), (200, "yes")])
def test_a_model_that_is_too_old_is_retrained(age: float, expected: str) -> None:
    """From `max_age_days` on the answer is yes whatever else; age says nothing of the world."""
    found = decide(report(900, 1000), age_days=age, max_age_days=90)
    assert found.retrain == expected
    assert not found.world_changed
    assert found.rule == ("age" if expected == "yes" else "none")


def test_without_a_limit_no_age_is_too_high() -> None:
    """A config that leaves `max_age_days` out lets a model grow old."""
    assert decide(report(900, 1000), age_days=5000).retrain == "no"


@pytest.mark.parametrize(("days", "expected"), [(0, "wait"), (0.99, "wait"), (1, "yes")])
def test_within_the_cooldown_no_other_model_is_asked_for(days: float, expected: str) -> None:
    """What fires within `cooldown_days` of the last retraining, promoted or not, waits, and is told all the same."""
    retrained = report(10, 1000).model_copy(update={"version": "1.0.0+20261120t130000z.0123abcd"})
    for found in (decide(retrained, age_days=days), decide(report(10, 1000), retrained_days_ago=days)):
        assert found.retrain == expected
        assert found.rule == ("cooldown" if expected == "wait" else "accuracy")
        assert "10 of 1000 labelled predictions are right" in found.reasons[-1]
        assert found.evidence["fired"] == ["accuracy"]


def test_a_released_model_that_was_made_just_now_has_no_cooldown() -> None:
    """It was not retrained, and may be wrong from the first day."""
    assert decide(report(10, 1000), age_days=0).retrain == "yes"


def test_the_cooldown_forbids_nothing_where_nothing_fired() -> None:
    """A model that is new and does well is not waited for."""
    assert decide(report(900, 1000), age_days=0).retrain == "no"


def test_without_labels_the_accuracy_is_unknown_and_expected() -> None:
    """Without a label, with enough predictions and no drift, the answer is no, and says what is not known."""
    found = decide(report())
    assert (found.retrain, found.rule) == ("no", "unknown-accuracy")
    (reason,) = found.reasons
    assert reason == (
        "the accuracy is unknown, as there are no labels; from the probabilities it is estimated as 82.0% "
        "(79.5% to 84.3%); drift is below its limit"
    )
    assert decide(report(drifted_share=None)).reasons[0].endswith("; drift is unknown as well")


def test_nothing_is_decided_without_predictions() -> None:
    """An empty log waits."""
    found = decide(report(predictions=0, drift=(), drifted_share=None, expected_accuracy=None))
    assert (found.retrain, found.rule) == ("wait", "too-few-predictions")
    assert found.reasons == ("0 predictions (minimum 100), without labels",)


def test_a_model_of_the_future_is_named_and_waits() -> None:
    """A model that was made after now tells of a wrong clock: what fires waits, and what does not says so, too."""
    found = decide(report(10, 1000), age_days=-2)
    assert (found.retrain, found.rule) == ("wait", "clock")
    assert found.reasons[0] == "the last model was made 2 days in the future, so its age is unknown: correct the clocks"
    found = decide(report(900, 1000), age_days=-2)
    assert (found.retrain, found.rule) == ("no", "none")
    assert "correct the clocks" in found.reasons[1]


def test_all_that_fired_is_told_the_strongest_first() -> None:
    """Accuracy, drift and age together are three reasons, of which accuracy is the rule."""
    found = decide(report(10, 1000, drift=(drift("age"),), drifted_share=1.0), max_age_days=30)
    assert found.rule == "accuracy"
    assert found.evidence["fired"] == ["accuracy", "drift", "age"]
    assert len(found.reasons) == 3


def test_a_decision_is_json() -> None:
    """The decision with all its evidence is made of values that JSON knows."""
    content = decide(report(600, 1000, drift=(drift("age"),), drifted_share=1.0)).as_dict()
    assert list(content) == ["retrain", "rule", "reasons", "evidence"]
    assert content["evidence"]["created"] == "2026-10-22T13:00:00+00:00"
