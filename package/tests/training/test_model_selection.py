"""Candidates compared on the same folds, within a budget, by weights that reach the fit."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from problems import CLASSES, load, make_config, make_table

from classification_model import estimators
from classification_model.errors import DataError, TrainingError
from classification_model.estimators import AVERAGE
from classification_model.evaluation.metrics import METRICS, score
from classification_model.pipeline import build_pipeline
from classification_model.processing.data_manager import TrainingData
from classification_model.processing.splitting import make_folds
from classification_model.training.folds import class_numbers, fit_weights
from classification_model.training.model_selection import Selection, select_model
from classification_model.training.progress import Silent

FEATURES: dict[str, Any] = {
    "size": "numeric",
    "shape": "categorical",
    "code": {"kind": "categorical", "encode": "target"},
}
CANDIDATES: dict[str, Any] = {
    "logistic_regression": {"C": ["1", "0.01"]},
    "random_forest": {"n_estimators": "10", "max_depth": ["2", "3", "4"]},
    "average": {},
}


class Watcher:
    """Progress that remembers what it was told."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.planned = 0
        self.budget: float | None = None
        self.done = 0

    def step(self, name: str, *, fits: int = 0, budget_seconds: float | None = None) -> None:
        """Remember what is planned."""
        self.steps.append(name)
        self.planned += fits
        self.budget = budget_seconds

    def advance(self) -> None:
        """Remember what is done."""
        self.done += 1


@cache
def data_of(classes: int = 2, **training: Any) -> TrainingData:
    """Load a table to learn from."""
    with TemporaryDirectory() as folder:
        config = make_config(FEATURES, folder=Path(folder), classes=classes)
        data = load(make_table(150, classes), config)
    return with_training(data, candidates=CANDIDATES, budget_seconds=600, **training)


def with_training(data: TrainingData, **training: Any) -> TrainingData:
    """Give the same rows other settings of training."""
    config = make_config(FEATURES, training=training)
    return TrainingData(
        data.config.model_copy(update={"training": config.training}),
        data.schema,
        data.train,
        data.holdout,
        data.holdout_rule,
        data.fingerprint,
    )


@cache
def selection_of(classes: int) -> Selection:
    """Compare the candidates once."""
    return select_model(data_of(classes), jobs=1)


@pytest.mark.slow
@pytest.mark.parametrize("classes", [2, 3])
def test_all_settings_are_tried_on_the_same_folds(classes: int) -> None:
    """Each setting of each candidate is judged once, on the rows that `make_folds` draws, all alike."""
    data, selection = data_of(classes), selection_of(classes)
    tried = [(trial.candidate, tuple(trial.setting.values())) for trial in selection.trials]
    assert len(set(map(str, tried))) == len(tried) == selection.planned == 2 + 3 + 1
    assert not selection.cut_short
    numbers = class_numbers(data.train.labels, data.classes)
    folds = make_folds(data.config.training, numbers)
    for trial in selection.trials:
        assert [outcome.truth.tolist() for outcome in trial.outcomes] == [numbers[test].tolist() for _, test in folds]


@pytest.mark.parametrize("classes", [2, 3])
def test_scores_are_means_over_folds(classes: int) -> None:
    """A trial's metrics are the means of those of its folds, and the deviation is that of the deciding one."""
    for trial in selection_of(classes).trials:
        by_fold = [score(outcome) for outcome in trial.outcomes]
        assert trial.scores == pytest.approx({name: np.mean([fold[name] for fold in by_fold]) for name in METRICS})
        assert trial.deviation == pytest.approx(np.std([fold["log_loss"] for fold in by_fold]))


@pytest.mark.slow
@pytest.mark.parametrize("metric", METRICS)
def test_the_best_by_the_metric_wins(metric: str) -> None:
    """Trials are listed best first by the metric of the config, and the first of them wins."""
    selection = select_model(with_training(data_of(), candidates=CANDIDATES, metric=metric), jobs=1)
    values = [trial.scores[metric] for trial in selection.trials]
    assert values == sorted(values, reverse=METRICS[metric])
    assert selection.winner is selection.trials[0]


