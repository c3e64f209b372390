"""Compare both models on one set of rows: metrics, differences and a finding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from classification_model.comparison.paired import (
    Difference,
    PairedAccuracy,
    SharedRows,
    paired_accuracy,
    paired_differences,
    scores_of,
)

if TYPE_CHECKING:
    from classification_model.config.sections import PromotionConfig

Finding = Literal["better", "worse", "as good", "too few rows", "too small to tell", "undecided"]


@dataclass(frozen=True)
class SetComparison:
    """Both models on one set of rows.

    Attributes
    ----------
    name, rows
        Name of the set, and number of its rows.
    finding
        ``better`` or ``worse``: the challenger is significantly so; ``as good``: it is not inferior by more than the
        margin; ``too few rows``: fewer than the minimum; ``too small to tell``: a difference as small as the margin is
        not detectable on so few rows; else ``undecided``.
    decides
        Whether the set can speak for the challenger; if the data has changed, the hold-out can only speak against it.
    champion, challenger
        Metrics of each.
    accuracy
        Right and wrong predictions.
    differences
        Of log loss, ROC AUC, Brier score and expected calibration error, by the paired bootstrap.
    """

    name: str
    rows: int
    finding: Finding
    decides: bool
    champion: dict[str, float]
    challenger: dict[str, float]
    accuracy: PairedAccuracy
    differences: dict[str, Difference]


def compare_set(
    shared: SharedRows, limits: PromotionConfig, *, decides: bool = True, random_state: int = 0
) -> SetComparison:
    """Compare both models on one set of rows; see `SetComparison` and `verdict.compare`."""
    accuracy = paired_accuracy(
        shared.champion.predicted == shared.champion.truth,
        shared.challenger.predicted == shared.challenger.truth,
        margin=limits.margin,
        p_value=limits.p_value,
    )
    differences = paired_differences(shared, p_value=limits.p_value, random_state=random_state)
    return SetComparison(
        name=shared.name,
        rows=accuracy.rows,
        finding=_finding(accuracy, differences["log_loss"], limits),
        decides=decides,
        champion=scores_of(shared.champion),
        challenger=scores_of(shared.challenger),
        accuracy=accuracy,
        differences=differences,
    )


def _finding(accuracy: PairedAccuracy, loss: Difference, limits: PromotionConfig) -> Finding:
    if accuracy.rows < limits.minimum_count:
        return "too few rows"
    is_uneven = accuracy.p_value < limits.p_value
    if (is_uneven and accuracy.lost > accuracy.gained) or loss.low > 0:
        return "worse"
    if (is_uneven and accuracy.gained > accuracy.lost) or loss.high < 0:
        return "better"
    if accuracy.loss_p_value < limits.p_value:
        return "as good"
    return "too small to tell" if accuracy.smallest > limits.margin else "undecided"
