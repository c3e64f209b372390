"""Exploring a table: its columns, with and without a target, and the candidates that are tried."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from problems import DERIVED, EVERY_KIND, load, make_config, make_table

from classification_model.config.sections import Config
from classification_model.evaluation.metrics import Outcome, score
from classification_model.training.exploration import Exploration
from classification_model.training.explore import explore_columns, explore_problem
from classification_model.training.model_selection import Selection, Trial
from classification_model.training.profile_training_data import profile_derived, profile_training_data
from classification_model.training.progress import Silent
from classification_model.training.selection_conclusions import conclude_on_selection
from classification_model.training.selection_sample import sample_training_data


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """Describe a table of every kind of column, with some that are not learned from."""
    folder = tmp_path_factory.mktemp("table")
    table = make_table(300)
    table["after"] = ["yes" if colour == table["colour"].iloc[0] else None for colour in table["colour"]]
    table["remark"] = [f"row {number}" for number in range(len(table))]
    table["scrap"] = 1
    table.to_csv(folder / "table.csv", index=False)
    return make_config(EVERY_KIND | DERIVED, folder=folder, data={"leakage": ("after",), "drop": ("scrap",)})


@pytest.fixture(scope="module")
def explored(config: Config) -> Exploration:
    return explore_problem(config, Silent(), jobs=1)


def test_the_held_out_rows_are_not_profiled(explored: Exploration) -> None:
    """The profile is of the rows to train on alone, and of the columns to learn from."""
    assert explored.data is not None
    assert explored.profile.rows == len(explored.data.train) < explored.rows == 300
    assert {column.name for column in explored.profile.columns} == {field.name for field in explored.data.schema.fields}


def test_columns_not_learned_from_are_explored_with_the_reason(explored: Exploration) -> None:
    """Columns that the config leaves out are profiled too, and the audit says which one gives the target away."""
    assert explored.roles is not None
    assert explored.unused is not None
    assert explored.roles["after"] == "known only after the outcome: data.leakage"
    assert explored.roles["scrap"] == "left out: data.drop"
    assert (explored.roles["key"], explored.roles["colour"]) == ("the index", "the target")
    assert {column.name for column in explored.unused.columns} == {"after", "scrap", "remark", "key"}
    assert [finding.column for finding in explored.unused_audit if "leak" in finding.kind] == ["after"]


def test_candidates_are_compared(explored: Exploration) -> None:
    """The candidates of the config are compared on the rows to train on, and conclusions follow."""
    assert explored.selection is not None
    assert explored.selection.winner.candidate == "logistic_regression"
    assert "Predictability" in {one.topic for one in explored.conclusions()}


def test_candidates_that_cannot_be_compared_leave_the_rest(config: Config) -> None:
    """If a candidate cannot be fitted, the page says why, and all else is there."""
    training = config.training.model_copy(update={"candidates": {"logistic_regression": {"C": -1.0}}})
    wrong = config.model_copy(update={"training": training}).at(config.folder)

    found = explore_problem(wrong, Silent(), jobs=1)

    assert found.selection is None
    assert found.not_compared.startswith("The candidates could not be compared: candidate logistic_regression cannot")
    assert found.profile.rows > 0


def test_without_models_none_are_compared(config: Config) -> None:
    """Candidates can be left out."""
    found = explore_problem(config, Silent(), compare_models=False)

    assert (found.selection, found.not_compared) == (None, "They were left out.")


def test_a_table_without_a_target_is_explored(config: Config) -> None:
    """Without a target, all rows and columns are profiled, without classes."""
    found = explore_columns(str(config.folder / "table.csv"), Silent())

    assert (found.name, found.rows, found.profile.rows) == ("table.csv", 300, 300)
    assert {"colour", "remark", "key"} <= {column.name for column in found.profile.columns}
    assert (found.profile.classes, found.data, found.selection) == ((), None, None)
    assert {column.name: column.kind for column in found.profile.columns}["remark"] == "text"


def test_derived_features_are_profiled(tmp_path: Path) -> None:
    """Derived features and parts of dates are profiled by class."""
    data = load(make_table(160), make_config(EVERY_KIND | DERIVED, folder=tmp_path))

    derived = profile_derived(data)

    assert set(DERIVED) & {column.name for column in derived.columns}
    assert not {column.name for column in derived.columns} & {
        column.name for column in profile_training_data(data).columns
    }


def test_a_sample_keeps_the_shares_of_the_classes(tmp_path: Path) -> None:
    """A sample is the same each time, keeps shares and order, and at least as many rows of a class as folds."""
    data = load(make_table(1500), make_config(folder=tmp_path))
    is_first = data.train.labels == data.classes[0]

    sample = sample_training_data(data, 200)
    again = sample_training_data(data, 200)

    assert len(sample.train) == pytest.approx(200, abs=2)
    assert (sample.train.labels == data.classes[0]).mean() == pytest.approx(is_first.mean(), abs=0.01)
    pd.testing.assert_frame_equal(sample.train.features, again.train.features)
    assert sample_training_data(data, 5000) is data
    smallest = sample_training_data(data, 3)
    assert min(np.unique(smallest.train.labels.astype(str), return_counts=True)[1]) == data.config.training.folds


def trial(candidate: str, *certainties: float) -> Trial:
    """Make a trial that is right with a probability in each fold, on balanced classes."""
    truth = np.arange(40) % 2
    rights = [np.where(truth == 1, certainty, 1 - certainty) for certainty in certainties]
    outcomes = [Outcome(("no", "yes"), truth, np.stack([1 - right, right], axis=1)) for right in rights]
    scores = [score(outcome) for outcome in outcomes]
    means = {name: float(np.mean([one[name] for one in scores])) for name in scores[0]}
    return Trial(candidate, {}, means, 0.0, tuple(outcomes))


def selection(*trials: Trial) -> Selection:
    return Selection(trials[0], trials, len(trials))


def test_a_difference_within_its_deviation_is_a_tie() -> None:
    """Trees that are better in one fold and worse in the other are told to be no better."""
    compared = selection(trial("random_forest", 0.84, 0.78), trial("logistic_regression", 0.80, 0.80))

    found = {one.topic: one for one in conclude_on_selection(compared, "log_loss", 2)}

    assert "no more than the deviation of this difference over 2 folds" in found["Candidates"].finding
    assert found["Candidates"].advice == "Prefer the one that is simpler or quicker."
    assert "without a column it is 0.6931" in found["Predictability"].finding


def test_a_difference_in_every_fold_is_told_however_much_the_folds_differ() -> None:
    """The linear candidate that loses to trees by as much in each fold is told to, as both are judged on the same."""
    compared = selection(
        trial("average", 0.94, 0.74), trial("random_forest", 0.93, 0.73), trial("logistic_regression", 0.90, 0.70)
    )

    found = {one.topic: one for one in conclude_on_selection(compared, "log_loss", 2)}

    assert "below logistic regression: more than the deviation" in found["Linear or trees"].finding
    assert found["Linear or trees"].advice.startswith("Effects that bend")


def test_a_model_that_beats_nothing_is_told() -> None:
    """A comparison whose best is no better than the shares of the classes says so."""
    found = {one.topic: one for one in conclude_on_selection(selection(trial("random_forest", 0.4)), "log_loss", 5)}

    assert found["Predictability"].finding.startswith("No candidate beats the shares of the classes")
    assert "Candidates" not in found


def test_a_model_too_good_to_be_true_asks_for_leaks() -> None:
    """A nearly perfect ROC AUC asks for a column that is known only after the outcome."""
    found = conclude_on_selection(selection(trial("random_forest", 0.999)), "roc_auc", 5)

    assert found[0].advice.startswith("A ROC AUC of 1.0000 is seldom true")


def test_leaks_come_first(explored: Exploration) -> None:
    """What the audit suspects stands before all other conclusions."""
    leaky = replace(explored, audit=tuple(one for one in explored.unused_audit if "leak" in one.kind))

    assert leaky.conclusions()[0].finding.startswith("column 'after' gives the target away")
    leaks = [one.finding for one in explored.conclusions() if one.topic == "Leak"]
    assert leaks[-1].startswith("after is rightly not learned from: filled in")
