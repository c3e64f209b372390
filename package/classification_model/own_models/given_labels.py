"""Check given labels against the classes of an estimator."""

from __future__ import annotations

import reprlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from classification_model.errors import DataError, InputError
from classification_model.runtime.input.values import NO_MARKS, UnreadableValue, read_category

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def names_of_classes(classes: Sequence[Any], names: Sequence[str] | None = None) -> tuple[str, ...]:
    """Return the names of an estimator's classes in predictions: the given ones, or their text.

    Raises
    ------
    InputError
        If the number of names is not that of the classes, or two are the same.
    """
    found = tuple(str(_text(value)) for value in classes) if names is None else tuple(map(str, names))
    if len(found) != len(classes) or len(set(found)) != len(found) or not all(found) or len(found) < 2:
        msg = f"class_names: expected {len(classes)} different names, one for each class, found {list(found)}"
        raise InputError(msg)
    return found


def values_of_classes(classes: Sequence[Any], names: Sequence[str]) -> dict[str, str]:
    """Return the name of each class by its value, or nothing where a name is the value of another class."""
    values = {str(_text(value)): name for value, name in zip(classes, names, strict=True)}
    return values if all(values.get(name, name) == name for name in names) else {}


def labels_of(
    labels: ArrayLike, classes: Sequence[Any], rows: int, what: str, *, complete: bool = False
) -> NDArray[np.int64]:
    """Return the class numbers of labels, shape (n_rows,).

    Parameters
    ----------
    labels
        Values of `classes`; 1, 1.0 and "1" are the same.
    classes
        What the estimator learned, in order.
    rows
        How many labels there must be.
    what
        What they are, for errors.
    complete
        Whether every class must be among them.

    Raises
    ------
    DataError
        If one is missing or no class, there are not as many as rows, or a class is not among them.
    """
    given = np.asarray(labels, dtype=object)
    if given.shape != (rows,):
        msg = f"{what}: expected shape ({rows},), one for each row, found {given.shape}"
        raise DataError(msg)
    numbers = {_text(value): number for number, value in enumerate(classes)}
    found = []
    for row, value in enumerate(given.tolist()):
        text = _text(value)
        if text is None:
            msg = f"{what}: the label of row {row} (counted from 0) is missing: fill it or remove the row"
            raise DataError(msg)
        if text not in numbers:
            known = ", ".join(map(str, numbers))
            msg = (
                f"{what}: expected classes of the estimator ({known}), found {reprlib.repr(value)} in row {row} "
                "(counted from 0)"
            )
            raise DataError(msg)
        found.append(numbers[text])
    absent = [text for text, number in numbers.items() if number not in set(found)]
    if complete and absent:
        msg = f"{what}: expected rows of every class, found none of {absent[0]!r}: give the rows that it was fitted on"
        raise DataError(msg)
    return np.array(found, dtype=np.int64)


def _text(value: Any) -> str | None:
    try:
        return read_category(value, NO_MARKS)
    except UnreadableValue as error:
        msg = f"labels: expected texts, numbers or truth values, found {type(value).__name__}"
        raise DataError(msg) from error
