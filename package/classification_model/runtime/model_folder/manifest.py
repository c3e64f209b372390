"""What a model folder says of itself: the manifest, and the models it is made of."""

from __future__ import annotations

import hashlib
import re
from typing import Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict

from classification_model.runtime.input.schema import InputSchema

FORMAT_VERSION = 2

_DIGEST_LINE = re.compile(rb'^  "digest": "([0-9a-f]{64})",\n', re.MULTILINE)


class FileRecord(BaseModel):
    """What a file of the model folder must be: its SHA-256 in hexadecimal, its size in bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: str
    size: int


class Fingerprint(BaseModel):
    """The table a model was trained on: rows, columns, and its SHA-256.

    That is the hash of the file; of a frame the one of its rows, spelled; and where rows were put below a table, that
    of the table's hash and these rows, spelled (see `processing.raw_tables.hash_of_rows`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: int
    columns: int
    sha256: str


class Holdout(BaseModel):
    """The rows that no model trains on.

    Attributes
    ----------
    rule
        How to tell a row of the hold-out, in words.
    kind
        ``hash``: by the hash of `key`; ``time``: from `cutoff` on; ``table``: a validation table of its own; ``none``:
        nothing was held out, or nobody can tell, and there are no metrics.
    share
        Share of rows aimed at.
    key
        Columns whose values are hashed.
    cutoff
        First moment that is held out, in seconds since 1970.
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
    """A metric on the hold-out with its 95 % bootstrap interval."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: float
    low: float
    high: float


class Parity(BaseModel):
    """How a compiled model was held against the pipeline it was compiled from.

    Attributes
    ----------
    training_rows, generated_rows
        Numbers of rows that both predicted: all training rows, and rows of edges.
    tolerance
        Largest difference of a probability that is allowed.
    largest_difference
        Largest difference found.
    other_classes
        Number of rows whose predicted class differs, but for those within the tolerance around the threshold.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    training_rows: int
    generated_rows: int
    tolerance: float
    largest_difference: float
    other_classes: int

    @property
    def holds(self) -> bool:
        """Whether both agree."""
        return self.largest_difference <= self.tolerance and not self.other_classes


class GoldenRow(BaseModel):
    """An input, and the probability of each class that it must give."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    inputs: dict[str, Any]
    probabilities: tuple[float, ...]


class Manifest(BaseModel):
    """What a model folder says of itself; readable without loading the model.

    Attributes
    ----------
    format_version
        Version of this layout.
    name, version, created
        The problem, the model's version, and when it was made (RFC 3339, UTC).
    config_hash, code_hash, data, holdout
        What it was trained from: hashes of the config (empty where there was none) and of this package's code,
        fingerprint of the table, rows held out.
    pipeline
        Name of the pickled pipeline in the folder.
    compiled, parity
        Name of the compiled model in the folder, and the proof that it agrees with the pipeline; None without one.
    not_compiled
        Why there is no compiled model.
    portable, portable_parity
        Name of the portable model in the folder, which takes raw columns and gives labels, and the proof that it
        agrees with the pipeline; None without one.
    portable_inputs
        Derived columns that the portable model takes as inputs, each with why ONNX does not derive it.
    not_portable
        Why there is no portable model.
    files
        Hash and size of every file of the folder but this one.
    libraries
        Versions of Python and of the libraries that fitted it.
    input_schema, classes, threshold
        What goes in, the labels in the order of the probabilities, and the probability from which the
        second of two classes is predicted.
    estimator, parameters
        The estimator that won and its settings.
    metrics
        Metrics on the hold-out; none where there is no such thing.
    golden_rows
        Inputs with the probabilities they must give.
    baseline
        Inputs of a row that is typical of the training rows, which predictions are explained against.
    training_distribution, prediction_distribution
        For each field, and for the out-of-fold probabilities of each class, the distribution that drift is
        measured against. The latter is of the hold-out where the model came fitted, and empty where there is none.
    gates, monitoring
        What the model had to reach, and the limits it is watched by.
    digest
        SHA-256 of the manifest without the line of this field.

    Examples
    --------
    >>> import classification_model as cm
    >>> manifest = cm.read_manifest(cm.packaged_model())
    >>> [field.name for field in manifest.input_schema.fields if field.kind == "numeric"]
    ['age', 'sibsp', 'parch', 'fare']
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format_version: int = FORMAT_VERSION
    name: str
    version: str
    created: str
    config_hash: str
    code_hash: str
    data: Fingerprint
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
    digest: str = ""

    def sealed_bytes(self) -> bytes:
        """Return the file's bytes, with a digest of everything else in it."""
        return seal(self.model_dump(mode="json"))


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
