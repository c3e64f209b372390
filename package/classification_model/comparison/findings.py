"""What speaks for and against a challenger, in words."""

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
    """What speaks for and against a challenger, a sentence each.

    Attributes
    ----------
    rejections, obstacles
        Why it is to be rejected, and why it is not to be promoted.
    merits, remarks
        What speaks for it, and what else is to be known.
    """

    rejections: list[str] = field(default_factory=list)
    obstacles: list[str] = field(default_factory=list)
    merits: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def judge_set(result: SetComparison, limits: PromotionConfig, found: Findings) -> None:
    """Judge a set that counts as it stands."""
    evidence = _evidence(result)
    if result.finding == "too few rows":
        found.obstacles.append(
            f"{result.name}: too small to tell, {result.rows} rows where {limits.minimum_count} are the least; "
            f"differences of accuracy below {result.accuracy.smallest:.3f} could not be seen"
        )
        return
    if result.finding == "worse":
        found.rejections.append(f"{result.name}: the challenger is worse with confidence: {evidence}")
    elif result.finding == "better":
        found.merits.append(f"{result.name}: the challenger is better with confidence: {evidence}")
    elif result.finding == "as good":
        found.merits.append(
            f"{result.name}: the challenger is not inferior by more than {limits.margin:g} of accuracy "
            f"(p = {result.accuracy.loss_p_value:.2g}): {evidence}"
        )
    if result.finding not in {"worse", "as good"} and result.accuracy.loss_p_value >= limits.p_value:
        what = "too small to tell" if result.accuracy.smallest > limits.margin else "undecided"
        found.obstacles.append(
            f"{result.name}: {what} whether more than {limits.margin:g} of accuracy is lost "
            f"(p = {result.accuracy.loss_p_value:.2g}): {evidence}; on {result.rows} rows the smallest difference that "
            f"could be seen is {result.accuracy.smallest:.3f}"
        )
    for name, words in _CALIBRATION.items():
        change = result.differences[name]
        if change.value > limits.margin:
            sure = change.low > limits.margin
            (found.rejections if sure else found.obstacles).append(
                f"{result.name}: {words} is larger by {change.value:.3f} ({change.low:.3f} to {change.high:.3f}), "
                f"{'surely ' if sure else ''}more than {limits.margin:g}"
            )


def judge_former_world(result: SetComparison, limits: PromotionConfig, found: Findings) -> None:
    """Judge the hold-out where the world has changed since: it speaks against a challenger, and never for it."""
    change = result.accuracy.difference.value
    evidence = _evidence(result)
    if result.finding == "worse" or _is_few_and_worse(result, limits):
        found.obstacles.append(
            f"{result.name}: the challenger is worse with confidence on the rows that were held out; the newest "
            "predictions, whose labels may have come sooner for one class than for others, do not outvote that, so "
            f"that a person has to decide: {evidence}"
        )
    elif result.finding == "too few rows":
        found.remarks.append(f"{result.name}: too small to tell what is lost of the former world, {result.rows} rows")
    elif change < -limits.margin:
        found.obstacles.append(
            f"{result.name}: the former world and the newest predictions contradict each other, the challenger loses "
            f"more than {limits.margin:g} of accuracy in the former, so that a person has to decide: {evidence}"
        )
    else:
        found.remarks.append(
            f"{result.name}: of the former world no more than {limits.margin:g} of accuracy is lost: {evidence}"
        )


def judge_without_former_world(found: Findings) -> None:
    """Say that a challenger cannot be promoted for a new world where no hold-out of both models could forbid it."""
    found.obstacles.append(
        "without rows held out from both models nobody can tell whether the challenger is worse on what was known "
        "before; the newest predictions, whose labels may have come sooner for one class than for others, do not say, "
        "so that a person has to decide"
    )


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
        f"of {result.rows} rows {accuracy.gained} are right that were wrong and {accuracy.lost} wrong that were right "
        f"(McNemar p = {accuracy.p_value:.2g}), log loss changes by {loss.value:+.4f} ({loss.low:+.4f} to "
        f"{loss.high:+.4f})"
    )


def judge_slices(slices: Sequence[SliceComparison], found: Findings) -> None:
    """Judge the slices: a doubtful one forbids to promote, those of too few rows are named."""
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
            found.rejections.append(f"worse with confidence on a slice, {text}")
        else:
            found.obstacles.append(f"doubtful on a slice, {text}")
    untold = [item for item in slices if item.finding == "too few rows to tell"]
    if untold:
        names = ", ".join(f"{item.rows_of}: {item.feature} {item.value} ({item.accuracy.rows})" for item in untold[:8])
        more = f" and {len(untold) - 8} more" if len(untold) > 8 else ""
        found.remarks.append(f"too few rows to tell on {len(untold)} of {len(slices)} slices: {names}{more}")


def judge_latency(latency_ms: tuple[float, float], limits: PromotionConfig, found: Findings) -> None:
    """Hold the challenger's latency against what is allowed."""
    before, now = latency_ms
    text = (
        f"a row takes the challenger {now:.3g} ms, the champion {before:.3g} ms, allowed are {limits.latency_ms:g} ms"
    )
    (found.merits if now <= limits.latency_ms else found.rejections).append(text)


def judge_gates(holdout: SetComparison | None, gates: Mapping[str, float], found: Findings) -> None:
    """Hold the challenger's metrics on the hold-out against the gates."""
    for name, limit in gates.items():
        if holdout is None:
            found.obstacles.append(f"the gate {name} cannot be judged without the hold-out")
        elif not (is_better(name, holdout.challenger[name], limit) or holdout.challenger[name] == limit):
            bound = "at least" if METRICS[name] else "at most"
            found.rejections.append(
                f"the challenger misses a gate: {name} is {holdout.challenger[name]:.4f}, {bound} {limit:g} is demanded"
            )
