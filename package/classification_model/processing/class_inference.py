"""Infer the classes of a target from its values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from classification_model.errors import DataError
from classification_model.processing.kinds.distinct_values import DistinctValues
from classification_model.runtime.input.schema import DEFAULT_MISSING_VALUES
from classification_model.runtime.input.values import FALSE_WORDS, TRUE_WORDS, UnreadableValue

if TYPE_CHECKING:
    import pandas as pd


def infer_classes(column: pd.Series, missing_values: Sequence[str] = DEFAULT_MISSING_VALUES) -> dict[str, str]:
    """Infer the classes of a target: its distinct values, each as its own label.

    Numbers are ordered by size. Of two truth values, such as yes and no, the true one comes last. Other values are
    ordered alphabetically.

    Raises
    ------
    DataError
        If a value cannot be a class, such as a list.
    """
    try:
        found = DistinctValues.of(column.tolist(), frozenset(word.lower() for word in missing_values)).counts
    except UnreadableValue as error:
        msg = f"column {column.name!r}, the target, has a value that cannot be a class: {error}"
        raise DataError(msg) from error
    classes = sorted(found)
    if len(classes) == 2 and {value.lower() for value in classes} <= TRUE_WORDS | FALSE_WORDS:
        classes.sort(key=lambda value: value.lower() in TRUE_WORDS)
    else:
        try:
            classes.sort(key=float)
        except ValueError:
            classes.sort()
    return {value: value for value in classes}
