"""The findings on a set, a slice, the latency and the gates: each at its limit and beside it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from classification_model.comparison import SharedRows, compare, features_of, outcome_of, verdict
from classification_model.comparison.findings import (
    Findings,
    judge_former_world,
    judge_gates,
    judge_latency,
    judge_set,
    judge_slices,
)
from classification_model.comparison.paired import Difference, PairedAccuracy
from classification_model.comparison.shared_rows import SetComparison, compare_set
from classification_model.comparison.shared_rows import _finding as finding_of_set
from classification_model.comparison.slices import SliceComparison, compare_slices
from classification_model.comparison.slices import _finding as finding_of_slice
from classification_model.comparison.verdict import Comparison
from classification_model.config.sections import PromotionConfig
from classification_model.errors import DataError
from classification_model.evaluation.metrics import Outcome
from classification_model.predict import Predictor, packaged_predictor

LIMITS = PromotionConfig(p_value=0.05, margin=0.25, minimum_count=100)
NONE = Difference(0.0, -0.125, 0.125)
SMALLER = Difference(-0.25, -0.5, -0.125)
EVIDENCE = (
    "of 400 rows only the challenger has 30 right and only the champion 10 (McNemar p = 0.01), log loss changes by "
    "-0.2500 (-0.5000 to -0.1250)"
)


def accuracy(**changes: Any) -> PairedAccuracy:
    """Make the accuracy of both models: the challenger is better, and surely not worse."""
    members: dict[str, Any] = {
        "rows": 400, "gained": 30, "lost": 10, "p_value": 0.01, "difference": Difference(0.05, 0.01, 0.09),
        "loss_p_value": 0.001, "smallest": 0.125,
    }  # fmt: skip
    return PairedAccuracy(**members | changes)


def a_set(
    finding: Any = "better",
    *,
    rows: int = 400,
    log_loss: Difference = SMALLER,
    brier: Difference = NONE,
    calibration: Difference = NONE,
    challenger: dict[str, float] | None = None,
    **changes: Any,
) -> SetComparison:
    """Make the result of a set."""
    return SetComparison(
        name="recent",
        rows=rows,
        finding=finding,
        decides=True,
        champion={},
        challenger=challenger or {},
        accuracy=accuracy(rows=rows, **changes),
        differences={"log_loss": log_loss, "brier": brier, "calibration_error": calibration, "roc_auc": NONE},
    )


def found_of(result: SetComparison) -> Findings:
    """Judge a set that can speak for the challenger."""
    found = Findings()
    judge_set(result, LIMITS, found)
    return found


# A set


def test_a_set_says_what_was_found_and_on_what_evidence() -> None:
    """Worse rejects; better and as good are merits; too few rows are an obstacle, and all that is said."""
    assert found_of(a_set("worse")) == Findings(
        rejections=[f"recent: the challenger is significantly worse: {EVIDENCE}"]
    )
    assert found_of(a_set("better")) == Findings(merits=[f"recent: the challenger is significantly better: {EVIDENCE}"])
    assert found_of(a_set("as good")) == Findings(
        merits=[
            "recent: the challenger is not inferior by more than the margin of 0.25 accuracy (p = 0.001): " + EVIDENCE
        ]
    )
    worse = Difference(0.5, 0.4, 0.6)
    assert found_of(a_set("too few rows", rows=99, brier=worse, loss_p_value=0.9)) == Findings(
        obstacles=[
            "recent: too few rows to tell, 99 (minimum 100); a difference in accuracy below 0.125 is not detectable"
        ]
    )


@pytest.mark.parametrize(
    ("finding", "p_value", "is_told"),
    [
        ("undecided", 0.05, True),
        ("undecided", 0.0499, False),
        ("too small to tell", 0.05, True),
        ("better", 0.05, True),
        ("better", 0.0499, False),
        ("worse", 0.9, False),
        ("as good", 0.9, False),
    ],
)
def test_a_loss_of_more_than_the_margin_is_an_obstacle_from_the_limit_on(
    finding: str, p_value: float, is_told: bool
) -> None:
    """The p-value that equals the limit rules nothing out; of what is worse or as good, the loss is told already."""
    obstacles = found_of(a_set(finding, loss_p_value=p_value)).obstacles
    expected = (
        f"recent: undecided whether the challenger loses more accuracy than the margin of 0.25 (p = {p_value:.2g}): "
        f"{EVIDENCE}; on 400 rows the smallest detectable difference is 0.125"
    )
    assert obstacles == ([expected] if is_told else [])


@pytest.mark.parametrize(("smallest", "what"), [(0.25, "undecided"), (0.2501, "too few rows to tell")])
def test_rows_are_too_few_where_the_margin_is_not_detectable(smallest: float, what: str) -> None:
    """A smallest difference that equals the margin is small enough."""
    (obstacle,) = found_of(a_set("undecided", loss_p_value=0.5, smallest=smallest)).obstacles
    assert obstacle.startswith(f"recent: {what} whether ")


@pytest.mark.parametrize(
    ("metric", "words"), [("brier", "the Brier score"), ("calibration", "the expected calibration error")]
)
def test_a_calibration_beyond_the_margin_is_an_obstacle_and_a_reason_to_reject_where_it_is_sure(
    metric: str, words: str
) -> None:
    """A change, or the end of its interval, that equals the margin is not beyond it."""
    equal: Any = {metric: Difference(0.25, 0.125, 0.5)}
    assert found_of(a_set(**equal)).obstacles == []
    beyond: Any = {metric: Difference(0.375, 0.25, 0.5)}
    found = found_of(a_set(**beyond))
    text = f"recent: {words} is larger by 0.375 (0.250 to 0.500), more than the margin of 0.25"
    assert (found.obstacles, found.rejections) == ([text], [])
    sure: Any = {metric: Difference(0.375, 0.3125, 0.5)}
    found = found_of(a_set(**sure))
    text = f"recent: {words} is larger by 0.375 (0.312 to 0.500), significantly more than the margin of 0.25"
    assert (found.obstacles, found.rejections) == ([], [text])


@pytest.mark.parametrize(
    ("changes", "log_loss", "expected"),
    [
        ({"rows": 99}, NONE, "too few rows"),
        ({"rows": 100}, NONE, "better"),
        ({"p_value": 0.0499}, NONE, "better"),
        ({"p_value": 0.05}, NONE, "as good"),
        ({"gained": 10, "lost": 30}, NONE, "worse"),
        ({"gained": 10, "lost": 30, "p_value": 0.05}, NONE, "as good"),
        ({"gained": 10}, NONE, "as good"),
        ({"p_value": 0.5}, Difference(0.1, 0.0, 0.2), "as good"),
        ({"p_value": 0.5}, Difference(0.1, 0.001, 0.2), "worse"),
        ({"p_value": 0.5}, Difference(-0.1, -0.2, 0.0), "as good"),
        ({"p_value": 0.5}, Difference(-0.1, -0.2, -0.001), "better"),
        ({}, Difference(0.1, 0.001, 0.2), "worse"),
        ({"gained": 10, "lost": 30}, Difference(-0.1, -0.2, -0.001), "worse"),
        ({"p_value": 0.5, "loss_p_value": 0.0499}, NONE, "as good"),
        ({"p_value": 0.5, "loss_p_value": 0.05}, NONE, "undecided"),
        ({"p_value": 0.5, "loss_p_value": 0.05, "smallest": 0.25}, NONE, "undecided"),
        ({"p_value": 0.5, "loss_p_value": 0.05, "smallest": 0.2501}, NONE, "too small to tell"),
    ],
)
def test_the_finding_on_a_set_changes_at_its_limits(
    changes: dict[str, Any], log_loss: Difference, expected: str
) -> None:
    """A p-value must be below the limit, an interval must exclude 0, and worse outweighs better."""
    assert finding_of_set(accuracy(**changes), log_loss, LIMITS) == expected


def test_a_set_is_compared_by_the_limits_of_the_config() -> None:
    """Its margin and p-value give the intervals and the test of a loss; it decides unless it may not."""
    shared = _a_pair(200, 30, 5)
    strict = compare_set(shared, PromotionConfig(p_value=0.01, margin=0.01), random_state=3)
    lax = compare_set(shared, PromotionConfig(p_value=0.2, margin=0.2), decides=False, random_state=3)
    assert (strict.decides, lax.decides) == (True, False)
    assert compare_set(shared, PromotionConfig(p_value=0.01, margin=0.01), random_state=3) == strict
    assert compare_set(shared, PromotionConfig(p_value=0.01, margin=0.01), random_state=0) == compare_set(
        shared, PromotionConfig(p_value=0.01, margin=0.01)
    )
    assert strict.accuracy.loss_p_value > lax.accuracy.loss_p_value
    assert strict.accuracy.difference.low < lax.accuracy.difference.low
    assert strict.differences["log_loss"].low < lax.differences["log_loss"].low
    assert (strict.name, strict.rows, strict.finding) == ("recent", 200, "better")
    assert strict.challenger["accuracy"] - strict.champion["accuracy"] == pytest.approx(25 / 200)


# The hold-out, where the data has changed


def former_of(result: SetComparison) -> Findings:
    """Judge a hold-out that can only speak against the challenger."""
    found = Findings()
    judge_former_world(result, LIMITS, found)
    return found


WORSE: dict[str, Any] = {"gained": 10, "lost": 30}


@pytest.mark.parametrize(
    ("result", "is_worse"),
    [
        (a_set("worse"), True),
        (a_set("too few rows", **WORSE), True),
        (a_set("too few rows", **WORSE, p_value=0.05), False),
        (a_set("too few rows", gained=10, lost=10), False),
        (a_set("too few rows"), False),
        (a_set("too few rows", rows=20, log_loss=Difference(0.2, 0.001, 0.3)), True),
        (a_set("too few rows", rows=19, log_loss=Difference(0.2, 0.001, 0.3)), False),
        (a_set("too few rows", rows=20, log_loss=Difference(0.2, 0.0, 0.3)), False),
        (a_set("undecided", **WORSE), False),
        (a_set("undecided", log_loss=Difference(0.2, 0.001, 0.3)), False),
    ],
)
def test_a_holdout_of_few_rows_prevents_a_promotion_where_it_is_surely_worse(
    result: SetComparison, is_worse: bool
) -> None:
    """By McNemar's test of any number of rows, and by the interval of the log loss of 20 rows or more."""
    found = former_of(result)
    assert len(found.obstacles) == is_worse
    assert len(found.remarks) == (not is_worse)
    assert found.rejections == found.merits == []
    text = "recent: the challenger is significantly worse on the held-out rows; the newest predictions do not outweigh "
    assert all(obstacle.startswith(text) for obstacle in found.obstacles)


