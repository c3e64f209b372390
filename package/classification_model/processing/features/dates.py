"""Transformer from dates to numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from classification_model.processing.features.base import AppendColumns
from classification_model.runtime.inference.derivations.dates import PARTS, parts_of_moments


class DateParts(AppendColumns):
    """Parts of a date and time as numbers.

    Parameters
    ----------
    variables
        Columns of seconds since 1970-01-01 UTC, or of datetime64; times without a zone are UTC. The default is all
        columns.
    name
        The new columns are called ``<name>_<part>``; with several variables, ``<variable>_<name>_<part>``.
    parts
        ``year``; ``quarter`` 1 to 4; ``month`` 1 to 12; ``day`` 1 to 31; ``weekday`` 0 (Monday) to 6;
        ``day_of_year`` 1 to 366; ``hour`` 0 to 23; ``days``: days since 1970-01-01 with their fraction.
    """

    def __init__(
        self, variables: Sequence[str] | None = None, name: str = "date", parts: Sequence[str] = ("year", "month")
    ) -> None:
        super().__init__(variables, name)
        self.parts = parts

    def _check_parameters(self, count: int) -> None:  # noqa: ARG002
        unknown = [part for part in self.parts if part not in PARTS]
        if unknown or not self.parts:
            msg = f"parts: expected one or more of {', '.join(PARTS)}, found {list(self.parts)}"
            raise ValueError(msg)

    def _new_names(self) -> list[str]:
        if len(self.variables_) == 1:
            return [f"{self.name}_{part}" for part in self.parts]
        return [f"{variable}_{self.name}_{part}" for variable in self.variables_ for part in self.parts]

    def _derive(self, columns: pd.DataFrame) -> dict[str, np.ndarray]:
        values = [part for name in columns.columns for part in parts_of_moments(_seconds(columns[name]), self.parts)]
        return dict(zip(self._new_names(), values, strict=True))


def _seconds(column: pd.Series) -> np.ndarray:
    if not pd.api.types.is_datetime64_any_dtype(column.dtype):
        return column.to_numpy(dtype=np.float64)
    moments = column.to_numpy(dtype="datetime64[us]")  # of a zone, those in UTC
    return np.where(np.isnat(moments), np.nan, moments.astype(np.int64) / 1e6)
