"""A column as code numbers of its distinct values, which all checks count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class CodedColumn:
    """A column of prepared rows, coded.

    Attributes
    ----------
    name, kind
        Name and kind of the feature.
    codes
        Code of each row, shape (n_rows,): 0 if it is missing, else the place of its value in `values`, from 1.
    values
        Distinct values, shape (n_values,), numbers in ascending order.
    """

    name: str
    kind: str
    codes: NDArray[np.int64]
    values: NDArray[Any]

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def counts(self) -> NDArray[np.int64]:
        """Number of rows of each code, shape (1 + n_values,)."""
        return np.bincount(self.codes, minlength=len(self.values) + 1)

    @property
    def filled(self) -> NDArray[np.bool_]:
        """Mask of the rows that are not missing."""
        return self.codes > 0

    @property
    def is_ordered(self) -> bool:
        """Whether values are numbers, so that neighbours are alike."""
        return self.kind in {"numeric", "datetime"}


def code_column(name: str, kind: str, column: pd.Series) -> CodedColumn:
    """Code the values of a column of `Rows.features`."""
    values = column.to_numpy()
    codes, distinct = pd.factorize(values, sort=values.dtype == np.float64)
    return CodedColumn(name, kind, codes.astype(np.int64) + 1, np.asarray(distinct))
