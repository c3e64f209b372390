"""The tracking server that ``MLFLOW_TRACKING_URI`` names: reached within limits, with its errors in words.

MLflow retries a request for minutes. Here a server that is away delays its caller by seconds, unless the variables of
MLflow say otherwise.
"""

from __future__ import annotations

import logging
import os
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

from classification_model.errors import ClassificationModelError, InputError, TrackingError, require_extra
from classification_model.tracking.failures import reason_of
from classification_model.tracking.server_names import safe_name, secrets_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mlflow import MlflowClient

VARIABLE = "MLFLOW_TRACKING_URI"
#: Of the first request, which finds out whether the server is there.
_FIRST = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "MLFLOW_HTTP_REQUEST_TIMEOUT": "5"}
#: Of the others, unless the user has set them.
_LIMITS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
}
_QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
#: Loggers that repeat what a message of ours says, and with the URL.
_LOGGERS = ("mlflow", "urllib3.connectionpool")


def is_tracking() -> bool:
    """Return whether ``MLFLOW_TRACKING_URI`` is set."""
    return bool(_uri())


@contextmanager
def connected(purpose: str) -> Iterator[MlflowClient]:
    """Give a client of the tracking server, which has answered a first request.

    Parameters
    ----------
    purpose
        What the caller is about to do, such as ``"tracking"``, for the error of a missing extra.

    Raises
    ------
    InputError
        If ``MLFLOW_TRACKING_URI`` is not set.
    MissingExtraError
        If MLflow is not installed.
    TrackingError
        If the server cannot be reached, or a request inside the block fails.
    """
    uri = _uri()
    if not uri:
        msg = f"expected the address of an MLflow server in {VARIABLE}, found none"
        raise InputError(msg)
    with _defaults(_LIMITS | _QUIET), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own libraries
        with require_extra("mlflow", purpose):
            from mlflow import MlflowClient  # noqa: PLC0415 - it takes a second, and is an extra
        try:
            with _silent():
                client = MlflowClient(uri, os.environ.get("MLFLOW_REGISTRY_URI") or uri)
                with waiting_briefly():
                    client.search_experiments(max_results=1)
                yield client
        except ClassificationModelError:
            raise
        except Exception as error:  # noqa: BLE001 - its errors, those of its libraries and of the network share no base but this
            msg = f"the MLflow server at {safe_name(uri)}: {reason_of(error, secrets_of(uri, os.environ))}"
            raise TrackingError(msg) from None  # the other error may repeat a password


@contextmanager
def waiting_briefly() -> Iterator[None]:
    """Give each request in the block one attempt of five seconds, unless the user has set other limits."""
    is_ours = {name: os.environ.get(name) in {None, _LIMITS[name]} for name in _FIRST}
    with _environment({name: value for name, value in _FIRST.items() if is_ours[name]}):
        yield


def _uri() -> str:
    return os.environ.get(VARIABLE, "").strip()


@contextmanager
def _defaults(values: Mapping[str, str]) -> Iterator[None]:
    with _environment({name: value for name, value in values.items() if not os.environ.get(name)}):
        yield


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables in the block: MLflow reads them at each request, and has no arguments for them."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _silent() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
