"""One model's predictions, named and put on record in one log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from classification_model.runtime.log.given_rows import given_rows
from classification_model.runtime.log.prediction_log import PredictionLog, PredictionRecords
from classification_model.runtime.system.identifiers import uuid7s

if TYPE_CHECKING:
    from classification_model.runtime.model_folder.manifest import Manifest


class PredictionRecorder:
    """Names predictions, and makes and keeps their records; safe for several threads at once.

    Parameters
    ----------
    manifest
        Of the model.
    log
        Keeps them.
    """

    def __init__(self, manifest: Manifest, log: PredictionLog) -> None:
        self._schema = manifest.input_schema
        self._records = PredictionRecords(manifest)
        self._log = log

    def encode(
        self,
        rows: Sequence[Mapping[str, Any]],
        index: Sequence[Any],
        predictions: Sequence[str],
        probabilities: Sequence[Mapping[str, float]],
    ) -> tuple[list[str], bytes]:
        """Return the name of each prediction, and their records.

        Parameters
        ----------
        rows
            Values by column, of any kind that can be predicted.
        index
            A key of each row: a text, a whole number or None.
        predictions, probabilities
            What was predicted.
        """
        names = uuid7s(len(rows))
        if not names:
            return names, b""
        given = given_rows(self._schema, rows, range(len(rows)))
        keys = [key if key is None or isinstance(key, (str, int)) else str(key) for key in index]
        return names, self._records.encode(names, given, keys, predictions, probabilities)

    def append(self, records: bytes) -> None:
        """Put records on record.

        Raises
        ------
        LogUnavailableError
            If they cannot be written; none of them is, then.
        """
        self._log.append(records)
