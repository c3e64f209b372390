"""Routes of the Open Inference Protocol for health and metadata."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from app.dialects.open_inference_metadata import model_metadata, model_readiness, server_metadata
from app.predicting.predictions import NAMED
from app.problem_details import Problem
from app.routes.guards import ready_model, require_key, serving_model
from app.routes.schemas import KEYED, NAMES_MODEL, ModelMetadata, ModelReadiness, ServerMetadata
from app.served_models import ServingModel
from app.version import api_version

probes = APIRouter(prefix="/v2", tags=["Open Inference Protocol"])
guarded = APIRouter(
    prefix="/v2", tags=["Open Inference Protocol"], dependencies=[Depends(require_key)], responses=KEYED
)

_METADATA: dict[int | str, dict[str, Any]] = {200: {"model": ModelMetadata}, **NAMES_MODEL}
_READINESS: dict[int | str, dict[str, Any]] = {200: {"model": ModelReadiness}, **NAMES_MODEL}


async def _named_model(
    request: Request,
    model: Annotated[ServingModel, Depends(serving_model)],
) -> ServingModel:
    try:
        model.check_url(request.path_params["name"], request.path_params.get("version"))
    except Problem as problem:
        problem.members |= NAMED.dialect.explain(problem)
        raise
    return model


NamedModel = Annotated[ServingModel, Depends(_named_model)]


@probes.get("/health/live", operation_id="serverLive", response_class=Response)
async def live() -> Response:
    """Answer 200 while the process runs."""
    return Response()


@probes.get("/health/ready", operation_id="serverReady", response_class=Response)
async def ready(model: Annotated[ServingModel, Depends(ready_model)]) -> Response:  # noqa: ARG001 - that there is one
    """Answer 200 if the server can predict, else 503."""
    return Response()


@guarded.get("", operation_id="serverMetadata", response_model=None, responses={200: {"model": ServerMetadata}})
@guarded.get("/", include_in_schema=False)
async def server() -> dict[str, Any]:
    """Return the server's name, version and extensions."""
    return server_metadata(api_version())


@guarded.get("/models/{name}", operation_id="modelMetadata", response_model=None, responses=_METADATA)
@guarded.get(
    "/models/{name}/versions/{version}", operation_id="modelVersionMetadata", response_model=None, responses=_METADATA
)
async def model(model: NamedModel) -> dict[str, Any]:
    """Return the model's inputs and outputs as tensors."""
    return model_metadata(model.manifest)


@probes.get("/models/{name}/ready", operation_id="modelReady", response_model=None, responses=_READINESS)
@probes.get(
    "/models/{name}/versions/{version}/ready",
    operation_id="modelVersionReady",
    response_model=None,
    responses=_READINESS,
)
async def model_ready(model: NamedModel) -> dict[str, Any]:
    """Answer 200 if the model can predict, else 503."""
    return model_readiness(model.manifest)