@pytest.mark.slow
@pytest.mark.parametrize("classes", [2, 3])
def test_a_fold_is_predicted_as_a_pipeline_predicts_it(classes: int) -> None:
    """Out-of-fold probabilities are those of the whole pipeline, fitted on the other folds' rows alone."""
    data = data_of(classes)
    numbers = class_numbers(data.train.labels, data.classes)
    for trial in selection_of(classes).trials:
        for (train, test), outcome in zip(make_folds(data.config.training, numbers), trial.outcomes, strict=True):
            pipeline = build_pipeline(data.config, trial.candidate, trial.setting)
            pipeline.fit(data.train.features.iloc[train], numbers[train])
            expected = pipeline.predict_proba(data.train.features.iloc[test])
            assert outcome.probabilities == pytest.approx(expected, abs=1e-12)


def test_the_average_takes_the_best_setting_of_each() -> None:
    """The average's members are the best trials of the other candidates; that it predicts as a soft vote is above."""
    trials = selection_of(2).trials
    (average,) = (trial for trial in trials if trial.candidate == AVERAGE)
    best = {trial.candidate: trial.setting for trial in reversed(trials) if trial.candidate != AVERAGE}
    assert average.setting == best


@pytest.mark.slow
def test_the_average_wins_when_it_is_named() -> None:
    """`training.estimator: average` takes the average, whatever is best."""
    named = with_training(data_of(), candidates=CANDIDATES, estimator="average")
    assert select_model(named, jobs=1).winner.candidate == AVERAGE


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2, -1])
def test_a_selection_does_not_depend_on_the_threads(jobs: int) -> None:
    """Candidates, settings, order and every probability are the same with any number of threads."""
    found, expected = select_model(data_of(3), jobs=jobs), selection_of(3)
    for one, other in zip(found.trials, expected.trials, strict=True):
        assert (one.candidate, one.setting, one.scores) == (other.candidate, other.setting, other.scores)
        for outcome, same in zip(one.outcomes, other.outcomes, strict=True):
            assert (outcome.probabilities == same.probabilities).all()


def test_out_of_fold_rows_are_those_of_all_folds() -> None:
    """The winner's predictions for all judged rows follow each other fold by fold."""
    selection = selection_of(2)
    outcome = selection.out_of_fold()
    assert outcome.truth.tolist() == [number for part in selection.winner.outcomes for number in part.truth]
    assert outcome.probabilities.shape == (len(data_of(2).train), 2)
    assert outcome.threshold == 0.5


@pytest.mark.slow
def test_a_budget_ends_the_search_and_says_so() -> None:
    """When the budget is spent, the first setting of each candidate and the average were judged, and no other."""
    watcher = Watcher()
    selection = select_model(with_training(data_of(), candidates=CANDIDATES, budget_seconds=1e-9), watcher, jobs=1)
    assert sorted((trial.candidate, trial.setting.get("max_depth")) for trial in selection.trials) == [
        ("average", None),
        ("logistic_regression", None),
        ("random_forest", 2),
    ]
    assert selection.cut_short
    assert selection.planned == 6
    assert (watcher.planned, watcher.done, watcher.budget) == (15, 6, 1e-9)
    assert watcher.steps == ["preparing 3 folds", "comparing 2 candidates, 5 settings"]
    assert [name for name, _ in selection.skipped] == ["logistic_regression", "random_forest", "random_forest"]
    tried = [(trial.candidate, trial.setting) for trial in selection.trials]
    assert not any(skipped in tried for skipped in selection.skipped)


@pytest.mark.slow
def test_progress_hears_of_every_fit() -> None:
    """Without a cut, as many fits are reported as were announced."""
    watcher = Watcher()
    select_model(data_of(), watcher, jobs=2)
    assert watcher.done == watcher.planned == 15


