"""The prediction log: a record of every prediction, written before the prediction is returned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import orjson

from classification_model.runtime.log.given_rows import given_rows
from classification_model.runtime.log.line_files import iter_records
from classification_model.runtime.log.line_writer import LineWriter
from classification_model.runtime.log.sealed_lines import LogFaults, seal
from classification_model.runtime.system.clock import utc_timestamp
from classification_model.runtime.system.identifiers import uuid7s

if TYPE_CHECKING:
    from classification_model.runtime.model_folder.manifest import Manifest

#: Members of a record, in order.
MEMBERS = ("prediction_id", "timestamp", "model", "version", "index", "features", "prediction", "probabilities")


class PredictionLog(LineWriter):
    """Writes predictions to a log folder. Each process writes files of its own, and several threads can share a log.

    Parameters
    ----------
    folder
        The log folder. It is created if it does not exist.
    durability
        ``os``: predictions survive a killed process. ``disk``: predictions also survive a power failure.
    file_size
        Size in bytes at which a new file is started. The default is 64 MiB.
    kept_size
        Maximum size in bytes of all prediction files together. Beyond it, the oldest files are deleted. The default is
        8 GiB.

    Examples
    --------
    >>> import tempfile
    >>> import classification_model as cm
    >>> passenger = {"name": "Kelly, Mr. James", "sex": "male", "pclass": 3, "ticket": "330911"}
    >>> passenger |= {"sibsp": 0, "parch": 0}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with cm.PredictionLog(folder) as log:
    ...         answer = cm.ServedModel(log).load().predict_with_logging([passenger])
    ...     cm.read_log(folder)["prediction"].tolist()
    ['died']
    """

    kind = "predictions"


class PredictionRecords:
    """Encodes the predictions of a model as records of the log.

    Parameters
    ----------
    manifest
        Manifest of the model. Fields of ``monitoring.masked`` are left out of the records.

    Attributes
    ----------
    masked
        Names of the fields that are left out.
    """

    def __init__(self, manifest: Manifest) -> None:
        self._name, self._version = manifest.name, manifest.version
        self._schema = manifest.input_schema
        names = self._schema.names
        self.masked = frozenset(manifest.monitoring.get("masked", ()))
        self._recorded = {key: field for key, field in names.items() if field is not None and field not in self.masked}
        self._plain = frozenset(key for key, field in self._recorded.items() if key == field)

    def encode(
        self,
        prediction_ids: Sequence[str],
        rows: Sequence[Mapping[str, Any]],
        index: Sequence[str | int | None] | None,
        predictions: Sequence[str],
        probabilities: Sequence[Mapping[str, float]],
    ) -> bytes:
        """Return the lines of some predictions, a line each, all of this moment.

        Parameters
        ----------
        prediction_ids
            Names of the predictions.
        rows
            What was predicted, as JSON values by column, the way the caller gave them. Columns that are no field of
            the model are left out.
        index
            The caller's key of each row.
        predictions, probabilities
            What was answered.
        """
        moment, name, version = utc_timestamp(), self._name, self._version
        keys = [None] * len(rows) if index is None else index
        is_plain = self._plain.issuperset
        lines = [
            seal(
                orjson.dumps(
                    {
                        "prediction_id": prediction_id,
                        "timestamp": moment,
                        "model": name,
                        "version": version,
                        "index": key,
                        "features": row if is_plain(row) else self._fields_of(row),
                        "prediction": label,
                        "probabilities": shares,
                    }
                )
            )
            for prediction_id, row, key, label, shares in zip(
                prediction_ids, rows, keys, predictions, probabilities, strict=True
            )
        ]
        return b"".join(lines)

    def encode_answer(
        self,
        given: Any,
        index: Sequence[str | int | None] | None,
        predictions: Sequence[str | None],
        probabilities: Sequence[Mapping[str, float] | None],
    ) -> tuple[list[str | None], bytes]:
        """Name the predictions of an input of any kind, and return the names and the lines; see `encode`.

        Parameters
        ----------
        given
            What was predicted: a frame, a mapping of columns or a sequence of rows.
        index
            The caller's key of each row.
        predictions, probabilities
            What was answered. A row in error, whose prediction is None, has neither name nor line.
        """
        good = [row for row, label in enumerate(predictions) if label is not None]
        ids: list[str | None] = [None] * len(predictions)
        if not good:
            return ids, b""
        names = uuid7s(len(good))
        for row, name in zip(good, names, strict=True):
            ids[row] = name
        lines = self.encode(
            names,
            given_rows(self._schema, given, good),
            None if index is None else [index[row] for row in good],
            [cast("str", predictions[row]) for row in good],
            [cast("Mapping[str, float]", probabilities[row]) for row in good],
        )
        return ids, lines

    def _fields_of(self, row: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what is recorded of a row, by name of the field."""
        fields = dict(row)
        for key in row.keys() - self._plain:
            value = fields.pop(key)
            if key in self._recorded:
                fields[self._recorded[key]] = value
        return fields


def iter_predictions(folder: Path, faults: LogFaults | None = None) -> Iterator[dict[str, Any]]:
    """Yield the predictions of a log folder, process by process, in the order of writing.

    A record is a dict of ``prediction_id``, ``timestamp``, ``model``, ``version``, ``index``, ``features``,
    ``prediction`` and ``probabilities``.

    Parameters
    ----------
    folder
        The log folder.
    faults
        Counts what cannot be read.

    Raises
    ------
    OSError
        If the folder cannot be read.
    """
    yield from iter_records(folder, "predictions", MEMBERS, LogFaults() if faults is None else faults)
