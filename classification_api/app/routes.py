"""Routes that FastAPI answers: health, the model, metrics."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response

from app.guards import models_of, predictions_of, require_key, serving_model
from app.models import Models, ServingModel
from app.predictions import Predictions
from app.schemas import Health, Live, Ready
from app.version import api_version

probes = APIRouter(tags=["health"])
guarded = APIRouter(dependencies=[Depends(require_key)])


@probes.get("/health")
async def health(models: Annotated[Models, Depends(models_of)]) -> Health:
    """Say what is served, by which version of the API."""
    model = models.current
    return Health(
        name=model.name if model else None,
        api_version=api_version(),
        model_version=model.version if model else None,
        status="ready" if model else "not_ready",
    )


@probes.get("/health/live")
async def live() -> Live:
    """Say that the process runs, whether or not it has a model."""
    return Live(status="live")


@probes.get("/health/ready")
async def ready(model: Annotated[ServingModel, Depends(serving_model)]) -> Ready:
    """Say whether predictions can be asked for; 503 where not."""
    return Ready(status="ready", model_version=model.version)


@probes.get("/ping", tags=["MLflow"])
async def ping(model: Annotated[ServingModel, Depends(serving_model)]) -> Response:  # noqa: ARG001 - that there is one
    """Say whether predictions can be asked for, as MLflow's clients ask."""
    return Response("\n", media_type="application/json")


@probes.get("/version", tags=["MLflow"])
async def version() -> Response:
    """Tell the version of the API, as MLflow's clients ask."""
    return Response(api_version(), media_type="text/plain")


@guarded.get("/model", tags=["model"])
async def model(model: Annotated[ServingModel, Depends(serving_model)]) -> dict[str, Any]:
    """Return the manifest of the model: its schema, classes, metrics, proof of parity and golden rows."""
    return model.manifest.model_dump(mode="json")


@guarded.get("/metrics", tags=["metrics"])
async def metrics(predictions: Annotated[Predictions, Depends(predictions_of)]) -> Response:
    """Return the metrics of all workers, as Prometheus reads them."""
    body, media_type = predictions.metrics.render()
    return Response(body, media_type=media_type.decode())
