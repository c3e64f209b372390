"""Models as they are operated: fitted, saved, loaded, predicting on record, and asked whether they are still good."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from classification_model.errors import ArtifactError, InputError, LogUnavailableError, TrainingError
from classification_model.runtime.log.prediction_log import PredictionRecords
from classification_model.runtime.mle.logged_accuracy import AccuracyVerdict, judge_predictions
from classification_model.runtime.model_folder.artifact import read_files, read_manifest, write_model_folder
from classification_model.runtime.model_folder.packaged import packaged_model
from classification_model.runtime.predictor import Predictor

if TYPE_CHECKING:
    from classification_model.runtime.answers import Answer, LoggedAnswer
    from classification_model.runtime.log.prediction_log import PredictionLog
    from classification_model.runtime.model_folder.manifest import Manifest

#: Longest text, and limits of a whole number, that a caller may name a row by.
LONGEST_KEY, KEYS = 256, range(-(2**63), 2**63)


class MLEModel(ABC):
    """A model with all that it goes through in operation; subclasses say how it learns, predicts and is kept.

    Parameters
    ----------
    log
        Where `predict_with_logging` puts predictions on record.

    Attributes
    ----------
    log
        The same.
    predictor
        The verified model folder that it was loaded from, which tells name, version and schema; None before.

    Examples
    --------
    `ServedModel` is the subclass for a model that is fitted already:

    >>> import classification_model as cm
    >>> isinstance(cm.ServedModel().load(), cm.MLEModel)
    True
    """

    def __init__(self, log: PredictionLog | None = None) -> None:
        self.log = log
        self.predictor: Predictor | None = None

    @property
    @abstractmethod
    def model(self) -> Any:
        """What computes the predictions."""

    @abstractmethod
    def load(self, folder: Path | str) -> Self:
        """Load a model folder; sets `predictor`."""

    @abstractmethod
    def save(self, folder: Path | str) -> None:
        """Write a model folder."""

    @abstractmethod
    def fit(self, features: Any, labels: Any) -> Self:
        """Learn from rows."""

    @abstractmethod
    def predict(self, features: Any) -> Answer:
        """Predict rows; see `make_prediction`."""

    @property
    def manifest(self) -> Manifest:
        """What the loaded model folder says of itself.

        Raises
        ------
        ArtifactError
            If none is loaded.
        """
        return self._loaded().manifest

    def _loaded(self) -> Predictor:
        if self.predictor is None:
            msg = f"this {type(self).__name__} has no model yet: call its load with a model folder first"
            raise ArtifactError(msg)
        return self.predictor

    def predict_with_logging(self, features: Any, index: Sequence[str | int | None] | None = None) -> LoggedAnswer:
        """Predict rows and put the predictions on record before they are returned.

        Parameters
        ----------
        features
            Rows, as `predict` takes them.
        index
            A key of each row, by which its label may be found later: a text of up to 256 characters, a whole number of
            64 bits, or None.

        Returns
        -------
        LoggedAnswer
            What `predict` returns, and ``prediction_ids``: a UUID for each row that was predicted, None for one in
            error, which is not logged.

        Raises
        ------
        LogUnavailableError
            If there is no log, or it cannot be written. Then there is no answer.
        InputError
            If the input is no table at all, or the index is not one key a row.
        """
        if self.log is None:
            msg = f"this {type(self).__name__} has no log: make it with log=PredictionLog(folder), or use predict"
            raise LogUnavailableError(msg)
        manifest = self.manifest
        answer = self.predict(features)
        predictions, probabilities = answer["predictions"], answer["probabilities"]
        keys = _keys(index, len(predictions))
        ids, lines = PredictionRecords(manifest).encode_answer(features, keys, predictions, probabilities)
        if lines:
            self.log.append(lines)
        return {**answer, "prediction_ids": ids}

    def needs_retraining(
        self, labels: Mapping[str, str], *, floor: float | None = None, minimum_count: int | None = None
    ) -> AccuracyVerdict:
        """Say whether the predictions on record were too often wrong; the workshop's decision adds drift to that.

        Parameters
        ----------
        labels
            What turned out to be true, by the name of the prediction.
        floor, minimum_count
            Accuracy that is demanded, and labels below which nothing is decided; the manifest's when left out.

        Raises
        ------
        LogUnavailableError
            If there is no log, or it cannot be read.
        InputError
            If a label is no class of the model, or a limit is none.
        """
        if self.log is None:
            msg = f"this {type(self).__name__} has no log: make it with log=PredictionLog(folder)"
            raise LogUnavailableError(msg)
        manifest = self.manifest
        floor = float(manifest.monitoring.get("accuracy_floor", 0.7)) if floor is None else floor
        least = int(manifest.monitoring.get("minimum_count", 100)) if minimum_count is None else minimum_count
        return judge_predictions(self.log.folder, manifest, labels, floor=floor, minimum_count=least)


class ServedModel(MLEModel):
    """A model folder, loaded and verified, that predicts and logs; see `MLEModel`.

    Examples
    --------
    >>> served = ServedModel().load()
    >>> served.manifest.name
    'Titanic survival'
    """

    _source: Path | None = None

    @property
    def model(self) -> Any:
        """What computes the probabilities; see `classification_model.runtime.predictor.Model`."""
        return self._loaded().model

    def load(self, folder: Path | str | None = None) -> Self:
        """Load a model folder after verifying it; the model that was loaded before stays when that fails.

        Parameters
        ----------
        folder
            A model folder; the packaged model when left out.

        Raises
        ------
        ArtifactError
            See `classification_model.predict.Predictor.load`.
        """
        folder = packaged_model() if folder is None else Path(folder)
        self.predictor = self._read(folder)
        self._source = folder
        return self

    def _read(self, folder: Path) -> Predictor:
        return Predictor.load(folder)

    def save(self, folder: Path | str) -> None:
        """Write the model folder that was loaded to another place, byte by byte, after its files were verified again.

        Raises
        ------
        ArtifactError
            If none was loaded, it is not what it was, or the place cannot be written.
        """
        manifest = self.manifest
        if self._source is None:
            msg = f"this {type(self).__name__} was not loaded from a model folder"
            raise ArtifactError(msg)
        there = read_manifest(self._source)
        if there != manifest:
            msg = f"{self._source} holds another model than the one that was loaded: load it again"
            raise ArtifactError(msg)
        write_model_folder(Path(folder), there, read_files(self._source, there))

    def fit(self, features: Any = None, labels: Any = None) -> Self:
        """Refuse: what is served does not learn.

        Raises
        ------
        TrainingError
            Always, naming the class that learns.
        """
        del features, labels
        msg = (
            f"a {type(self).__name__} predicts and does not learn: use "
            "classification_model.own_models.classification_model.ClassificationModel, with the extra [train]"
        )
        raise TrainingError(msg)

    def predict(self, features: Any) -> Answer:
        """Predict rows; see `make_prediction`."""
        return self._loaded().predict(features)


def _keys(index: Sequence[str | int | None] | None, count: int) -> list[str | int | None] | None:
    """Return the keys of rows as JSON values."""
    if index is None:
        return None
    tolist = getattr(index, "tolist", None)
    keys = None if isinstance(index, (str, bytes, Mapping)) else list(tolist() if tolist else index)
    if keys is None or len(keys) != count:
        found = type(index).__name__ if keys is None else f"{len(keys)} for {count} rows"
        msg = f"expected an index of one key a row, found {found}"
        raise InputError(msg)
    for row, key in enumerate(keys):
        is_text = isinstance(key, str) and len(key) <= LONGEST_KEY and _is_utf8(key)
        is_number = isinstance(key, int) and not isinstance(key, bool) and key in KEYS
        if not (key is None or is_text or is_number):
            expected = f"a text of at most {LONGEST_KEY} characters, a whole number of 64 bits or None"
            msg = f"expected {expected} as the key of row {row}, found {type(key).__name__}"
            raise InputError(msg)
    return keys


def _is_utf8(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)
