"""Print the metrics of a comparison as lines of text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from classification_model.comparison.paired import Difference
    from classification_model.comparison.shared_rows import SetComparison

_METRICS = ("accuracy", "log_loss", "roc_auc", "brier", "calibration_error")


def changes_of(item: SetComparison) -> dict[str, Difference]:
    """Return the difference of each metric, challenger minus champion."""
    return {name: item.accuracy.difference if name == "accuracy" else item.differences[name] for name in _METRICS}


def table(item: SetComparison) -> list[str]:
    """Return the figures of one set of rows, a metric a line."""
    lines = [
        f"{item.name}, {item.rows} rows: {item.finding}",
        f"  {'':<18} {'champion':>9} {'challenger':>10} {'difference':>10}   interval",
    ]
    for name, change in changes_of(item).items():
        lines.append(
            f"  {name:<18} {item.champion[name]:>9.4f} {item.challenger[name]:>10.4f} {change.value:>+10.4f}   "
            f"{change.low:+.4f} to {change.high:+.4f}"
        )
    accuracy = item.accuracy
    lines.append(
        f"  {accuracy.gained} gained, {accuracy.lost} lost, McNemar p = {accuracy.p_value:.2g}; the smallest "
        f"detectable difference in accuracy is {accuracy.smallest:.3f}"
    )
    return lines
