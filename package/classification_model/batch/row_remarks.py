"""Join the warnings and errors of each row to a text, once for each combination."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from classification_model.tables.arrays import as_arrow, text_array


@dataclass(frozen=True)
class Said:
    """What is said of one column.

    Attributes
    ----------
    field
        Name of the column.
    texts
        Text of each code; code 0 is for nothing.
    codes
        Code of each row, shape (n_rows,).
    """

    field: str
    texts: Sequence[str]
    codes: NDArray[np.int64]


def texts_of_rows(said: Sequence[Said], count: int) -> pa.Array:
    """Put together what is said of each row, null where that is nothing.

    Parameters
    ----------
    said
        What is said of each column, in order.
    count
        Number of rows.
    """
    rows = np.flatnonzero(np.any([column.codes for column in said], axis=0)) if said else np.empty(0, dtype=np.int64)
    if not len(rows):
        return pa.nulls(count, pa.string())
    groups = np.zeros(len(rows), dtype=np.int64)
    combinations: list[tuple[str, ...]] = [()]
    for column in said:
        pairs, groups = np.unique(groups * len(column.texts) + column.codes[rows], return_inverse=True)
        combinations = [
            (*combinations[group], f"{column.field}: {column.texts[code]}") if code else combinations[group]
            for group, code in (divmod(pair, len(column.texts)) for pair in pairs.tolist())
        ]
    texts = ["; ".join(parts) for parts in combinations]
    places = np.full(count, len(texts), dtype=np.int64)
    places[rows] = groups
    return text_array([*texts, None]).cast(pa.string()).take(as_arrow(places))
