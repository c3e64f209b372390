"""Make fitted classifiers: `train` one, or `load` one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from classification_model.classifier.class_values import label_values
from classification_model.classifier.classifier import Classifier
from classification_model.classifier.config_with import config_with
from classification_model.classifier.fitted_model import FolderModel
from classification_model.classifier.notebook_progress import progress_here
from classification_model.processing.given_problem import given_problem
from classification_model.runtime.model_folder.artifact import file_records, read_model
from classification_model.runtime.model_folder.packaged import packaged_model
from classification_model.tracking.track_training import track_training
from classification_model.train_pipeline import train_model

if TYPE_CHECKING:
    from classification_model.config.sections import Config
    from classification_model.training.progress import Progress


def train(
    data: str | Path | pd.DataFrame | None = None,
    *,
    target: str | None = None,
    config: Config | Path | str | None = None,
    estimator: str | None = None,
    metric: str | None = None,
    folds: int | None = None,
    trials: int | None = None,
    budget_seconds: float | None = None,
    class_weights: Any = None,
    threshold: Any = None,
    random_state: int | None = None,
    version: str | None = None,
    jobs: int = -1,
    progress: Progress | None = None,
) -> Classifier:
    """Train a model on a table, as ``classification-model train`` does.

    Rows are held out, the candidates are compared by cross-validation on the others, and the best one is fitted,
    evaluated on the hold-out, compiled and proved to predict the same.

    Parameters
    ----------
    data
        The table: a path, a URL, or a DataFrame of raw values with the target. The default is that of the config.
    target
        Column to predict, without a config: then one is drafted, as ``classification-model init`` does.
    config
        A config, the path of a ``config.yml``, or its text.
    estimator, metric, folds, trials, budget_seconds, class_weights, threshold, random_state
        Values instead of those in the section ``training`` of the config; see docs/config.md. With
        ``estimator="logistic_regression"`` or ``trials=1``, a first model is there sooner.
    version
        PEP 440 version of the model instead of the config's.
    jobs
        Number of threads; -1 means one per core.
    progress
        Object that is called before each step and after each fit. By default a notebook shows a line.

    Returns
    -------
    Classifier
        The fitted classifier, which has the ``report_`` of the training. Nothing is written before you call its `save`.

    Raises
    ------
    InputError
        If neither a config nor a table with a target is given, or both a target and a config, or an argument is of
        another type or not allowed.
    ConfigError
        If the config is wrong.
    DataError
        If the table cannot be read, or cannot be trained on.
    TrainingError
        If a candidate cannot be fitted.
    GateError
        If a metric on the hold-out misses a gate of the config.

    Examples
    --------
    >>> import classification_model as cm
    >>> import pandas as pd
    >>> from sklearn.datasets import load_iris
    >>> iris = load_iris(as_frame=True).frame
    >>> model = cm.train(iris, target="target", estimator="logistic_regression", trials=1)
    >>> model.predict(iris.head(2)).tolist()
    [0, 0]
    """
    problem = given_problem(data, target, config)
    changes = {
        "estimator": estimator,
        "metric": metric,
        "folds": folds,
        "trials": trials,
        "budget_seconds": budget_seconds,
        "class_weights": class_weights,
        "threshold": threshold,
        "random_state": random_state,
    }
    given = config_with(problem.config, changes)
    with progress_here(progress) as shown:
        trained = train_model(given, source=problem.source, version=version, jobs=jobs, progress=shown)
        track_training(trained, given, problem.source, shown)
    manifest = trained.report.manifest.model_copy(update={"files": file_records(trained.contents)})
    model = FolderModel(manifest, trained.contents)
    column = None
    if isinstance(problem.source, pd.DataFrame) and manifest.target in problem.source.columns:
        column = problem.source[manifest.target]
    classes = label_values(manifest, column)
    return Classifier(given)._use(model, classes, report=trained.report, draft=problem.draft)


def load(folder: Path | str | None = None) -> Classifier:
    """Verify and load a model folder.

    Parameters
    ----------
    folder
        A model folder. The default is the packaged model.

    Returns
    -------
    Classifier
        The fitted classifier. It has the model without the rows that it was trained on.

    Raises
    ------
    ArtifactError
        If the folder contains no model.
    VerificationError
        If a file was changed, or the model does not give the recorded probabilities of a golden row.

    Examples
    --------
    >>> import classification_model as cm
    >>> model = cm.load()
    >>> model.classes_.tolist()
    ['died', 'survived']
    """
    read = read_model(packaged_model() if folder is None else Path(folder))
    return Classifier()._use(FolderModel(read.manifest, read.contents), label_values(read.manifest))
