"""The sections of a config file, as frozen pydantic models; that of the data is in `data_section`."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PrivateAttr

from classification_model.batch.added_columns import check_prefix
from classification_model.config.data_section import DataConfig
from classification_model.config.features import Feature, Name, Names, Section
from classification_model.runtime.model_folder.artifact import VERSION_PATTERN
from classification_model.runtime.model_folder.packaged import package_version

Metric = Literal["roc_auc", "average_precision", "log_loss", "brier", "accuracy", "f1"]
Candidate = Literal["logistic_regression", "random_forest", "extra_trees", "hist_gradient_boosting", "average"]


class AppConfig(Section):
    """Names of the problem and of its model.

    Attributes
    ----------
    name
        Name of the problem in reports, stores and logs.
    description
        One sentence: what is predicted, from what.
    pipeline_save_file
        Prefix of the names of the model folder and of the pickled pipeline; the version follows it.
    version
        PEP 440 version of the model. The default is the version of this package.
    prediction_prefix
        Prefix of the columns that `predict` adds to a file, for tables that have a column called ``prediction``.
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
    prediction_prefix: Annotated[str, AfterValidator(check_prefix)] = ""


class SplitConfig(Section):
    """How the hold-out and the folds are drawn.

    Attributes
    ----------
    kind
        ``random``: each row alone, folds stratified by class. ``group``: the rows of a group stay together.
        ``time``: the latest rows are held out, and each fold is evaluated on later rows than it trains on.
    holdout
        Share of the rows to hold out, 0.05 to 0.5.
    """

    kind: Literal["random", "group", "time"] = "random"
    holdout: float = Field(0.2, ge=0.05, le=0.5)


def _parameter(value: Any) -> Any:
    """Read a parameter, or each item of a block list, as a number, a truth value or a text."""
    if isinstance(value, list):
        return tuple(_spelled(item) for item in value)
    return _spelled(value)


def _spelled(value: Any) -> Any:
    """Read a text as a number or truth value where it is one."""
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
    """How a model is selected and fitted.

    Attributes
    ----------
    random_state
        Seed of all random draws.
    folds
        Number of cross-validation folds, 2 to 20.
    metric
        Metric to compare candidates by, on out-of-fold predictions: ``log_loss``, ``roc_auc``,
        ``average_precision``, ``brier``, ``accuracy`` or ``f1``.
    split
        How the hold-out and the folds are drawn.
    estimator
        Name of a single candidate to train, without a comparison.
    candidates
        Estimators to compare, each with scikit-learn parameters. A block list of values is searched. The candidate
        ``average`` is the mean of the probabilities of all others.
    trials
        Number of settings to try for each candidate, 1 to 1000. By default it follows from the number of values (rows
        times columns) to learn from: 4 up to 100,000 values, 2 up to 300,000, else 1.
    budget_seconds
        Seconds after which no further setting is tried. The first setting of each candidate is always tried.
    class_weights
        ``none``, ``balanced`` (the same total weight for each class) or a weight for each label.
    threshold
        Probability from which the positive of two classes is predicted: a number, or the metric to maximise on
        out-of-fold predictions (``accuracy``, ``balanced_accuracy`` or ``f1``).
    rare_label_share
        Share of the rows below which categories are merged into one, for ``one_hot`` and ``ordinal``.
    encoding_folds
        Number of folds for cross-fitting target encodings, 2 to 50.
    """

    random_state: int = Field(0, ge=0, le=2**32 - 1)
    folds: int = Field(5, ge=2, le=20)
    metric: Metric = "log_loss"
    split: SplitConfig = SplitConfig()
    estimator: Candidate | None = None
    candidates: dict[Candidate, Parameters] = Field(default_factory=dict)
    trials: int | None = Field(None, ge=1, le=1000)
    budget_seconds: float = Field(300.0, gt=0)
    class_weights: Literal["none", "balanced"] | dict[str, float] = "none"
    threshold: float | Literal["accuracy", "balanced_accuracy", "f1"] = 0.5
    rare_label_share: float = Field(0.01, ge=0, lt=0.5)
    encoding_folds: int = Field(5, ge=2, le=50)


