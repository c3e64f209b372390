"""Measure how the metric of the winner grows with the number of rows that it is fitted on."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np
from joblib import Parallel, delayed

from classification_model.estimators import AVERAGE
from classification_model.evaluation.judged import LearningCurve, LearningPoint
from classification_model.evaluation.metrics import score
from classification_model.training.folds import class_numbers, draw_folds, first_line, fit_fold, prepare_fold

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from classification_model.processing.data_manager import TrainingData
    from classification_model.processing.splitting import Folds
    from classification_model.training.model_selection import Selection, Trial

logger = logging.getLogger(__name__)

SHARES = (0.1, 0.25, 0.5)
MOST_FOLDS = 2
#: A fit on so many rows of a class, or more, counts; a share of the rows that has fewer is left out.
FEWEST_OF_A_CLASS = 5
#: With more columns a fold is prepared for seconds.
_MOST_COLUMNS = 100
#: Fits of the curve, in fits on all rows, over those of the comparison: at most about so many.
_MOST_WORK = 0.12


def learning_curve(data: TrainingData, selection: Selection, own: float, jobs: int = -1) -> LearningCurve | None:
    """Fit the winner on 10, 25 and 50% of the rows of some folds.

    The metric on all rows of these folds is known from the comparison. The rows are drawn with the same shares of the
    classes; where groups stay together, whole groups are drawn; where time divides the rows, the latest are taken.

    The number of folds (1 or 2, the last ones) follows from the number of fits of the comparison, so that the curve
    takes about a tenth of its time. Where one fold is too many, and with more than 100 columns, whose preparation takes
    long, 50% are left out.

    Parameters
    ----------
    data
        Training rows and config.
    selection
        The comparison.
    own
        The metric of the model on the rows that it was fitted on.
    jobs
        Number of threads; -1 for one per core.

    Returns
    -------
    LearningCurve or None
        None if every share of the rows has fewer than 5 rows of some class.
    """
    winner, metric = selection.winner, data.config.training.metric
    folds, shares = _plan(selection, draw_folds(data), data.train.features.shape[1])
    parts = {share: [_share_of(data, train, share) for train, _ in folds] for share in shares}
    parts = {share: rows for share, rows in parts.items() if all(_has_every_class(data, part) for part in rows)}
    fit = delayed(_fit)
    asked = [(share, part, test) for share, rows in parts.items() for part, (_, test) in zip(rows, folds, strict=True)]
    scores = Parallel(jobs, prefer="threads")(fit(data, winner, part, test, metric) for _, part, test in asked)
    points = []
    for share, rows in parts.items():
        found = [pair for (of, _, _), pair in zip(asked, scores, strict=True) if of == share]
        if None not in found:
            others, owns = zip(*found, strict=True)
            points.append(LearningPoint(share, _mean_rows(rows), others, float(np.nanmean(owns))))
    if not points:
        return None
    whole = tuple(score(outcome)[metric] for outcome in winner.outcomes[-len(folds) :])
    points.append(LearningPoint(1.0, _mean_rows([train for train, _ in folds]), whole, own))
    return LearningCurve(metric, tuple(points))


def _plan(selection: Selection, folds: Folds, columns: int) -> tuple[Folds, tuple[float, ...]]:
    """Choose folds and shares by the work that the comparison was, and by the number of columns."""
    fits = len(folds) * sum(trial.candidate != AVERAGE for trial in selection.trials)
    members = len(selection.winner.setting) if selection.winner.candidate == AVERAGE else 1
    affordable = int(_MOST_WORK * fits / (sum(SHARES) * members))
    if affordable == 0 or columns > _MOST_COLUMNS:
        return folds[-1:], SHARES[:-1]
    return folds[-min(affordable, MOST_FOLDS) :], SHARES


def _share_of(data: TrainingData, rows: NDArray[np.intp], share: float) -> NDArray[np.intp]:
    """Draw a share of some training rows; a larger share has the rows of a smaller one."""
    kind, groups, moments = data.config.training.split.kind, data.train.groups, data.train.moments
    generator = np.random.default_rng(data.config.training.random_state)
    if kind == "time" and moments is not None:
        return rows[np.argsort(moments[rows], kind="stable")][-max(1, round(share * len(rows))) :]
    if kind == "group" and groups is not None:
        names, places, counts = np.unique(groups[rows].astype(str), return_inverse=True, return_counts=True)
        order = generator.permutation(len(names))
        drawn = order[np.cumsum(counts[order]) <= share * len(rows)]
        return rows[np.isin(places, drawn)]
    shuffled = generator.permutation(rows)
    labels = data.train.labels[shuffled]
    kept = np.zeros(len(rows), dtype=bool)
    for label in data.classes:
        places = np.flatnonzero(labels == label)
        kept[places[: round(share * len(places))]] = True
    return shuffled[kept]


def _has_every_class(data: TrainingData, rows: NDArray[np.intp]) -> bool:
    counts = np.bincount(class_numbers(data.train.labels[rows], data.classes), minlength=len(data.classes))
    return bool(counts.min() >= FEWEST_OF_A_CLASS)


def _mean_rows(parts: list[NDArray[np.intp]]) -> int:
    return round(sum(len(part) for part in parts) / len(parts))


def _fit(
    data: TrainingData, winner: Trial, rows: NDArray[np.intp], test: NDArray[np.intp], metric: str
) -> tuple[float, float] | None:
    """Return the metric on other rows, and on those fitted on; None if so few rows cannot be fitted."""
    try:
        fold = prepare_fold(data, rows, np.concatenate([test, rows]))
        outcome = fit_fold(winner.candidate, winner.setting, data, fold).outcome
    except (ValueError, TypeError) as error:
        logger.info("left out of the learning curve", extra={"rows": len(rows), "why": first_line(error)})
        return None
    is_other = np.arange(len(outcome.truth)) < len(test)
    return score(outcome.take(is_other))[metric], score(outcome.take(~is_other))[metric]
