"""Decide on retraining: yes, no or wait, with the deciding rule and the evidence."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import orjson

from classification_model.reporting.html_pages import render_page
from classification_model.runtime.mle.accuracy_rule import Z_999, verdict, wilson

if TYPE_CHECKING:
    from datetime import datetime

    from classification_model.config.sections import MonitoringConfig
    from classification_model.monitoring.drift import FeatureDrift
    from classification_model.monitoring.report import MonitoringReport

Retrain = Literal["yes", "no", "wait"]
Rule = Literal[
    "accuracy",
    "recent-accuracy",
    "drift",
    "prediction-drift",
    "age",
    "no-model",
    "clock",
    "cooldown",
    "too-few-predictions",
    "too-few-labels",
    "uncertain-accuracy",
    "unknown-accuracy",
    "none",
]

_DAY = 24 * 60 * 60
#: Rules that say that the world is no longer the one that the model learned.
_OF_THE_WORLD = frozenset({"accuracy", "recent-accuracy", "drift"})


@dataclass(frozen=True)
class RetrainingDecision:
    """A decision on retraining, with its reasons and the evidence.

    Attributes
    ----------
    retrain
        ``yes``, ``no`` or ``wait``.
    rule
        The rule that decided; see `decide_retraining`.
    reasons
        Reasons, a sentence each, the deciding one first.
    evidence
        A dict of JSON values: ``model``, ``version``, ``predictions``, ``labels``, ``accuracy`` and
        ``recent_accuracy`` (null, or ``value``, ``low``, ``high``, ``count``, ``right``), ``expected_accuracy``,
        ``accuracy_floor``, ``minimum_count``, ``drifted_features`` and ``drifted_predictions`` (each with ``feature``,
        ``psi``, ``test``, ``statistic``, ``adjusted_p_value``), ``drifted_share``, ``drift_limits``, ``created``,
        ``last_retrained``, ``now``, ``age_days``, ``max_age_days``, ``cooldown_days`` and ``fired``, the names of all
        rules for retraining that hold. With the rule ``no-model``, for a store without a current version, only
        ``model``, ``version`` (null), ``now`` and ``fired``.
    """

    retrain: Retrain
    rule: Rule
    reasons: tuple[str, ...]
    evidence: dict[str, Any]

    @property
    def world_changed(self) -> bool:
        """Whether a reason for retraining is that the data has changed; see `comparison.compare`."""
        return not _OF_THE_WORLD.isdisjoint(self.evidence["fired"])

    def as_dict(self) -> dict[str, Any]:
        """Return the decision as JSON values."""
        content: dict[str, Any] = orjson.loads(orjson.dumps(asdict(self)))
        return content

    def _repr_html_(self) -> str:
        """Return what a notebook shows."""
        evidence = {name: _in_short(value) for name, value in self.evidence.items()}
        return render_page("decision.html.j2", decision=self, evidence=evidence)


def _in_short(value: Any) -> str:
    """Write a piece of evidence for a person: an estimate with its interval, a list by its names."""
    if value is None:
        return "unknown"
    if isinstance(value, dict) and "low" in value:
        return f"{value['value']:.3f} ({value['low']:.3f} to {value['high']:.3f}, of {value['count']})"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_in_short(item)}" for name, item in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(item["feature"] if isinstance(item, dict) else str(item) for item in value) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def decide_retraining(
    report: MonitoringReport,
    limits: MonitoringConfig,
    *,
    created: datetime,
    now: datetime,
    last_retrained: datetime | None = None,
    newest: MonitoringReport | None = None,
) -> RetrainingDecision:
    """Decide whether to retrain a model.

    Parameters
    ----------
    report
        Monitoring report of the model.
    limits
        Section ``monitoring`` of its config.
    created
        Time of its training, with time zone.
    now
        The time, with time zone.
    last_retrained
        Time of the last retraining, whether or not its model was promoted.
    newest
        Monitoring report of the newest predictions, for drift, which older predictions would hide. The default is
        `report`.

    Returns
    -------
    RetrainingDecision
        **yes**, if a rule holds. ``accuracy``: of ``minimum_count`` labels or more, the upper bound of the accuracy's
        95% Wilson interval is below the floor. ``recent-accuracy``: the same for the newest windows that have so many
        labels, with a 99.9% interval, since a daily check would often fall below a 95% interval by chance. ``drift``:
        the share of drifted features is ``drift.share`` or more. ``age``: the model is ``max_age_days`` old or older.

        **wait**, if a rule holds within ``cooldown_days`` of the last retraining (``cooldown``; a version without a
        local part counts as released, not as retrained), or the model was made in the future, by a wrong clock
        (``clock``). Also if no rule holds, and there are too few predictions or labels (``too-few-predictions``,
        ``too-few-labels``), or the probabilities have drifted and there are too few labels to judge that
        (``prediction-drift``), or the accuracy is below the floor but its interval is not (``uncertain-accuracy``).

        **no**, otherwise: ``unknown-accuracy`` without labels, or ``none``.
    """
    drifting = report if newest is None else newest
    evidence = _evidence(report, drifting, limits, created, now)
    evidence["last_retrained"] = None if last_retrained is None else last_retrained.isoformat()
    fired = _fired(drifting, limits, evidence)
    evidence["fired"] = list(fired)
    retrained = [created] if "+" in report.version else []
    retrained += [] if last_retrained is None else [last_retrained]
    since = (now - max([created, *retrained])).total_seconds() / _DAY
    clock = f"the last model was made {_spell_days(-since)} in the future, so its age is unknown: correct the clocks"
    if not fired:
        rule, reason = _without_cause(report, limits, evidence)
        decision: Retrain = "no" if rule in {"unknown-accuracy", "none"} else "wait"
        return RetrainingDecision(decision, rule, (reason, clock) if since < 0 else (reason,), evidence)
    reasons = tuple(fired.values())
    if since < 0:
        return RetrainingDecision("wait", "clock", (clock, *reasons), evidence)
    if retrained and since < limits.cooldown_days:
        cooldown = (
            f"the model was retrained {_spell_days(since)} ago, within the cooldown of "
            f"{_spell_days(limits.cooldown_days)}"
        )
        return RetrainingDecision("wait", "cooldown", (cooldown, *reasons), evidence)
    return RetrainingDecision("yes", next(iter(fired)), reasons, evidence)


def _fired(drifting: MonitoringReport, limits: MonitoringConfig, evidence: dict[str, Any]) -> dict[Rule, str]:
    """Return the rules for retraining that hold, each with its reason, the strongest first."""
    fired: dict[Rule, str] = {}
    found, newest = evidence["accuracy"], evidence["recent_accuracy"]
    if found and verdict(found["right"], found["count"], limits.accuracy_floor, limits.minimum_count) == "yes":
        fired["accuracy"] = f"{_spell(found)}: the whole interval is below the floor {limits.accuracy_floor:g}"
    if newest and newest["high"] < limits.accuracy_floor:
        fired["recent-accuracy"] = (
            f"{_spell(newest, 'of the newest ')}: the whole 99.9% interval is below the floor {limits.accuracy_floor:g}"
        )
    drifted, share = evidence["drifted_features"], evidence["drifted_share"]
    if drifting.predictions >= limits.minimum_count and drifted and share is not None and share >= limits.drift.share:
        fired["drift"] = (
            f"{len(drifted)} features drifted, {share:.0%} of those tested (limit {limits.drift.share:.0%}): "
            f"{_spell_drift(drifted)}"
        )
    age = evidence["age_days"]
    if limits.max_age_days is not None and age >= limits.max_age_days:
        fired["age"] = f"the model is {age:.3g} days old (limit {limits.max_age_days:g} days)"
    return fired


def _without_cause(report: MonitoringReport, limits: MonitoringConfig, evidence: dict[str, Any]) -> tuple[Rule, str]:
    """Return the reason why no rule for retraining holds: the model is good, or that is unknown."""
    accuracy, floor, least = report.accuracy, limits.accuracy_floor, limits.minimum_count
    drifted = evidence["drifted_predictions"]
    if drifted and report.labels < least <= report.predictions:
        reason = (
            f"the predicted probabilities drifted ({_spell_drift(drifted)}), and there are too few labels to judge that"
        )
        return "prediction-drift", f"{reason}: {report.labels} (minimum {least})"
    if accuracy is None or not accuracy.count:
        if report.predictions < least:
            return "too-few-predictions", f"{report.predictions} predictions (minimum {least}), without labels"
        expected = report.expected_accuracy
        promise = (
            ""
            if expected is None
            else f"; from the probabilities it is estimated as {expected.value:.1%} "
            f"({expected.low:.1%} to {expected.high:.1%})"
        )
        drift = "drift is unknown as well" if evidence["drifted_share"] is None else "drift is below its limit"
        return "unknown-accuracy", f"the accuracy is unknown, as there are no labels{promise}; {drift}"
    found = accuracy.model_dump()
    if accuracy.count < least:
        return "too-few-labels", f"{_spell(found)}: too few labels to decide (minimum {least})"
    if verdict(_right(found), accuracy.count, floor, least) == "wait":
        return "uncertain-accuracy", f"{_spell(found)}: below the floor {floor:g}, but its interval contains the floor"
    return "none", f"{_spell(found)}: not below the floor {floor:g}; drift and age are below their limits"


def _evidence(
    report: MonitoringReport,
    drifting: MonitoringReport,
    limits: MonitoringConfig,
    created: datetime,
    now: datetime,
) -> dict[str, Any]:
    return {
        "model": report.model,
        "version": report.version,
        "predictions": report.predictions,
        "labels": report.labels,
        "accuracy": None if report.accuracy is None else report.accuracy.model_dump(),
        "recent_accuracy": _recent(report, limits.minimum_count),
        "expected_accuracy": None if report.expected_accuracy is None else report.expected_accuracy.model_dump(),
        "accuracy_floor": limits.accuracy_floor,
        "minimum_count": limits.minimum_count,
        "drifted_features": [_effect(item) for item in drifting.drift if item.drifted],
        "drifted_predictions": [_effect(item) for item in drifting.prediction_drift if item.drifted],
        "drifted_share": drifting.drifted_share,
        "drift_limits": limits.drift.model_dump(mode="json"),
        "created": created.isoformat(),
        "now": now.isoformat(),
        "age_days": (now - created).total_seconds() / _DAY,
        "max_age_days": limits.max_age_days,
        "cooldown_days": limits.cooldown_days,
    }


def _recent(report: MonitoringReport, least: int) -> dict[str, Any] | None:
    """Return the accuracy of the newest windows that have enough labels together, with its 99.9% interval."""
    right = count = 0
    for window in reversed(report.windows):
        if window.accuracy is not None:
            right += _right(window.accuracy.model_dump())
            count += window.accuracy.count
            if count >= least:
                low, high = wilson(right, count, Z_999)
                return {"value": right / count, "low": low, "high": high, "count": count, "right": right}
    return None


def _right(accuracy: dict[str, Any]) -> int:
    right: int | None = accuracy["right"]
    return round(accuracy["value"] * accuracy["count"]) if right is None else right


def _effect(item: FeatureDrift) -> dict[str, Any]:
    return item.model_dump(include={"feature", "psi", "test", "statistic", "adjusted_p_value"})


def _spell(accuracy: dict[str, Any], newest: str = "") -> str:
    return (
        f"{_right(accuracy)} of {accuracy['count']} {newest}labelled predictions are right, an accuracy of "
        f"{accuracy['value']:.1%} ({accuracy['low']:.1%} to {accuracy['high']:.1%})"
    )


def _spell_days(days: float) -> str:
    for unit, size in (("days", 1.0), ("hours", 1 / 24)):
        if days >= 2 * size:
            return f"{days / size:.3g} {unit}"
    return f"{days * 24 * 60:.3g} minutes"


def _spell_drift(items: list[dict[str, Any]]) -> str:
    found = [item["feature"] + ("" if item["psi"] is None else f" (PSI {item['psi']:.2g})") for item in items]
    return ", ".join(found[:8]) + (f" and {len(found) - 8} more" if len(found) > 8 else "")
