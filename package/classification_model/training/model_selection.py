"""Select an estimator and its setting by cross-validation on the same folds."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from joblib import Parallel, delayed

from classification_model.errors import TrainingError
from classification_model.estimators import AVERAGE, Setting, candidates_of, settings_in, settings_of, trials_of
from classification_model.evaluation.metrics import METRICS, Outcome, is_better, score
from classification_model.training.folds import first_line, fit_fold, prepare_folds
from classification_model.training.progress import Silent

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from classification_model.config.sections import Config
    from classification_model.processing.data_manager import TrainingData
    from classification_model.training.folds import PreparedFold
    from classification_model.training.progress import Progress

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Trial:
    """A candidate with one setting, and its metrics.

    Attributes
    ----------
    candidate, setting
        Name and parameters of the estimator.
    scores
        Mean of each metric over the folds.
    deviation
        Standard deviation over the folds of the metric that candidates are compared by.
    outcomes
        Labels and predictions of the rows that each fold was evaluated on.
    fit_seconds
        Mean seconds of a fit, while others may have run beside it; of ``average``, the sum over its members.
    predict_microseconds
        Microseconds in which a row of the folds was predicted, of many rows at once; of ``average``, the sum.
    """

    candidate: str
    setting: Setting
    scores: dict[str, float]
    deviation: float
    outcomes: tuple[Outcome, ...] = field(repr=False)
    fit_seconds: float = field(default=0.0, compare=False)
    predict_microseconds: float = field(default=0.0, compare=False)


@dataclass(frozen=True)
class Selection:
    """The outcome of the comparison.

    Attributes
    ----------
    winner
        The best trial by the metric.
    trials
        All of them, best first.
    planned
        Number of trials that the config asks for; fewer were run when the budget of seconds ended first, and a
        rerun may then choose another setting.
    skipped
        Candidate and setting of each trial that the budget left out.
    possible
        Number of trials of all settings in the lists of the candidates; more than `planned` where their number is
        limited.
    """

    winner: Trial
    trials: tuple[Trial, ...]
    planned: int
    skipped: tuple[tuple[str, Setting], ...] = ()
    possible: int = 0

    @property
    def cut_short(self) -> bool:
        """Whether the budget ended before all settings were tried."""
        return len(self.trials) < self.planned

    def leaderboard(self) -> tuple[Trial, ...]:
        """Return the best trial of each candidate, best first."""
        best: dict[str, Trial] = {}
        for trial in self.trials:
            best.setdefault(trial.candidate, trial)
        return tuple(best.values())

    def out_of_fold(self) -> Outcome:
        """Return the winner's predictions for all judged rows, threshold 0.5."""
        parts = self.winner.outcomes
        return Outcome(
            parts[0].classes,
            np.concatenate([part.truth for part in parts]),
            np.concatenate([part.probabilities for part in parts]),
        )


