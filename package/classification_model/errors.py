"""Every error that this package raises on purpose, in one tree.

::

    ClassificationModelError
    ├── ConfigError            a config.yml is wrong: file, line, key, expected, found
    ├── DataError              a table cannot be read, or nothing can be learned from it
    ├── TrainingError          training started and could not finish
    │   ├── GateError          the model did not reach what its config demands
    │   └── ExportError        a fitted pipeline cannot be compiled, or its compiled model disagrees
    ├── ArtifactError          a model folder is missing, malformed or in the way
    │   ├── VerificationError  a file's hash or a golden row's prediction does not hold
    │   └── StoreError         a store of models has no such version, or cannot be read or written
    ├── LogUnavailableError    what must be on record cannot be written
    ├── InputError             the input of a prediction is not a table at all
    └── MissingExtraError      an optional dependency is not installed

Rows that break the schema are no exception: they are reported in the answer's ``errors``.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "ArtifactError",
    "ClassificationModelError",
    "ConfigError",
    "DataError",
    "ExportError",
    "GateError",
    "InputError",
    "LogUnavailableError",
    "MissingExtraError",
    "StoreError",
    "TrainingError",
    "VerificationError",
    "require_extra",
]


class ClassificationModelError(Exception):
    """Base of all errors of this package; its text is one line that names the remedy."""


class ConfigError(ClassificationModelError):
    """A config file is malformed, or asks for something that does not exist."""


class DataError(ClassificationModelError):
    """A table cannot be read, or breaks a rule that training needs."""


class TrainingError(ClassificationModelError):
    """Training could not finish."""


class GateError(TrainingError):
    """The trained model did not pass a gate, so nothing was saved."""


class ExportError(TrainingError):
    """A fitted pipeline holds what has no converter, or its compiled model predicts otherwise."""


class ArtifactError(ClassificationModelError):
    """A model folder is missing, malformed, or not what was asked for."""


class VerificationError(ArtifactError):
    """A model folder is not what its manifest says."""


class StoreError(ArtifactError):
    """A store of models has no such version, or cannot be read or written."""


class LogUnavailableError(ClassificationModelError):
    """A prediction, a label or a decision cannot be put on record, so it must not be acted on."""


class InputError(ClassificationModelError):
    """The input of a prediction is neither a table, nor columns, nor rows."""


class MissingExtraError(ClassificationModelError):
    """A part was used whose optional dependencies are not installed."""


@contextmanager
def require_extra(extra: str, purpose: str) -> Iterator[None]:
    """Turn a failed import of an optional dependency into an error that names its extra.

    Parameters
    ----------
    extra
        Name of the extra that brings the dependency, such as ``"train"``.
    purpose
        What the caller was about to do, for the message.

    Raises
    ------
    MissingExtraError
        If an import inside the block fails because a distribution other than this one is missing.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.partition(".")[0] == __name__.partition(".")[0]:
            raise
        msg = (
            f"{purpose} needs {error.name}, which is not installed: "
            f"install this distribution with its extra [{extra}], as in pip install 'WHEEL[{extra}]'"
        )
        raise MissingExtraError(msg) from error