def test_a_holdout_that_loses_exactly_the_margin_is_remarked_on() -> None:
    """More than the margin is an obstacle, whether it is significant or not."""
    equal = former_of(a_set("undecided", difference=Difference(-0.25, -0.5, 0.1)))
    assert equal == Findings(
        remarks=[
            "recent: on older data the challenger loses no more accuracy than the margin of 0.25: " + EVIDENCE,
        ]
    )
    beyond = former_of(a_set("undecided", difference=Difference(-0.2501, -0.5, 0.1)))
    assert beyond == Findings(
        obstacles=[
            (
                "recent: the held-out rows and the newest predictions contradict each other, as the challenger loses "
                f"more accuracy than 0.25 on the former: a person has to decide: {EVIDENCE}"
            )
        ]
    )
    few = former_of(a_set("too few rows", rows=99, difference=Difference(-0.5, -0.6, 0.1)))
    assert few == Findings(remarks=["recent: too few rows to tell the loss of accuracy on older data: 99"])


# Slices, latency, gates


def a_slice(value: str, finding: Any, **changes: Any) -> SliceComparison:
    """Make the result of a slice."""
    return SliceComparison("recent", "group", value, accuracy(rows=50, **changes), 0.04, finding)


def slices_found(slices: list[SliceComparison]) -> Findings:
    found = Findings()
    judge_slices(slices, found)
    return found


