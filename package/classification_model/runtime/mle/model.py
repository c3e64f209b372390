"""Model classes for operation: load, save, fit, predict, predict with logging, and check the accuracy."""

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
    """Base class of a model in operation. A subclass defines `model`, `load`, `save`, `fit` and `predict`.

    Parameters
    ----------
    log
        The prediction log that `predict_with_logging` writes to.

    Attributes
    ----------
    log
        The prediction log that `predict_with_logging` writes to, or None.
    predictor
        The loaded and verified model. None before `load`.

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
        """The object that computes the predictions."""

    @abstractmethod
    def load(self, folder: Path | str) -> Self:
        """Load a model folder, and set `predictor` to the loaded model."""

    @abstractmethod
    def save(self, folder: Path | str) -> None:
        """Write a model folder."""

    @abstractmethod
    def fit(self, features: Any, labels: Any) -> Self:
        """Fit the model to rows and their labels."""

    @abstractmethod
    def predict(self, features: Any) -> Answer:
        """Make a prediction for each row; see `make_prediction`."""

    @property
    def manifest(self) -> Manifest:
        """Manifest of the loaded model folder.

        Raises
        ------
        ArtifactError
            If no model folder is loaded.
        """
        return self._loaded().manifest

    def _loaded(self) -> Predictor:
        if self.predictor is None:
            msg = f"expected a loaded model in this {type(self).__name__}, found none: call its load first"
            raise ArtifactError(msg)
        return self.predictor

    def predict_with_logging(self, features: Any, index: Sequence[str | int | None] | None = None) -> LoggedAnswer:
        """Make a prediction for each row, and log the predictions before they are returned.

        Parameters
        ----------
        features
            The rows, in the form that `predict` accepts.
        index
            Your own key for each row: a string of up to 256 characters, a 64-bit integer, or None. Use the keys to join
            true labels with the predictions later.

        Returns
        -------
        LoggedAnswer
            The result of `predict`, and ``prediction_ids``: a UUID for each row, or None for a row with an error, which
            is not logged.

        Raises
        ------
        LogUnavailableError
            If the model has no log, or the log cannot be written. No prediction is returned then.
        InputError
            If the input is not a table, or `index` does not have one key for each row.
        """
        if self.log is None:
            msg = (
                f"expected a log in this {type(self).__name__}, found none: make it with log=PredictionLog(folder), or "
                "call predict"
            )
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
        self, labels: Mapping[str, Any], *, floor: float | None = None, minimum_count: int | None = None
    ) -> AccuracyVerdict:
        """Decide whether the accuracy of the logged predictions is too low.

        The command ``classification-model retrain-check`` also considers drift and the age of the model.

        Parameters
        ----------
        labels
            The true label of each ``prediction_id``: the name of a class, or a value of the target that stands for one.
        floor
            Accuracy below which the model needs retraining, 0 to 1. The default is ``monitoring["accuracy_floor"]`` of
            the manifest.
        minimum_count
            Minimum number of labels for a decision. The default is ``monitoring["minimum_count"]`` of the manifest.

        Returns
        -------
        AccuracyVerdict
            The decision, with the accuracy and its interval.

        Raises
        ------
        LogUnavailableError
            If the model has no log, or the log cannot be read.
        InputError
            If a label is not a class of the model, or a limit is out of its range.
        """
        if self.log is None:
            msg = f"expected a log in this {type(self).__name__}, found none: make it with log=PredictionLog(folder)"
            raise LogUnavailableError(msg)
        manifest = self.manifest
        floor = float(manifest.monitoring.get("accuracy_floor", 0.7)) if floor is None else floor
        least = int(manifest.monitoring.get("minimum_count", 100)) if minimum_count is None else minimum_count
        return judge_predictions(self.log.folder, manifest, labels, floor=floor, minimum_count=least)


class ServedModel(MLEModel):
    """A model for serving. It loads a model folder, makes predictions and logs them, but cannot be fitted.

    Parameters
    ----------
    log
        The prediction log that `predict_with_logging` writes to.

    Examples
    --------
    >>> served = ServedModel().load()
    >>> served.manifest.name
    'Titanic survival'
    """

    _source: Path | None = None

    @property
    def model(self) -> Any:
        """The object that computes the probabilities; see `classification_model.runtime.predictor.Model`."""
        return self._loaded().model

    def load(self, folder: Path | str | None = None) -> Self:
        """Verify and load a model folder. If that fails, the model that was loaded before stays.

        Parameters
        ----------
        folder
            A model folder. The default is the packaged model.

        Raises
        ------
        ArtifactError
            If the folder contains no model, or a model without a compiled form.
        VerificationError
            If a file was changed, or the model does not give the recorded probabilities of a golden row.
        """
        folder = packaged_model() if folder is None else Path(folder)
        self.predictor = self._read(folder)
        self._source = folder
        return self

    def _read(self, folder: Path) -> Predictor:
        return Predictor.load(folder)

    def save(self, folder: Path | str) -> None:
        """Verify the loaded model folder again, and copy it to another folder.

        Parameters
        ----------
        folder
            The folder to write. A model that it already contains is replaced.

        Raises
        ------
        ArtifactError
            If no model folder is loaded, the loaded folder was changed since, or the copy cannot be written.
        """
        manifest = self.manifest
        if self._source is None:
            msg = f"expected a {type(self).__name__} loaded from a model folder, found another: call its load first"
            raise ArtifactError(msg)
        there = read_manifest(self._source)
        if there != manifest:
            msg = f"{self._source} does not hold the model that was loaded any more: load it again"
            raise ArtifactError(msg)
        write_model_folder(Path(folder), there, read_files(self._source, there))

    def fit(self, features: Any = None, labels: Any = None) -> Self:
        """Raise an error, because a served model cannot be fitted.

        Raises
        ------
        TrainingError
            Always; the message names a class that can be fitted.
        """
        del features, labels
        msg = (
            f"a {type(self).__name__} cannot be fitted: use classification_model.ClassificationModel, which needs the "
            "extra [train]"
        )
        raise TrainingError(msg)

    def predict(self, features: Any) -> Answer:
        """Make a prediction for each row; see `make_prediction`."""
        return self._loaded().predict(features)


def _keys(index: Sequence[str | int | None] | None, count: int) -> list[str | int | None] | None:
    """Return the keys of rows as JSON values."""
    if index is None:
        return None
    tolist = getattr(index, "tolist", None)
    keys = None if isinstance(index, (str, bytes, Mapping)) else list(tolist() if tolist else index)
    if keys is None or len(keys) != count:
        found = type(index).__name__ if keys is None else f"{len(keys)} for {count} rows"
        msg = f"index: expected a list of one key for each row, found {found}"
        raise InputError(msg)
    for row, key in enumerate(keys):
        is_text = isinstance(key, str) and len(key) <= LONGEST_KEY and _is_utf8(key)
        is_number = isinstance(key, int) and not isinstance(key, bool) and key in KEYS
        if not (key is None or is_text or is_number):
            expected = f"a text of at most {LONGEST_KEY} characters, a whole number of 64 bits or None"
            msg = f"index: expected {expected} as the key of row {row} (counted from 0), found {type(key).__name__}"
            raise InputError(msg)
    return keys


def _is_utf8(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)
