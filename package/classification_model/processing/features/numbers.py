"""Transformers from numbers to numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from classification_model.processing.features.base import AppendColumns, AppendEach
from classification_model.runtime.inference.derivations.numbers import add, divide, log_one_plus


class Sum(AppendColumns):
    """The sum of numeric columns and a constant; NaN when a value is NaN, or the sum is not finite.

    Parameters
    ----------
    variables
        Numeric columns. The default is all columns.
    name
        Name of the new column.
    plus
        Constant to add.
    """

    def __init__(self, variables: Sequence[str] | None = None, name: str = "sum", plus: float = 0.0) -> None:
        super().__init__(variables, name)
        self.plus = plus

    def _derive(self, columns: pd.DataFrame) -> dict[str, np.ndarray]:
        return {self.name: add(list(columns.to_numpy(dtype=np.float64).T), self.plus)}


class Ratio(AppendColumns):
    """The first of two numeric columns divided by the second; NaN when a value is NaN, or the ratio is not finite.

    Parameters
    ----------
    variables
        Dividend and divisor. The default is the first and the last column.
    name
        Name of the new column.
    """

    def _check_parameters(self, count: int) -> None:
        if self.variables is not None and count != 2:
            msg = f"variables: expected two, the dividend and the divisor, found {count}"
            raise ValueError(msg)

    def _derive(self, columns: pd.DataFrame) -> dict[str, np.ndarray]:
        values = columns.to_numpy(dtype=np.float64)
        return {self.name: divide(values[:, 0], values[:, -1])}


class LogOnePlus(AppendEach):
    """The natural logarithm of one plus a number; NaN for NaN, and for -1 or less.

    Parameters
    ----------
    variables
        Numeric columns. The default is all columns.
    name
        Name of the new column; with several variables, the new columns are called ``<variable>_<name>``.
    """

    def __init__(self, variables: Sequence[str] | None = None, name: str = "log") -> None:
        super().__init__(variables, name)

    def _derive(self, columns: pd.DataFrame) -> dict[str, np.ndarray]:
        values = columns.to_numpy(dtype=np.float64)
        return dict(zip(self._new_names(), log_one_plus(values).T, strict=True))