def test_a_slice_is_told_with_its_figures() -> None:
    """A worse one rejects, a doubtful one is an obstacle; what follows them is told too."""
    loss: dict[str, Any] = {"difference": Difference(-0.3, -0.5, -0.1), "gained": 1, "lost": 16, "p_value": 0.002}
    slices = [a_slice("a", "as good"), a_slice("b", "worse", **loss), a_slice("c", "doubtful", **loss)]
    text = "accuracy changes by -0.300 on 50 rows, 1 gained and 16 lost (p = 0.002, among 3 slices 0.04)"
    assert slices_found(slices) == Findings(
        rejections=[f"significantly worse on a slice: recent: group b: {text}"],
        obstacles=[f"doubtful on a slice: recent: group c: {text}"],
    )
    assert slices_found([]) == Findings()


@pytest.mark.parametrize("count", [1, 8, 9, 11])
def test_eight_slices_of_too_few_rows_are_named(count: int) -> None:
    """The others are counted."""
    slices = [a_slice(f"v{number}", "too few rows to tell") for number in range(count)]
    names = ", ".join(f"recent: group v{number} (50)" for number in range(min(count, 8)))
    more = f" and {count - 8} more" if count > 8 else ""
    text = f"too few rows to tell on {count} of {count + 1} slices: {names}{more}"
    assert slices_found([*slices, a_slice("b", "as good")]) == Findings(remarks=[text])


