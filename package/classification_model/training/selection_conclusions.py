"""Sentences that draw conclusions from the comparison of candidates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from classification_model.estimators import AVERAGE
from classification_model.evaluation.metrics import METRICS, Outcome, is_better, score
from classification_model.profiling.conclusions import Conclusion

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classification_model.training.model_selection import Selection, Trial

#: ROC AUC above which a leak is likelier than a good model.
_TOO_GOOD = 0.98
LINEAR = "logistic_regression"


def conclude_on_selection(selection: Selection, metric: str, folds: int) -> tuple[Conclusion, ...]:
    """Say what the comparison shows: against no model, between the best two, and of the linear candidate.

    Parameters
    ----------
    selection
        The comparison.
    metric
        What candidates are compared by.
    folds
        Number of folds; candidates whose difference in them is no larger than its deviation count as tied.
    """
    board = selection.leaderboard()
    return (*_against_nothing(selection, metric), *_between(board, metric, folds))


def _against_nothing(selection: Selection, metric: str) -> Iterator[Conclusion]:
    best = selection.trials[0]
    known = selection.out_of_fold()
    shares = np.bincount(known.truth, minlength=len(known.classes)) / len(known.truth)
    blind = score(Outcome(known.classes, known.truth, np.tile(shares, (len(known.truth), 1))))
    reached, without = best.scores[metric], blind[metric]
    if is_better(metric, reached, without):
        finding = f"The best candidate has a {_spelled(metric)} of {reached:.4f}; without a column it is {without:.4f}."
        advice = ""
        if best.scores["roc_auc"] > _TOO_GOOD:
            advice = f"A ROC AUC of {best.scores['roc_auc']:.4f} is seldom true: look for a column that is known only "
            advice += "after the outcome."
    else:
        finding = (
            f"No candidate beats the shares of the classes: {_spelled(metric)} {reached:.4f} against {without:.4f}."
        )
        advice = "These columns do not tell the class: look for others, or for faults in the table."
    yield Conclusion("Predictability", finding, advice)


def _between(board: tuple[Trial, ...], metric: str, folds: int) -> Iterator[Conclusion]:
    if len(board) < 2:
        return
    best, second = board[0], board[1]
    reached = f"{_spelled(metric)} ({best.scores[metric]:.4f})"
    yield Conclusion(
        "Candidates",
        f"{_named(best)} is best by {reached}, {_verdict(best, second, metric, folds)}.",
        "Prefer the one that is simpler or quicker." if _is_tie(best, second, metric) else "",
    )
    linear = next((trial for trial in board if trial.candidate == LINEAR), None)
    trees = next((trial for trial in board if trial.candidate not in {LINEAR, AVERAGE}), None)
    if linear is None or trees is None or {best.candidate, second.candidate} == {linear.candidate, trees.candidate}:
        return
    is_linear_ahead = is_better(metric, linear.scores[metric], trees.scores[metric])
    ahead, behind = (linear, trees) if is_linear_ahead else (trees, linear)
    advice = "" if is_linear_ahead else "Effects that bend, or that depend on each other, matter here."
    if _is_tie(ahead, behind, metric):
        advice = "No clear difference was seen; the linear model is easier to explain."
    reached = f"{_named(ahead)} has {ahead.scores[metric]:.4f}"
    yield Conclusion("Linear or trees", f"{reached}, {_verdict(ahead, behind, metric, folds)}.", advice)


def _is_tie(one: Trial, other: Trial, metric: str) -> bool:
    mean, deviation = _difference(one, other, metric)
    return abs(mean) <= deviation


def _difference(one: Trial, other: Trial, metric: str) -> tuple[float, float]:
    """Return mean and standard deviation of the difference in each fold, as both are judged on the same folds."""
    pairs = zip(one.outcomes, other.outcomes, strict=True)
    differences = [score(first)[metric] - score(second)[metric] for first, second in pairs]
    return float(np.nanmean(differences)), float(np.nanstd(differences))


def _verdict(ahead: Trial, behind: Trial, metric: str, folds: int) -> str:
    mean, deviation = _difference(ahead, behind, metric)
    difference = abs(mean)
    is_less = _is_tie(ahead, behind, metric)
    return (
        f"{difference:.4f} {'above' if METRICS[metric] else 'below'} {_named(behind)}: "
        f"{'no more than' if is_less else 'more than'} the deviation of this difference over {folds} folds, "
        f"{deviation:.4f}"
    )


def _named(trial: Trial) -> str:
    return "the average of the others" if trial.candidate == AVERAGE else trial.candidate.replace("_", " ")


def _spelled(metric: str) -> str:
    return metric.replace("_", " ").replace("roc auc", "ROC AUC").replace("brier", "Brier score")
