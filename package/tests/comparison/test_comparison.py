"""Champion against challenger: the statistics, and the verdict that follows from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import binomtest
from sklearn.metrics import log_loss, roc_auc_score

from classification_model.comparison import Comparison, SharedRows, compare, features_of, latency_of, outcome_of, paired
from classification_model.comparison.metric_lines import table
from classification_model.comparison.paired import paired_accuracy, paired_differences, scores_of
from classification_model.comparison.slices import compare_slices
from classification_model.config.sections import PromotionConfig
from classification_model.errors import DataError
from classification_model.evaluation.metrics import Outcome, resamples
from classification_model.monitoring.performance import calibrate
from classification_model.predict import Predictor
from classification_model.runtime.input.checking import check_rows

pytestmark = pytest.mark.slow


LABELS = ("no", "yes")
LIMITS = PromotionConfig()


def outcome_where(right: NDArray[np.bool_], confidence: float = 0.75) -> Outcome:
    """Make predictions of one confidence, right on some rows, of a truth that alternates."""
    truth = np.arange(len(right)) % 2
    chosen = np.where(right, confidence, 1 - confidence)
    positive = np.where(truth == 1, chosen, 1 - chosen)
    return Outcome(LABELS, truth.astype(np.int64), np.column_stack([1 - positive, positive]))


def pair(name: str, rows: int, gained: int, lost: int, *, group: str = "spread") -> SharedRows:
    """Make a set of rows, three of four of which the champion has right; what the challenger changes is counted.

    Rows are of two groups, ``a`` and ``b``. Changes are spread over both, or what is lost is all in ``b`` and what is
    gained in ``a``.
    """
    champion = np.arange(rows) % 4 != 0
    challenger = champion.copy()
    wrong, right = np.flatnonzero(~champion), np.flatnonzero(champion)
    groups = np.where(np.arange(rows) < rows * 0.8, "a", "b").astype(object)
    if group == "b":
        wrong, right = wrong[groups[wrong] == "a"], right[groups[right] == "b"]
    draw = np.random.default_rng(rows)
    challenger[draw.choice(wrong, gained, replace=False)] = True
    challenger[draw.choice(right, lost, replace=False)] = False
    features = pd.DataFrame({"group": groups})
    return SharedRows(name, outcome_where(champion), outcome_where(challenger), features)


def simulated(rows: int, seed: int, champion: float, challenger: float, name: str = "recent") -> SharedRows:
    """Draw rows that two models see through noise of some strength."""
    draw = np.random.default_rng(seed)
    logit = 2 * draw.normal(size=rows)
    truth = (draw.random(rows) < 1 / (1 + np.exp(-logit))).astype(np.int64)

    def seen(noise: float) -> Outcome:
        positive = 1 / (1 + np.exp(-logit - noise * draw.normal(size=rows)))
        return Outcome(LABELS, truth, np.column_stack([1 - positive, positive]))

    features = pd.DataFrame({"size": draw.normal(size=rows), "flag": draw.integers(0, 2, rows).astype(float)})
    return SharedRows(name, seen(champion), seen(challenger), features)


def judge(*sets: SharedRows, limits: PromotionConfig = LIMITS, latency: float = 0.5, **options: Any) -> Comparison:
    """Compare version 2 with version 1."""
    return compare(sets, limits, champion="1", challenger="2", latency_ms=(0.5, latency), **options)


# The statistics


@given(st.integers(0, 40), st.integers(0, 40), st.integers(1, 60))
def test_disagreements_are_tested_as_coins_are(gained: int, lost: int, rest: int) -> None:
    """McNemar's exact test is the binomial test of the disagreements, and the difference is their balance."""
    rows = gained + lost + rest
    champion, challenger = np.ones((2, rows), dtype=bool)
    champion[:gained] = False
    challenger[gained : gained + lost] = False
    found = paired_accuracy(champion, challenger, margin=0.03, p_value=0.05)
    expected = binomtest(gained, gained + lost).pvalue if gained + lost else 1.0
    assert found.p_value == pytest.approx(expected)
    assert (found.gained, found.lost, found.difference.value) == (gained, lost, (gained - lost) / rows)
    assert found.difference.low < found.difference.high


