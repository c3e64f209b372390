"""The model class: ours to extend, trained by the config beside it."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import classification_model as cm
import pandas as pd

if TYPE_CHECKING:
    from classification_model import Answer, PredictionLog
    from numpy.typing import ArrayLike

CONFIG = Path(__file__).with_name("config.yml")
_TIME = "%Y%m%dt%H%M%Sz"


class RepeatPurchaseModel(cm.MLEModel):
    """Whether a customer buys again; trained, saved and loaded by a `ClassificationModel` that it holds.

    Parameters
    ----------
    log
        Log of `predict_with_logging`.
    version
        Version of the model that `fit` makes. The default is that of the config.

    Attributes
    ----------
    trainer
        The class of the config, which does the work.
    """

    def __init__(self, log: PredictionLog | None = None, *, version: str | None = None) -> None:
        super().__init__(log)
        config = cm.load_config(CONFIG)
        if version is not None:
            config = config.model_copy(update={"app": config.app.model_copy(update={"version": version})})
        self.trainer = cm.ClassificationModel(config)

    @property
    def model(self) -> Any:
        """The object that computes the probabilities."""
        return self.trainer.model

    def fit(self, features: pd.DataFrame, labels: ArrayLike) -> Self:
        """Train and evaluate the model.

        Parameters
        ----------
        features
            Rows of the feature store, without the target.
        labels
            The target of each row: 0 or 1.

        Raises
        ------
        DataError, TrainingError, GateError
            If the rows cannot be trained on, or the model is not good enough; see `ClassificationModel.fit`.
        """
        self.trainer.fit(features, labels)
        self.predictor = self.trainer.predictor
        return self

    def fit_table(self, table: pd.DataFrame) -> Self:
        """Train on the whole table ``feature_store``; see `fit`."""
        target = self.trainer.config.data.target
        if target not in table.columns:
            msg = f"feature_store: expected the column {target!r}, found {', '.join(map(repr, table.columns))}"
            raise cm.errors.DataError(msg)
        return self.fit(table.drop(columns=target), table[target])

    def save(self, folder: Path | str) -> None:
        """Write a model folder, which the store takes and the API serves without this class."""
        self.trainer.save(folder)

    def load(self, folder: Path | str) -> Self:
        """Verify and load a model folder."""
        self.trainer.load(folder)
        self.predictor = self.trainer.predictor
        return self

    def predict(self, features: Any) -> Answer:
        """Predict rows; see `classification_model.make_prediction`."""
        return self.trainer.predict(features)


def digest_of(table: pd.DataFrame) -> str:
    """Return eight digits that tell a table and the config from others."""
    rows = pd.util.hash_pandas_object(table, index=False).to_numpy().tobytes()
    return hashlib.sha256(CONFIG.read_bytes() + repr(list(table.columns)).encode() + rows).hexdigest()[:8]


def new_version(digest: str, now: datetime) -> str:
    """Return the version of a model that is trained now: the config's, the time in UTC, the digest of the table."""
    base = cm.load_config(CONFIG).version
    return f"{base}+{now.astimezone(UTC):{_TIME}}.{digest}"


def made_at(version: str) -> datetime:
    """Return the time in a version that `new_version` returned, in whole seconds."""
    time = version.partition("+")[2].partition(".")[0]
    return datetime.strptime(time, _TIME).replace(tzinfo=UTC)
