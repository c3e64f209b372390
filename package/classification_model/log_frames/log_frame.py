"""Read the log as frames: one of predictions with their raw values, and one of labels."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from classification_model.log_frames.record_blocks import Block, record_blocks
from classification_model.log_frames.value_columns import ValueColumn, take
from classification_model.runtime.log.label_log import MEMBERS as LABEL_MEMBERS
from classification_model.runtime.log.prediction_log import MEMBERS as PREDICTION_MEMBERS
from classification_model.runtime.log.sealed_lines import LogFaults

if TYPE_CHECKING:
    from numpy.typing import NDArray

FEATURE, PROBABILITY = "features.", "probabilities."

logger = logging.getLogger(__name__)


def read_log(
    folder: Path | str,
    faults: LogFaults | None = None,
    *,
    columns: Collection[str] | None = None,
    version: str | None = None,
    since: datetime | None = None,
) -> pd.DataFrame:
    """Read the predictions of a log folder.

    Parameters
    ----------
    folder
        The log folder.
    faults
        A `LogFaults`, to which the counts of faulty lines and files are added. By default, a warning is logged for each
        kind of fault.
    columns
        Names of the columns to read, as listed below. The default is all columns.
    version
        Read only the predictions of this version of the model. The default is all versions.
    since
        Read only the predictions from this time on. The time must have a time zone. The default is the whole log.

    Returns
    -------
    pandas.DataFrame
        One row for each prediction, oldest first. If several records have the same ``prediction_id``, the first one is
        used. The columns are ``prediction_id``, ``timestamp`` (UTC), ``model``, ``version``, ``index`` (str, int or
        None), ``prediction``, ``features.<name>`` and ``probabilities.<label>``.

        Features have the raw values that the caller sent. The dtype of such a column is ``str`` if it holds only
        strings, ``float64`` if it holds only floats, and ``int64`` if it holds only integers and no value is missing.
        Any other column has the dtype ``object``. A missing value is NaN in a column of strings or floats, and None in
        a column of objects.

    Raises
    ------
    DataError
        If the folder does not exist, or cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> import classification_model as cm
    >>> passenger = {"name": "Kelly, Mr. James", "sex": "male", "pclass": 3, "ticket": "330911"}
    >>> passenger |= {"sibsp": 0, "parch": 0}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with cm.PredictionLog(folder) as log:
    ...         answer = cm.ServedModel(log).load().predict_with_logging([passenger], index=["892"])
    ...     frame = cm.read_log(folder)
    >>> frame[["index", "prediction", "features.sex"]].values.tolist()
    [['892', 'died', 'male']]
    """
    found = LogFaults() if faults is None else faults
    parts = _Predictions(columns)
    for block in record_blocks(Path(folder), "predictions", PREDICTION_MEMBERS, found):
        parts.add(_chosen(block, version, since))
    frame = parts.frame(found)
    if faults is None:
        _warn(folder, found)
    return frame


def read_labels(folder: Path | str, faults: LogFaults | None = None) -> pd.DataFrame:
    """Read the labels of a log folder.

    Parameters
    ----------
    folder
        The log folder.
    faults
        A `LogFaults`, to which the counts of faulty lines and files are added. By default, a warning is logged for each
        kind of fault.

    Returns
    -------
    pandas.DataFrame
        One row for each label, oldest first, with the columns ``prediction_id``, ``timestamp`` (UTC), ``label`` and
        ``source``.

    Raises
    ------
    DataError
        If the folder does not exist, or cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> import classification_model as cm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with cm.LabelLog(folder) as log:
    ...         log.add([("0194e6f2-8a4c-7000-8000-000000000001", "survived")], source="registry")
    ...     cm.read_labels(folder)[["label", "source"]].values.tolist()
    [['survived', 'registry']]
    """
    found = LogFaults() if faults is None else faults
    names = [name for name in LABEL_MEMBERS if name != "timestamp"]
    texts, moments = _Texts(names), [np.empty(0, np.int64)]
    for block in record_blocks(Path(folder), "labels", LABEL_MEMBERS, found):
        texts.add(block)
        moments.append(block.moments)
    if faults is None:
        _warn(folder, found)
    written = np.concatenate(moments)
    order = np.argsort(written, kind="stable")
    frame = pd.DataFrame({name: texts.column(name, order) for name in names}, copy=False)
    frame.insert(1, "timestamp", _as_times(written[order]))
    return frame


def _warn(folder: Path | str, faults: LogFaults) -> None:
    for line in faults.describe():
        logger.warning("%s: %s", folder, line)


def _chosen(block: Block, version: str | None, since: datetime | None) -> Block:
    wanted = np.ones(len(block), dtype=bool)
    if since is not None:
        wanted &= block.moments >= pd.Timestamp(since).as_unit("us").asm8.astype(np.int64)
    if version is not None:
        wanted &= np.fromiter((found == version for found in block.columns["version"]), bool, len(block))
    return block.take(wanted)


def _as_times(moments: NDArray[np.int64]) -> pd.Series:
    return pd.Series(moments.view("datetime64[us]"), copy=False).dt.tz_localize("UTC")


class _Predictions:
    """Gathers the columns of predictions, block by block."""

    def __init__(self, columns: Collection[str] | None) -> None:
        self._columns = columns
        self._count = 0
        self._moments = [np.empty(0, np.int64)]
        self._texts = _Texts(["prediction_id", *filter(self._is_wanted, ("model", "version", "prediction"))])
        self._index = ValueColumn()
        self._features: dict[str, ValueColumn] = {}
        self._probabilities: dict[str, ValueColumn] = {}

    def _is_wanted(self, name: str) -> bool:
        return self._columns is None or name in self._columns

    def add(self, block: Block) -> None:
        """Take a block."""
        if self._is_wanted("index"):
            self._index.add(self._count, block.columns["index"])
        self._texts.add(block)
        self._add_values(self._features, FEATURE, block.columns["features"])
        self._add_values(self._probabilities, PROBABILITY, block.columns["probabilities"])
        self._moments.append(block.moments)
        self._count += len(block)

    def _add_values(self, columns: dict[str, ValueColumn], prefix: str, rows: Sequence[Mapping[str, Any]]) -> None:
        for name in dict.fromkeys(chain.from_iterable(rows)):
            if self._is_wanted(prefix + name):
                columns.setdefault(prefix + name, ValueColumn()).add(self._count, [row.get(name) for row in rows])

    def frame(self, faults: LogFaults) -> pd.DataFrame:
        """Return the columns, without second records of a prediction; nothing is left here then."""
        moments = np.concatenate(self._moments)
        rows = self._texts.first_rows()
        faults.duplicates += len(moments) - len(rows)
        rows = rows[np.argsort(moments[rows], kind="stable")]
        columns: dict[str, pd.Series] = {}
        for name in filter(self._is_wanted, ("prediction_id", "timestamp", "model", "version", "index", "prediction")):
            if name == "timestamp":
                columns[name] = _as_times(moments[rows])
            elif name == "index":
                columns[name] = self._index.finish(rows, self._count, are_objects=True)
            else:
                columns[name] = self._texts.column(name, rows)
        for name, values in self._features.items():
            columns[name] = values.finish(rows, self._count)
        for name, values in self._probabilities.items():
            columns[name] = values.finish(rows, self._count).astype(np.float64)
        return pd.DataFrame(columns, index=pd.RangeIndex(len(rows)), copy=False)


class _Texts:
    """Gathers columns of texts, of which one names the record."""

    def __init__(self, names: Sequence[str]) -> None:
        self._parts: dict[str, list[pa.Array]] = {name: [] for name in names}
        self._hashes = [np.empty(0, np.int64)]

    def add(self, block: Block) -> None:
        """Take the columns of a block."""
        for name, parts in self._parts.items():
            parts.append(pa.array(block.columns[name], pa.large_string()))
        self._hashes.append(np.fromiter(map(hash, block.columns["prediction_id"]), np.int64, len(block)))

    def first_rows(self) -> NDArray[np.int64]:
        """Return the numbers of the rows of which no row before has the ``prediction_id``."""
        hashes = np.concatenate(self._hashes)
        self._hashes.clear()
        _, groups, sizes = np.unique(hashes, return_inverse=True, return_counts=True)
        rows = np.arange(len(hashes))
        if len(sizes) == len(hashes):
            return rows
        suspects = rows[sizes[groups] > 1]  # one hash can still be of several texts
        names = self._joined("prediction_id").take(pa.array(suspects)).to_pylist()
        first: dict[str, int] = {}
        for row, name in zip(suspects.tolist(), names, strict=True):
            first.setdefault(name, row)
        return np.setdiff1d(rows, np.setdiff1d(suspects, list(first.values())))

    def _joined(self, name: str) -> pa.ChunkedArray:
        return pa.chunked_array(self._parts[name], pa.large_string())

    def column(self, name: str, rows: NDArray[np.int64]) -> pd.Series:
        """Return some rows of a column, which is not here any more then."""
        column = take(self._joined(name), rows)
        del self._parts[name]
        return pd.Series(column.to_pandas(), dtype="str")
