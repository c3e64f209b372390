"""The estimators to choose among, and the settings to try for each."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from problems import make_config
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from classification_model.config.sections import TrainingConfig
from classification_model.errors import ConfigError
from classification_model.estimators import (
    AVERAGE,
    DEFAULT_CANDIDATES,
    build_estimator,
    candidates_of,
    settings_of,
    trials_of,
)

KINDS = {
    "logistic_regression": LogisticRegression,
    "random_forest": RandomForestClassifier,
    "extra_trees": ExtraTreesClassifier,
    "hist_gradient_boosting": HistGradientBoostingClassifier,
}


@pytest.mark.parametrize("name", KINDS)
def test_an_estimator_is_built_by_its_name(name: str) -> None:
    """Each name gives an estimator of its class, with the seed."""
    estimator = build_estimator(name, {}, 7)
    assert type(estimator) is KINDS[name]
    assert estimator.get_params()["random_state"] == 7


@pytest.mark.parametrize(
    ("name", "setting"),
    [
        ("logistic_regression", {"C": 0.25, "max_iter": 50}),
        ("random_forest", {"n_estimators": 7, "max_features": None}),
        ("hist_gradient_boosting", {"max_leaf_nodes": 3, "early_stopping": False}),
    ],
)
def test_a_setting_takes_the_place_of_defaults(name: str, setting: dict[str, Any]) -> None:
    """Parameters of a setting are those of the estimator; all others stay."""
    plain, other = build_estimator(name, {}, 0).get_params(), build_estimator(name, setting, 0).get_params()
    assert {key: value for key, value in other.items() if value != plain[key]} == {
        key: value for key, value in setting.items() if value != plain[key]
    }
    assert setting.items() <= other.items()


def test_an_average_holds_its_members() -> None:
    """The average is a soft vote of members with their settings, in order."""
    average = build_estimator(AVERAGE, {"random_forest": {"n_estimators": 3}, "logistic_regression": {}}, 5)
    assert [name for name, _ in average.estimators] == ["random_forest", "logistic_regression"]
    assert average.estimators[0][1].n_estimators == 3
    assert average.voting == "soft"
    assert all(member.random_state == 5 for _, member in average.estimators)


def test_an_unknown_parameter_is_named_with_the_nearest() -> None:
    """A parameter that scikit-learn does not know is refused, with its place in the config and a known one."""
    with pytest.raises(
        ConfigError, match=r"training\.candidates\.random_forest\.n_tree: expected .*, found an unknown"
    ):
        build_estimator("random_forest", {"n_tree": 3}, 0)
    with pytest.raises(ConfigError, match="expected 'n_estimators'"):
        build_estimator("random_forest", {"n_estimator": 3}, 0)


def test_a_config_without_candidates_compares_the_default_ones() -> None:
    """Left out, candidates are linear, forest, boosting and their average, each buildable at its first setting."""
    candidates = candidates_of(make_config(training={"candidates": {}}))
    assert list(candidates) == ["logistic_regression", "random_forest", "hist_gradient_boosting", AVERAGE]
    for name, parameters in DEFAULT_CANDIDATES.items():
        if name != AVERAGE:
            for setting in settings_of(parameters, 100, 0):
                build_estimator(name, setting, 0)


def test_a_named_estimator_is_the_only_candidate() -> None:
    """`training.estimator` leaves one candidate, with its parameters where it has any."""
    given_ = {"logistic_regression": {"C": ["1", "2"]}, "random_forest": {}}
    candidates = candidates_of(make_config(training={"candidates": given_, "estimator": "logistic_regression"}))
    assert candidates == {"logistic_regression": {"C": (1, 2)}}
    assert candidates_of(make_config(training={"candidates": given_, "estimator": "extra_trees"})) == {
        "extra_trees": {}
    }


def test_the_average_needs_all_of_its_members() -> None:
    """`training.estimator: average` still compares the others, which are averaged."""
    given_: dict[str, Any] = {"logistic_regression": {}, "random_forest": {}, "average": {}}
    assert list(candidates_of(make_config(training={"candidates": given_, "estimator": "average"}))) == list(given_)


grids = st.dictionaries(
    st.sampled_from(["a", "b", "c"]),
    st.integers(0, 9) | st.lists(st.integers(0, 9), min_size=1, max_size=4, unique=True).map(tuple),
    max_size=3,
)


@given(grids, st.integers(1, 20), st.integers(0, 5))
def test_settings_are_tried_in_one_order(grid: dict[str, Any], trials: int, seed: int) -> None:
    """The first value of every list comes first, then others of the grid, none twice, as many as asked for."""
    found = settings_of(grid, trials, seed)
    lists = {name: value if isinstance(value, tuple) else (value,) for name, value in grid.items()}
    everything = [dict(zip(lists, values, strict=True)) for values in itertools.product(*lists.values())]
    assert found[0] == everything[0]
    assert all(setting in everything for setting in found)
    assert len(found) == len({str(setting) for setting in found}) == min(trials, len(everything))
    assert all(list(setting) == list(grid) for setting in found)
    assert found == settings_of(grid, trials, seed)


def test_a_huge_grid_is_not_walked() -> None:
    """Of a grid of a thousand million settings a few are drawn; walking it would never end."""
    grid = {f"p{number}": tuple(range(10)) for number in range(9)}
    assert len(settings_of(grid, 5, 0)) == 5


@pytest.mark.parametrize(
    ("rows", "columns", "trials"),
    [(1047, 10, 4), (10_000, 10, 4), (10_001, 10, 2), (1000, 300, 2), (240, 1500, 1), (1_000_000, 30, 1)],
)
def test_the_number_of_trials_follows_from_the_size_of_the_table(rows: int, columns: int, trials: int) -> None:
    """Without `training.trials`, a small table gets every default setting and a large one the first; a number stays."""
    assert trials_of(TrainingConfig(), rows, columns) == trials
    assert trials_of(TrainingConfig(trials=7), rows, columns) == 7
