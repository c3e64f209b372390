"""Labels of rows, as raw values or as names of classes, against the classes of a model."""

from __future__ import annotations

import re
import reprlib
from typing import TYPE_CHECKING, Any

import numpy as np

from classification_model.config.complaints import nearest
from classification_model.errors import DataError, InputError
from classification_model.processing.raw_tables import GIVEN_TABLE
from classification_model.runtime.input.labels import LabelReader
from classification_model.runtime.input.schema import DEFAULT_MISSING_VALUES
from classification_model.runtime.input.values import UnreadableValue

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    from classification_model.processing.data_manager import TrainingData
    from classification_model.runtime.model_folder.manifest import Manifest

_MARKS = frozenset(DEFAULT_MISSING_VALUES)


def class_values(target: NDArray[Any], data: TrainingData) -> NDArray[Any]:
    """Return the values of a target that a model predicts, shape (n_classes,), in the order of its classes.

    Parameters
    ----------
    target
        The values to fit on, shape (n_rows,), all readable.
    data
        The rows that they are the target of.

    Returns
    -------
    numpy.ndarray
        The values of the target, of its type; of bins of a number, the labels.

    Raises
    ------
    DataError
        If several values stand for one class, or none: then metrics of scikit-learn would compare other things than
        this model does.
    """
    if data.target_edges:
        return np.array(data.classes, dtype=object)
    reader = LabelReader(data.classes, data.config.data.classes, marks=_MARKS)
    distinct, places = _values_by_label(target, reader)
    several = next((label for label in data.classes if len(places.get(label, [])) > 1), None)
    if several is not None:
        found = " and ".join(reprlib.repr(distinct[place]) for place in places[several])
        msg = f"y: expected one value for each class, found {found} for {several!r}: use the labels in their place"
        raise DataError(msg)
    absent = next((label for label in data.classes if label not in places), None)
    if absent is not None:
        msg = (
            f"y: expected rows of every class, found none of {absent!r}: add some, or leave the class out of the config"
        )
        raise DataError(msg)
    return np.asarray(distinct[[places[label][0] for label in data.classes]])


def label_values(manifest: Manifest, column: pd.Series | None = None) -> NDArray[Any]:
    """Return what a trained or loaded model predicts, shape (n_classes,), in the order of its classes.

    Parameters
    ----------
    manifest
        Manifest of the model.
    column
        The target of the frame that it was trained on.

    Returns
    -------
    numpy.ndarray
        The labels. Where they only spell values of the target, these: of the type that they have in the column, else
        whole numbers, numbers or truth values where all labels spell such, as when pandas reads a CSV file.
    """
    labels = np.array(manifest.classes, dtype=object)
    is_spelling = bool(manifest.label_values) and all(value == name for value, name in manifest.label_values.items())
    if not is_spelling or manifest.target_edges:
        return labels
    if column is not None:
        distinct, places = _values_by_label(column.dropna().infer_objects().to_numpy(), manifest.label_reader(_MARKS))
        if all(len(places.get(label, [])) == 1 for label in manifest.classes):
            return np.asarray(distinct[[places[label][0] for label in manifest.classes]])
        return labels
    for read in (_whole_number, _number, _truth_value):
        values = [read(label) for label in manifest.classes]
        if None not in values:
            return np.array(values)
    return labels


def _values_by_label(target: NDArray[Any], reader: LabelReader) -> tuple[NDArray[Any], dict[str, list[int]]]:
    """Return the distinct values of a target, and the places of those of each label among them."""
    try:
        distinct = np.unique(target)
    except TypeError:  # values of several types
        distinct = np.array(list(dict.fromkeys(target.tolist())), dtype=object)
    places: dict[str, list[int]] = {}
    for place, value in enumerate(distinct.tolist()):
        try:
            label = reader.read(value)
        except UnreadableValue:  # of rows that the config leaves out
            continue
        if label is not None:
            places.setdefault(label, []).append(place)
    return distinct, places


def _whole_number(label: str) -> int | None:
    return int(label) if re.fullmatch(r"-?(0|[1-9][0-9]{0,17})", label) else None


def _number(label: str) -> float | None:
    return float(label) if re.fullmatch(r"-?[0-9]{1,15}(\.[0-9]{1,15})?", label) else None


def _truth_value(label: str) -> bool | None:
    return {"true": True, "false": False}.get(label.lower())


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
    if given.ndim == 2 and given.shape[1] == 1:
        given = given[:, 0]
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
