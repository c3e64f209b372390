"""Labels of rows, as raw values or as names of classes, against the classes of a model."""

from __future__ import annotations

import reprlib
from typing import TYPE_CHECKING, Any

import numpy as np

from classification_model.config.complaints import nearest
from classification_model.errors import DataError, InputError
from classification_model.processing.raw_tables import GIVEN_TABLE
from classification_model.runtime.input.schema import DEFAULT_MISSING_VALUES
from classification_model.runtime.input.values import UnreadableValue

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    from classification_model.runtime.model_folder.manifest import Manifest

_MARKS = frozenset(DEFAULT_MISSING_VALUES)


def class_values(target: NDArray[Any], manifest: Manifest) -> NDArray[Any]:
    """Return the values of a target that a model predicts, shape (n_classes,), in the order of its classes.

    Parameters
    ----------
    target
        The values that it was fitted on, shape (n_rows,), all readable.
    manifest
        Manifest of the model.

    Returns
    -------
    numpy.ndarray
        The values of the target, of its type; the labels, where several values stand for one class.
    """
    reader = manifest.label_reader(_MARKS)
    try:
        distinct = np.unique(target)
    except TypeError:  # values of several types
        distinct = np.array(list(dict.fromkeys(target.tolist())), dtype=object)
    by_label: dict[str | None, list[int]] = {}
    for place, value in enumerate(distinct.tolist()):
        by_label.setdefault(reader.read(value), []).append(place)
    places = [by_label.get(label, []) for label in manifest.classes]
    if any(len(found) != 1 for found in places):
        return np.array(manifest.classes, dtype=object)
    return np.asarray(distinct[[found[0] for found in places]])


def class_numbers_of(manifest: Manifest, frame: pd.DataFrame, labels: ArrayLike | None) -> NDArray[np.int64]:
    """Return the number of each row's class, shape (n_rows,), counted from 0.

    Parameters
    ----------
    manifest
        Manifest of the model.
    frame
        Rows, with the target if no labels are given.
    labels
        The target of each row, shape (n_rows,): raw values or labels.

    Raises
    ------
    InputError
        If there are not as many labels as rows.
    DataError
        If there is no target, or a label is missing or no class.
    """
    given = _target_of(manifest, frame) if labels is None else np.asarray(labels, dtype=object)
    if given.shape != (len(frame),):
        msg = f"labels: expected shape ({len(frame)},), one for each row, found {given.shape}"
        raise InputError(msg)
    numbers = {label: number for number, label in enumerate(manifest.classes)}
    reader = manifest.label_reader(_MARKS)
    found = []
    for row, value in enumerate(given.tolist()):
        try:
            label = reader.read(value)
        except UnreadableValue as error:
            msg = (
                f"the target, row {row} (counted from 0): expected one of the labels {reader.accepted}, found "
                f"{reprlib.repr(value)}"
            )
            raise DataError(msg) from error
        if label is None:
            msg = f"the target is missing in row {row} (counted from 0): fill it, or leave such rows out"
            raise DataError(msg)
        found.append(numbers[label])
    return np.array(found, dtype=np.int64)


def _target_of(manifest: Manifest, frame: pd.DataFrame) -> NDArray[Any]:
    target, columns = manifest.target, [str(name) for name in frame.columns]
    if not target:
        msg = "expected labels beside the rows, found none: give them as y, as the model does not name its target"
        raise InputError(msg)
    if target not in columns:
        msg = f"{GIVEN_TABLE} has no column {target!r}, the target: expected {nearest(target, columns)}, or labels as y"
        raise DataError(msg)
    return np.array(frame.iloc[:, columns.index(target)].tolist(), dtype=object)
