"""The FastAPI application: `create_app` builds it, and ``app.main:app`` is one built from the environment."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

from fastapi import FastAPI

from app.connections.draining import Draining
from app.connections.listening import serve_waiting_connections
from app.logs.access_log import AccessLog
from app.logs.prediction_logs import PredictionLogs
from app.logs.request_middleware import RequestLog
from app.memory_release import give_back_large_blocks
from app.metrics import Metrics, metrics_directory
from app.openapi.docs_page import docs_routes
from app.openapi.document import OpenAPI
from app.predicting.endpoint import prediction_routes
from app.predicting.predictions import FIXED, NAMED, VERSIONED, Predictions
from app.predicting.watching import Watching
from app.routes import exception_handlers, feedback, monitoring, open_inference, reports, status
from app.served_models import Models
from app.settings import Settings, SettingsError, read_settings
from app.version import api_version

TITLE = "classification-api"


def create_app(settings: Settings | None = None) -> FastAPI:
    """Build the application; the model is loaded when the server starts.

    Parameters
    ----------
    settings
        Default: read from the environment.

    Raises
    ------
    SettingsError
        If a setting is invalid or unsafe.
    """
    settings = read_settings() if settings is None else settings
    metrics = Metrics(metrics_directory())
    access_log = AccessLog(enabled=settings.access_log)
    prediction_logs = PredictionLogs(settings, metrics)
    predictions = Predictions(settings, Models(settings), metrics, access_log, prediction_logs)
    metrics.watch_in_hand(lambda: predictions.admission.in_hand)
    app = FastAPI(
        title=TITLE,
        version=api_version(),
        lifespan=_lifespan,
        redirect_slashes=False,
        openapi_url=None,  # routes/status.py serves it
    )
    app.state.predictions = predictions
    app.state.draining = Draining(settings.drain_seconds)
    app.state.documents = documents = OpenAPI(app, settings)
    app.openapi = lambda: documents.document(predictions.models.current)  # type: ignore[method-assign]
    app.add_middleware(RequestLog, metrics=metrics, access_log=access_log)
    exception_handlers.install(app)
    app.router.routes += prediction_routes(predictions, [*FIXED.values(), NAMED, VERSIONED])
    for module in (status, open_inference):
        app.include_router(module.probes)
        app.include_router(module.guarded)
    for module in (feedback, monitoring, reports):
        app.include_router(module.guarded)
    app.router.routes += docs_routes(TITLE)
    return app


#: Seconds after which a thread hands Python's interpreter lock to the event loop.
SWITCH = 0.001


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
    predictions: Predictions = app.state.predictions
    sys.setswitchinterval(SWITCH)
    give_back_large_blocks()
    _show_warnings_of_the_package()
    predictions.start(asyncio.get_running_loop())
    predictions.access_log.start()
    predictions.prediction_logs.start(asyncio.get_running_loop())
    predictions.load()
    watching = Watching(predictions)
    watcher = asyncio.create_task(watching.run())
    serve_waiting_connections(asyncio.get_running_loop(), app.state.draining)
    try:
        yield {"predictions": predictions}
    finally:
        watching.stop()
        await watcher
        predictions.close()
        predictions.prediction_logs.close()
        predictions.access_log.close()


def _show_warnings_of_the_package() -> None:
    """Print the package's warnings to standard error if logging is not configured."""
    if logging.lastResort is not None and not logging.getLogger().handlers:
        logging.getLogger("classification_model").addHandler(logging.lastResort)


@cache
def _app() -> FastAPI:
    _exit_with_zero_on_sigterm()
    try:
        return create_app()
    except SettingsError as error:
        sys.exit("".join(f"error: {line}\n" for line in str(error).splitlines()).rstrip())


def _exit_with_zero_on_sigterm() -> None:
    """Exit with 0 on SIGTERM, which uvicorn raises again after it has finished its requests."""
    is_main = threading.current_thread() is threading.main_thread()
    if is_main and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))


def __getattr__(name: str) -> Any:
    """Build ``app`` on first access."""
    if name == "app":
        return _app()
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
