"""A `Model` as a scikit-learn classifier, for scikit-learn's tools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from classification_model.runtime.input.columns import encode

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from classification_model.runtime.input.columns import Column
    from classification_model.runtime.input.schema import InputSchema
    from classification_model.runtime.predictor import Model


class ModelClassifier(ClassifierMixin, BaseEstimator):
    """Predicts class numbers from prepared frames, as the pipeline of the model does, and much quicker.

    Parameters
    ----------
    model
        What gives the probabilities.
    schema
        Its input schema, whose fields are the columns of the frames.
    classes
        Number of its classes.
    """

    def __init__(self, model: Model, schema: InputSchema, classes: int) -> None:
        self.model = model
        self.schema = schema
        self.classes = classes
        self.classes_ = np.arange(classes)

    def fit(self, X: pd.DataFrame, y: object) -> Self:  # noqa: ARG002 - scikit-learn looks for it
        """Return the model, which is fitted."""
        return self

    def predict_proba(self, X: pd.DataFrame) -> NDArray[np.float64]:
        """Return probabilities, shape (n_rows, n_classes)."""
        return self.model.probabilities(columns_of(X, self.schema), len(X))


def columns_of(frame: pd.DataFrame, schema: InputSchema) -> dict[str, Column]:
    """Return the columns of a prepared frame as a model takes them."""
    columns: dict[str, Column] = {}
    for field in schema.fields:
        column = frame[field.name]
        if field.name in schema.texts:
            columns[field.name] = encode([value if isinstance(value, str) else None for value in column.tolist()])
        else:
            columns[field.name] = column.to_numpy(dtype=np.float64)
    return columns
