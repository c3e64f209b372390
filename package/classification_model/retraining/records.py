"""Log the decisions of a retraining, and complete the log of one that was killed."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from classification_model.runtime.log.decision_log import append_decision, read_decisions

if TYPE_CHECKING:
    from pathlib import Path

    from classification_model.comparison import Comparison
    from classification_model.retraining.retraining_report import RetrainingReport
    from classification_model.runtime.model_folder.manifest import Manifest

logger = logging.getLogger(__name__)


def record_comparison(log: Path, model: str, comparison: Comparison) -> None:
    """Log a comparison, before its verdict is carried out."""
    append_decision(log, "comparison", comparison.as_dict() | {"model": model})


def record_promotion(log: Path, model: str, version: str, previous: str | None) -> None:
    """Log which version is current from now on, and which one was before."""
    append_decision(log, "promotion", {"model": model, "version": version, "previous": previous})


def record_retraining(log: Path, model: str, result: RetrainingReport) -> RetrainingReport:
    """Log the end of a retraining, from which the cooldown counts, and return its result.

    The outcome ``first model`` is logged before the promotion, since no comparison announces it.
    """
    content = {
        "model": model,
        "outcome": result.outcome,
        "champion": result.champion,
        "challenger": result.challenger,
        "learned_rows": result.learned_rows,
        "recent_rows": result.recent_rows,
        "notes": list(result.notes),
    }
    append_decision(log, "retraining", content)
    return result


def complete_record(log: Path, current: Manifest) -> None:
    """Log a promotion that was carried out, but not logged, because the process was killed.

    Parameters
    ----------
    log
        The log folder.
    current
        Manifest of the current version.
    """
    announced: tuple[str, str | None] | None = None
    for entry in read_decisions(log):
        kind, content = entry["kind"], entry["content"]
        if content.get("model") != current.name:
            continue
        if kind == "comparison" and content.get("verdict") == "promote":
            announced = content["challenger"], content["champion"]
        elif kind == "retraining" and content.get("outcome") == "first model":
            announced = content["challenger"], None
        elif kind in {"promotion", "retraining"}:
            announced = None
    if announced is not None and announced[0] == current.version:
        logger.warning("the promotion of %s was not logged, as its process was killed: it is logged now", announced[0])
        record_promotion(log, current.name, *announced)
