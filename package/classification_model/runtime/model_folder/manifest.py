"""The manifest of a model folder, and the models that it consists of."""

from __future__ import annotations

import hashlib
import re
from typing import Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field

from classification_model.runtime.input.labels import LabelReader
from classification_model.runtime.input.number_format import PLAIN, NumberFormat
from classification_model.runtime.input.schema import InputSchema
from classification_model.runtime.input.values import NO_MARKS
from classification_model.runtime.model_folder.file_layout import FileLayout

FORMAT_VERSION = 2

_DIGEST_LINE = re.compile(rb'^  "digest": "([0-9a-f]{64})",\n', re.MULTILINE)


class FileRecord(BaseModel):
    """What a file of the model folder must be: its SHA-256 in hexadecimal, its size in bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: str
    size: int


class LeftOut(BaseModel):
    """Number of rows that the config leaves out because of their target, in the training and the validation table.

    Attributes
    ----------
    unlabelled
        Rows without a target, with ``data.unlabelled: drop``.
    other_classes
        Rows of a class that ``data.classes`` does not list, with ``data.other_classes: drop``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    unlabelled: int = 0
    other_classes: int = 0

    def __add__(self, other: LeftOut) -> LeftOut:
        return LeftOut(
            unlabelled=self.unlabelled + other.unlabelled, other_classes=self.other_classes + other.other_classes
        )


NONE_LEFT_OUT = LeftOut()


class Fingerprint(BaseModel):
    """Size and hash of the table that a model was trained on.

    The hash is that of the values that the model depends on, so that it is the same for a CSV file, a Parquet file and
    a table of a database with the same rows; see `processing.rows.Rows.sha256`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: int
    columns: int
    sha256: str


class Holdout(BaseModel):
    """The rows that a model is evaluated on.

    Attributes
    ----------
    rule
        The rule in words.
    kind
        ``hash``: rows with a low hash of `key`; ``time``: rows from `cutoff` on; ``table``: a validation table;
        ``none``: no rows are known to be held out, and there are no metrics.
    share
        Intended share of rows, 0 to 1.
    key
        Columns whose values are hashed.
    cutoff
        Earliest time that is held out, in seconds since 1970.
    rows
        Number of rows held out.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: str
    kind: Literal["hash", "time", "table", "none"]
    share: float
    key: tuple[str, ...] = ()
    cutoff: float | None = None
    rows: int


class MetricValue(BaseModel):
    """A metric on the hold-out with its 95% bootstrap interval."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: float
    low: float
    high: float


class Parity(BaseModel):
    """Comparison of a compiled model with the pipeline that it was compiled from.

    Attributes
    ----------
    training_rows, generated_rows
        Number of compared rows: all training rows, and generated rows of edge cases.
    tolerance
        Maximum allowed difference of a probability.
    largest_difference
        Largest difference found.
    other_classes
        Number of rows with another predicted class, without those within the tolerance of the threshold.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    training_rows: int
    generated_rows: int
    tolerance: float
    largest_difference: float
    other_classes: int

    @property
    def holds(self) -> bool:
        """Whether both models agree."""
        return self.largest_difference <= self.tolerance and not self.other_classes


class GoldenRow(BaseModel):
    """A row, and the recorded probability of each class."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    inputs: dict[str, Any]
    probabilities: tuple[float, ...]


class AuditFinding(BaseModel):
    """Something odd about the rows that a model was trained on and evaluated on.

    Attributes
    ----------
    kind
        ``leak``: a column gives the class away; ``suspected_leak``: it may; ``repeated_rows``: rows with the same
        features, in particular on both sides of the hold-out; ``conflicting_labels``: such rows with different labels;
        ``rare_class``: a class with fewer than ten held-out rows; ``hardly_varying``: a column with nearly always the
        same value; ``identifier``: a column that names rows or things; ``similar_categories``: categories that differ
        in case or blanks only.
    column
        The column, unless the rows as a whole are meant.
    message
        What was found, with its figures.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal[
        "leak",
        "suspected_leak",
        "repeated_rows",
        "conflicting_labels",
        "rare_class",
        "hardly_varying",
        "identifier",
        "similar_categories",
    ]
    column: str | None = None
    message: str


