"""Reasons for and against a challenger, as sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from classification_model.evaluation.metrics import METRICS, is_better
from classification_model.evaluation.slice_metrics import SMALLEST_SLICE

if TYPE_CHECKING:
    from classification_model.comparison.shared_rows import SetComparison
    from classification_model.comparison.slices import SliceComparison
    from classification_model.config.sections import PromotionConfig

_CALIBRATION = {"brier": "the Brier score", "calibration_error": "the expected calibration error"}


@dataclass
class Findings:
    """Reasons for and against a challenger, a sentence each.

    Attributes
    ----------
    rejections
        Reasons to reject it.
    obstacles
        Reasons not to promote it.
    merits
        Reasons for it.
    remarks
        Other remarks.
    """

    rejections: list[str] = field(default_factory=list)
    obstacles: list[str] = field(default_factory=list)
    merits: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def judge_set(result: SetComparison, limits: PromotionConfig, found: Findings) -> None:
    """Add the findings of a set that can speak for the challenger."""
    evidence = _evidence(result)
    if result.finding == "too few rows":
        found.obstacles.append(
            f"{result.name}: too few rows to tell, {result.rows} (minimum {limits.minimum_count}); a difference in "
            f"accuracy below {result.accuracy.smallest:.3f} is not detectable"
        )
        return
    if result.finding == "worse":
        found.rejections.append(f"{result.name}: the challenger is significantly worse: {evidence}")
    elif result.finding == "better":
        found.merits.append(f"{result.name}: the challenger is significantly better: {evidence}")
    elif result.finding == "as good":
        found.merits.append(
            f"{result.name}: the challenger is not inferior by more than the margin of {limits.margin:g} accuracy "
            f"(p = {result.accuracy.loss_p_value:.2g}): {evidence}"
        )
    if result.finding not in {"worse", "as good"} and result.accuracy.loss_p_value >= limits.p_value:
        what = "too few rows to tell" if result.accuracy.smallest > limits.margin else "undecided"
        found.obstacles.append(
            f"{result.name}: {what} whether the challenger loses more accuracy than the margin of {limits.margin:g} "
            f"(p = {result.accuracy.loss_p_value:.2g}): {evidence}; on {result.rows} rows the smallest detectable "
            f"difference is {result.accuracy.smallest:.3f}"
        )
    for name, words in _CALIBRATION.items():
        change = result.differences[name]
        if change.value > limits.margin:
            sure = change.low > limits.margin
            (found.rejections if sure else found.obstacles).append(
                f"{result.name}: {words} is larger by {change.value:.3f} ({change.low:.3f} to {change.high:.3f}), "
                f"{'significantly ' if sure else ''}more than the margin of {limits.margin:g}"
            )


def judge_former_world(result: SetComparison, limits: PromotionConfig, found: Findings) -> None:
    """Add the findings of the hold-out if the data has changed: it can only speak against a challenger."""
    change = result.accuracy.difference.value
    evidence = _evidence(result)
    if result.finding == "worse" or _is_few_and_worse(result, limits):
        found.obstacles.append(
            f"{result.name}: the challenger is significantly worse on the held-out rows; the newest predictions do not "
            "outweigh that, as labels of one class may arrive sooner than those of others: a person has to decide: "
            f"{evidence}"
        )
    elif result.finding == "too few rows":
        found.remarks.append(f"{result.name}: too few rows to tell the loss of accuracy on older data: {result.rows}")
    elif change < -limits.margin:
        found.obstacles.append(
            f"{result.name}: the held-out rows and the newest predictions contradict each other, as the challenger "
            f"loses more accuracy than {limits.margin:g} on the former: a person has to decide: {evidence}"
        )
    else:
        found.remarks.append(
            f"{result.name}: on older data the challenger loses no more accuracy than the margin of {limits.margin:g}: "
            f"{evidence}"
        )


def judge_without_former_world(found: Findings) -> None:
    """Add the reason not to promote a challenger if the data has changed and both models share no hold-out."""
    found.obstacles.append(
        "without rows held out from both models, it is unknown whether the challenger is worse on older data; the "
        "newest predictions cannot tell, as labels of one class may arrive sooner than those of others: a person has "
        "to decide"
    )


def judge_without_merit(found: Findings, *, world_changed: bool, has_recent: bool) -> None:
    """Add the reason not to promote a challenger that is better on no set that can show it."""
    only = "because the data has changed, only these could show that the challenger is better"
    if not world_changed:
        reason = "the challenger is not significantly better on any set"
    elif has_recent:
        reason = f"the challenger is not significantly better on the newest labelled predictions; {only}"
    else:
        reason = f"there are no newer labelled predictions to compare on; {only}"
    found.obstacles.append(reason)


def _is_few_and_worse(result: SetComparison, limits: PromotionConfig) -> bool:
    """Tell whether a challenger is worse with confidence on fewer rows than are asked for.

    They cannot say that it is good. But McNemar's test is exact for any number of rows, and the interval of the log
    loss, which is a little narrow for few rows, errs towards asking a person; below the size of a slice it says
    nothing.
    """
    if result.finding != "too few rows":
        return False
    accuracy = result.accuracy
    is_less_right = accuracy.lost > accuracy.gained and accuracy.p_value < limits.p_value
    return is_less_right or (result.rows >= SMALLEST_SLICE and result.differences["log_loss"].low > 0)


def _evidence(result: SetComparison) -> str:
    accuracy, loss = result.accuracy, result.differences["log_loss"]
    return (
        f"of {result.rows} rows only the challenger has {accuracy.gained} right and only the champion {accuracy.lost} "
        f"(McNemar p = {accuracy.p_value:.2g}), log loss changes by {loss.value:+.4f} ({loss.low:+.4f} to "
        f"{loss.high:+.4f})"
    )


def judge_slices(slices: Sequence[SliceComparison], found: Findings) -> None:
    """Add the findings of slices: a doubtful one prevents a promotion, and those of too few rows are listed."""
    for item in slices:
        if item.finding not in {"worse", "doubtful"}:
            continue
        accuracy = item.accuracy
        text = (
            f"{item.rows_of}: {item.feature} {item.value}: accuracy changes by {accuracy.difference.value:+.3f} on "
            f"{accuracy.rows} rows, {accuracy.gained} gained and {accuracy.lost} lost (p = {accuracy.p_value:.2g}, "
            f"among {len(slices)} slices {item.adjusted_p_value:.2g})"
        )
        if item.finding == "worse":
            found.rejections.append(f"significantly worse on a slice: {text}")
        else:
            found.obstacles.append(f"doubtful on a slice: {text}")
    untold = [item for item in slices if item.finding == "too few rows to tell"]
    if untold:
        names = ", ".join(f"{item.rows_of}: {item.feature} {item.value} ({item.accuracy.rows})" for item in untold[:8])
        more = f" and {len(untold) - 8} more" if len(untold) > 8 else ""
        found.remarks.append(f"too few rows to tell on {len(untold)} of {len(slices)} slices: {names}{more}")


def judge_latency(latency_ms: tuple[float, float], limits: PromotionConfig, found: Findings) -> None:
    """Add the finding on the challenger's latency."""
    before, now = latency_ms
    text = (
        f"predicting a row takes the challenger {now:.3g} ms and the champion {before:.3g} ms (maximum "
        f"{limits.latency_ms:g} ms)"
    )
    (found.merits if now <= limits.latency_ms else found.rejections).append(text)


def judge_gates(holdout: SetComparison | None, gates: Mapping[str, float], found: Findings) -> None:
    """Add the gates that the challenger misses on the hold-out."""
    for name, limit in gates.items():
        if holdout is None:
            found.obstacles.append(f"the gate {name} cannot be checked without a hold-out")
        elif not (is_better(name, holdout.challenger[name], limit) or holdout.challenger[name] == limit):
            bound = "at least" if METRICS[name] else "at most"
            found.rejections.append(
                f"the challenger misses a gate: {name} is {holdout.challenger[name]:.4f}, expected {bound} {limit:g}"
            )
