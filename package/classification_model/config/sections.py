"""The sections of a problem file, as frozen models."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PrivateAttr

from classification_model.config.features import Feature, Marks, Name, Names, Section
from classification_model.runtime.input.schema import DEFAULT_MISSING_VALUES, LongestText
from classification_model.runtime.input.values import LONGEST_PARSED_TEXT
from classification_model.runtime.model_folder.artifact import VERSION_PATTERN
from classification_model.runtime.model_folder.packaged import package_version
from classification_model.tables.formats import check_encoding

Metric = Literal["roc_auc", "average_precision", "log_loss", "brier", "accuracy", "f1"]
Candidate = Literal["logistic_regression", "random_forest", "extra_trees", "hist_gradient_boosting", "average"]

#: A character that separates the cells of a CSV file.
DELIMITER = r"^[\t -!#-~]$"


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

    name: Name
    description: str = ""
    pipeline_save_file: str = Field(
        "classification_model_output_v",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$",
        description="a beginning of file names: letters, digits, - and _",
    )
    version: str | None = Field(
        None,
        pattern=VERSION_PATTERN,
        description="a PEP 440 version, such as 1.2.0",
    )


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
    longest_text
        Most characters of a text in which patterns or words are sought, and of a number that is given as text; other
        texts may have 10,000.
    """

    source: Name
    validation_source: Name | None = None
    target: Name
    classes: dict[Name, Name] = Field(default_factory=dict)
    index: Name | None = None
    group: Name | None = None
    time: Name | None = None
    weight: Name | None = None
    rename: dict[Name, Name] = Field(default_factory=dict)
    drop: Names = ()
    leakage: Names = ()
    missing_values: Marks = DEFAULT_MISSING_VALUES
    delimiter: str = Field(",", pattern=DELIMITER, description="one ASCII character, no quote and no line break")
    encoding: Annotated[str, AfterValidator(check_encoding)] = "utf-8"
    longest_text: LongestText = LONGEST_PARSED_TEXT

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


def _parameter(value: Any) -> Any:
    """Read a parameter, or the items of a block list, as what they spell."""
    if isinstance(value, list):
        return tuple(_spelled(item) for item in value)
    return _spelled(value)


def _spelled(value: Any) -> Any:
    """Read a text as the number or truth value that it spells, else leave it."""
    if not isinstance(value, str) or not value:
        msg = "a value, or a block list of values to try"
        raise ValueError(msg)
    if value in {"true", "false"}:
        return value == "true"
    for read in (int, float):
        try:
            number = read(value)
        except ValueError:
            continue
        if not math.isfinite(number):
            msg = "a finite number"
            raise ValueError(msg)
        return number
    return value


Scalar = bool | int | float | str
Parameter = Annotated[Scalar | tuple[Scalar, ...], BeforeValidator(_parameter)]
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
    """Limits beyond which a feature counts as drifted, and a model as one to be retrained for it.

    Attributes
    ----------
    psi
        Population stability index: how large a change must be to matter.
    p_value
        Of the test of equal distributions, after correction for the number of features: how sure it must be.
    share
        Share of the features that have to drift for the model to be retrained.
    """

    psi: float = Field(0.2, gt=0)
    p_value: float = Field(0.01, gt=0, lt=1)
    share: float = Field(0.3, gt=0, le=1)


class MonitoringConfig(Section):
    """When a model in operation needs attention.

    Attributes
    ----------
    accuracy_floor
        The model is to be retrained when its accuracy is below this.
    minimum_count
        Labels, and for drift predictions, below which nothing is decided.
    window
        Predictions, or with a unit such as ``12h`` or ``7d`` the time, that are measured as one.
    max_age_days
        Age of the model at which it is to be retrained in any case; left out, no age is too high.
    cooldown_days
        How long after a retraining, promoted or not, no other one is asked for.
    masked
        Features whose values are left out of the prediction log; the model is not retrained on logged rows then,
        unless it can do without them.
    drift
        Limits on the change of the features' distributions.
    """

    accuracy_floor: float = Field(0.70, gt=0, lt=1)
    minimum_count: int = Field(100, ge=1)
    window: Annotated[str, Field(pattern=r"^[1-9][0-9]{0,8}[mhdw]?$", description="500, 12h or 7d")] = "500"
    max_age_days: float | None = Field(None, gt=0)
    cooldown_days: float = Field(1.0, ge=0)
    masked: Names = ()
    drift: DriftConfig = DriftConfig()


class PromotionConfig(Section):
    """What a challenger must show before it takes the champion's place.

    Attributes
    ----------
    p_value
        How sure it must be that it is better.
    margin
        How much accuracy may be lost, at most, on the whole and on any slice of the rows.
    minimum_count
        Rows below which neither can be told from the other.
    latency_ms
        Longest time to predict one row, in milliseconds, median.
    recent_share
        Share of the newest labelled predictions that both are compared on and neither learns from.

    Examples
    --------
    >>> import classification_model as cm
    >>> cm.PromotionConfig(margin=0.01).p_value
    0.05
    """

    p_value: float = Field(0.05, gt=0, lt=1)
    margin: float = Field(0.03, gt=0, lt=1)
    minimum_count: int = Field(100, ge=1)
    latency_ms: float = Field(5.0, gt=0)
    recent_share: float = Field(0.25, gt=0, lt=1)


class Config(Section):
    """One classification problem.

    Attributes
    ----------
    app, data, features, training, gates, monitoring, promotion
        The sections of the file. `gates` holds, for each metric, what the hold-out must reach.
    """

    app: AppConfig
    data: DataConfig
    features: dict[Name, Feature] = Field(default_factory=dict)
    training: TrainingConfig = TrainingConfig()
    gates: dict[Metric, Annotated[float, Field(ge=0)]] = Field(default_factory=dict)
    monitoring: MonitoringConfig = MonitoringConfig()
    promotion: PromotionConfig = PromotionConfig()
    _folder: Path = PrivateAttr(Path())

    def at(self, folder: Path) -> Config:
        """Return the same problem with its relative paths resolved against a folder."""
        placed = self.model_copy()
        placed._folder = folder
        return placed

    @property
    def folder(self) -> Path:
        """Folder of the config file, against which relative paths are resolved; not part of the problem."""
        return self._folder

    @property
    def version(self) -> str:
        """Version of the model that this config trains."""
        return self.app.version or package_version()

    @property
    def hash(self) -> str:
        """SHA-256 of what the file says.

        Comments, the order of sections and of their options, defaults that are spelled out, and the place of the file
        do not count. The order of what the file itself names, such as features and classes, does.
        """
        return hashlib.sha256(self.model_dump_json(by_alias=True).encode()).hexdigest()
