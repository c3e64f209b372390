"""Every error that this package raises on purpose, in one tree.

::

    ClassificationModelError
    ├── ConfigError            a config.yml or an environment variable has a wrong value
    ├── DataError              a table cannot be read, or cannot be trained on
    │   ├── FitDataError       a classifier cannot be fitted on the given rows; it is a ValueError too
    │   └── RejectionError     more rows of a file cannot be predicted than allowed
    ├── TrainingError          training started and could not finish
    │   ├── GateError          the model missed a gate of its config, so it was not saved
    │   └── ExportError        a pipeline cannot be compiled, or its compiled model predicts something else
    ├── ArtifactError          a model folder is missing, malformed or cannot be written
    │   ├── VerificationError  a file's hash or a golden row's prediction is not the recorded one
    │   └── StoreError         a model store lacks a version, or cannot be read or written
    ├── LogUnavailableError    a prediction, label or decision cannot be logged
    ├── TrackingError          an MLflow server cannot be reached, or a request to it failed
    ├── InputError             an argument is wrong, or the input of a prediction is no table
    └── MissingExtraError      an optional dependency is not installed

Each message says what was expected, what was found and what to do. It is one line, or one line for each fault.

A row that violates the input schema raises no error. Instead, ``errors`` in the result of the prediction lists it.
"""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "ArtifactError",
    "ClassificationModelError",
    "ConfigError",
    "DataError",
    "ExportError",
    "FitDataError",
    "GateError",
    "InputError",
    "LogUnavailableError",
    "MissingExtraError",
    "RejectionError",
    "StoreError",
    "TrackingError",
    "TrainingError",
    "VerificationError",
    "require_extra",
]


class ClassificationModelError(Exception):
    """Base of all errors of this package."""


class ConfigError(ClassificationModelError):
    """A config file or an environment variable is wrong: a line for each fault, with file, line and key."""


class DataError(ClassificationModelError):
    """A table, a log or a set of labels cannot be read, or breaks a rule: the message names the file or column."""


class FitDataError(DataError, ValueError):
    """Rows that a classifier cannot be fitted on: a `ValueError` too, as tools of scikit-learn expect."""


class RejectionError(DataError):
    """More rows of a file cannot be predicted than allowed, so nothing was written."""


class TrainingError(ClassificationModelError):
    """Training could not finish."""


class GateError(TrainingError):
    """The trained model missed a limit in the config's section ``gates``, so nothing was saved."""


class ExportError(TrainingError):
    """A step of a fitted pipeline cannot be compiled, or the compiled model gives other predictions."""


class ArtifactError(ClassificationModelError):
    """A model folder is missing, malformed, or cannot be written."""


class VerificationError(ArtifactError):
    """A model folder differs from its manifest: a file's hash, or the prediction of a golden row."""


class StoreError(ArtifactError):
    """A model store lacks the version, refuses it, or cannot be read or written."""


class LogUnavailableError(ClassificationModelError):
    """A prediction, label or decision cannot be logged, or a log cannot be read. Do not use what was not logged."""


class TrackingError(ClassificationModelError):
    """An MLflow server cannot be reached, refuses a request, or lacks a model."""


class InputError(ClassificationModelError):
    """An argument or option is wrong, or the input of a prediction is neither a frame, nor columns, nor rows."""


class MissingExtraError(ClassificationModelError):
    """The package's extra that this call needs is not installed."""


@contextmanager
def require_extra(extra: str, purpose: str) -> Iterator[None]:
    """Turn a failed import of an optional dependency into an error that says what to install.

    Parameters
    ----------
    extra
        Name of the extra that installs the dependency, such as ``"train"``.
    purpose
        What the caller is about to do, such as ``"training"``; the message begins with it.

    Raises
    ------
    MissingExtraError
        If a module of another distribution cannot be imported inside the block.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.partition(".")[0] == __name__.partition(".")[0]:
            raise
        msg = f"{purpose} needs {error.name}, which is not installed: run {_install_command(extra)}"
        raise MissingExtraError(msg) from error


def _install_command(extra: str) -> str:
    """Return the command that adds an extra to the installed distribution, or installs the clone that is running."""
    from importlib import metadata  # noqa: PLC0415 - only a failure needs it

    names = metadata.packages_distributions().get(__name__.partition(".")[0])
    if not names:
        return f"pip install -e '{Path(__file__).parents[1]}[{extra}]'"
    return f"pip install '{names[0]}[{extra}]'"
