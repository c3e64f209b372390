"""The sections of a problem file, as frozen models."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from classification_model.artifact import package_version
from classification_model.config.features import Feature, Section, Words
from classification_model.schema import DEFAULT_MISSING_VALUES

Metric = Literal["roc_auc", "average_precision", "log_loss", "brier", "accuracy", "f1"]
Candidate = Literal["logistic_regression", "random_forest", "extra_trees", "hist_gradient_boosting", "average"]


class AppConfig(Section):
    """What the problem and its artifact are called.

    Attributes
    ----------
    name
        The problem, as reports call it.
    description
        One sentence on what is predicted, and from what.
    pipeline_save_file
        Beginning of the names of the model folder and the pickled pipeline; the version follows.
    version
        PEP 440 version of the model; the package's own when left out, as it is for the packaged problem.
    """

    name: str = Field(min_length=1)
    description: str = ""
    pipeline_save_file: str = Field("classification_model_output_v", pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")
    version: str | None = Field(None, pattern=r"^\d+(\.\d+)*((a|b|rc)\d+)?(\.post\d+)?(\.dev\d+)?(\+[a-z0-9.]+)?$")


class DataConfig(Section):
    """Where the table is, and the role of the columns that are no features.

    Attributes
    ----------
    source
        CSV, Parquet or JSON file: a path relative to the config file, or a URL that fsspec opens.
    validation_source
        A second table to measure the model on; without it, a hold-out is drawn from the first.
    target
        Column to predict.
    classes
        Label of each value of the target, in order; of two classes the second is the positive one. Found in
        the data when left out.
    index
        Column whose value identifies a row, unique.
    group, time, weight
        Columns to split by, and the sample weight of each row (positive numbers).
    rename
        New names of columns, by their old ones; everything else here uses the new names.
    drop, leakage
        Columns not to be used: without use, or known only after the outcome.
    missing_values
        Words that mean "missing" in any column, upper and lower case alike; "" is always one.
    delimiter, encoding
        How a CSV file is written.
    """

    source: str = Field(min_length=1)
    validation_source: str | None = None
    target: str = Field(min_length=1)
    classes: dict[str, str] = Field(default_factory=dict)
    index: str | None = None
    group: str | None = None
    time: str | None = None
    weight: str | None = None
    rename: dict[str, str] = Field(default_factory=dict)
    drop: Words = ()
    leakage: Words = ()
    missing_values: Words = DEFAULT_MISSING_VALUES
    delimiter: str = Field(",", min_length=1, max_length=1)
    encoding: str = "utf-8"

    @property
    def roles(self) -> tuple[str, ...]:
        """Columns that are never features."""
        named = (self.target, self.index, self.weight, *self.drop, *self.leakage)
        return tuple(name for name in named if name is not None)


class SplitConfig(Section):
    """How the hold-out and the folds are drawn.

    Attributes
    ----------
    kind
        ``random``: rows on their own, folds stratified by class. ``group``: the rows of one group stay
        together. ``time``: the latest rows are held out, and each fold is judged on rows after its own.
    holdout
        Share of rows that no model trains on.
    """

    kind: Literal["random", "group", "time"] = "random"
    holdout: float = Field(0.2, ge=0.05, le=0.5)


def _scalar(value: Any) -> Any:
    """Read a parameter as the number or truth value it spells, else leave it as text."""
    if isinstance(value, list):
        return [_scalar(item) for item in value]
    if not isinstance(value, str):
        return value
    if value in {"true", "false"}:
        return value == "true"
    for read in (int, float):
        try:
            return read(value)
        except ValueError:
            continue
    return value


Scalar = bool | int | float | str
Parameter = Annotated[Scalar | tuple[Scalar, ...], BeforeValidator(_scalar)]
#: A candidate with nothing below its name has no parameters.
Parameters = Annotated[dict[str, Parameter], BeforeValidator(lambda value: value or {})]


class TrainingConfig(Section):
    """How a model is chosen and fitted.

    Attributes
    ----------
    random_state
        Seed of everything that draws.
    folds
        Number of cross-validation folds.
    metric
        What candidates are compared by, on the out-of-fold predictions.
    estimator
        Name of the one candidate to train, without a comparison.
    candidates
        Estimators to choose among, each with scikit-learn parameters; a block list of values is searched. The
        candidate ``average`` is the mean of the probabilities of all others.
    trials
        Settings tried for each candidate, its first included.
    budget_seconds
        No further setting is tried after this long. The first of each candidate always is.
    class_weights
        ``none``, ``balanced`` (each class weighs the same in total) or a weight for each label.
    threshold
        Probability from which the positive class is predicted (two classes): a number, or the measure that it
        maximises on out-of-fold predictions.
    rare_label_share
        One-hot categories with a smaller share of the rows are merged into one.
    encoding_folds
        Folds inside the training rows that target encodings are cross-fitted over.
    """

    random_state: int = Field(0, ge=0, le=2**32 - 1)
    folds: int = Field(5, ge=2, le=20)
    metric: Metric = "log_loss"
    split: SplitConfig = SplitConfig()
    estimator: Candidate | None = None
    candidates: dict[Candidate, Parameters] = Field(default_factory=dict)
    trials: int = Field(4, ge=1, le=1000)
    budget_seconds: float = Field(60.0, gt=0)
    class_weights: Literal["none", "balanced"] | dict[str, float] = "none"
    threshold: float | Literal["accuracy", "balanced_accuracy", "f1"] = 0.5
    rare_label_share: float = Field(0.01, ge=0, lt=0.5)
    encoding_folds: int = Field(5, ge=2, le=50)


class DriftConfig(Section):
    """Limits beyond which a feature counts as drifted.

    Attributes
    ----------
    psi
        Population stability index.
    p_value
        Of the test of equal distributions, after correction for the number of features.
    """

    psi: float = Field(0.2, gt=0)
    p_value: float = Field(0.01, gt=0, lt=1)


class MonitoringConfig(Section):
    """When a model in operation needs attention.

    Attributes
    ----------
    accuracy_floor
        The model is to be retrained when its accuracy is below this.
    minimum_count
        Labels below which nothing is decided.
    drift
        Limits on the change of the features' distributions.
    """

    accuracy_floor: float = Field(0.70, gt=0, lt=1)
    minimum_count: int = Field(100, ge=1)
    drift: DriftConfig = DriftConfig()


class Config(Section):
    """One classification problem.

    Attributes
    ----------
    app, data, features, training, gates, monitoring
        The sections of the file. `gates` holds, for each metric, what the hold-out must reach.
    folder
        Folder of the config file, against which relative paths are resolved; not part of the problem.
    """

    app: AppConfig
    data: DataConfig
    features: dict[str, Feature] = Field(default_factory=dict)
    training: TrainingConfig = TrainingConfig()
    gates: dict[Metric, Annotated[float, Field(ge=0)]] = Field(default_factory=dict)
    monitoring: MonitoringConfig = MonitoringConfig()
    folder: Path = Field(Path(), exclude=True)

    @property
    def version(self) -> str:
        """Version of the model that this config trains."""
        return self.app.version or package_version()

    @property
    def hash(self) -> str:
        """SHA-256 of what the file says; comments, order of keys and place do not count."""
        return hashlib.sha256(self.model_dump_json(by_alias=True).encode()).hexdigest()
