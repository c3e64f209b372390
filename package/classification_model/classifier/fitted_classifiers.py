"""Make fitted classifiers: `train` one, or `load` one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from classification_model.classifier.classifier import Classifier
from classification_model.classifier.fitted_model import FolderModel
from classification_model.classifier.notebook_progress import progress_here
from classification_model.config.core import load_config, parse_config
from classification_model.errors import InputError
from classification_model.processing.draft import draft_config
from classification_model.runtime.model_folder.artifact import file_records, read_model
from classification_model.runtime.model_folder.packaged import packaged_model
from classification_model.train_pipeline import train_model

if TYPE_CHECKING:
    from classification_model.config.sections import Config
    from classification_model.training.progress import Progress


def train(
    data: str | Path | pd.DataFrame | None = None,
    *,
    target: str | None = None,
    config: Config | Path | str | None = None,
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
        A config, or the path of a ``config.yml``.
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
        If neither a config nor a table with a target is given, or both a target and a config.
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
    >>> model = cm.train(iris, target="target")
    >>> model.predict(iris.head(2)).tolist()
    ['0', '0']
    """
    problem, draft = _config_of(data, target, config)
    source = str(data) if isinstance(data, Path) else data
    if source is not None and target is not None and not isinstance(source, pd.DataFrame):
        source = None  # the drafted config names it
    with progress_here(progress) as shown:
        trained = train_model(problem, source=source, version=version, jobs=jobs, progress=shown)
    manifest = trained.report.manifest.model_copy(update={"files": file_records(trained.contents)})
    model = FolderModel(manifest, trained.contents)
    classifier = Classifier._of_folder(model, problem, trained.report)
    classifier.draft_ = draft
    return classifier


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
    model = FolderModel(read.manifest, read.contents)
    return Classifier._of_folder(model)


def _config_of(
    data: str | Path | pd.DataFrame | None, target: str | None, config: Config | Path | str | None
) -> tuple[Config, str | None]:
    """Return the config to train by, and its text if it is drafted."""
    if config is not None:
        if target is not None:
            msg = "expected a config or a target, found both: the config names the target, so leave target out"
            raise InputError(msg)
        return load_config(config) if isinstance(config, (str, Path)) else config, None
    if data is None or target is None:
        msg = (
            "expected a table and the column to predict, or a config: call train(table, target=...) or "
            "train(config=...)"
        )
        raise InputError(msg)
    folder = Path.cwd()
    source = data if isinstance(data, pd.DataFrame) else str(data)
    draft = draft_config(source, target, folder)
    return parse_config(draft, folder=folder), draft
