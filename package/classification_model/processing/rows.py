"""Prepared rows: features with labels, groups, times and weights."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from classification_model.config.features import ColumnFeature
from classification_model.errors import DataError
from classification_model.processing import validation
from classification_model.processing.kinds.infer_columns import infer_table
from classification_model.processing.kinds.inferred import Evidence
from classification_model.processing.target_bins import bins_of
from classification_model.runtime.input.moments import read_moment
from classification_model.runtime.input.number_format import PLAIN, NumberFormat
from classification_model.runtime.input.values import NO_MARKS, UnreadableValue, read_category, read_number

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from classification_model.config.data_section import DataConfig
    from classification_model.config.sections import Config
    from classification_model.runtime.input.schema import Value


@dataclass(frozen=True)
class Rows:
    """Prepared rows.

    Attributes
    ----------
    features
        Frame of the raw features, (n_rows, n_features): float64 for numbers, truth values and moments (seconds
        since 1970), object for categories and texts; missing is NaN or None.
    labels
        Class labels, shape (n_rows,), texts. None in each row of which only the number in `target` is known.
    groups, moments, weights, keys
        Group, time, sample weight and index of each row, shape (n_rows,); None where the config names no such column.
    target
        Number of each row of which the classes are bins, shape (n_rows,); None without ``data.target_bins``.
    """

    features: pd.DataFrame
    labels: NDArray[np.object_]
    groups: NDArray[np.object_] | None = None
    moments: NDArray[np.float64] | None = None
    weights: NDArray[np.float64] | None = None
    keys: NDArray[np.object_] | None = None
    target: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: NDArray[Any]) -> Rows:
        """Return some rows, by mask or by number."""
        return Rows(
            self.features[rows].reset_index(drop=True)
            if rows.dtype == bool
            else self.features.iloc[rows].reset_index(drop=True),
            self.labels[rows],
            None if self.groups is None else self.groups[rows],
            None if self.moments is None else self.moments[rows],
            None if self.weights is None else self.weights[rows],
            None if self.keys is None else self.keys[rows],
            None if self.target is None else self.target[rows],
        )

    def in_bins(self, edges: Sequence[float], classes: Sequence[str]) -> Rows:
        """Return the rows with the labels of the bins of `target`; the rows themselves if the classes are no bins."""
        if self.target is None:
            return self
        return replace(self, labels=np.array(classes, dtype=object)[bins_of(self.target, edges)])

    @property
    def sha256(self) -> str:
        """SHA-256 of the values, which is the same whether they were read from CSV, Parquet or a database."""
        named = {f"feature {name}": column.to_numpy() for name, column in self.features.items()}
        named["label"] = self.labels if self.target is None else self.target
        others = {"group": self.groups, "time": self.moments, "weight": self.weights, "index": self.keys}
        named |= {name: values for name, values in others.items() if values is not None}
        digest = hashlib.sha256()
        for name, values in named.items():
            content = _numbers_as_bytes(values) if values.dtype == np.float64 else orjson.dumps(values.tolist())
            digest.update(orjson.dumps([name, len(content)]) + content)
        return digest.hexdigest()


def _numbers_as_bytes(values: NDArray[np.float64]) -> bytes:
    """Return numbers as little-endian doubles, with one kind of zero and one of NaN."""
    return np.where(np.isnan(values), np.nan, values + 0.0).astype("<f8").tobytes()


def read_rows(features: pd.DataFrame, table: pd.DataFrame, config: Config) -> Rows:
    """Read the columns of a table that are not features, and combine them with its prepared features.

    Parameters
    ----------
    features
        Prepared features, as `Rows.features`.
    table
        Raw values of the same rows; its index are their numbers in messages.
    config
        Names of target, index, group, time and weight; classes of the target.

    Raises
    ------
    DataError
        If one of these columns breaks a rule; the message names it.
    """
    data = config.data
    marks = frozenset(word.lower() for word in data.missing_values)
    reading: dict[str, Any] = {"marks": marks, "longest_text": data.longest_text, "written": data.written}
    target: NDArray[np.float64] | None = None
    if data.target_bins is not None:
        target = read_numbers(table, data.target, "the target", **reading)
        labels = np.full(len(target), None, dtype=object)
    else:
        labels = validation.checked_labels(table[data.target], data)
    keys: NDArray[np.object_] | None = None
    if data.index is not None:
        index = _read_column(table, data.index, lambda value: read_category(value, NO_MARKS), "the index")
        validation.check_unique(data.index, index, table.index)
        keys = np.array(index, dtype=object)
    groups = moments = weights = None
    if data.group is not None:
        names = _read_column(table, data.group, lambda value: read_category(value, marks), "the group")
        contents = features.itertuples(index=False, name=None)  # which stay the same as the table grows
        alone = [f"\x1e{row}" if name is None else name for name, row in zip(names, contents, strict=True)]
        groups = np.array(alone, dtype=object)
    if data.time is not None:
        feature = config.features.get(data.time)
        moments = _read_moments(table, data.time, marks, data, feature)
    if data.weight is not None:
        weights = read_numbers(table, data.weight, "the weight", **reading)
        if (weights <= 0).any():
            place = int(np.argmax(weights <= 0))
            where = f"column {data.weight!r}, the weight, row {table.index[place]} (counted from 0)"
            msg = f"{where}: expected a number above 0, found {weights[place]:g}"
            raise DataError(msg)
    return Rows(features, labels, groups, moments, weights, keys, target)


def _read_column(table: pd.DataFrame, name: str, read: Callable[[Any], Value], role: str) -> Sequence[Value]:
    values = []
    for row, value in zip(table.index, table[name].tolist(), strict=True):
        try:
            values.append(read(value))
        except UnreadableValue as error:
            msg = f"column {name!r}, {role}, row {row} (counted from 0): {error}"
            raise DataError(msg) from error
    return values


def read_numbers(
    table: pd.DataFrame,
    name: str,
    role: str,
    *,
    marks: frozenset[str],
    longest_text: int,
    written: NumberFormat = PLAIN,
) -> NDArray[np.float64]:
    """Read a column of numbers without gaps.

    Parameters
    ----------
    table
        Raw values.
    name, role
        Name of the column, and what it is for in messages, such as ``the weight``.
    marks
        Words, in lower case, that mean "missing".
    longest_text
        Maximum number of characters of a number that is given as text.
    written
        How numbers are written that are given as text.

    Raises
    ------
    DataError
        If a value is missing or no number; the message names the column and the row.
    """
    numbers = _read_column(table, name, lambda value: read_number(value, marks, longest_text, written), role)
    return _complete(numbers, name, role, table.index)


def _read_moments(
    table: pd.DataFrame, name: str, marks: frozenset[str], data: DataConfig, feature: Any
) -> NDArray[np.float64]:
    """Read the time column as a date where it is one, else as a number that grows with time."""
    if getattr(feature, "kind", "") not in {"datetime", "numeric"}:
        found = infer_table(table[[name]], tuple(marks), data.longest_text, Evidence(data.decimal, data.delimiter))
        (inferred,) = found.columns
        if inferred.feature is None and not inferred.identifies:
            msg = f"column {name!r}, the time, cannot order the rows: {inferred.reason}"
            raise DataError(msg)
        feature = inferred.feature or ColumnFeature(kind="numeric")
        feature = feature.model_copy(update={"missing_values": ()})  # a word among times is no gap here, but a fault
        data = data.model_copy(update={"decimal": data.decimal or found.sign.decimal})
    marks = frozenset(data.marks_in(feature))
    if feature.kind != "datetime":
        written = data.written_in(feature)
        return read_numbers(table, name, "the time", marks=marks, longest_text=data.longest_text, written=written)
    pattern = feature.datetime_format
    moments = _read_column(table, name, lambda value: read_moment(value, marks, pattern), "the time")
    return _complete(moments, name, "the time", table.index)


def _complete(values: Sequence[Value], name: str, role: str, index: pd.Index) -> NDArray[np.float64]:
    array = np.array(values, dtype=np.float64)
    if np.isnan(array).any():
        row = index[int(np.argmax(np.isnan(array)))]
        remedy = validation.FOR_UNLABELLED if role == "the target" else validation.FOR_BAD_ROWS
        msg = f"column {name!r}, {role}, is missing in row {row} (counted from 0): {remedy}"
        raise DataError(msg)
    return array
