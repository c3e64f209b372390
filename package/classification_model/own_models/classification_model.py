"""The model of a config, from training to operation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
import pandas as pd

from classification_model.config.core import PACKAGED_CONFIG, load_config
from classification_model.errors import InputError
from classification_model.processing.pipeline_model import load_predictor
from classification_model.runtime.mle.model import ServedModel
from classification_model.runtime.model_folder.artifact import write_model_folder
from classification_model.train_pipeline import train_model

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from classification_model.config.sections import Config
    from classification_model.runtime.log.prediction_log import PredictionLog
    from classification_model.runtime.predictor import Predictor
    from classification_model.training.training_report import TrainedModel


class ClassificationModel(ServedModel):
    """A model that learns as a config says, and then predicts and logs; see `MLEModel`.

    Parameters
    ----------
    config
        The problem; the packaged one when left out.
    log
        Where `predict_with_logging` puts predictions on record.

    Attributes
    ----------
    config
        The problem.
    trained
        What `fit` made and found; None before, and after `load`.

    Examples
    --------
    Load the packaged model; `fit` trains one instead:

    >>> import classification_model as cm
    >>> model = cm.ClassificationModel().load()
    >>> model.manifest.name
    'Titanic survival'
    """

    def __init__(self, config: Config | None = None, log: PredictionLog | None = None) -> None:
        super().__init__(log)
        self.config = load_config(PACKAGED_CONFIG) if config is None else config
        self.trained: TrainedModel | None = None

    def fit(self, features: pd.DataFrame | None = None, labels: ArrayLike | None = None, *, jobs: int = -1) -> Self:
        """Train and judge a model; nothing is written.

        Parameters
        ----------
        features
            Frame of raw values, with the columns of the config's table or, of those that are no features, none; the
            table of the config when left out.
        labels
            For each row of the frame the target: values as in the table, or labels of the classes.
        jobs
            Threads to use; -1 for one a core.

        Raises
        ------
        InputError
            If only one of both is given, or they differ in length.
        ClassificationModelError
            See `train_pipeline.train_model`; the model that was there stays.
        """
        source = None if features is None and labels is None else self._table(features, labels)
        trained = train_model(self.config, source=source, jobs=jobs)
        self.trained, self.predictor = trained, trained.predictor
        return self

    def _table(self, features: pd.DataFrame | None, labels: ArrayLike | None) -> pd.DataFrame:
        """Put features and target beside each other."""
        if not isinstance(features, pd.DataFrame) or labels is None:
            msg = (
                f"expected a frame and its labels, or neither, found {type(features).__name__}, {type(labels).__name__}"
            )
            raise InputError(msg)
        target = self.config.data.target
        if target in features.columns:
            msg = f"the features have a column {target!r}, which is the target: give it as the labels alone"
            raise InputError(msg)
        given = np.asarray(labels, dtype=object)
        if given.shape != (len(features),):
            msg = f"expected {len(features)} labels, one a row, found shape {given.shape}"
            raise InputError(msg)
        values = {label: value for value, label in reversed(self.config.data.classes.items())}
        if set(map(str, given)) <= values.keys() - self.config.data.classes.keys():
            given = np.array([values[str(label)] for label in given], dtype=object)
        return features.assign(**{target: given})

    def load(self, folder: Path | str | None = None) -> Self:
        """Load a model folder after verifying it: its compiled model, or its pipeline where it has none."""
        super().load(folder)
        self.trained = None
        return self

    def _read(self, folder: Path) -> Predictor:
        return load_predictor(folder)

    def save(self, folder: Path | str) -> None:
        """Write the model that was trained, or the one that was loaded, as a model folder.

        Parameters
        ----------
        folder
            The model folder; a model that is there already is replaced.

        Raises
        ------
        ArtifactError
            If there is no model yet, or the place cannot be written.
        """
        if self.trained is None:
            super().save(folder)
            return
        write_model_folder(Path(folder), self.manifest, self.trained.contents)