def select_model(data: TrainingData, progress: Progress | None = None, jobs: int = -1) -> Selection:
    """Compare the candidates of a config on its training rows.

    The first setting of each candidate is always judged. Others follow in turn until all are tried or the budget of
    seconds is spent. The candidate ``average`` takes the best setting of each other one; its out-of-fold predictions
    are the mean of theirs.

    Parameters
    ----------
    data
        Training rows and config.
    progress
        Called before each step and after each fit.
    jobs
        Threads to use; -1 for one a core.

    Raises
    ------
    DataError
        If no folds can be drawn, or a derived feature is missing everywhere.
    TrainingError
        If the features cannot be prepared or a candidate cannot be fitted, naming it.
    """
    config, progress = data.config, progress or Silent()
    candidates = {name: parameters for name, parameters in candidates_of(config).items() if name != AVERAGE}
    count = trials_of(config.training, len(data.train), data.train.features.shape[1])
    plans = {
        name: settings_of(parameters, count, config.training.random_state) for name, parameters in candidates.items()
    }
    progress.step(f"preparing {config.training.folds} folds")
    folds = prepare_folds(data, jobs)
    planned, budget = sum(map(len, plans.values())), config.training.budget_seconds
    what = f"comparing {_counted(len(plans), 'candidate')}, {_counted(planned, 'setting')}"
    progress.step(what, fits=planned * len(folds), budget_seconds=budget)
    deadline = time.monotonic() + budget
    trials: list[Trial] = []
    skipped: list[tuple[str, Setting]] = []
    for name, setting, is_first in _in_turn(plans):
        if not is_first and time.monotonic() > deadline:
            skipped.append((name, setting))
            continue
        trials.append(_try(name, setting, folds=folds, data=data, progress=progress, jobs=jobs))
        logger.info("candidate judged", extra={"candidate": name, "setting": setting, **trials[-1].scores})
    possible = sum(settings_in(parameters) for parameters in candidates.values())
    if AVERAGE in candidates_of(config):
        trials.append(_average(trials, config))
        planned, possible = planned + 1, possible + 1
    metric = config.training.metric
    trials.sort(key=lambda trial: -trial.scores[metric] if METRICS[metric] else trial.scores[metric])
    if config.training.estimator == AVERAGE:
        winner = next(trial for trial in trials if trial.candidate == AVERAGE)
    else:
        winner = trials[0]
    return Selection(winner, tuple(trials), planned, tuple(skipped), possible)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _in_turn(plans: dict[str, list[Setting]]) -> Iterator[tuple[str, Setting, bool]]:
    """Yield the first setting of every candidate, then the second of every one, and so on."""
    for position in range(max(len(plan) for plan in plans.values())):
        for name, plan in plans.items():
            if position < len(plan):
                yield name, plan[position], position == 0


def _try(
    name: str, setting: Setting, *, folds: list[PreparedFold], data: TrainingData, progress: Progress, jobs: int
) -> Trial:
    fit = delayed(fit_fold)
    outcomes, fitting, predicting = [], [], []
    try:
        results = Parallel(jobs, prefer="threads", return_as="generator")(
            fit(name, setting, data, fold) for fold in folds
        )
        for fitted in results:
            outcomes.append(fitted.outcome)
            fitting.append(fitted.fit_seconds)
            predicting.append(fitted.predict_seconds)
            progress.advance()
    except (ValueError, TypeError) as error:
        msg = f"candidate {name} cannot be fitted with {setting}: {first_line(error)}"
        raise TrainingError(msg) from error
    rows = sum(len(outcome.truth) for outcome in outcomes)
    return replace(
        _judge(name, setting, outcomes, data.config.training.metric),
        fit_seconds=float(np.mean(fitting)),
        predict_microseconds=1e6 * sum(predicting) / rows,
    )


def _average(trials: list[Trial], config: Config) -> Trial:
    metric = config.training.metric
    best: dict[str, Trial] = {}
    for trial in trials:
        rival = best.get(trial.candidate)
        if rival is None or is_better(metric, trial.scores[metric], rival.scores[metric]):
            best[trial.candidate] = trial
    members = list(best.values())
    outcomes = [
        Outcome(parts[0].classes, parts[0].truth, np.mean([part.probabilities for part in parts], axis=0))
        for parts in zip(*(member.outcomes for member in members), strict=True)
    ]
    return replace(
        _judge(AVERAGE, {member.candidate: member.setting for member in members}, outcomes, metric),
        fit_seconds=sum(member.fit_seconds for member in members),
        predict_microseconds=sum(member.predict_microseconds for member in members),
    )


def _judge(name: str, setting: Setting, outcomes: Sequence[Outcome], metric: str) -> Trial:
    by_fold = [score(outcome) for outcome in outcomes]
    scores = {key: float(np.nanmean([fold[key] for fold in by_fold])) for key in METRICS}
    deviation = float(np.nanstd([fold[metric] for fold in by_fold]))
    return Trial(name, setting, scores, deviation, tuple(outcomes))