def test_the_interval_of_the_accuracy_covers_the_true_difference() -> None:
    """Of intervals of 95%, about 95% hold the true difference, of 60 rows as of 500."""
    draw = np.random.default_rng(0)
    for rows in (60, 500):
        covered = 0
        for _ in range(400):
            kinds = draw.choice(3, rows, p=[0.8, 0.12, 0.08])  # as good, gained, lost
            found = paired_accuracy(kinds != 1, kinds != 2, margin=0.03, p_value=0.05).difference
            covered += found.low <= 0.04 <= found.high
        assert 0.92 <= covered / 400 <= 0.99


def test_a_loss_of_the_margin_is_called_no_loss_no_more_often_than_allowed() -> None:
    """Of challengers that lose exactly the margin about one in twenty passes for not inferior at p = 0.05."""
    draw = np.random.default_rng(1)
    passed = 0
    for _ in range(1000):
        kinds = draw.choice(3, 600, p=[0.89, 0.04, 0.07])
        passed += paired_accuracy(kinds != 1, kinds != 2, margin=0.03, p_value=0.05).loss_p_value < 0.05
    assert 0.03 <= passed / 1000 <= 0.07


def test_the_smallest_difference_is_seen_in_four_of_five_sets() -> None:
    """A difference as large as is said to be visible makes McNemar's test significant in about four of five sets."""
    draw = np.random.default_rng(2)
    probe = draw.choice(3, 1000, p=[0.9, 0.05, 0.05])
    smallest = paired_accuracy(probe != 1, probe != 2, margin=0.03, p_value=0.05).smallest
    assert 0.02 < smallest < 0.04
    shares = [0.9, 0.05 + smallest / 2, 0.05 - smallest / 2]
    seen = 0
    for _ in range(400):
        kinds = draw.choice(3, 1000, p=shares)
        seen += paired_accuracy(kinds != 1, kinds != 2, margin=0.03, p_value=0.05).p_value < 0.05
    assert 0.7 <= seen / 400 <= 0.9


def test_differences_are_those_of_scikit_learn_and_intervals_hold_them() -> None:
    """Differences of log loss and ROC AUC are those of scikit-learn, each inside its interval."""
    shared = simulated(400, 3, 1.5, 0.2)
    found = paired_differences(shared, p_value=0.05, random_state=0)
    one, other = shared.champion, shared.challenger
    truth = one.truth
    assert found["log_loss"].value == pytest.approx(
        log_loss(truth, other.probabilities) - log_loss(truth, one.probabilities)
    )
    assert found["roc_auc"].value == pytest.approx(
        roc_auc_score(truth, other.probabilities[:, 1]) - roc_auc_score(truth, one.probabilities[:, 1])
    )
    for change in found.values():
        assert change.low < change.value < change.high


def test_rows_are_drawn_for_both_models_at_once() -> None:
    """The interval of the log loss is the paired one, far narrower than of models that were resampled on their own."""
    shared = simulated(1000, 4, 0.30, 0.31)
    change = paired_differences(shared, p_value=0.05, random_state=0)["log_loss"]
    rows = np.arange(1000)
    losses = [-np.log(one.probabilities[rows, one.truth]) for one in (shared.champion, shared.challenger)]
    deviation = np.std(losses[1] - losses[0]) / np.sqrt(1000)
    assert change.high - change.low == pytest.approx(2 * 1.96 * deviation, rel=0.1)
    on_their_own = np.sqrt(np.var(losses[0]) + np.var(losses[1])) / np.sqrt(1000)
    assert change.high - change.low < 2 * 1.96 * on_their_own / 3


