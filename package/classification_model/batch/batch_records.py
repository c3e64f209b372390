"""Encode the predictions of a file as records of the prediction log, batch by batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from classification_model.batch.added_columns import PREDICTION, PROBABILITY
from classification_model.errors import InputError
from classification_model.runtime.log.prediction_log import PredictionRecords
from classification_model.tables.python_values import python_values

if TYPE_CHECKING:
    from classification_model.batch.scoring import Answer
    from classification_model.runtime.predictor import Predictor
    from classification_model.tables.source import Batch


class BatchRecords:
    """Makes the records of one file's predictions; safe for several threads at once.

    Parameters
    ----------
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

    def __init__(self, index: str | None, predictor: Predictor, names: Sequence[str]) -> None:
        if index is not None and index not in names:
            msg = f"--index: expected a column of the file ({', '.join(names)}), found {index!r}"
            raise InputError(msg)
        manifest = predictor.manifest
        self._records = PredictionRecords(manifest)
        self._index = index
        self._classes = manifest.classes
        self._columns = [name for name in names if manifest.input_schema.names.get(name) is not None]

    def encode(self, batch: Batch, answer: Answer) -> tuple[pa.Array, bytes]:
        """Return the names of a batch's predictions, null for rows in error, and the lines of the others."""
        shares = [answer.columns[f"{PROBABILITY}{label}"].to_pylist() for label in self._classes]
        names, lines = self._records.encode_answer(
            {name: python_values(batch.columns[name]) for name in self._columns},
            None if self._index is None else [_as_key(value) for value in python_values(batch.columns[self._index])],
            answer.columns[PREDICTION].to_pylist(),
            [dict(zip(self._classes, row, strict=True)) for row in zip(*shares, strict=True)],
        )
        return pa.array(names, pa.string()), lines


def _as_key(value: Any) -> str | int | None:
    return value if value is None or isinstance(value, (str, int)) else str(value)