@pytest.mark.parametrize(
    ("value", "p_value", "adjusted", "loss_p_value", "expected"),
    [
        (-0.26, 0.0499, 0.0499, 0.9, "worse"),
        (-0.26, 0.0499, 0.05, 0.9, "doubtful"),
        (-0.26, 0.05, 0.05, 0.9, "too few rows to tell"),
        (-0.25, 0.01, 0.01, 0.9, "too few rows to tell"),
        (-0.25, 0.01, 0.01, 0.0499, "as good"),
        (-0.25, 0.01, 0.01, 0.05, "too few rows to tell"),
        (0.26, 0.01, 0.01, 0.01, "as good"),
    ],
)
def test_the_finding_on_a_slice_changes_at_its_limits(
    value: float, p_value: float, adjusted: float, loss_p_value: float, expected: str
) -> None:
    """A loss must be more than the margin, and a p-value below the limit, before and after Holm's correction."""
    found = accuracy(difference=Difference(value, -0.5, 0.5), p_value=p_value, loss_p_value=loss_p_value)
    assert finding_of_slice(found, adjusted, LIMITS) == expected


def _a_pair(rows: int, gained: int, lost: int, **features: Any) -> SharedRows:
    """Make rows of which the challenger alone has the first right, and the champion alone the next."""
    truth = np.arange(rows) % 2

    def outcome(right: np.ndarray[Any, Any]) -> Outcome:
        positive = np.where((truth == 1) == right, 0.75, 0.25)
        return Outcome(("no", "yes"), truth, np.column_stack([1 - positive, positive]))

    number = np.arange(rows)
    columns = pd.DataFrame(features or {"size": np.zeros(rows)})
    is_lost = (number >= gained) & (number < gained + lost)
    return SharedRows("recent", outcome(number >= gained), outcome(~is_lost), columns)


def test_slices_of_twenty_rows_are_compared_and_smaller_ones_are_not() -> None:
    """Each by the rows of its own, with Holm's correction for all of them."""
    groups = np.array(["a"] * 20 + ["b"] * 19 + ["c"] * 61, dtype=object)
    shared = _a_pair(100, 12, 2, group=groups)
    limits = PromotionConfig(margin=0.02, p_value=0.1)
    first, second = compare_slices([shared], limits)
    assert (first.rows_of, first.feature, first.value, second.value) == ("recent", "group", "a", "c")
    assert (first.accuracy.rows, first.accuracy.gained, first.accuracy.lost) == (20, 12, 2)
    assert (second.accuracy.rows, second.accuracy.gained, second.accuracy.lost) == (61, 0, 0)
    assert first.adjusted_p_value == pytest.approx(2 * first.accuracy.p_value)
    assert second.adjusted_p_value == 1.0
    other = compare_slices([shared], PromotionConfig(margin=0.5, p_value=0.01))[0].accuracy
    assert other.loss_p_value < first.accuracy.loss_p_value
    assert other.difference.low < first.accuracy.difference.low
    assert compare_slices([_a_pair(19, 1, 1)], limits) == ()