def test_many_rows_take_fewer_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many rows, intervals come from 200 resamples, and are those of the normal distribution all the same."""
    drawn: list[int] = []

    def counted(rows: int, random_state: int, count: int) -> Iterator[NDArray[np.float64]]:
        drawn.append(count)
        return resamples(rows, random_state, count)

    monkeypatch.setattr(paired, "resamples", counted)
    monkeypatch.setattr(paired, "_MOST_DRAWN", 60_000)
    shared = simulated(500, 5, 0.5, 0.6)
    change = paired_differences(shared, p_value=0.05, random_state=0)["log_loss"]
    rows = np.arange(500)
    losses = [-np.log(one.probabilities[rows, one.truth]) for one in (shared.champion, shared.challenger)]
    assert drawn == [200]
    assert change.high - change.low == pytest.approx(3.92 * np.std(losses[1] - losses[0]) / np.sqrt(500), rel=0.2)


@given(st.integers(0, 10**6), st.integers(2, 3), st.integers(5, 60))
@settings(max_examples=30)
def test_the_calibration_error_is_that_of_monitoring(seed: int, classes: int, rows: int) -> None:
    """The expected calibration error of a comparison is the one that monitoring reports, and the bins that it shows."""
    draw = np.random.default_rng(seed)
    truth = draw.integers(0, classes, rows)
    truth[:classes] = range(classes)
    outcome = Outcome(
        ("a", "b", "c")[:classes], truth, draw.dirichlet(np.ones(classes), rows), 0.4 if classes == 2 else None
    )
    bins, error = calibrate(outcome, outcome.predicted)
    shown = sum(one.count * abs(one.actual - one.predicted) for one in bins) / rows
    assert scores_of(outcome)["calibration_error"] == error == pytest.approx(shown)


@given(st.integers(0, 10**6), st.floats(0, 2), st.floats(0, 2))
@settings(max_examples=5)
def test_swapping_the_models_mirrors_every_difference(seed: int, champion: float, challenger: float) -> None:
    """With champion and challenger exchanged every difference and interval changes its sign, and no p-value changes."""
    shared = simulated(60, seed, champion, challenger)
    swapped = SharedRows(shared.name, shared.challenger, shared.champion, shared.features)
    limits = PromotionConfig(minimum_count=50)
    (one,), (other,) = judge(shared, limits=limits).sets, judge(swapped, limits=limits).sets
    assert (one.accuracy.gained, one.accuracy.lost) == (other.accuracy.lost, other.accuracy.gained)
    assert (one.accuracy.p_value, one.accuracy.smallest) == (other.accuracy.p_value, other.accuracy.smallest)
    changes = [(one.accuracy.difference, other.accuracy.difference)]
    changes += [(one.differences[name], other.differences[name]) for name in one.differences]
    for change, mirrored in changes:
        assert (change.value, change.low, change.high) == pytest.approx(
            (-mirrored.value, -mirrored.high, -mirrored.low)
        )
    mirror = {"better": "worse", "worse": "better"}
    if one.finding in mirror:
        assert other.finding == mirror[one.finding]


# The verdict


def test_of_equal_models_the_champion_mostly_stays() -> None:
    """Challengers that are as good as the champion are held, but for the few that look better or worse by chance."""
    verdicts = Counter(judge(simulated(200, seed, 1.0, 1.0)).verdict for seed in range(12))
    assert verdicts["hold"] >= 9


def test_the_same_model_again_is_held() -> None:
    """A challenger that predicts what the champion predicts is not inferior, and not better."""
    verdict = judge(pair("holdout", 400, 0, 0), pair("recent", 400, 0, 0))
    assert verdict.verdict == "hold"
    assert [item.finding for item in verdict.sets] == ["as good", "as good"]
    assert verdict.reasons[0] == "the challenger is not significantly better on any set"


def test_a_clearly_better_challenger_is_promoted() -> None:
    """Better with confidence on both sets, or on one and not inferior on the other, is promoted."""
    assert judge(simulated(600, 0, 2.5, 0.1, "holdout"), simulated(600, 1, 2.5, 0.1)).verdict == "promote"
    verdict = judge(pair("holdout", 600, 6, 6), pair("recent", 600, 40, 5))
    assert verdict.verdict == "promote"
    assert [item.finding for item in verdict.sets] == ["as good", "better"]
    assert (
        "recent: the challenger is significantly better: of 600 rows only the challenger has 40 right and only"
        in str(verdict.reasons)
    )


def test_a_better_log_loss_is_enough() -> None:
    """A challenger of the same classes and surely smaller log loss is better."""
    right = np.arange(400) % 4 != 0
    shared = SharedRows(
        "holdout", outcome_where(right, 0.6), outcome_where(right, 0.75), pd.DataFrame({"x": np.zeros(400)})
    )
    assert judge(shared).sets[0].finding == "better"
    assert judge(shared).verdict == "promote"


def test_a_worse_challenger_is_rejected() -> None:
    """Worse with confidence on one set is rejected, however much better it is on the other."""
    verdict = judge(pair("holdout", 600, 5, 40), pair("recent", 600, 60, 5))
    assert verdict.verdict == "reject"
    assert verdict.reasons[0].startswith("holdout: the challenger is significantly worse: of 600 rows only the chal")


def test_worse_on_one_slice_is_rejected() -> None:
    """A challenger that is better on the whole and surely loses on a group is rejected for it."""
    found = judge(pair("holdout", 1000, 90, 30, group="b"))
    assert (found.verdict, found.sets[0].finding) == ("reject", "better")
    assert [(item.value, item.finding) for item in found.slices] == [("a", "as good"), ("b", "worse")]
    assert found.reasons[0].startswith("significantly worse on a slice: holdout: group b: accuracy changes by -0.150")


def test_a_doubtful_slice_is_not_promoted() -> None:
    """A loss on a slice that would be sure if it were the only one forbids to promote, and does not reject."""
    shared = pair("holdout", 1000, 8, 8, group="b")
    noise = {f"f{step}": (np.arange(1000) // step % 5).astype(float) for step in range(1, 9)}
    holdout = SharedRows("holdout", shared.champion, shared.challenger, shared.features.assign(**noise))
    found = judge(holdout, pair("recent", 600, 60, 5))
    assert found.verdict == "hold"
    assert [(item.value, item.rows_of) for item in found.slices if item.finding == "doubtful"] == [("b", "holdout")]
    assert found.reasons[0].startswith("doubtful on a slice: holdout: group b: accuracy changes by -0.040 on 200 rows")
    assert judge(pair("holdout", 1000, 8, 8), pair("recent", 600, 60, 5)).verdict == "promote"


def test_slices_of_too_few_rows_are_named_and_forbid_nothing() -> None:
    """Where a slice has too few rows to tell, the verdict says which, and the rest decides."""
    shared = pair("recent", 900, 60, 5)
    same = np.flatnonzero(shared.champion.predicted == shared.challenger.predicted)
    kind = np.full(900, "common", dtype=object)
    kind[same[:25]] = "rare"
    found = judge(SharedRows("recent", shared.champion, shared.challenger, pd.DataFrame({"kind": kind})))
    assert found.verdict == "promote"
    assert found.reasons[-1] == "too few rows to tell on 1 of 2 slices: recent: kind rare (25)"


def test_eight_slices_of_too_few_rows_are_named_and_the_others_counted() -> None:
    """Of ten slices that are too small, the message names eight."""
    shared = pair("recent", 900, 60, 5)
    same = np.flatnonzero(shared.champion.predicted == shared.challenger.predicted)
    kinds = {name: np.full(900, "common", dtype=object) for name in ("kind", "form")}
    for number in range(5):
        for values in kinds.values():
            values[same[25 * number : 25 * (number + 1)]] = f"rare {number}"
    found = judge(SharedRows("recent", shared.champion, shared.challenger, pd.DataFrame(kinds)))
    assert found.reasons[-1].startswith("too few rows to tell on 10 of 12 slices: ")
    assert found.reasons[-1].count(" rare ") == 8
    assert found.reasons[-1].endswith(" and 2 more")


def test_a_feature_of_many_texts_has_no_slices() -> None:
    """Texts of more than eight values are left out, whichever dtype pandas gives them."""
    shared = pair("recent", 900, 60, 5)
    for dtype in (object, "str", "category"):
        kind = pd.Series([f"kind {number % 11}" for number in range(900)], dtype=dtype)
        found = judge(SharedRows("recent", shared.champion, shared.challenger, pd.DataFrame({"kind": kind})))
        assert found.slices == ()


def test_one_row_can_be_compared_and_none_cannot() -> None:
    """A set of a single row is a set; one without rows is refused."""
    one = Outcome(("no", "yes"), np.array([1]), np.array([[0.4, 0.6]]))
    SharedRows("recent", one, one, pd.DataFrame({"size": [1.0]})).check()
    none = Outcome(("no", "yes"), np.empty(0, np.int64), np.empty((0, 2)))
    with pytest.raises(DataError, match="recent: "):
        SharedRows("recent", none, none, pd.DataFrame({"size": []})).check()


def test_many_slices_do_not_make_a_model_worse_by_chance() -> None:
    """Of fifty slices without meaning one looks worse often, and one is called worse in few comparisons."""
    doubtful = worse = 0
    for seed in range(25):
        shared = simulated(1000, seed, 1.0, 1.0)
        draw = np.random.default_rng(1000 + seed)
        features = pd.DataFrame({f"f{n}": draw.integers(0, 5, 1000).astype(float) for n in range(10)})
        found = compare_slices([SharedRows("recent", shared.champion, shared.challenger, features)], LIMITS)
        assert len(found) == 50
        doubtful += any(item.finding == "doubtful" for item in found)
        worse += any(item.finding == "worse" for item in found)
    assert worse <= 2 < doubtful


def test_too_few_rows_say_so() -> None:
    """A set below the least number of rows shows nothing, and the smallest difference that it could show is told."""
    found = judge(pair("holdout", 99, 20, 0))
    assert (found.verdict, found.sets[0].finding) == ("hold", "too few rows")
    assert found.reasons[0].startswith(
        "holdout: too few rows to tell, 99 (minimum 100); a difference in accuracy below "
    )
    assert f"{found.sets[0].accuracy.smallest:.3f} is not detectable" in found.reasons[0]


def test_a_set_that_could_not_show_the_margin_says_so() -> None:
    """Where a loss of the margin could not be seen, the verdict is hold, too small to tell, and what could be seen."""
    found = judge(pair("holdout", 200, 14, 14))
    assert (found.verdict, found.sets[0].finding) == ("hold", "too small to tell")
    (reason,) = [reason for reason in found.reasons if reason.startswith("holdout: too few rows to tell")]
    assert reason.endswith(f"the smallest detectable difference is {found.sets[0].accuracy.smallest:.3f}")
    assert found.sets[0].accuracy.smallest > LIMITS.margin


def test_a_slow_challenger_is_rejected() -> None:
    """However good, a challenger that takes longer than the budget is rejected; one that takes all of it is not."""
    shared = pair("holdout", 600, 60, 5)
    found = judge(shared, latency=5.01)
    assert found.verdict == "reject"
    assert found.reasons[0] == "predicting a row takes the challenger 5.01 ms and the champion 0.5 ms (maximum 5 ms)"
    assert (found.champion_latency_ms, found.challenger_latency_ms) == (0.5, 5.01)
    assert judge(shared, latency=5.0).verdict == "promote"


def test_the_figures_of_a_set_are_a_table() -> None:
    """A header, a line for each metric, and what McNemar's test found."""
    found = judge(pair("holdout", 600, 60, 5))
    (item,) = found.sets
    header, *metrics, last = table(item)[1:]
    assert table(item)[0] == "holdout, 600 rows: better"
    assert header.split() == ["champion", "challenger", "difference", "interval"]
    assert [line.split()[0] for line in metrics] == ["accuracy", "log_loss", "roc_auc", "brier", "calibration_error"]
    gain = item.accuracy.difference
    assert metrics[0].split() == [
        "accuracy", f"{item.champion['accuracy']:.4f}", f"{item.challenger['accuracy']:.4f}",
        f"{gain.value:+.4f}", f"{gain.low:+.4f}", "to", f"{gain.high:+.4f}",
    ]  # fmt: skip
    loss = item.differences["log_loss"]
    assert metrics[1].split()[3:] == [f"{loss.value:+.4f}", f"{loss.low:+.4f}", "to", f"{loss.high:+.4f}"]
    assert len({line.index(".") for line in metrics}) == 1
    assert last.startswith("  60 gained, 5 lost, McNemar p = ")
    assert last.endswith(f"smallest detectable difference in accuracy is {item.accuracy.smallest:.3f}")


