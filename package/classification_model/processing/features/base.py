"""Base classes of the transformers: they check the input and append the new columns."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_array, check_is_fitted, validate_data


class AppendColumns(TransformerMixin, BaseEstimator, ABC):
    """Base of transformers that append columns.

    Parameters
    ----------
    variables
        Columns to compute from, in order. The default is all columns.
    name
        Name of the new column; the prefix of the names where there are several.
    """

    #: Whether the values must be numbers.
    _numeric = True

    def __init__(self, variables: Sequence[str] | None = None, name: str = "derived") -> None:
        self.variables = variables
        self.name = name

    def fit(self, X: Any, y: Any = None) -> Self:  # noqa: ARG002 - scikit-learn's signature
        """Validate the parameters, and remember the columns of the table.

        Parameters
        ----------
        X
            Frame or array of shape (n_samples, n_features).
        y
            Ignored.

        Raises
        ------
        ValueError
            If a variable is not a column of `X`, a new column would have the name of another, or a parameter is wrong.
        """
        frame = self._frame(X, reset=True)
        variables = list(frame.columns) if self.variables is None else list(self.variables)
        unknown = [name for name in variables if name not in frame.columns]
        if unknown:
            msg = f"variables: expected columns among {list(frame.columns)}, found {unknown}"
            raise ValueError(msg)
        self._check_parameters(len(variables))
        self.variables_ = variables
        self.columns_ = list(frame.columns)
        names = [*self.columns_, *self._new_names()]
        taken = [name for name in self._new_names() if names.count(name) > 1]
        if taken:
            msg = f"name: expected a new name for each column, found {taken}, which other columns have: choose another"
            raise ValueError(msg)
        return self

    def transform(self, X: Any) -> pd.DataFrame:
        """Return `X` with the new columns appended, shape (n_samples, n_features + new)."""
        check_is_fitted(self)
        frame = self._frame(X, reset=False)
        derived = self._derive(frame[self.variables_])
        new = {name: pd.Series(values, index=frame.index, dtype=values.dtype) for name, values in derived.items()}
        return pd.concat([frame, pd.DataFrame(new)], axis=1)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:  # noqa: ARG002
        """Return the names of the input's columns and of the new ones."""
        check_is_fitted(self)
        return np.asarray([*self.columns_, *self._new_names()], dtype=object)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = not self._numeric
        tags.input_tags.categorical = not self._numeric
        tags.transformer_tags.preserves_dtype = []
        return tags

    def _frame(self, X: Any, *, reset: bool) -> pd.DataFrame:
        if isinstance(X, pd.DataFrame):
            if X.shape[1] == 0 or len(X) == 0:
                check_array(X)  # raises scikit-learn's own message
            validate_data(self, X, reset=reset, skip_check_array=True)
            return X
        dtype = "numeric" if self._numeric else None
        array = validate_data(
            self, X, reset=reset, dtype=dtype, ensure_all_finite="allow-nan" if self._numeric else False
        )
        return pd.DataFrame(array, columns=[f"x{position}" for position in range(array.shape[1])])

    def _check_parameters(self, count: int) -> None:
        """Raise ValueError for a parameter that makes no sense with `count` variables."""

    def _new_names(self) -> list[str]:
        return [self.name]

    @abstractmethod
    def _derive(self, columns: pd.DataFrame) -> dict[str, np.ndarray]:
        """Compute the new columns, by name, from the columns of `variables_`."""


class AppendEach(AppendColumns):
    """Base of transformers that append a column for each variable: `name`, or ``<variable>_<name>`` of several."""

    def _new_names(self) -> list[str]:
        if len(self.variables_) == 1:
            return [self.name]
        return [f"{variable}_{self.name}" for variable in self.variables_]
