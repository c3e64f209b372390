"""What is explored of a table, with the models that were tried on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from classification_model.audit.wording import in_words
from classification_model.profiling.conclusions import Conclusion, conclude
from classification_model.runtime.model_folder.manifest import NONE_LEFT_OUT
from classification_model.training.selection_conclusions import conclude_on_selection

if TYPE_CHECKING:
    from classification_model.evaluation.judged import LearningCurve
    from classification_model.processing.data_manager import TrainingData
    from classification_model.profiling.table_profile import TableProfile
    from classification_model.runtime.model_folder.manifest import AuditFinding, LeftOut
    from classification_model.training.model_selection import Selection

#: Leaks among the conclusions; the audit has all.
_MOST_LEAKS = 5


@dataclass(frozen=True)
class Exploration:
    """An exploratory analysis of a table.

    Attributes
    ----------
    name, created
        Name of the problem or table, and when it was made, RFC 3339 in UTC.
    source
        What the table is called; empty if that is not known.
    rows, columns
        Size of the table that was read, without `left_out`.
    profile
        Profile of the columns to learn from, of the rows to train on; without a target, of all columns and rows.
    audit
        What is odd about the rows.
    data
        Rows to train on and held-out rows; None without a target.
    derived
        Profile of the derived features; None without any.
    unused
        Profile of the columns that are not learned from, where they were read.
    roles
        Why each of these columns is not learned from, by its name.
    unused_audit
        What the audit says of these columns.
    selection
        The comparison of candidates; None if none were compared.
    compared_rows
        Number of rows that candidates were compared on.
    not_compared
        Why no candidates were compared.
    importances
        See `TrainingReport`; empty if no model was fitted.
    learning_curve
        Metric of the winner by the number of rows; None where it was not measured.
    left_out
        Number of rows of the table that the config leaves out.
    """

    name: str
    created: str
    source: str
    rows: int
    columns: int
    profile: TableProfile
    audit: tuple[AuditFinding, ...]
    data: TrainingData | None = None
    derived: TableProfile | None = None
    unused: TableProfile | None = None
    roles: dict[str, str] | None = None
    unused_audit: tuple[AuditFinding, ...] = ()
    selection: Selection | None = None
    compared_rows: int = 0
    not_compared: str = ""
    importances: tuple[tuple[str, float, float], ...] = ()
    learning_curve: LearningCurve | None = None
    left_out: LeftOut = NONE_LEFT_OUT

    def conclusions(self) -> tuple[Conclusion, ...]:
        """Draw conclusions from all of it, leaks first."""
        kept = [Conclusion("Leak", f"{in_words(one)}.") for one in self.audit if _is_leak(one)]
        left_out = [
            Conclusion("Leak", f"{one.column} is rightly not learned from: {one.message}.")
            for one in self.unused_audit
            if _is_leak(one)
        ]
        found = (*kept[:_MOST_LEAKS], *left_out[:_MOST_LEAKS], *conclude(self.profile))
        if self.selection is None or self.data is None:
            return found
        training = self.data.config.training
        return *found, *conclude_on_selection(self.selection, training.metric, training.folds)


def _is_leak(finding: AuditFinding) -> bool:
    return finding.kind in {"leak", "suspected_leak"}
