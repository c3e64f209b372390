"""Put given features and labels beside each other, as a table that a config reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from classification_model.errors import InputError
from classification_model.runtime.input.labels import LabelReader
from classification_model.runtime.input.values import UnreadableValue

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from classification_model.config.data_section import DataConfig


def labelled_table(data: DataConfig, features: Any, labels: ArrayLike | None) -> pd.DataFrame:
    """Return the features with the target as a column.

    Parameters
    ----------
    data
        Section of the config, which names the target.
    features
        Frame of raw values, without the target.
    labels
        The target of each row, shape (n_rows,): the raw values of the table, or the labels of the classes. With
        ``data.target_bins``, only numbers.

    Raises
    ------
    InputError
        If one of both is missing, they differ in length, or the target is among the features.
    """
    if not isinstance(features, pd.DataFrame) or labels is None:
        msg = (
            "expected features as a pandas DataFrame and labels, or neither, found "
            f"{type(features).__name__} and {type(labels).__name__}"
        )
        raise InputError(msg)
    if data.target in features.columns:
        msg = f"expected features without the target, found the column {data.target!r}: give it as labels only"
        raise InputError(msg)
    given = np.asarray(labels, dtype=object)
    if given.shape != (len(features),):
        msg = f"labels: expected shape ({len(features)},), one for each row, found {given.shape}"
        raise InputError(msg)
    if data.target_bins is not None or not data.classes:  # then labels are the raw values
        return features.assign(**{data.target: given})
    return features.assign(**{data.target: np.array(_raw_values(data, given.tolist()), dtype=object)})


def _raw_values(data: DataConfig, labels: list[Any]) -> list[Any]:
    """Return raw values for the names of classes; what is no label stays, so that training refuses it."""
    values = {label: value for value, label in reversed(data.classes.items())}
    reader = LabelReader(data.labels, data.classes, marks=frozenset(map(str.lower, data.missing_values)))

    def raw(label: Any) -> Any:
        try:
            name = reader.read(label)
        except UnreadableValue:
            return label
        return label if name is None else values[name]

    return [raw(label) for label in labels]