@pytest.mark.parametrize(("now", "is_slow"), [(5.0, False), (5.001, True)])
def test_the_latency_may_reach_its_limit(now: float, is_slow: bool) -> None:
    """It is told either way."""
    found = Findings()
    judge_latency((2.5, now), LIMITS, found)
    text = f"predicting a row takes the challenger {now:.3g} ms and the champion 2.5 ms (maximum 5 ms)"
    assert (found.rejections, found.merits) == (([text], []) if is_slow else ([], [text]))


def test_a_gate_is_reached_by_its_limit() -> None:
    """An accuracy must be at least as high, a loss at most; all gates that are missed are told."""
    found = Findings()
    reached = {"accuracy": 0.75, "log_loss": 0.5, "roc_auc": 0.8}
    judge_gates(a_set(challenger=reached), {"accuracy": 0.75, "log_loss": 0.5, "roc_auc": 0.7}, found)
    assert found == Findings()
    judge_gates(a_set(challenger=reached), {"accuracy": 0.7501, "roc_auc": 0.7, "log_loss": 0.4999}, found)
    assert found == Findings(
        rejections=[
            "the challenger misses a gate: accuracy is 0.7500, expected at least 0.7501",
            "the challenger misses a gate: log_loss is 0.5000, expected at most 0.4999",
        ]
    )
    found = Findings()
    judge_gates(None, {"accuracy": 0.5, "roc_auc": 0.5}, found)
    assert found == Findings(
        obstacles=[
            "the gate accuracy cannot be checked without a hold-out",
            "the gate roc_auc cannot be checked without a hold-out",
        ]
    )


# The verdict


def test_a_verdict_is_text_with_reasons_sets_and_slices() -> None:
    """The first line names both versions, the last one counts the findings on slices in the order of the alphabet."""
    slices = [a_slice("a", "worse"), a_slice("b", "as good"), a_slice("c", "as good"), a_slice("d", "doubtful")]
    scores = dict.fromkeys(("accuracy", "log_loss", "roc_auc", "brier", "calibration_error"), 0.5)
    members: dict[str, Any] = {
        "verdict": "hold", "reasons": ("one", "two"), "champion": "1.0", "challenger": "1.1", "world_changed": True,
        "limits": {}, "gates": {}, "sets": (), "slices": tuple(slices), "champion_latency_ms": 1.0,
        "challenger_latency_ms": 2.0,
    }  # fmt: skip
    changed = (
        "- the data has changed: the newest labelled predictions decide; the hold-out can prevent a promotion, but not "
        "support it"
    )
    head = ["hold: 1.1 against 1.0", "- one", "- two"]
    assert Comparison(**members).to_text().split("\n") == [
        *head, changed, "", "4 slices: 2 as good, 1 doubtful, 1 worse",
    ]  # fmt: skip
    result = a_set("as good", challenger=scores)
    result.champion.update(scores)
    text = Comparison(**members | {"world_changed": False, "slices": (), "sets": (result, result)}).to_text()
    assert text.split("\n") == [
        *head,
        *[
            "",
            "recent, 400 rows: as good",
            "                      champion challenger difference   interval",
            "  accuracy              0.5000     0.5000    +0.0500   +0.0100 to +0.0900",
            "  log_loss              0.5000     0.5000    -0.2500   -0.5000 to -0.1250",
            "  roc_auc               0.5000     0.5000    +0.0000   -0.1250 to +0.1250",
            "  brier                 0.5000     0.5000    +0.0000   -0.1250 to +0.1250",
            "  calibration_error     0.5000     0.5000    +0.0000   -0.1250 to +0.1250",
            "  30 gained, 10 lost, McNemar p = 0.01; the smallest detectable difference in accuracy is 0.125",
        ]
        * 2,
    ]