def test_a_missed_gate_rejects() -> None:
    """A challenger that misses a gate on the hold-out is rejected; without a hold-out gates forbid to promote."""
    shared = pair("holdout", 600, 60, 5)
    found = judge(shared, gates={"accuracy": 0.9, "log_loss": 1.0})
    assert (found.verdict, found.gates) == ("reject", {"accuracy": 0.9, "log_loss": 1.0})
    assert found.reasons[0] == "the challenger misses a gate: accuracy is 0.8417, expected at least 0.9"
    assert judge(shared, gates={"accuracy": 0.8}).verdict == "promote"
    found = judge(pair("recent", 600, 60, 5), gates={"accuracy": 0.8})
    assert (found.verdict, found.reasons[0]) == ("hold", "the gate accuracy cannot be checked without a hold-out")


def test_a_challenger_that_is_less_calibrated_is_not_promoted() -> None:
    """Probabilities that are off by more than the margin hold a challenger back, though its classes are the same."""
    truth = (np.arange(400) % 2).astype(np.int64)

    def constant(positive: float) -> Outcome:
        return Outcome(LABELS, truth, np.tile([1 - positive, positive], (400, 1)))

    found = judge(SharedRows("holdout", constant(0.5), constant(0.545), pd.DataFrame({"x": np.zeros(400)})))
    assert found.verdict == "hold"
    assert "holdout: the expected calibration error is larger by 0.045" in str(found.reasons)
    surely = judge(SharedRows("holdout", constant(0.5), constant(0.7), pd.DataFrame({"x": np.zeros(400)})))
    assert surely.verdict == "reject"
    assert "significantly more than the margin of 0.03" in str(surely.reasons)