@pytest.mark.slow
def test_the_leaderboard_is_the_best_setting_of_each_candidate_with_its_times() -> None:
    """Each candidate is there once, best first, with the seconds of a fit and the microseconds of a row."""
    selection = selection_of(2)
    board = selection.leaderboard()
    assert board[0] == selection.winner
    assert sorted(trial.candidate for trial in board) == ["average", "logistic_regression", "random_forest"]
    assert [trial.scores["log_loss"] for trial in board] == sorted(trial.scores["log_loss"] for trial in board)
    assert all(trial.fit_seconds > 0 and trial.predict_microseconds > 0 for trial in board)
    of = {trial.candidate: trial for trial in board}
    members = (of["logistic_regression"], of["random_forest"])
    assert of["average"].fit_seconds == pytest.approx(sum(member.fit_seconds for member in members))


@pytest.mark.slow
def test_a_large_table_gets_the_first_setting_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without `training.trials` the size of the table decides, and the selection says how many settings there are."""
    monkeypatch.setattr(estimators, "TRIALS_BY_VALUES", ((10, 4),))
    selection = select_model(data_of(), jobs=1)
    assert (len(selection.trials), selection.planned, selection.possible) == (3, 3, 6)
    assert not selection.skipped


@pytest.mark.slow
def test_a_number_of_trials_is_kept() -> None:
    """No candidate is tried with more settings than `training.trials`."""
    selection = select_model(with_training(data_of(), candidates=CANDIDATES, trials=1), jobs=1)
    assert len(selection.trials) == selection.planned == 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("candidates", "message"),
    [
        (
            {"logistic_regression": {"C": "-1"}},
            r"candidate logistic_regression cannot be fitted with {'C': -1}: The 'C' parameter .* must be",
        ),
        (
            {"logistic_regression": {}, "random_forest": {"max_features": "most"}},
            r"candidate random_forest cannot be fitted with {'max_features': 'most'}: The 'max_features'",
        ),
    ],
)
def test_a_candidate_that_fails_is_named(candidates: dict[str, Any], message: str) -> None:
    """An estimator that scikit-learn cannot fit is named with its setting and scikit-learn's reason, in one line."""
    with pytest.raises(TrainingError, match=message) as caught:
        select_model(with_training(data_of(), candidates=candidates), jobs=1)
    assert "\n" not in str(caught.value)


def test_features_that_cannot_be_prepared_are_an_error_of_training() -> None:
    """What goes wrong before any candidate is one line as well, not a traceback."""
    data = data_of()
    texts = data.train.features.assign(size="large")
    broken = TrainingData(
        data.config,
        data.schema,
        type(data.train)(texts, data.train.labels),
        data.holdout,
        data.holdout_rule,
        data.fingerprint,
    )
    with pytest.raises(TrainingError, match="the features cannot be prepared for training: "):
        select_model(broken, jobs=1)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["group", "time"])
def test_folds_follow_the_kind_of_split(tmp_path: Path, kind: str) -> None:
    """In a split by group or time, candidates are judged on the folds of that split."""
    table = make_table(200, gaps=0).assign(when=range(200), team=[f"t{row % 41}" for row in range(200)])
    config = make_config(
        FEATURES, folder=tmp_path, data={"group": "team", "time": "when"}, training={"split": {"kind": kind}}
    )
    data = load(table, config)
    groups = None if data.train.groups is None else data.train.groups.tolist()
    numbers = class_numbers(data.train.labels, data.classes)
    folds = make_folds(config.training, numbers, groups, data.train.moments)
    trial = select_model(data, jobs=1).winner
    assert [outcome.truth.tolist() for outcome in trial.outcomes] == [numbers[test].tolist() for _, test in folds]
    assert groups is not None
    for train, test in folds if kind == "group" else []:
        assert not {groups[row] for row in train} & {groups[row] for row in test}


def test_labels_get_the_number_of_their_class() -> None:
    """A class's number is its place in the config, not in the alphabet."""
    labels = np.array(["red", "blue", "red", "green"], dtype=object)
    assert class_numbers(labels, CLASSES).tolist() == [0, 2, 0, 1]


