"""Numbers from numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from classification_model.processing.features.base import AppendColumns, AppendEach
from classification_model.runtime.inference.derivations.numbers import add, divide, log_one_plus


class Sum(AppendColumns):
    """The sum of numeric columns and a constant; NaN when one of them is, or the sum is not finite.

    Parameters
    ----------
    variables
        Numeric columns; all columns when None.
    name
        Name of the new column.
    plus
        What is added to the sum.
    """

    def __init__(self, variables: Sequence[str] | None = None, name: str = "sum", plus: float = 0.0) -> None:
        super().__init__(variables, name)
        self.plus = plus

    def _derive(self, columns: pd.DataFrame) -> dict[str, np.ndarray]:
        return {self.name: add(list(columns.to_numpy(dtype=np.float64).T), self.plus)}


class Ratio(AppendColumns):
    """The first of two numeric columns divided by the second; NaN when either is, or the ratio is not finite.

    Parameters
    ----------
    variables
        Dividend and divisor; the first and the last column when None.
    name
        Name of the new column.
    """

    def _check_parameters(self, count: int) -> None:
        if self.variables is not None and count != 2:
            msg = f"a ratio needs two variables, found {count}"
            raise ValueError(msg)

    def _derive(self, columns: pd.DataFrame) -> dict[str, np.ndarray]:
        values = columns.to_numpy(dtype=np.float64)
        return {self.name: divide(values[:, 0], values[:, -1])}


class LogOnePlus(AppendEach):
    """The natural logarithm of one plus a number; NaN for a missing one and for -1 or less.

    Parameters
    ----------
    variables
        Numeric columns; all columns when None. With several, ``_<name>`` is appended to each one's name.
    name
        Name of the new column.
    """

    def __init__(self, variables: Sequence[str] | None = None, name: str = "log") -> None:
        super().__init__(variables, name)

    def _derive(self, columns: pd.DataFrame) -> dict[str, np.ndarray]:
        values = columns.to_numpy(dtype=np.float64)
        return dict(zip(self._new_names(), log_one_plus(values).T, strict=True))