# Where the world has changed


def test_in_a_new_world_the_newest_predictions_decide() -> None:
    """What is lost of the former world within the margin is the price of the new one, if the world has changed."""
    sets = pair("holdout", 1000, 20, 30), pair("recent", 600, 60, 5)
    assert judge(pair("holdout", 1000, 20, 30)).verdict == "hold"
    found = judge(*sets, world_changed=True)
    assert (found.verdict, found.sets[0].finding, found.sets[0].decides) == ("promote", "as good", False)
    assert "holdout: on older data the challenger loses no more accuracy than the margin of 0.03" in str(found.reasons)
    assert {item.rows_of for item in found.slices} == {"recent"}
    assert "- the data has changed: the newest labelled predictions decide; the hold-out can " in found.to_text()


def test_what_is_worse_on_the_holdout_is_never_promoted() -> None:
    """In the same world it is rejected; where the world seems to have changed, a person decides, with the evidence."""
    sets = pair("holdout", 1000, 5, 30), pair("recent", 600, 60, 5)
    assert judge(*sets).verdict == "reject"
    found = judge(*sets, world_changed=True)
    assert (found.verdict, found.sets[0].finding, found.sets[1].finding) == ("hold", "worse", "better")
    assert found.reasons[0].startswith(
        "holdout: the challenger is significantly worse on the held-out rows; the newest predictions do not outweigh "
        "that, as labels of one class may arrive sooner than those of others: a person has to decide: of 1000 rows "
        "only the challenger has 5 right and only the champion 30 (McNemar p = 2.2e-05), log loss "
        "changes by +0.0275 (+0.0143 to +0.0407)"
    )


