"""Describe the steps of a fitted pipeline, from raw columns to probabilities, as a page draws them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sklearn.compose import ColumnTransformer
from sklearn.ensemble import VotingClassifier

from classification_model.export.derivations import describe_derivation, is_derivation
from classification_model.pipeline import LARGEST_DEVIATION, LARGEST_NUMBER, MISSING_CATEGORY, RARE_CATEGORY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sklearn.pipeline import Pipeline

#: Columns of a step that are named.
_MOST_NAMED = 30
_WORDS = {
    "drop_fed": "Drop columns that only feed others",
    "missing_indicator": "Mark gaps in a column of their own",
    "limit": f"Limit to ±{LARGEST_NUMBER:g}",
    "impute_median": "Fill gaps with the median",
    "impute_mean": "Fill gaps with the mean",
    "scale": "Scale to mean 0 and standard deviation 1",
    "limit_scaled": f"Limit to ±{LARGEST_DEVIATION:,.0f} standard deviations",
    "impute_category": f"Fill gaps with the category {MISSING_CATEGORY!r}",
    "rare_labels": f"Merge rare categories into {RARE_CATEGORY!r}",
    "one_hot": "Give each category a column of 0 and 1",
    "ordinal": "Number the categories",
    "target": "Replace categories by the rates of the classes, cross-fitted",
}


@dataclass(frozen=True)
class PipelineStep:
    """A step of a pipeline.

    Attributes
    ----------
    what
        What it does, in words.
    columns
        Columns that it works on, or features that it derives.
    more
        Number of further columns.
    """

    what: str
    columns: tuple[str, ...]
    more: int = 0


def pipeline_steps(pipeline: Pipeline) -> list[PipelineStep]:
    """Describe the steps of a fitted pipeline in their order; all derivations are one step."""
    steps: list[PipelineStep] = []
    derived = [_derived(step) for _, step in pipeline.steps if is_derivation(step)]
    if derived:
        steps.append(_step("Derive features", derived))
    for name, step in pipeline.steps[:-1]:
        if not is_derivation(step):
            steps.append(_step(_in_words(name, step), _columns_of(step)))
    estimator = pipeline[-1]
    if isinstance(estimator, VotingClassifier):
        steps.append(_step("Average the probabilities", [_spelled(one) for _, one in estimator.estimators]))
    else:
        steps.append(_step(type(estimator).__name__, _settings(estimator)))
    return steps


def _step(what: str, columns: Sequence[str]) -> PipelineStep:
    return PipelineStep(what, tuple(columns[:_MOST_NAMED]), max(0, len(columns) - _MOST_NAMED))


def _derived(step: Any) -> str:
    derivation = describe_derivation(step)
    what = derivation.derive.replace("_", " ")
    return f"{', '.join(derivation.outputs)}: {what} of {', '.join(derivation.sources)}"


def _in_words(name: str, step: Any) -> str:
    if re.fullmatch(r"impute_constant_\d+", name):
        return f"Fill gaps with {step.transformer.fill_value:g}"
    return _WORDS.get(name, type(step).__name__)


def _columns_of(step: Any) -> list[str]:
    if isinstance(step, ColumnTransformer):
        return [str(name) for name in step.transformers_[0][2]]
    names = getattr(step, "variables_", getattr(step, "features_to_drop_", ()))
    return [str(name) for name in names]


def _settings(estimator: Any) -> list[str]:
    """Return the parameters that differ from scikit-learn's defaults."""
    defaults = type(estimator)().get_params()
    changed = {name: value for name, value in estimator.get_params().items() if value != defaults[name]}
    return [f"{name} {value}" for name, value in changed.items()]


def _spelled(estimator: Any) -> str:
    return ", ".join([type(estimator).__name__, *_settings(estimator)])
