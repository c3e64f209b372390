"""Routes that describe the server: health, the model, metrics, the OpenAPI document."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Request, Response

from app.keys import check_key
from app.predicting.predictions import Predictions
from app.routes.guards import models_of, predictions_of, ready_model, require_key, serving_model
from app.routes.reports import links
from app.routes.schemas import KEYED, Health, Live, Ready, ReloadFailed, ServedManifest, content_of
from app.served_models import Models, ServingModel
from app.version import api_version

probes = APIRouter()
guarded = APIRouter(dependencies=[Depends(require_key)], responses=KEYED)

#: Headers that may contain the API key.
KEY_HEADERS = ("x-api-key", "authorization")


@probes.head("/health", include_in_schema=False)
@probes.get("/health", operation_id="health", tags=["health"])
async def health(request: Request, models: Annotated[Models, Depends(models_of)]) -> Health:
    """Return the served model and the versions of API and model."""
    model, is_draining = models.current, request.app.state.draining.has_begun
    return Health(
        name=model.name if model else None,
        api_version=api_version(),
        model_version=model.version if model else None,
        status="ready" if model and not is_draining else "not_ready",
    )


@probes.head("/health/live", include_in_schema=False)
@probes.get("/health/live", operation_id="live", tags=["health"])
async def live() -> Live:
    """Answer 200 while the process runs, with or without a model."""
    return Live(status="live")


@probes.head("/health/ready", include_in_schema=False)
@probes.get("/health/ready", operation_id="ready", tags=["health"], response_model_exclude_none=True)
def ready(
    model: Annotated[ServingModel, Depends(ready_model)],
    predictions: Annotated[Predictions, Depends(predictions_of)],
) -> Ready:
    """Answer 200 if the server can predict, else 503; report a version that could not be loaded.

    503 also says that the server was told to stop (DRAIN_SECONDS).
    """
    predictions.prediction_logs.check()
    fault = predictions.models.fault
    failed = fault and ReloadFailed(version=fault.version, code=fault.code, detail=fault.detail)
    return Ready(status="ready", model_version=model.version, reload_failed=failed)


@probes.get("/ping", operation_id="ping", tags=["MLflow"], response_class=Response)
async def ping(model: Annotated[ServingModel, Depends(ready_model)]) -> Response:  # noqa: ARG001 - that there is one
    """Answer 200 if the server can predict, else 503; for MLflow's clients."""
    return Response("\n", media_type="application/json")


@probes.get(
    "/version",
    operation_id="version",
    tags=["MLflow"],
    response_class=Response,
    responses=content_of("text/plain", "The version."),
)
async def version() -> Response:
    """Return the version of the API, for MLflow's clients."""
    return Response(api_version(), media_type="text/plain")


@guarded.get(
    "/model", operation_id="model", tags=["model"], response_model=None, responses={200: {"model": ServedManifest}}
)
async def model(request: Request, model: Annotated[ServingModel, Depends(serving_model)]) -> dict[str, Any]:
    """Return the manifest of the model: its schema, classes, metrics, parity report, golden rows, reports."""
    reports = [link.model_dump() for link in links(model, request)]
    return {**model.manifest.model_dump(mode="json"), "reports": reports}


@guarded.get(
    "/metrics",
    operation_id="metrics",
    tags=["metrics"],
    response_class=Response,
    responses=content_of("text/plain", "Metrics in the text format of Prometheus."),
)
def metrics(predictions: Annotated[Predictions, Depends(predictions_of)]) -> Response:
    """Return the metrics of all workers in the text format of Prometheus."""
    body, media_type = predictions.metrics.render()
    return Response(body, media_type=media_type.decode())


@probes.get("/openapi.json", include_in_schema=False)
def openapi(request: Request, predictions: Annotated[Predictions, Depends(predictions_of)]) -> Response:
    """Return the OpenAPI document; if keys are configured, it describes the model only to requests with a key."""
    settings, model = predictions.settings, predictions.models.current
    if settings.api_key_hashes is not None:
        if any(name in request.headers for name in KEY_HEADERS):
            check_key(settings.api_key_hashes, dict(request.headers.raw))
        else:
            model = None
    document = request.app.state.documents.document(model)
    root = request.scope.get("root_path", "").rstrip("/")
    if root:
        document = document | {"servers": [{"url": root}]}
    return Response(orjson.dumps(document), media_type="application/json")