@settings(max_examples=12)
@given(st.integers(30, 300), st.integers(0, 7), st.integers(0, 22), st.booleans())
def test_no_verdict_promotes_what_is_worse_on_the_holdout(
    rows: int, gained: int, lost: int, world_changed: bool
) -> None:
    """However good it is on the newest predictions, and whatever they say of the world."""
    found = judge(pair("holdout", rows, gained, lost), pair("recent", 600, 60, 0), world_changed=world_changed)
    holdout = found.sets[0]
    is_worse = holdout.accuracy.p_value < LIMITS.p_value and lost > gained
    if is_worse or holdout.differences["log_loss"].low > 0:
        assert found.verdict != "promote"


def less_sure(rows: int) -> SharedRows:
    """Make a hold-out on which both predict the same classes, and the challenger is less sure of the right ones."""
    right = np.arange(rows) % 19 != 0
    features = pd.DataFrame({"group": np.full(rows, "a", dtype=object)})
    return SharedRows("holdout", outcome_where(right, 0.75), outcome_where(right, 0.6), features)


@pytest.mark.parametrize(
    ("holdout", "verdict"),
    [
        (pair("holdout", 90, 0, 6), "hold"),
        (pair("holdout", 12, 0, 6), "hold"),
        (pair("holdout", 12, 0, 5), "promote"),
        (pair("holdout", 90, 2, 3), "promote"),
        (pair("holdout", 90, 6, 0), "promote"),
        (less_sure(90), "hold"),
        (less_sure(20), "hold"),
        (less_sure(19), "promote"),
    ],
)
def test_a_small_holdout_forbids_only_where_it_is_sure(holdout: SharedRows, verdict: str) -> None:
    """Fewer rows than are asked for say nothing for a challenger, and are not outvoted where it is worse on them."""
    found = judge(holdout, pair("recent", 600, 60, 5), world_changed=True)
    assert (found.verdict, found.sets[0].finding) == (verdict, "too few rows")
    worse = "holdout: the challenger is significantly worse on the held-out rows"
    assert found.reasons[0].startswith(worse) == (verdict == "hold")
    assert ("too few rows to tell the loss of accuracy on older data" in str(found.reasons)) == (verdict == "promote")


def test_where_the_worlds_contradict_each_other_a_person_decides() -> None:
    """A challenger that loses more than the margin in the former world is held, neither promoted nor rejected."""
    found = judge(pair("holdout", 120, 22, 29), pair("recent", 600, 60, 5), world_changed=True)
    assert (found.verdict, found.sets[0].finding) == ("hold", "too small to tell")
    assert found.reasons[0].startswith("holdout: the held-out rows and the newest predictions contradict each other")


