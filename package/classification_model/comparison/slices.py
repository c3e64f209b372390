"""Compare the accuracy of both models on slices of the rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from statsmodels.stats.multitest import multipletests

from classification_model.comparison.paired import PairedAccuracy, paired_accuracy
from classification_model.evaluation.slice_metrics import SMALLEST_SLICE, slices_of

if TYPE_CHECKING:
    from classification_model.comparison.paired import SharedRows
    from classification_model.config.sections import PromotionConfig

SliceFinding = Literal["worse", "doubtful", "as good", "too few rows to tell"]


@dataclass(frozen=True)
class SliceComparison:
    """Both models on the rows that share a value of a feature.

    Attributes
    ----------
    rows_of, feature, value
        Which rows, of which set.
    accuracy
        Right and wrong predictions.
    adjusted_p_value
        Of McNemar's test, after Holm's correction for the number of slices.
    finding
        ``worse``: more accuracy than the margin is lost, and surely so, however many slices were looked at.
        ``doubtful``: it is lost, and surely so if this were the only slice. ``as good``: it is surely not lost.
        Else ``too few rows to tell``.
    """

    rows_of: str
    feature: str
    value: str
    accuracy: PairedAccuracy
    adjusted_p_value: float
    finding: SliceFinding


def compare_slices(sets: Sequence[SharedRows], limits: PromotionConfig) -> tuple[SliceComparison, ...]:
    """Compare two models on each slice of 20 rows or more of all sets; see `evaluation.slice_metrics.slice_metrics`.

    Promoting demands something of every slice at once. For that no correction for their number is due: each slice that
    is looked at can only forbid (an intersection-union test). To say that a slice is worse is another matter: among
    twenty slices one looks so by chance. So the correction decides between ``worse`` and ``doubtful`` alone.

    References
    ----------
    Berger, "Multiparameter hypothesis testing and acceptance sampling", Technometrics 24, 295-300, 1982. Holm, "A
    simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6, 65-70, 1979.
    """
    found: list[tuple[str, str, str, PairedAccuracy]] = []
    for shared in sets:
        champion = shared.champion.predicted == shared.champion.truth
        challenger = shared.challenger.predicted == shared.challenger.truth
        for name in shared.features.columns:
            for value, mask in slices_of(shared.features[name]):
                if mask.sum() >= SMALLEST_SLICE:
                    accuracy = paired_accuracy(
                        champion[mask], challenger[mask], margin=limits.margin, p_value=limits.p_value
                    )
                    found.append((shared.name, str(name), value, accuracy))
    if not found:
        return ()
    adjusted = multipletests([accuracy.p_value for *_, accuracy in found], method="holm")[1].tolist()
    return tuple(
        SliceComparison(rows_of, feature, value, accuracy, p_value, _finding(accuracy, p_value, limits))
        for (rows_of, feature, value, accuracy), p_value in zip(found, adjusted, strict=True)
    )


def _finding(accuracy: PairedAccuracy, adjusted: float, limits: PromotionConfig) -> SliceFinding:
    if accuracy.difference.value < -limits.margin and accuracy.p_value < limits.p_value:
        return "worse" if adjusted < limits.p_value else "doubtful"
    return "as good" if accuracy.loss_p_value < limits.p_value else "too few rows to tell"
