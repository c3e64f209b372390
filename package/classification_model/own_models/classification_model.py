"""The model class of a config, for training and for operation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Self

from classification_model.config.core import PACKAGED_CONFIG, load_config
from classification_model.processing.labelled_tables import labelled_table
from classification_model.processing.pipeline_model import load_predictor
from classification_model.runtime.mle.model import ServedModel
from classification_model.runtime.model_folder.artifact import write_model_folder
from classification_model.tracking.track_training import track_training
from classification_model.train_pipeline import train_model

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike

    from classification_model.config.sections import Config
    from classification_model.runtime.log.prediction_log import PredictionLog
    from classification_model.runtime.predictor import Predictor
    from classification_model.training.training_report import TrainedModel


class ClassificationModel(ServedModel):
    """A model that a config describes. It can be trained, make predictions and log them; see `MLEModel`.

    Parameters
    ----------
    config
        What `load_config` returns: the table, the features and how to train. The default is the config of the packaged
        model.
    log
        The prediction log that `predict_with_logging` writes to.

    Attributes
    ----------
    config
        The config that `fit` trains by.
    trained
        The result of the last `fit`. None before the first `fit`, and after `load`.

    Examples
    --------
    Load the packaged model. To train a model from the config, call `fit` instead of `load`:

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
        """Train and evaluate the model, without writing it.

        Parameters
        ----------
        features
            Frame of raw values, without the target. It has the other columns of the table of the config, or only the
            columns that are features. The default is the table of the config.
        labels
            The target of each row, shape (n_rows,): the raw values of the table, or the labels of the classes. With
            ``data.target_bins``, only numbers. Give `features` and `labels` together, or neither.
        jobs
            Number of threads; -1 means one per core.

        Returns
        -------
        ClassificationModel
            This model, trained.

        Raises
        ------
        InputError
            If only one of `features` and `labels` is given, or they differ in length.
        DataError, TrainingError, GateError
            If the frame cannot be trained on, a candidate cannot be fitted, or a metric misses a gate; see
            `train_pipeline.run_training`. The model that was trained or loaded before stays in use.
        """
        source = None if features is None and labels is None else labelled_table(self.config.data, features, labels)
        trained = train_model(self.config, source=source, jobs=jobs)
        self.trained, self.predictor = trained, trained.predictor
        track_training(trained, self.config, source)
        return self

    def load(self, folder: Path | str | None = None) -> Self:
        """Verify and load a model folder; see `load_predictor`.

        Parameters
        ----------
        folder
            A model folder. The default is the packaged model.
        """
        super().load(folder)
        self.trained = None
        return self

    def _read(self, folder: Path) -> Predictor:
        return load_predictor(folder)

    def save(self, folder: Path | str) -> None:
        """Write the trained or loaded model as a model folder.

        Parameters
        ----------
        folder
            The model folder to write. A model that it already contains is replaced.

        Raises
        ------
        ArtifactError
            If nothing was trained or loaded yet, or the folder cannot be written.
        """
        if self.trained is None:
            super().save(folder)
            return
        write_model_folder(Path(folder), self.manifest, self.trained.contents)