def test_in_a_new_world_nothing_is_promoted_for_the_old_one() -> None:
    """A challenger that is better on the hold-out alone, or without newest predictions, or of too few, is held."""
    better = pair("holdout", 600, 60, 5)
    only = "because the data has changed, only these could show that the challenger is better"
    not_better = f"the challenger is not significantly better on the newest labelled predictions; {only}"
    none = f"there are no newer labelled predictions to compare on; {only}"
    for sets, reason in (
        ([better], none),
        ([better, pair("recent", 600, 4, 4)], not_better),
        ([better, pair("recent", 90, 20, 0)], not_better),
    ):
        found = judge(*sets, world_changed=True)
        assert found.verdict == "hold"
        assert reason in found.reasons


def test_in_a_new_world_nothing_is_promoted_without_rows_held_out_from_both() -> None:
    """Where no hold-out could forbid it, a person decides, however good a challenger is on the newest predictions."""
    recent = pair("recent", 600, 60, 5)
    assert judge(recent).verdict == "promote"
    found = judge(recent, world_changed=True)
    assert (found.verdict, found.sets[0].finding) == ("hold", "better")
    assert found.reasons[0] == (
        "without rows held out from both models, it is unknown whether the challenger is worse on older data; the "
        "newest predictions cannot tell, as labels of one class may arrive sooner than those of others: a person has "
        "to decide"
    )
    assert judge(pair("recent", 600, 5, 60), world_changed=True).verdict == "reject"


# What is compared, and what is told


def test_models_of_other_classes_are_named() -> None:
    """Two models whose classes differ, in their names or their order, cannot be compared, and the error says which."""
    shared = pair("holdout", 200, 5, 5)
    for classes in (("no", "maybe"), ("yes", "no")):
        other = Outcome(classes, shared.champion.truth, shared.challenger.probabilities)
        with pytest.raises(
            DataError, match=rf"found no, yes of the champion and {', '.join(classes)} of the challenger"
        ):
            judge(SharedRows("holdout", shared.champion, other, shared.features))


def test_two_truths_are_refused() -> None:
    """The rows of both models must be the same, and have features."""
    shared = pair("holdout", 200, 5, 5)
    other = Outcome(LABELS, 1 - shared.champion.truth, shared.challenger.probabilities)
    with pytest.raises(DataError, match="holdout: expected the same true labels for both models, found others"):
        judge(SharedRows("holdout", shared.champion, other, shared.features))
    with pytest.raises(DataError, match="found 200 predicted rows and 10 rows of features"):
        judge(SharedRows("holdout", shared.champion, shared.challenger, shared.features[:10]))
    for sets in ((), (shared, shared), (pair("train", 200, 5, 5),)):
        with pytest.raises(DataError, match="expected the sets holdout, recent or both, found"):
            judge(*sets)


def test_each_model_has_a_threshold_of_its_own() -> None:
    """Models may decide by different thresholds: the classes that each predicts are compared."""
    truth = (np.arange(400) % 2).astype(np.int64)
    positive = np.where(truth == 1, 0.4, 0.2)
    probabilities = np.column_stack([1 - positive, positive])
    shared = SharedRows(
        "holdout",
        Outcome(LABELS, truth, probabilities, 0.5),
        Outcome(LABELS, truth, probabilities, 0.3),
        pd.DataFrame({"x": np.zeros(400)}),
    )
    found = judge(shared)
    assert (found.sets[0].accuracy.gained, found.sets[0].accuracy.lost, found.verdict) == (200, 0, "promote")


def test_three_classes_are_compared() -> None:
    """A model of three classes is compared as one of two is."""
    draw = np.random.default_rng(0)
    truth = draw.integers(0, 3, 600)
    models = [
        Outcome(("a", "b", "c"), truth, (np.eye(3)[truth] * sure + draw.dirichlet(np.ones(3), 600)) / (1 + sure), None)
        for sure in (0.2, 0.6)
    ]
    found = judge(SharedRows("recent", models[0], models[1], pd.DataFrame({"x": draw.normal(size=600)})))
    assert found.sets[0].finding == "better"
    assert found.sets[0].differences["roc_auc"].low > 0


