"""Putting the predictions of a file on record, a batch at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa

from classification_model.errors import InputError
from classification_model.tables.python_values import python_values

if TYPE_CHECKING:
    from classification_model.batch.scoring import Answer
    from classification_model.runtime.predictor import Predictor
    from classification_model.tables.source import Batch

PREDICTION_ID = "prediction_id"


class Recorder(Protocol):
    """What puts predictions on record."""

    def encode(
        self,
        rows: Sequence[Mapping[str, Any]],
        index: Sequence[Any],
        predictions: Sequence[str],
        probabilities: Sequence[Mapping[str, float]],
    ) -> tuple[list[str], bytes]:
        """Return the name of each prediction, and their records; called by several threads at once."""

    def append(self, records: bytes) -> None:
        """Put records on record."""


class Recording:
    """Makes the records of one file's predictions.

    Parameters
    ----------
    recorder
        Makes and keeps them.
    index
        Column whose values are the keys of the rows; None for none.
    predictor
        The model.
    names
        Columns of the file.

    Raises
    ------
    InputError
        If the file has no column `index`.
    """

    def __init__(self, recorder: Recorder, index: str | None, predictor: Predictor, names: Sequence[str]) -> None:
        if index is not None and index not in names:
            msg = f"--index: expected a column of the file, found {index!r}; it has {', '.join(names)}"
            raise InputError(msg)
        manifest = predictor.manifest
        self._recorder = recorder
        self._index = index
        self._classes = manifest.classes
        self._columns = [name for name in names if manifest.input_schema.names.get(name) is not None]

    def of(self, batch: Batch, answer: Answer) -> tuple[pa.Array, bytes]:
        """Return the names of a batch's predictions, null for rows in error, and the records of the others."""
        labels = answer.columns["prediction"].to_pylist()
        good = [row for row, label in enumerate(labels) if label is not None]
        columns = {name: _values(batch, name) for name in self._columns}
        shares = [answer.columns[f"probability_{label}"].to_pylist() for label in self._classes]
        keys = [None] * batch.count if self._index is None else _values(batch, self._index)
        names, records = self._recorder.encode(
            [{name: values[row] for name, values in columns.items()} for row in good],
            [keys[row] for row in good],
            [labels[row] for row in good],
            [{label: share[row] for label, share in zip(self._classes, shares, strict=True)} for row in good],
        )
        ids: list[str | None] = [None] * batch.count
        for row, name in zip(good, names, strict=True):
            ids[row] = name
        return pa.array(ids, pa.string()), records

    def append(self, records: bytes) -> None:
        """Put records on record.

        Raises
        ------
        LogUnavailableError
            If they cannot be.
        """
        if records:
            self._recorder.append(records)


def _values(batch: Batch, name: str) -> list[Any]:
    column = batch.columns[name]
    return column if isinstance(column, list) else python_values(column)
