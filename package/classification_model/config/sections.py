"""The sections of a config file, as frozen pydantic models."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PrivateAttr

from classification_model.batch.added_columns import check_prefix
from classification_model.config.features import ColumnFeature, Feature, Marks, Name, Names, Section
from classification_model.runtime.input.number_format import Decimal, NumberFormat, Thousands
from classification_model.runtime.input.schema import DEFAULT_MISSING_VALUES, LongestText
from classification_model.runtime.input.values import LONGEST_PARSED_TEXT
from classification_model.runtime.model_folder.artifact import VERSION_PATTERN
from classification_model.runtime.model_folder.file_layout import FileLayout
from classification_model.runtime.model_folder.packaged import package_version
from classification_model.tables.formats import check_encoding

Metric = Literal["roc_auc", "average_precision", "log_loss", "brier", "accuracy", "f1"]
Candidate = Literal["logistic_regression", "random_forest", "extra_trees", "hist_gradient_boosting", "average"]

#: A character that separates the cells of a CSV file.
DELIMITER = r"^[\t -!#-~]$"


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


class DataConfig(Section):
    """The table, and the columns that are not features.

    Attributes
    ----------
    source
        CSV, Parquet or JSON file: a path relative to the config file, or a URL that fsspec opens.
    validation_source
        A second table to evaluate the model on. By default a hold-out is drawn from `source`.
    target
        Column to predict.
    classes
        Label of each value of the target, in order. Values with the same label are one class, whose place is that of
        the first of them. The second of two classes is the positive one. By default the classes are the values of the
        target. With `target_bins`, label of each bin by its number, 1 for the lowest.
    other_classes
        What to do with rows whose target is a value that `classes` does not list: ``refuse`` the table, or ``drop``
        and count the rows.
    unlabelled
        What to do with rows without a target: ``refuse`` the table, or ``drop`` and count the rows.
    target_bins
        Number of bins, 2 to 20, of about the same size, into which a numeric target is divided. Each bin is a class.
        The edges are quantiles of the training rows.
    index
        Column with a unique value in each row.
    group
        Column of groups: with ``training.split.kind: group`` the rows of a group are not split.
    time
        Column of dates or numbers: with ``training.split.kind: time`` the latest rows are held out.
    weight
        Column of sample weights, numbers above 0.
    rename
        New name of a column, by its old one. All other keys use the new names.
    drop
        Columns not to use.
    leakage
        Columns not to use because they are known only after the outcome.
    missing_values
        Words that mean "missing" in any column, in any case. An empty text always does. One that spells a number or a
        date stands for its value, however a row spells it.
    decimal
        Decimal sign of numbers that are texts: ``.`` or ``,``. By default ``.``; for features that the config leaves
        out, it is decided by the table.
    thousands
        What separates groups of three digits: ``,``, ``.``, ``blank``, ``'`` or ``none``. By default whichever of comma
        and point is not the decimal sign, a blank or an apostrophe.
    delimiter
        Delimiter of a CSV file, one ASCII character.
    encoding
        Encoding of a CSV file, as Python names it.
    skip_rows
        Number of lines above the header of a CSV file, or of rows above that of a workbook. A first line ``sep=;``,
        which names the delimiter, does not count.
    sheet
        Sheet of a workbook. The default is the first one.
    longest_text
        Maximum number of characters of a text that is searched for patterns or words, and of a number given as text.
        Other texts may have 10,000 characters.
    """

    source: Name
    validation_source: Name | None = None
    target: Name
    classes: dict[Name, Name] = Field(default_factory=dict)
    other_classes: Literal["refuse", "drop"] = "refuse"
    unlabelled: Literal["refuse", "drop"] = "refuse"
    target_bins: int | None = Field(None, ge=2, le=20)
    index: Name | None = None
    group: Name | None = None
    time: Name | None = None
    weight: Name | None = None
    rename: dict[Name, Name] = Field(default_factory=dict)
    drop: Names = ()
    leakage: Names = ()
    missing_values: Marks = DEFAULT_MISSING_VALUES
    decimal: Decimal | None = None
    thousands: Thousands | None = None
    delimiter: str = Field(",", pattern=DELIMITER, description="one ASCII character, no quote and no line break")
    encoding: Annotated[str, AfterValidator(check_encoding)] = "utf-8"
    skip_rows: int = Field(0, ge=0, le=1000)
    sheet: Name | None = None
    longest_text: LongestText = LONGEST_PARSED_TEXT

    @property
    def layout(self) -> FileLayout:
        """How the files of the table are written."""
        return FileLayout(delimiter=self.delimiter, encoding=self.encoding, skip_rows=self.skip_rows, sheet=self.sheet)

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels of the classes, in order; the second of two is the positive one."""
        return tuple(dict.fromkeys(self.classes.values()))

    @property
    def roles(self) -> tuple[str, ...]:
        """Target, index, weight, and the columns not to use."""
        named = (self.target, self.index, self.weight, *self.drop, *self.leakage)
        return tuple(name for name in named if name is not None)

    @property
    def written(self) -> NumberFormat:
        """How numbers are written in columns that say nothing else."""
        return NumberFormat(decimal=self.decimal or ".", thousands=self.thousands)

    def written_in(self, feature: ColumnFeature) -> NumberFormat:
        """Return how the numbers of a feature are written."""
        thousands = self.thousands if feature.decimal is None else None
        return NumberFormat(
            decimal=feature.decimal or self.decimal or ".",
            thousands=feature.thousands or thousands,
            unit=feature.unit,
            censored=feature.censored,
            spelling=feature.number_format,
        )

    def marks_in(self, feature: ColumnFeature) -> tuple[str, ...]:
        """Return the words that mean "missing" in a feature, in lower case."""
        values = {word.lower() for word in feature.not_missing}
        words = (word.lower() for word in (*self.missing_values, *feature.missing_values))
        return tuple(dict.fromkeys(word for word in words if word not in values))


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


class Config(Section):
    """A classification problem, as its config file describes it.

    Attributes
    ----------
    app, data, features, training, monitoring, promotion
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
    _folder: Path = PrivateAttr(Path())

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
