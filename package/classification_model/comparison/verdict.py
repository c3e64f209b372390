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
from classification_model.comparison.metric_lines import changes_of, table
from classification_model.comparison.shared_rows import SetComparison, compare_set
from classification_model.comparison.slices import SliceComparison, compare_slices
from classification_model.errors import DataError
from classification_model.reporting.html_pages import render_page

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

    def _repr_html_(self) -> str:
        """Return what a notebook shows."""
        return render_page("comparison.html.j2", comparison=self, changes=changes_of)


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
        One or two `SharedRows`: the set ``holdout``, the set ``recent`` (the newest labelled predictions), or both.
    limits
        Section ``promotion`` of the config.
    champion, challenger
        Versions of the models.
    latency_ms
        Median time that the champion and the challenger need for one row, in milliseconds, in this order.
    gates
        Limit of each metric that the challenger must reach on the set ``holdout``. The default is no limits.
    world_changed
        Whether the challenger was trained because the data has changed: the features drifted, or the accuracy fell.
    random_state
        Seed of the bootstrap.

    Returns
    -------
    Comparison
        The verdict, with its reasons and the evidence.

    Raises
    ------
    DataError
        If there is no set, a set has another name or occurs twice, or the two models of a set do not have the same rows
        and classes.

    Notes
    -----
    **Each set.** On a set with at least ``minimum_count`` rows, the challenger can be:

    - *worse*, if McNemar's exact test is significant (a p-value below ``p_value``) and the champion is right more
      often, or if the whole interval of the difference in log loss, challenger minus champion, is above 0. One of the
      two is enough, even if the other one favours the challenger.
    - *better*, if it is not worse, and McNemar's test is significant in its favour or that whole interval is below 0.
    - *not inferior*, if a one-sided test at the level ``p_value`` shows that it loses at most ``margin`` of accuracy.

    **Each slice.** A slice is the rows of a set that share a value of a feature, at least 20 rows. If the challenger
    loses more than ``margin`` of accuracy on a slice, and McNemar's p-value is below ``p_value``, the slice is *worse*
    if the p-value is still below ``p_value`` after Holm's correction for the number of slices. Otherwise the slice is
    *doubtful*.

    **reject**, if one of these holds:

    - The challenger is worse on a set, or a slice is worse.
    - On a set with at least ``minimum_count`` rows, the whole interval of the increase of the Brier score or of the
      expected calibration error is above ``margin``.
    - The challenger needs more than ``latency_ms``, or misses a gate.

    **promote**, if none of these holds, and all of the following do:

    - The challenger is better on at least one set.
    - Every set has at least ``minimum_count`` rows, and the challenger is not inferior on each of them.
    - No slice is doubtful.
    - On every set, the Brier score and the expected calibration error are larger by at most ``margin``.
    - If there are gates, there is a hold-out to check them on.

    **hold** in all other cases: the champion stays. A later comparison with more rows may lead to another verdict.

    A slice of 20 rows is usually too small to rule out a loss of ``margin``. Such a slice does not prevent a promotion;
    the reasons list it.

    **If the data has changed** (``world_changed``), the hold-out shows the data from before the change. A small loss of
    accuracy on it is acceptable. So the sets have different roles:

    - Only the set ``recent`` can show that the challenger is better. The rules for slices and calibration apply to this
      set alone. Without this set, the challenger is not promoted.
    - The hold-out leads to *reject* only if the challenger misses a gate.
    - The hold-out prevents a promotion if the challenger is worse on it, or if it has at least ``minimum_count`` rows
      and the accuracy of the challenger on it is lower by more than ``margin``, significantly or not. The verdict is
      then *hold*.
    - Without a set ``holdout``, the verdict is *hold* too. There is none if the models hold out different rows, for
      example because the split in the config has changed.
    - A hold-out with fewer rows than ``minimum_count`` does not prevent a promotion by its size. On such a hold-out,
      the challenger is worse if McNemar's test says so, which is exact for any number of rows. From 20 rows on, it is
      also worse if the interval of the difference in log loss says so. This interval is a little too narrow for few
      rows. But a false alarm only costs a person some time, whereas a worse model could be promoted unnoticed.

    If the hold-out and the newest predictions disagree, a person has to decide, because there are two explanations. The
    data may really have changed. Or the newest labels may be a biased sample: a default on a loan is known at once, but
    a loan that is paid back is known only months later. A challenger that was trained on such a sample looks better on
    it than it is.

    **Errors.** If both models are equally good, each of the two tests of a set errs with a probability of about
    ``p_value / 2`` in each direction. With two sets, at most about ``2 * p_value`` of the comparisons end in *promote*,
    and at most as many end in *reject* because of a set. Slices add at most ``p_value`` to the second share. This is
    accepted, because nothing is lost if one of two equally good models replaces the other or does not.

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
