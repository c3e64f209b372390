"""Columns of checked rows: numbers as an array, texts as codes of their distinct values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Encoded:
    """A column of texts, each distinct one held once, so that work on texts is done once for each.

    Attributes
    ----------
    codes
        For each row the place of its text in `values`, shape (n_rows,); -1 where it is missing.
    values
        The distinct texts.
    """

    codes: NDArray[np.int64]
    values: Sequence[str]

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, rows: NDArray[np.bool_] | NDArray[np.intp] | slice) -> Encoded:
        return Encoded(self.codes[rows], self.values)

    def tolist(self) -> list[str | None]:
        """Return the text of each row, None where it is missing."""
        texts = [*self.values, None]
        return [texts[code] for code in self.codes.tolist()]


#: Shape (n_rows,): numbers with NaN for missing ones, or texts.
Column = NDArray[np.float64] | Encoded


def encode(values: Iterable[str | None]) -> Encoded:
    """Give each distinct text a code, in order of appearance."""
    known: dict[str | None, int] = {None: -1}
    codes = [known.setdefault(value, len(known) - 1) for value in values]
    return Encoded(np.array(codes, dtype=np.int64), list(known)[1:])  # type: ignore[arg-type]  # None came first
