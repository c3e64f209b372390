"""The estimators of a training, and the settings to try for each.

To add one, name it here and in `config.sections.Candidate`, and give it a converter in `export.estimator_converters`.
An estimator without a converter can be trained, but is not compiled.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from sklearn.base import ClassifierMixin
from sklearn.ensemble import (
    ExtraTreesClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import ParameterGrid, ParameterSampler

from classification_model.config.complaints import nearest
from classification_model.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from classification_model.config.sections import Config, TrainingConfig

Setting = dict[str, Any]

AVERAGE = "average"

#: What each estimator starts from; a config's parameters come on top. Leaves grow with the table (a share of its
#: rows), so that a forest of a large table still fits into memory.
_ESTIMATORS: dict[str, tuple[type[ClassifierMixin], Setting]] = {
    "logistic_regression": (LogisticRegression, {"max_iter": 2000}),
    "random_forest": (RandomForestClassifier, {"n_estimators": 300, "min_samples_leaf": 0.002}),
    "extra_trees": (ExtraTreesClassifier, {"n_estimators": 300, "min_samples_leaf": 0.002}),
    "hist_gradient_boosting": (HistGradientBoostingClassifier, {"max_iter": 150, "learning_rate": 0.06}),
}

#: What a config without candidates compares.
DEFAULT_CANDIDATES: dict[str, Setting] = {
    "logistic_regression": {"C": (1.0, 0.1, 0.3, 3.0)},
    "random_forest": {"min_samples_leaf": (0.002, 0.005), "max_features": ("sqrt", 0.5)},
    "hist_gradient_boosting": {"max_leaf_nodes": (15, 31, 7), "min_samples_leaf": (20, 40)},
    AVERAGE: {},
}


def build_estimator(name: str, setting: Setting, random_state: int) -> ClassifierMixin:
    """Return an unfitted estimator.

    Parameters
    ----------
    name
        A candidate: ``logistic_regression``, ``random_forest``, ``extra_trees``, ``hist_gradient_boosting`` or
        ``average``.
    setting
        scikit-learn parameters; for ``average``, the setting of each member by its name.
    random_state
        Seed.

    Raises
    ------
    ConfigError
        If the estimator has no such parameter.
    """
    if name == AVERAGE:
        members = [(member, build_estimator(member, inner, random_state)) for member, inner in setting.items()]
        return VotingClassifier(members, voting="soft", flatten_transform=False)
    kind, defaults = _ESTIMATORS[name]
    estimator = kind(**defaults, random_state=random_state)
    known = estimator.get_params()
    for parameter in setting:
        if parameter not in known:
            expected = nearest(parameter, sorted(known))
            msg = f"training.candidates.{name}.{parameter}: expected {expected}, found an unknown parameter"
            raise ConfigError(msg)
    return estimator.set_params(**setting)


def candidates_of(config: Config) -> dict[str, Setting]:
    """Return the parameters of each candidate to train; a tuple holds values to search."""
    training = config.training
    candidates: dict[str, Setting] = {str(name): dict(given) for name, given in training.candidates.items()}
    candidates = candidates or DEFAULT_CANDIDATES
    if training.estimator in {None, AVERAGE}:
        return candidates
    return {training.estimator: candidates.get(training.estimator, {})}


def check_candidates(config: Config) -> None:
    """Refuse a parameter that its estimator lacks, before a table is read.

    Raises
    ------
    ConfigError
        Naming the parameter and the nearest known one.
    """
    for name, parameters in candidates_of(config).items():
        if name != AVERAGE:
            build_estimator(name, parameters, config.training.random_state)


#: Settings to try for each candidate, by the number of values (rows times columns) to learn from.
TRIALS_BY_VALUES = ((100_000, 4), (300_000, 2))


def trials_of(training: TrainingConfig, rows: int, columns: int) -> int:
    """Return the number of settings to try for each candidate: the config's, or one that follows from the table.

    A rerun tries the same settings: 4 with up to 100,000 values, 2 with up to 300,000, else 1.

    Parameters
    ----------
    training
        Section of the config.
    rows, columns
        Size of the table to learn from.
    """
    if training.trials is not None:
        return training.trials
    return next((trials for most, trials in TRIALS_BY_VALUES if rows * columns <= most), 1)


def settings_in(parameters: Mapping[str, Any]) -> int:
    """Return the number of settings that lists of values allow."""
    return math.prod(len(value) for value in parameters.values() if isinstance(value, tuple))


def settings_of(parameters: Mapping[str, Any], trials: int, random_state: int) -> list[Setting]:
    """Return the settings to try, in order: the first value of every list, then others drawn at random.

    Parameters
    ----------
    parameters
        Values, or tuples of values to search.
    trials
        Number of settings, at most.
    random_state
        Seed.
    """
    lists = {name: list(value) if isinstance(value, tuple) else [value] for name, value in parameters.items()}
    first = {name: values[0] for name, values in lists.items()}
    count = min(len(ParameterGrid(lists)), trials)
    drawn = ParameterSampler(lists, n_iter=count, random_state=random_state)
    others = [setting for setting in drawn if setting != first]
    ordered = [first, *({name: setting[name] for name in lists} for setting in others)]
    return ordered[:trials]


def name_of(estimator: ClassifierMixin) -> str:
    """Return the name of a classifier: that of the candidate, or else of its class."""
    names = {kind: name for name, (kind, _) in _ESTIMATORS.items()}
    return names.get(type(estimator), type(estimator).__name__)
