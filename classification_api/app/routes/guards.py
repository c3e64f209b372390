"""Dependencies of routes: the model, the API key."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from app.keys import check_key
from app.predicting.admission import Admission
from app.predicting.predictions import Predictions
from app.served_models import Models, ServingModel


async def predictions_of(request: Request) -> Predictions:
    """Return the object that answers prediction requests."""
    found: Predictions = request.app.state.predictions
    return found


async def models_of(predictions: Annotated[Predictions, Depends(predictions_of)]) -> Models:
    """Return the holder of the serving model."""
    return predictions.models


async def serving_model(models: Annotated[Models, Depends(models_of)]) -> ServingModel:
    """Return the serving model; answer 503 if there is none."""
    return models.require()


async def ready_model(request: Request, models: Annotated[Models, Depends(models_of)]) -> ServingModel:
    """Return the serving model; answer 503 if there is none, or if the server is told to stop."""
    model = models.require()
    if request.app.state.draining.has_begun:
        raise Admission.draining()
    return model


async def require_key(request: Request, predictions: Annotated[Predictions, Depends(predictions_of)]) -> None:
    """Refuse a request without an accepted API key, if keys are configured."""
    hashes = predictions.settings.api_key_hashes
    if hashes is not None:
        check_key(hashes, dict(request.headers.raw))