def test_the_evidence_is_json_and_text() -> None:
    """Everything is told as JSON, with null for a number that there is none of, and in lines, the verdict first."""
    found = judge(pair("holdout", 600, 6, 6), pair("recent", 600, 40, 5))
    content = found.as_dict()
    assert content["verdict"] == "promote"
    assert content["limits"]["margin"] == 0.03
    assert content["sets"][1]["accuracy"]["gained"] == 40
    assert content["sets"][1]["differences"]["log_loss"]["high"] < 0
    assert found.to_json().endswith(b"}\n")
    lines = found.to_text().splitlines()
    assert lines[0] == "promote: 2 against 1"
    assert "recent, 600 rows: better" in lines
    one_class = Outcome(LABELS, np.zeros(200, dtype=np.int64), np.tile([0.6, 0.4], (200, 1)))
    nothing = judge(SharedRows("recent", one_class, one_class, pd.DataFrame({"x": np.zeros(200)})))
    assert nothing.as_dict()["sets"][0]["differences"]["roc_auc"] == {"value": None, "low": None, "high": None}


# What is measured of each model


@pytest.fixture(scope="module")
def predictor(model_folder: Path) -> Predictor:
    """Load the packaged model."""
    return Predictor.load(model_folder)


def raw_rows(predictor: Predictor, count: int) -> list[dict[str, Any]]:
    """Return rows that the model accepts."""
    golden = [row.inputs for row in predictor.manifest.golden_rows]
    return [golden[number % len(golden)] for number in range(count)]


def test_an_outcome_is_what_the_model_predicts(predictor: Predictor) -> None:
    """Raw rows and the frame that is prepared of them give the same outcome: the predictor's own probabilities."""
    manifest = predictor.manifest
    rows = raw_rows(predictor, 30)
    labels = [manifest.classes[number % 2] for number in range(30)]
    outcome = outcome_of(predictor, rows, labels)
    assert outcome.classes == manifest.classes
    assert outcome.threshold == manifest.threshold
    assert outcome.truth.tolist() == [0, 1] * 15
    assert np.array_equal(outcome.probabilities, predictor.probabilities(check_rows(manifest.input_schema, rows)))
    prepared = outcome_of(predictor, features_of(manifest.input_schema, rows), labels)
    assert np.array_equal(prepared.probabilities, outcome.probabilities)


def test_rows_that_cannot_be_compared_on_are_refused(predictor: Predictor) -> None:
    """A row that breaks the schema, an unknown label, a missing column and no rows are errors that name them."""
    manifest = predictor.manifest
    rows, labels = raw_rows(predictor, 2), [manifest.classes[0]] * 2
    with pytest.raises(
        DataError, match=r"1 of 2 rows to compare on break its input schema, first row 1 \(counted from 0\), nothing: "
    ):
        outcome_of(predictor, [rows[0], rows[1] | {"nothing": 1}], labels)
    with pytest.raises(DataError, match=r"expected labels among .*, found perhaps"):
        outcome_of(predictor, rows, ["perhaps", manifest.classes[0]])
    field = manifest.input_schema.fields[0].name
    with pytest.raises(DataError, match=rf"expected the columns {field} in the rows to compare on, found none"):
        outcome_of(predictor, features_of(manifest.input_schema, rows).drop(columns=field), labels)
    with pytest.raises(DataError, match="a label for each, found 2 rows and 1 labels"):
        outcome_of(predictor, rows, labels[:1])


def test_the_latency_is_the_median_of_single_rows(predictor: Predictor) -> None:
    """The latency is the median time of predictions of one row, in milliseconds, by the clock that is given."""
    ticks = iter([moment for number in range(200) for moment in (number, number + (0.002 if number < 120 else 0.5))])
    assert latency_of(predictor, raw_rows(predictor, 3), clock=lambda: next(ticks)) == pytest.approx(2.0, abs=1e-6)
    assert latency_of(predictor, raw_rows(predictor, 3)) > 0
    with pytest.raises(DataError, match="expected one row or more to measure the latency on"):
        latency_of(predictor, [])


def test_the_latency_is_measured_once_the_model_is_warm() -> None:
    """Five rows are predicted first, then rows in turn, one at a time, two hundred times."""
    asked: list[Any] = []
    fake: Any = SimpleNamespace(predict=asked.append)
    rows = [{"number": number} for number in range(7)]
    latency_of(fake, rows)
    assert asked == [[rows[number]] for number in range(5)] + [[rows[number % 7]] for number in range(200)]