def test_a_comparison_says_what_it_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """Versions, limits, gates and latencies; the seed of the bootstrap is 0 unless another is given."""
    seeds: list[int] = []

    def noted(*args: Any, random_state: int, **options: Any) -> SetComparison:
        seeds.append(random_state)
        return compare_set(*args, random_state=random_state, **options)

    monkeypatch.setattr(verdict, "compare_set", noted)
    shared = _a_pair(120, 20, 2)
    given: dict[str, Any] = {"champion": "1.0", "challenger": "1.1", "latency_ms": (1.5, 2.5)}
    found = compare([shared], LIMITS, **given)
    other = compare([shared], LIMITS, **given, random_state=8, gates={"accuracy": 0.5}, world_changed=True)
    assert seeds == [0, 8]
    assert (found.champion, found.challenger, found.world_changed, other.world_changed) == ("1.0", "1.1", False, True)
    assert (found.champion_latency_ms, found.challenger_latency_ms) == (1.5, 2.5)
    assert (found.gates, other.gates) == ({}, {"accuracy": 0.5})
    assert found.limits == LIMITS.model_dump(mode="json")
    assert found.sets[0].decides


def test_reasons_stand_in_the_order_of_their_weight() -> None:
    """What rejects comes first, then what prevents, then what speaks for the challenger, then remarks."""
    shared = _a_pair(120, 20, 2, kind=np.array(["rare"] * 25 + ["common"] * 95, dtype=object))
    limits = PromotionConfig(margin=0.3)
    found = compare([shared], limits, champion="1", challenger="2", latency_ms=(1, 9), gates={"f1": 0.1})
    beginnings = [
        "predicting a row takes the challenger 9 ms",
        "the gate f1 cannot be checked",
        "recent: the challenger is significantly better",
    ]
    assert [reason[: len(start)] for reason, start in zip(found.reasons, beginnings, strict=False)] == beginnings
    assert found.verdict == "reject"


def test_what_is_no_set_is_named() -> None:
    """No set, a set twice, or one of another name."""
    shared = _a_pair(120, 20, 2)
    train = SharedRows("train", shared.champion, shared.challenger, shared.features)
    for sets, found in (([], "none"), ([shared, shared], "recent, recent"), ([shared, train], "recent, train")):
        with pytest.raises(DataError, match=f"^expected the sets holdout, recent or both, found {found}$"):
            compare(sets, LIMITS, champion="1", challenger="2", latency_ms=(1, 1))


# What is measured


@pytest.fixture(scope="module")
def predictor(model_folder: object) -> Predictor:
    return packaged_predictor()


def test_rows_that_are_refused_are_named(predictor: Predictor) -> None:
    """With the model, or the schema alone; of unknown labels, the first five in the order of the alphabet."""
    manifest = predictor.manifest
    rows = [manifest.golden_rows[0].inputs] * 7
    who = f"{manifest.name}, version {manifest.version}: "
    with pytest.raises(DataError, match=r"^the schema: 1 of 7 rows to compare on break its input schema, first row 2 "):
        features_of(manifest.input_schema, [*rows[:2], {"nothing": 1}, *rows[3:]])
    with pytest.raises(DataError, match=f"^{who}1 of 7 rows to compare on break its input schema, first row 6 "):
        outcome_of(predictor, [*rows[:6], {"nothing": 1}], [manifest.classes[0]] * 7)
    with pytest.raises(DataError, match=f"^{who}expected labels among died, survived, 0, 1, found a, b, c, d, e$"):
        outcome_of(predictor, rows, list("gfedcba"))
    for labels in ([], ["a"]):
        with pytest.raises(DataError, match=f"^expected one row or more .* found 0 rows and {len(labels)} labels$"):
            outcome_of(predictor, [], labels)
    names = [field.name for field in manifest.input_schema.fields][:2]
    frame = features_of(manifest.input_schema, rows).drop(columns=names)
    with pytest.raises(DataError, match=f"^{who}expected the columns {', '.join(names)} in the rows"):
        outcome_of(predictor, frame, [manifest.classes[0]] * 7)
