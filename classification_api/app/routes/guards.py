"""What routes need before they answer: the model, an API key."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from app.keys import check_key
from app.predicting.predictions import Predictions
from app.served_models import Models, ServingModel


async def predictions_of(request: Request) -> Predictions:
    """Return what answers requests for predictions."""
    found: Predictions = request.app.state.predictions
    return found


async def models_of(predictions: Annotated[Predictions, Depends(predictions_of)]) -> Models:
    """Return what holds the model."""
    return predictions.models


async def serving_model(models: Annotated[Models, Depends(models_of)]) -> ServingModel:
    """Return the model that serves; 503 where there is none."""
    return models.require()


async def require_key(request: Request, predictions: Annotated[Predictions, Depends(predictions_of)]) -> None:
    """Refuse a request without an accepted API key, where one is asked for."""
    hashes = predictions.settings.api_key_hashes
    if hashes is not None:
        check_key(hashes, dict(request.headers.raw))
