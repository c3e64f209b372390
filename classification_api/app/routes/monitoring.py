"""`GET /monitoring`: the latest report of `classification-model monitor`, and the latest decision."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import orjson
from classification_model.errors import LogUnavailableError
from classification_model.runtime.log.decision_log import last_decision
from classification_model.runtime.system.safe_open import open_regular
from fastapi import APIRouter, Depends

from app.predicting.predictions import Predictions
from app.problem_details import Problem
from app.routes.guards import predictions_of, require_key, serving_model
from app.routes.schemas import KEYED, Monitoring
from app.served_models import ServingModel

guarded = APIRouter(dependencies=[Depends(require_key)], responses=KEYED)

#: File that `classification-model monitor` writes into the log folder.
REPORT = "monitoring.json"
LARGEST_REPORT = 64 * 2**20


@guarded.get(
    "/monitoring",
    operation_id="monitoring",
    tags=["model"],
    response_model=None,
    responses={200: {"model": Monitoring}},
)
def monitoring(
    predictions: Annotated[Predictions, Depends(predictions_of)],
    model: Annotated[ServingModel, Depends(serving_model)],
) -> dict[str, Any]:
    """Return the latest monitoring report and the latest retraining decision; null for one that does not exist."""
    folder = predictions.settings.log_folder
    if folder is None:
        return {"monitoring": None, "decision": None}
    try:
        decision = last_decision(folder, model.name)
        report = _read(folder / REPORT)
    except (OSError, ValueError, LogUnavailableError) as error:
        detail = "the monitoring report or the decision cannot be read; monitor again, or repair the log folder"
        raise Problem("log_unavailable", detail, headers=((b"retry-after", b"60"),)) from error
    return {"monitoring": report, "decision": decision}


def _read(path: Path) -> Any:
    try:
        descriptor = open_regular(path)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        return orjson.loads(file.read(LARGEST_REPORT))
