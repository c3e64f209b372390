"""Sentences of the training report that say what its curves mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from classification_model.evaluation.metrics import METRICS
from classification_model.reporting.model_in_words import metric_in_sentence

if TYPE_CHECKING:
    from classification_model.evaluation.judged import LearningCurve, LearningPoint

#: A change of the metric by less than this share of its value is none.
_SMALLEST_GAIN = 0.01


def learning_sentence(curve: LearningCurve) -> str:
    """Say whether more rows would make the model better, by what the last rows brought; nothing where none was judged.

    They brought something if the metric got better in every fold, and by 1% of its value or more on average.
    """
    before, last = curve.points[-2], curve.points[-1]
    gains = np.array(last.others) - np.array(before.others)
    gains = gains[~np.isnan(gains)] * (1 if METRICS[curve.metric] else -1)
    name = metric_in_sentence(curve.metric)
    if not len(gains):
        return ""
    is_better = gains.min() > 0 and gains.mean() >= _SMALLEST_GAIN * abs(_mean(before))
    outlook = "may make the model better" if is_better else "like these would hardly help"
    folds = "" if len(gains) > 1 else ", on one fold,"
    return (
        f"From {before.rows:,} rows to {last.rows:,}, the {name} on other rows went{folds} from {_mean(before):.4f} to "
        f"{_mean(last):.4f}: more rows {outlook}."
    )


def _mean(point: LearningPoint) -> float:
    known = [value for value in point.others if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")
