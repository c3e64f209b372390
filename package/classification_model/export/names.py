"""What the columns that reach the estimator of a pipeline are called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sklearn.compose import ColumnTransformer

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.pipeline import Pipeline


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