class Manifest(BaseModel):
    """The manifest of a model folder: the description of the model, and the hashes of its files.

    Attributes
    ----------
    format_version
        Version of the manifest's format.
    name
        Name of the problem that the model solves, `app.name` of its config. All versions of a model have it.
    version
        Version of the model (PEP 440).
    created
        Time of training (RFC 3339, UTC).
    config_hash
        SHA-256 of the config, or empty if there is no config.
    code_hash
        SHA-256 of the package's code that trained the model.
    data
        Size and hash of the training table.
    left_out
        Further rows of the tables, which were left out because of their target.
    holdout
        The rows that the model was evaluated on.
    pipeline
        File name of the pickled pipeline.
    compiled, parity
        File name of the compiled model, and its comparison with the pipeline. Both are None if there is no compiled
        model.
    not_compiled
        Reason why there is no compiled model.
    portable, portable_parity
        File name of the portable model, which takes raw columns and gives labels, and its comparison with the pipeline.
        Both are None if there is no portable model.
    portable_inputs
        Derived columns that the portable model expects as input, each with the reason why the model cannot compute it.
    not_portable
        Reason why there is no portable model.
    files
        Hash and size of every other file of the folder.
    libraries
        Versions of Python and of the libraries that fitted the model.
    input_schema
        The columns that the model takes.
    classes
        Labels in the order of the probabilities.
    target
        Column of the training table that the model predicts. Empty if the model was made before it was kept, or of an
        estimator whose labels had no name.
    label_values
        Class of each value of the target, by which labels are read; see `LabelReader`. Empty if the model was made
        before they were kept: labels are then the names of classes.
    target_edges
        Edges of the bins of a numeric target, ascending, of which the classes are the names: a number belongs to the
        first class whose edge is not below it, or else to the last class. Empty if the classes are values.
    label_format
        How numbers of the target are written where they are texts, for the bins of one.
    threshold
        The second of two classes is predicted if its probability is at least this value. None with more classes.
    estimator, parameters
        The selected estimator and its parameters.
    metrics
        Metrics on the hold-out, or empty if there is none.
    golden_rows
        Rows with recorded probabilities. Each time the model is loaded, its probabilities for these rows must equal the
        recorded ones.
    baseline
        A row of typical values. Explanations compare other rows with it.
    training_distribution
        Distribution of each column in the training rows. Drift is measured against it.
    prediction_distribution
        Distribution of the probabilities of each class. Drift is measured against it. The probabilities are out-of-fold
        predictions for the training rows; for a model of `save_estimator`, they are predictions for the evaluation
        rows. Empty if there are no such rows.
    gates
        Limit of each metric that the model had to reach.
    monitoring
        Limits for monitoring and retraining: the section ``monitoring`` of the config.
    audit
        What is odd about the rows; empty in a manifest that is older than the audit, and for a model of
        `save_estimator`.
    layout
        How the file of the training table is written: delimiter, encoding, rows above the header, sheet. Files to
        predict are read in the same way, unless they evidently are written in another one.
    prediction_prefix
        Prefix of the columns that `predict` adds to a file.
    digest
        SHA-256 of the manifest file without the line that holds the digest.

    Examples
    --------
    >>> import classification_model as cm
    >>> manifest = cm.read_manifest(cm.packaged_model())
    >>> manifest.version == cm.__version__, manifest.data.rows
    (True, 1309)
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format_version: int = FORMAT_VERSION
    name: str
    version: str
    created: str
    config_hash: str
    code_hash: str
    data: Fingerprint
    left_out: LeftOut = NONE_LEFT_OUT
    holdout: Holdout
    pipeline: str
    compiled: str | None
    parity: Parity | None
    not_compiled: str | None
    portable: str | None
    portable_parity: Parity | None
    portable_inputs: dict[str, str]
    not_portable: str | None
    files: dict[str, FileRecord]
    libraries: dict[str, str]
    input_schema: InputSchema
    classes: tuple[str, ...]
    target: str = ""
    label_values: dict[str, str] = Field(default_factory=dict)
    target_edges: tuple[float, ...]
    label_format: NumberFormat = PLAIN
    threshold: float | None
    estimator: str
    parameters: dict[str, Any]
    metrics: dict[str, MetricValue]
    golden_rows: tuple[GoldenRow, ...]
    baseline: dict[str, Any]
    training_distribution: dict[str, dict[str, Any]]
    prediction_distribution: dict[str, dict[str, Any]]
    gates: dict[str, float]
    monitoring: dict[str, Any]
    audit: tuple[AuditFinding, ...] = ()
    layout: FileLayout = FileLayout()
    prediction_prefix: str = ""
    digest: str = ""

    def label_reader(self, marks: frozenset[str] = NO_MARKS) -> LabelReader:
        """Return what reads the true labels of rows as classes of the model.

        Parameters
        ----------
        marks
            Words, in lower case, that mean "missing" unless they are labels.
        """
        return LabelReader(self.classes, self.label_values, self.target_edges, marks, self.label_format)

    def sealed_bytes(self) -> bytes:
        """Return the bytes of the manifest's file, with its digest."""
        was_read = bool(self.digest)  # by an earlier release perhaps, whose manifest has fewer fields and stays so
        return seal(self.model_dump(mode="json", exclude_unset=was_read))


def seal(content: dict[str, Any]) -> bytes:
    """Return the bytes of a manifest's content, its digest computed anew."""
    unsealed = _canonical({key: value for key, value in content.items() if key != "digest"})
    return _canonical(content | {"digest": hashlib.sha256(unsealed).hexdigest()})


def digests(written: bytes) -> tuple[str | None, str]:
    """Return the digest that the bytes of a manifest claim, None without one, and the one that they have.

    Nothing is parsed: what is hashed are the bytes without the line of the digest.
    """
    line = _DIGEST_LINE.search(written)
    unsealed = written if line is None else written[: line.start()] + written[line.end() :]
    return line and line[1].decode(), hashlib.sha256(unsealed).hexdigest()


def _canonical(content: dict[str, Any]) -> bytes:
    return orjson.dumps(content, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