def mean_probability(tmp_path: Path, table: pd.DataFrame, **sections: Any) -> float:
    """Train on noise and give the mean probability of the second class for the training rows."""
    data = load(table, make_config({"noise": "numeric"}, folder=tmp_path, **sections))
    return float(select_model(data, jobs=1).out_of_fold().probabilities[:, 1].mean())


@pytest.fixture
def noise() -> pd.DataFrame:
    """Make a table of noise in which a quarter of the rows is of the second class."""
    draw = np.random.default_rng(0)
    rows = 400
    colours = np.array([CLASSES[row % 4 == 0] for row in range(rows)])
    return pd.DataFrame({"key": range(rows), "noise": draw.normal(size=rows), "colour": colours})


@pytest.mark.slow
def test_class_weights_reach_the_fit(tmp_path: Path, noise: pd.DataFrame) -> None:
    """On noise the second class is as likely as it is frequent, as often as not when balanced, and as it is weighed."""
    assert mean_probability(tmp_path, noise) == pytest.approx(1 / 4, abs=0.03)
    balanced = mean_probability(tmp_path, noise, training={"class_weights": "balanced"})
    assert balanced == pytest.approx(1 / 2, abs=0.02)
    weighed = mean_probability(tmp_path, noise, training={"class_weights": {"green": "9"}})
    assert weighed == pytest.approx(9 / 12, abs=0.03)


@pytest.mark.slow
@pytest.mark.parametrize("candidate", ["logistic_regression", "random_forest", "extra_trees", "hist_gradient_boosting"])
def test_sample_weights_reach_the_fit_of_every_estimator(tmp_path: Path, noise: pd.DataFrame, candidate: str) -> None:
    """Rows that weigh three times as much make their class as likely as if there were three of each."""
    settings = {} if candidate == "logistic_regression" else {"min_samples_leaf": "60"}
    weighed = noise.assign(weight=np.where(noise["colour"] == "green", 3.0, 1.0))
    training = {"candidates": {candidate: settings}}
    found = mean_probability(tmp_path, weighed, data={"weight": "weight"}, training=training)
    assert found == pytest.approx(1 / 2, abs=0.05)


def test_weights_are_products() -> None:
    """The weight of a row is that of the table times that of its class, which is 1 where the config gives none."""
    data = data_of()
    rows = data.train
    weights: NDArray[np.float64] = np.arange(1.0, len(rows) + 1)
    weighed = type(rows)(rows.features, rows.labels, weights=weights)
    green = np.where(rows.labels == "green", 5.0, 1.0)
    config = with_training(data, class_weights={"green": "5"}).config
    assert fit_weights(rows, data.config) is None
    np.testing.assert_array_equal(fit_weights(weighed, data.config), weights)
    np.testing.assert_array_equal(fit_weights(rows, config), green)
    np.testing.assert_array_equal(fit_weights(weighed, config), green * weights)


def test_balanced_classes_weigh_the_same_in_total() -> None:
    """Balanced weights sum to the same for each class, and to the number of rows."""
    rows = data_of(3).train
    weights = fit_weights(rows, with_training(data_of(3), class_weights="balanced").config)
    assert weights is not None
    totals = [weights[rows.labels == label].sum() for label in CLASSES]
    assert all(one == pytest.approx(other) for one, other in pairwise(totals))
    assert sum(totals) == pytest.approx(len(rows))


def test_too_few_rows_for_the_folds_of_time_are_a_data_error(tmp_path: Path) -> None:
    """When no fold in time can hold every class, the fold is named before any fit."""
    table = make_table(60, gaps=0).sort_values("colour").assign(when=[*range(50), *range(40, 50)])
    config = make_config(FEATURES, folder=tmp_path, data={"time": "when"}, training={"split": {"kind": "time"}})
    table["colour"] = ["red"] * 30 + ["green", "red"] * 15
    with pytest.raises(DataError, match="fold 1 has no rows of some class to train on"):
        select_model(load(table, config), jobs=1)


def test_nobody_need_watch() -> None:
    """Without a progress nothing is drawn."""
    silent = Silent()
    silent.step("reading the table")
    silent.advance()
