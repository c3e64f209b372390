"""Names of the columns that reach the estimator of a pipeline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from sklearn.compose import ColumnTransformer

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline


def prepare(pipeline: Pipeline, features: pd.DataFrame, stop: int = -1) -> pd.DataFrame:
    """Return what a pipeline makes of rows before one of its steps, the estimator; a frame, whatever the steps give.

    Parameters
    ----------
    pipeline
        Fitted pipeline.
    features
        Rows that it takes.
    stop
        Number of the step.
    """
    steps = pipeline[:stop]
    if not len(steps):
        return features
    prepared = steps.transform(features)
    if isinstance(prepared, pd.DataFrame):
        return prepared
    return pd.DataFrame(prepared, columns=steps.get_feature_names_out())


def names_of_features(pipeline: Pipeline, prepared: pd.DataFrame) -> list[str]:
    """Return the names of what reaches the estimator, without what a ColumnTransformer puts before them.

    Parameters
    ----------
    pipeline
        Fitted pipeline.
    prepared
        What its steps before the estimator give.
    """
    names = [str(name) for name in prepared.columns]
    if len(pipeline) > 1 and isinstance(pipeline[-2], ColumnTransformer):
        return [name.partition("__")[2] for name in names]
    return names
