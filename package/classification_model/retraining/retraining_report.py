"""The result of a retraining."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from classification_model.comparison import Comparison
    from classification_model.retraining.decision import RetrainingDecision

Outcome = Literal[
    "first model", "not needed", "nothing new", "promoted", "held", "rejected", "overtaken", "gate missed"
]


@dataclass(frozen=True)
class RetrainingReport:
    """The result of a retraining.

    Attributes
    ----------
    outcome
        ``first model``: the store had no current version; a model was trained on the table and promoted. ``not
        needed``: the decision was not to retrain. ``nothing new``: the champion was trained on all of the data. ``gate
        missed``: the new model missed a gate, and was not saved. ``promoted``, ``held`` or ``rejected``: the verdict of
        the comparison; ``held`` without a comparison, if the challenger has other input columns, names of fields or
        classes. ``overtaken``: another version was promoted meanwhile.
    decision
        The decision on retraining.
    champion
        The version that was current at the start; None if there was none.
    challenger
        The version that was trained, if any.
    learned_rows, recent_rows
        Number of logged rows that the challenger was trained on, and that both models were compared on.
    comparison
        The comparison of both models, if there was one.
    notes
        Rows that were left out, with the reasons, and other remarks.
    """

    outcome: Outcome
    decision: RetrainingDecision
    champion: str | None
    challenger: str | None = None
    learned_rows: int = 0
    recent_rows: int = 0
    comparison: Comparison | None = None
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return {
            "outcome": self.outcome,
            "champion": self.champion,
            "challenger": self.challenger,
            "learned_rows": self.learned_rows,
            "recent_rows": self.recent_rows,
            "notes": list(self.notes),
            "decision": self.decision.as_dict(),
            "comparison": None if self.comparison is None else self.comparison.as_dict(),
        }
