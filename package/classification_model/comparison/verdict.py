"""Decide whether a challenger replaces the champion, and report the evidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import orjson

from classification_model.comparison.findings import (
    Findings,
    judge_former_world,
    judge_gates,
    judge_latency,
    judge_set,
    judge_slices,
    judge_without_former_world,
    judge_without_merit,
)
from classification_model.comparison.metric_lines import table
from classification_model.comparison.shared_rows import SetComparison, compare_set
from classification_model.comparison.slices import SliceComparison, compare_slices
from classification_model.errors import DataError

if TYPE_CHECKING:
    from classification_model.comparison.paired import SharedRows
    from classification_model.config.sections import PromotionConfig

Verdict = Literal["promote", "hold", "reject"]

HOLDOUT, RECENT = "holdout", "recent"


@dataclass(frozen=True)
class Comparison:
    """The verdict on a challenger, with its reasons and the evidence.

    Attributes
    ----------
    verdict
        ``promote``, ``hold`` or ``reject``.
    reasons
        Reasons, a sentence each, the deciding ones first.
    champion, challenger
        Versions of the models.
    world_changed
        Whether the challenger was trained because the data has changed since the hold-out was drawn.
    limits
        The section ``promotion`` of the config.
    gates
        Limits of the metrics on the hold-out.
    sets, slices
        Results for each set of rows, and for each slice.
    champion_latency_ms, challenger_latency_ms
        Median time to predict one row, in milliseconds.
    """

    verdict: Verdict
    reasons: tuple[str, ...]
    champion: str
    challenger: str
    world_changed: bool
    limits: dict[str, Any]
    gates: dict[str, float]
    sets: tuple[SetComparison, ...]
    slices: tuple[SliceComparison, ...]
    champion_latency_ms: float
    challenger_latency_ms: float

    def as_dict(self) -> dict[str, Any]:
        """Return the comparison as JSON values; NaN and infinite numbers are null."""
        content: dict[str, Any] = orjson.loads(orjson.dumps(asdict(self)))
        return content

    def to_json(self) -> bytes:
        """Return the comparison as an indented JSON document."""
        return orjson.dumps(asdict(self), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)

    def to_text(self) -> str:
        """Return the verdict, its reasons and the evidence as lines of text."""
        lines = [f"{self.verdict}: {self.challenger} against {self.champion}"]
        lines += [f"- {reason}" for reason in self.reasons]
        if self.world_changed:
            lines.append(
                "- the data has changed: the newest labelled predictions decide; the hold-out can prevent a promotion, "
                "but not support it"
            )
        for item in self.sets:
            lines += ["", *table(item)]
        if self.slices:
            counts = Counter(part.finding for part in self.slices)
            found = ", ".join(f"{count} {finding}" for finding, count in sorted(counts.items()))
            lines += ["", f"{len(self.slices)} slices: {found}"]
        return "\n".join(lines)


def compare(
    sets: Sequence[SharedRows],
    limits: PromotionConfig,
    *,
    champion: str,
    challenger: str,
    latency_ms: tuple[float, float],
    gates: Mapping[str, float] | None = None,
    world_changed: bool = False,
    random_state: int = 0,
) -> Comparison:
    """Decide whether a challenger replaces the champion.

    Parameters
    ----------
    sets
        The hold-out, the newest labelled predictions, or both.
    limits
        Section ``promotion`` of the config.
    champion, challenger
        Versions of the models.
    latency_ms
        Median time to predict one row in milliseconds: the champion's, then the challenger's.
    gates
        Limit of each metric that the challenger must reach on the hold-out.
    world_changed
        Whether the challenger was trained because the data has changed: inputs drifted, or the accuracy fell.
    random_state
        Seed of the bootstrap.

    Returns
    -------
    Comparison
        The verdict, with its reasons and the evidence.

    Raises
    ------
    DataError
        If there is no set, or the rows or classes of both models differ.

    Notes
    -----
    On a set, the challenger is *better* or *worse* if the p-value of McNemar's exact test is below ``p_value``, or if
    the confidence interval of the difference in log loss (of confidence ``1 - p_value``) excludes 0. It is *not
    inferior* if a one-sided test at the level ``p_value`` rejects a loss of accuracy greater than ``margin``. On a set
    with fewer rows than ``minimum_count`` it is none of these.

    **reject**, if it is worse on a set, or on a slice by more than the margin, or its calibration is significantly
    worse by more than the margin, or it takes longer than ``latency_ms``, or it misses a gate. **promote**, if none of
    this holds, and it is better on at least one set, on every set not inferior, and doubtful on no slice (less accurate
    by more than the margin, and significantly so only before Holm's correction), and its Brier score and expected
    calibration error are larger by no more than the margin. Otherwise **hold**: the champion stays. A comparison on
    more rows may decide.

    A slice of too few rows does not prevent a promotion, as slices of 20 rows are too small for the tests. The reasons
    list such slices.

    *If the data has changed* (``world_changed``), the hold-out is of older data, on which a challenger trained for the
    newer data may lose a little. So only the newest predictions, with their slices and their calibration, can show that
    the challenger is better; if there are none, it is not promoted. The hold-out can prevent a promotion, but not cause
    a rejection: the verdict is *hold* if the challenger is worse on it, or if its accuracy there is lower by more than
    ``margin``, significantly or not. There are two explanations for that. Either the data has really changed, and it is
    unknown which rows resemble future ones. Or it has not, and the newest labels are a biased sample. For example, the
    label of a loan that fails is known at once, and that of a loan that is paid back is known only months later: a
    challenger trained on such a sample looks better on it. So a person has to decide. The newest rows may be a mix of
    older and newer data, which makes the challenger look worse, never better. If the models share no hold-out, for
    example because the split in the config has changed, the challenger is not promoted.

    If the data has changed, a hold-out with fewer rows than ``minimum_count`` also prevents a promotion if McNemar's
    test, which is exact for any number of rows, finds the challenger worse. From 20 rows on, the interval of the log
    loss can do the same. With few rows that interval is a little too narrow. But a false alarm only costs a person's
    time, whereas a worse model that goes unnoticed would be promoted.

    As each of two sets is tested twice, a challenger of equal quality may be promoted more often than ``p_value`` says,
    at most twice as often; the same holds for its rejection. This is accepted, because neither does harm to a model of
    equal quality.

    Examples
    --------
    A challenger that is right more often, on 1,000 rows that neither model was trained on:

    >>> import numpy as np
    >>> import pandas as pd
    >>> import classification_model as cm
    >>> truth = np.arange(1000) % 2
    >>> def outcome(wrong):
    ...     positive = np.where((truth == 1) == (np.arange(1000) >= wrong), 0.8, 0.2)
    ...     return cm.Outcome(("died", "survived"), truth, np.column_stack([1 - positive, positive]))
    >>> rows = cm.SharedRows("holdout", outcome(300), outcome(200), pd.DataFrame({"age": np.arange(1000.0)}))
    >>> cm.compare([rows], cm.PromotionConfig(), champion="1.0.0", challenger="1.1.0", latency_ms=(0.1, 0.1)).verdict
    'promote'
    """
    _check(sets)
    deciding = [shared for shared in sets if shared.name == RECENT or not world_changed]
    compared = [
        compare_set(shared, limits, decides=not world_changed or shared.name == RECENT, random_state=random_state)
        for shared in sets
    ]
    slices = compare_slices(deciding, limits)
    found = Findings()
    for result in compared:
        if result.decides:
            judge_set(result, limits, found)
        else:
            judge_former_world(result, limits, found)
    holdout = next((result for result in compared if result.name == HOLDOUT), None)
    if world_changed and holdout is None:
        judge_without_former_world(found)
    if not any(result.decides and result.finding == "better" for result in compared):
        judge_without_merit(found, world_changed=world_changed, has_recent=any(item.name == RECENT for item in sets))
    judge_slices(slices, found)
    judge_latency(latency_ms, limits, found)
    judge_gates(holdout, gates or {}, found)
    verdict: Verdict = "reject" if found.rejections else "hold" if found.obstacles else "promote"
    return Comparison(
        verdict=verdict,
        reasons=(*found.rejections, *found.obstacles, *found.merits, *found.remarks),
        champion=champion,
        challenger=challenger,
        world_changed=world_changed,
        limits=limits.model_dump(mode="json"),
        gates=dict(gates or {}),
        sets=tuple(compared),
        slices=slices,
        champion_latency_ms=latency_ms[0],
        challenger_latency_ms=latency_ms[1],
    )


def _check(sets: Sequence[SharedRows]) -> None:
    names = [shared.name for shared in sets]
    if not names or len(set(names)) < len(names) or not {HOLDOUT, RECENT}.issuperset(names):
        msg = f"expected the sets {HOLDOUT}, {RECENT} or both, found {', '.join(names) or 'none'}"
        raise DataError(msg)
    for shared in sets:
        shared.check()
