"""Build the scikit-learn pipeline of a config: raw features in, class probabilities out."""

from __future__ import annotations

from typing import Any

import numpy as np
from feature_engine.encoding import OrdinalEncoder, RareLabelEncoder
from feature_engine.imputation import CategoricalImputer
from feature_engine.selection import DropFeatures
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler, TargetEncoder

from classification_model.config.features import (
    enters_model,
    used_features,
)
from classification_model.config.sections import Config
from classification_model.errors import ConfigError
from classification_model.estimators import Setting, build_estimator
from classification_model.processing.features.derivation_steps import Steps, build_derivations, date_parts
from classification_model.processing.indicators import MissingIndicator, OneHot
from classification_model.processing.number_transformer import NumberTransformer
from classification_model.processing.splitting import AtMostFolds

MISSING_CATEGORY = "missing"
RARE_CATEGORY = "rare"
#: Numbers beyond these count as these, before they are scaled (so that their squares are finite) and in standard
#: deviations after (so that they fit into the single precision that trees work in).
LARGEST_NUMBER = 1e100
LARGEST_DEVIATION = 1e6

#: As feature-engine has it, which takes numbers for names too.
Names = list[str | int]


def build_pipeline(config: Config, estimator: str = "logistic_regression", setting: Setting | None = None) -> Pipeline:
    """Build the unfitted pipeline of a config.

    Parameters
    ----------
    config
        A config with features. `DataLoader.load` fills in those that the file leaves out, in ``config`` of its result.
    estimator
        A candidate: ``logistic_regression``, ``random_forest``, ``extra_trees``, ``hist_gradient_boosting`` or
        ``average``.
    setting
        scikit-learn parameters of the estimator; for ``average``, the setting of each member by its name.

    Returns
    -------
    sklearn.pipeline.Pipeline
        Takes the frame ``train.features`` of `DataLoader.load`. Its last step is called ``estimator``.

    Raises
    ------
    ConfigError
        If no feature enters the model, or the estimator has no such parameter.
    """
    last = build_estimator(estimator, setting or {}, config.training.random_state)
    return Pipeline([*build_preparation(config).steps, ("estimator", last)])


def build_preparation(config: Config) -> Pipeline:
    """Build all steps before the estimator: raw features in, a frame of finite numbers out.

    A missing category becomes a category of its own; a missing number is imputed, with an indicator column. An unseen
    category counts as a rare one, or gets the rate of all rows.

    Raises
    ------
    ConfigError
        If no feature enters the model.
    """
    config = config.model_copy(update={"features": used_features(config.features)})
    inner = _numeric_steps(config) + _categorical_steps(config)
    if not inner:
        msg = "features: expected one or more that enter the model, found texts and columns with encode: none alone"
        raise ConfigError(msg)
    fed: Names = [name for name, item in config.features.items() if not enters_model(item) or item.kind == "datetime"]
    dropped: Steps = [("drop_fed", DropFeatures(fed))] if fed else []
    return Pipeline([*build_derivations(config), *dropped, *inner])


def _numeric_steps(config: Config) -> Steps:
    imputed: dict[str, Names] = {"median": [], "mean": []}
    constants: dict[float, Names] = {}
    measured: Names = []
    for name, names in _numeric_outputs(config).items():
        feature = config.features[name]
        strategy = getattr(feature, "impute", "median")
        (constants.setdefault(strategy, []) if isinstance(strategy, float) else imputed[strategy]).extend(names)
        if feature.kind != "boolean":  # truth values lie within 0 and 1, as encodings do
            measured += names
    numbers: Names = [name for names in (*imputed.values(), *constants.values()) for name in names]
    if not numbers:
        return []
    steps: Steps = [("missing_indicator", MissingIndicator(missing_only=True, variables=numbers))]
    for number, (value, variables) in enumerate(constants.items()):
        steps.append((f"impute_constant_{number}", _impute(variables, strategy="constant", fill_value=value)))
    steps.append(("limit", _limit(LARGEST_NUMBER, numbers)))
    steps += [(f"impute_{strategy}", _impute(names, strategy=strategy)) for strategy, names in imputed.items() if names]
    if measured:
        steps.append(("scale", NumberTransformer(StandardScaler(), variables=measured)))
        steps.append(("limit_scaled", _limit(LARGEST_DEVIATION, measured)))
    return steps


def _impute(variables: Names, **parameters: Any) -> NumberTransformer:
    """Fill gaps; a column without any value, such as in a fold, becomes 0, which feature-engine's leaves NaN."""
    return NumberTransformer(SimpleImputer(**parameters, keep_empty_features=True), variables=variables)


def _limit(largest: float, variables: Names) -> NumberTransformer:
    clip = FunctionTransformer(np.clip, kw_args={"a_min": -largest, "a_max": largest})
    return NumberTransformer(clip, variables=variables)


def _numeric_outputs(config: Config) -> dict[str, list[str]]:
    """Name the numeric columns that features become in the model."""
    parts = date_parts(config)
    outputs = {}
    for name, feature in config.features.items():
        if name in parts:
            outputs[name] = parts[name][1]
        elif feature.kind in {"numeric", "boolean"} and enters_model(feature):
            outputs[name] = [name]
    return outputs


def _categorical_steps(config: Config) -> Steps:
    encoded: dict[str, Names] = {"one_hot": [], "ordinal": [], "target": []}
    for name, feature in config.features.items():
        if feature.kind == "categorical" and enters_model(feature):
            encoded[feature.encode].append(name)
    everything: Names = [name for names in encoded.values() for name in names]
    if not everything:
        return []
    training = config.training
    steps: Steps = [
        ("impute_category", CategoricalImputer("missing", fill_value=MISSING_CATEGORY, variables=everything))
    ]
    counted: Names = [*encoded["one_hot"], *encoded["ordinal"]]
    if counted:
        rare = RareLabelEncoder(
            tol=training.rare_label_share, n_categories=0, replace_with=RARE_CATEGORY, variables=counted
        )
        steps.append(("rare_labels", rare))
    if encoded["one_hot"]:
        steps.append(("one_hot", OneHot(variables=encoded["one_hot"])))
    if encoded["ordinal"]:
        ordinal = OrdinalEncoder("arbitrary", variables=encoded["ordinal"], unseen="encode")
        steps.append(("ordinal", ordinal))
    if encoded["target"]:
        folds = AtMostFolds(training.encoding_folds, shuffle=True, random_state=training.random_state)
        target = ColumnTransformer([("target", TargetEncoder(cv=folds), encoded["target"])], remainder="passthrough")
        steps.append(("target", target.set_output(transform="pandas")))
    return steps
