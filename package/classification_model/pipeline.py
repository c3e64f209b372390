"""The scikit-learn pipeline that a config describes: raw features in, probabilities out."""

from __future__ import annotations

from typing import Any

from feature_engine.encoding import OneHotEncoder, OrdinalEncoder, RareLabelEncoder
from feature_engine.imputation import (
    AddMissingIndicator,
    ArbitraryNumberImputer,
    CategoricalImputer,
    MeanMedianImputer,
)
from feature_engine.selection import DropFeatures
from feature_engine.wrappers import SklearnTransformerWrapper
from sklearn.base import TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler, TargetEncoder

from classification_model.config.features import (
    ColumnFeature,
    CombineFeature,
    ContainsFeature,
    DatePartsFeature,
    DerivedFeature,
    LogFeature,
    PatternFeature,
    RatioFeature,
    SumFeature,
)
from classification_model.config.sections import Config
from classification_model.estimators import Setting, build_estimator
from classification_model.processing.features import (
    Combine,
    DateParts,
    LogOnePlus,
    Ratio,
    Sum,
    TextContains,
    TextPattern,
)

MISSING_CATEGORY = "missing"
RARE_CATEGORY = "rare"

Steps = list[tuple[str, TransformerMixin]]
#: As feature-engine has it, which takes numbers for names too.
Names = list[str | int]


def build_pipeline(config: Config, estimator: str = "logistic_regression", setting: Setting | None = None) -> Pipeline:
    """Build the unfitted pipeline of a problem whose features are given.

    Parameters
    ----------
    config
        The problem; features that are left out must have been filled in (`complete_config`).
    estimator
        Name of a candidate.
    setting
        Its scikit-learn parameters.

    Returns
    -------
    sklearn.pipeline.Pipeline
        Takes the frame that `DataLoader` prepares. Its last step, ``estimator``, gives the probabilities.
    """
    last = build_estimator(estimator, setting or {}, config.training.random_state)
    return Pipeline([*build_preparation(config).steps, ("estimator", last)])


def build_preparation(config: Config) -> Pipeline:
    """Build all steps before the estimator: raw features in, a frame of numbers out.

    Missing values become a category of their own, or the median beside an indicator; unseen categories become rare
    ones, or the rate of all rows. So what comes out is finite, whatever goes in.
    """
    columns = {name: item for name, item in config.features.items() if isinstance(item, ColumnFeature)}
    derived = {name: item for name, item in config.features.items() if not isinstance(item, ColumnFeature)}
    dates = {name: item for name, item in columns.items() if item.kind == "datetime"}

    steps: Steps = [(f"derive_{name}", _derivation(name, item)) for name, item in derived.items()]
    steps += [(f"derive_{name}", DateParts([name], name, parts=item.parts)) for name, item in dates.items()]

    unused: Names = [name for name, item in config.features.items() if not enters_model(item)]
    if unused:
        steps.append(("drop_unused", DropFeatures(unused)))
    steps += _numeric_steps(config)
    steps += _categorical_steps(config)
    return Pipeline(steps)


def enters_model(feature: ColumnFeature | DerivedFeature) -> bool:
    """Tell whether a feature itself reaches the estimator, beside feeding others."""
    return feature.kind not in {"text", "datetime"} and getattr(feature, "encode", "") != "none"


def _derivation(name: str, feature: Any) -> TransformerMixin:
    sources = list(feature.sources)
    match feature:
        case PatternFeature():
            return TextPattern(sources, name, pattern=feature.pattern, as_number=feature.kind == "numeric")
        case ContainsFeature():
            return TextContains(sources, name, words=list(feature.words))
        case CombineFeature():
            return Combine(sources, name)
        case SumFeature():
            return Sum(sources, name, plus=feature.plus)
        case RatioFeature():
            return Ratio(sources, name)
        case LogFeature():
            return LogOnePlus(sources, name)
        case _:
            return DateParts(sources, name, parts=list(feature.parts))


def _numeric_steps(config: Config) -> Steps:
    imputed: dict[str, Names] = {"median": [], "mean": []}
    constants: dict[str, float] = {}
    for name, feature in config.features.items():
        names = _numeric_outputs(name, feature)
        strategy = getattr(feature, "impute", "median")
        if isinstance(strategy, float):
            constants |= dict.fromkeys(names, strategy)
        else:
            imputed[strategy] += names
    numbers: Names = [*imputed["median"], *imputed["mean"], *constants]
    if not numbers:
        return []
    steps: Steps = [("missing_indicator", AddMissingIndicator(missing_only=True, variables=numbers))]
    steps += [
        (f"impute_{strategy}", MeanMedianImputer(strategy, variables=names))
        for strategy, names in imputed.items()
        if names
    ]
    if constants:
        steps.append(("impute_constant", ArbitraryNumberImputer(imputer_dict=constants)))
    measured: Names = [name for name in numbers if name in _measured(config)]
    if measured:
        steps.append(("scale", SklearnTransformerWrapper(StandardScaler(), variables=measured)))
    return steps


def _measured(config: Config) -> set[str]:
    """Name the numeric columns with a unit, which are scaled; truth values and encodings lie within 0 and 1."""
    return {
        name
        for feature_name, feature in config.features.items()
        if feature.kind != "boolean"
        for name in _numeric_outputs(feature_name, feature)
    }


def _numeric_outputs(name: str, feature: ColumnFeature | DerivedFeature) -> list[str]:
    """Name the numeric columns that a feature becomes in the model."""
    if getattr(feature, "encode", "") == "none":
        return []
    if isinstance(feature, DatePartsFeature) or feature.kind == "datetime":
        return [f"{name}_{part}" for part in feature.parts]
    return [name] if feature.kind in {"numeric", "boolean"} else []


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
        steps.append(("one_hot", OneHotEncoder(variables=encoded["one_hot"], drop_last_binary=True)))
    if encoded["ordinal"]:
        ordinal = OrdinalEncoder("arbitrary", variables=encoded["ordinal"], unseen="encode")
        steps.append(("ordinal", ordinal))
    if encoded["target"]:
        folds = StratifiedKFold(training.encoding_folds, shuffle=True, random_state=training.random_state)
        encoder = TargetEncoder(cv=folds)
        target = ColumnTransformer(
            [("target", encoder, encoded["target"])], remainder="passthrough", verbose_feature_names_out=False
        )
        steps.append(("target", target.set_output(transform="pandas")))
    return steps
