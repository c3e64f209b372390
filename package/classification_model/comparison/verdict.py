"""Whether a challenger takes the champion's place: the rule, and the evidence for its verdict."""

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
    """A verdict on a challenger, with its reasons and all evidence.

    Attributes
    ----------
    verdict
        ``promote``, ``hold`` or ``reject``.
    reasons
        Why, a sentence each; those that decided come first.
    champion, challenger
        Versions of the models.
    world_changed
        Whether the challenger was trained because the world is no longer that of the hold-out.
    limits
        What was demanded: the section ``promotion`` of the config.
    gates
        What the hold-out must reach.
    sets, slices
        What was found.
    champion_latency_ms, challenger_latency_ms
        Median time to predict one row.
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
        """Return everything as values of JSON; a number that there is none of is null."""
        content: dict[str, Any] = orjson.loads(orjson.dumps(asdict(self)))
        return content

    def to_json(self) -> bytes:
        """Return everything as an indented JSON document."""
        return orjson.dumps(asdict(self), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)

    def to_text(self) -> str:
        """Return the verdict, its reasons and the evidence as lines for people."""
        lines = [f"{self.verdict}: {self.challenger} against {self.champion}"]
        lines += [f"- {reason}" for reason in self.reasons]
        if self.world_changed:
            lines.append(
                "- the world has changed: the newest labelled predictions decide, the hold-out can only forbid"
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
    """Decide whether a challenger takes the champion's place.

    Parameters
    ----------
    sets
        The hold-out, the newest labelled predictions, or both.
    limits
        Section ``promotion`` of the config.
    champion, challenger
        Versions of the models.
    latency_ms
        Median milliseconds that each takes for one row: the champion's, then the challenger's.
    gates
        What the challenger must reach on the hold-out, by metric.
    world_changed
        Whether the challenger was trained because the world has changed: inputs drifted, or the accuracy fell.
    random_state
        Seed of the bootstrap.

    Returns
    -------
    Comparison
        See Notes.

    Raises
    ------
    DataError
        If there is no set, or one has two truths, or the models know other classes, which are named.

    Notes
    -----
    On a set, the challenger is *better* or *worse* if McNemar's exact test of the disagreements is below ``p_value``,
    or if the whole interval of the difference of log loss, of confidence one less ``p_value``, lies on one side of 0.
    It is *not inferior* if a loss of more accuracy than ``margin`` is rejected at ``p_value``, one-sided. A set of
    fewer rows than ``minimum_count`` shows nothing.

    **reject**, if it is worse on a set, or on a slice by more than the margin, or less calibrated by surely more than
    the margin, or takes longer than ``latency_ms``, or misses a gate. **promote**, if none of this holds and it is
    better on a set, not inferior on any, doubtful on no slice, and its Brier score and expected calibration error are
    larger by no more than the margin. Else **hold**: the champion stays, and more rows may tell.

    A slice that is too small to tell does not forbid: with the least, of 20 rows, nobody could ever promote. Such
    slices are named.

    *Where the world has changed* the hold-out, which was drawn from all that was known before, holds the challenger to
    a world that is gone: to lose a little there is what learning the new one may cost. So the newest predictions decide
    whether it is better, with their slices and their calibration: without them, nothing is promoted. The hold-out can
    only forbid, and makes the verdict *hold*, never *reject*: if the challenger is worse there, as defined above, or if
    more accuracy than ``margin`` is lost there, as counted, without a test. Then the two worlds contradict each other
    and no rows can say which of them comes next; or the world is the old one, and the newest labels are one-sided, as
    where who defaults is known at once and who does not months later: a challenger that learned from such rows is
    better on such rows. Promoting is for a person to decide. That the newest rows may still be a mix of both worlds
    makes the challenger look worse, never better. Without a hold-out, as where the rule that holds rows out has changed
    since the champion was trained, nothing could forbid: the verdict is *hold* at best.

    A hold-out of fewer rows than ``minimum_count`` forbids too where McNemar's test, which is exact for any number of
    rows, finds the challenger worse, or, of 20 rows or more, the interval of the log loss does. The bootstrap's
    interval is a little narrow for few rows: that costs a person a look, where the other error lets a worse model
    serve.

    Two looks at each of two sets let an equal challenger through, or reject it, more often than ``p_value`` says, each
    at most twice as often. This is accepted: an equal one that is not inferior does no harm, nor does keeping the
    champion.

    Examples
    --------
    A challenger that is right more often, on 1,000 rows that neither model learned from:

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
        where = "the newest labelled predictions, which decide as the world has changed" if world_changed else "any set"
        found.obstacles.append(f"the challenger is not better with confidence on {where}")
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
        msg = f"expected the sets {HOLDOUT} and {RECENT}, one of them or both, found {', '.join(names) or 'none'}"
        raise DataError(msg)
    for shared in sets:
        shared.check()