class DriftConfig(Section):
    """Limits from which a feature counts as drifted.

    Attributes
    ----------
    psi
        Minimum population stability index of a drifted feature.
    p_value
        Maximum p-value of a drifted feature, from the test of equal distributions, corrected for the number of
        features.
    share
        Share of drifted features from which the model is retrained.
    """

    psi: float = Field(0.2, gt=0)
    p_value: float = Field(0.01, gt=0, lt=1)
    share: float = Field(0.3, gt=0, le=1)


class MonitoringConfig(Section):
    """Limits by which a model in operation is monitored and retrained.

    Attributes
    ----------
    accuracy_floor
        Accuracy below which the model is retrained.
    minimum_count
        Minimum number of labels for a decision on accuracy, and of predictions for one on drift.
    window
        Size of a window of the report: a number of predictions, or a time such as ``12h`` or ``7d``.
    max_age_days
        Age of the model in days from which it is retrained in any case. The default is no limit.
    cooldown_days
        Days after a retraining, promoted or not, in which no other one is started.
    masked
        Features whose values are not written to the prediction log. A model that needs them is not retrained on
        logged rows.
    drift
        Limits on the change of distributions.
    """

    accuracy_floor: float = Field(0.70, gt=0, lt=1)
    minimum_count: int = Field(100, ge=1)
    window: Annotated[
        str, Field(pattern=r"^[1-9][0-9]{0,8}[mhdw]?$", description="a text such as '500', '12h' or '7d'")
    ] = "500"
    max_age_days: float | None = Field(None, gt=0)
    cooldown_days: float = Field(1.0, ge=0)
    masked: Names = ()
    drift: DriftConfig = DriftConfig()


class PromotionConfig(Section):
    """Limits that a challenger must meet to replace the champion.

    Attributes
    ----------
    p_value
        Significance level of the tests in `compare`. The confidence of the intervals is ``1 - p_value``.
    margin
        Maximum loss of accuracy, on all rows and on each slice. Also the maximum increase of the Brier score and of the
        expected calibration error.
    minimum_count
        Minimum number of rows for a comparison.
    latency_ms
        Maximum median time that the challenger needs for one row, in milliseconds.
    recent_share
        Share of the labelled predictions that is kept for the comparison: the newest ones. Neither model is trained on
        them.

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


class CardConfig(Section):
    """What the author says of the model in its card: plain texts, each of one paragraph or more.

    Attributes
    ----------
    intended_use
        What the model is for, and what it is not for.
    limits
        Where it is known to be wrong, and what it does not know.
    ethics
        Whom it may harm, and what was done about it.
    contact
        Whom to ask about it.
    """

    intended_use: str = ""
    limits: str = ""
    ethics: str = ""
    contact: str = ""


class Config(Section):
    """A classification problem, as its config file describes it.

    Attributes
    ----------
    app, data, features, training, monitoring, promotion, card
        The sections of the file.
    gates
        Limit of each metric on the hold-out that a model must reach to be saved.
    """

    app: AppConfig
    data: DataConfig
    features: dict[Name, Feature] = Field(default_factory=dict)
    training: TrainingConfig = TrainingConfig()
    gates: dict[Metric, Annotated[float, Field(ge=0)]] = Field(default_factory=dict)
    monitoring: MonitoringConfig = MonitoringConfig()
    promotion: PromotionConfig = PromotionConfig()
    card: CardConfig = CardConfig()
    _folder: Path = PrivateAttr(Path())

    def __repr__(self) -> str:
        return f"<Config of {self.app.name!r}>"

    def at(self, folder: Path) -> Config:
        """Return this config with its relative paths resolved against a folder."""
        placed = self.model_copy()
        placed._folder = folder
        return placed

    @property
    def folder(self) -> Path:
        """Folder of the config file, which relative paths are resolved against."""
        return self._folder

    @property
    def version(self) -> str:
        """Version of the model that this config trains."""
        return self.app.version or package_version()

    @property
    def hash(self) -> str:
        """SHA-256 of the content of the config.

        It changes with every value, and with the order of features and classes. It does not change with comments, the
        order of sections and options, defaults that are written out, or the place of the file.
        """
        return hashlib.sha256(self.model_dump_json(by_alias=True).encode()).hexdigest()
