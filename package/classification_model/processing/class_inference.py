"""Infer the classes of a target from its values, and which of two is the positive one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classification_model.errors import DataError
from classification_model.processing.kinds.distinct_values import DistinctValues
from classification_model.runtime.input.schema import DEFAULT_MISSING_VALUES
from classification_model.runtime.input.values import UnreadableValue

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Sequence

    import pandas as pd

#: Words of the positive one of two classes, whatever the other one is.
_POSITIVE = frozenset({"yes", "true", "positive"})
#: Words of the positive one beside a word for the negative one: 1 is none beside 2.
_POSITIVE_BESIDE = _POSITIVE | {"y", "t", "1", "+1", "on", "pos", "+"}
_NEGATIVE = frozenset({"no", "false", "negative", "n", "f", "0", "-1", "off", "neg", "-"})


def count_classes(column: pd.Series, missing_values: Sequence[str] = DEFAULT_MISSING_VALUES) -> Counter[str]:
    """Count the rows of each value of a target, as they are read: 1, 1.0 and "1" are one value.

    Parameters
    ----------
    column
        Raw values.
    missing_values
        Texts that mean "missing", in any case.

    Raises
    ------
    DataError
        If a value cannot be a class, such as a list.
    """
    try:
        return DistinctValues.of(column.tolist(), frozenset(word.lower() for word in missing_values)).counts
    except UnreadableValue as error:
        msg = f"column {column.name!r}, the target, has a value that cannot be a class: {error}"
        raise DataError(msg) from error


def infer_classes(column: pd.Series, missing_values: Sequence[str] = DEFAULT_MISSING_VALUES) -> dict[str, str]:
    """Infer the classes of a target: its distinct values, each as its own label.

    Numbers are ordered by size, and other values alphabetically. Of two values, one that says yes comes last; see
    `positive_word`. How many rows a class has does not count, so that its place stays when the table grows.

    Raises
    ------
    DataError
        If a value cannot be a class, such as a list.
    """
    return {value: value for value in in_order(count_classes(column, missing_values))}


def in_order(found: Counter[str]) -> list[str]:
    """Order the values of a target; see `infer_classes`."""
    values = sorted(found)
    word = positive_word(values)
    if word is not None:
        return sorted(values, key=lambda value: value == word)
    try:
        return sorted(values, key=float)
    except ValueError:
        return values


def positive_word(values: Sequence[str]) -> str | None:
    """Return the one of two values that is a word for the positive class, if there is one.

    Yes, true and positive are such words. So are y, t, 1, +1, on, pos and + beside a word for the negative class.

    Examples
    --------
    >>> positive_word(["yes", "no"]), positive_word(["1", "0"]), positive_word(["1", "2"])
    ('yes', '1', None)
    """
    if len(values) != 2:
        return None
    for value, other in (values, values[::-1]):
        word, against = value.lower(), other.lower()
        if against not in _POSITIVE_BESIDE and (
            word in _POSITIVE or (word in _POSITIVE_BESIDE and against in _NEGATIVE)
        ):
            return value
    return None
