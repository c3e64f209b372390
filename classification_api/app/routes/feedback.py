"""`POST /feedback`: record the true labels of earlier predictions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

from classification_model.runtime.input.values import UnreadableValue
from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool

from app.dialects.json_reading import check, parse
from app.media_types import JSON, media_type_of
from app.predicting.predictions import Predictions
from app.problem_details import Problem
from app.routes.guards import predictions_of, require_key, serving_model
from app.routes.schemas import KEYED, Recorded
from app.served_models import ServingModel

if TYPE_CHECKING:
    from classification_model.runtime.input.labels import LabelReader

    from app.dialects.limits import Limits

guarded = APIRouter(dependencies=[Depends(require_key)], responses=KEYED)

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MEMBERS = {"prediction_id", "label"}
_ONE = {
    "type": "object",
    "required": sorted(_MEMBERS),
    "properties": {
        "prediction_id": {"type": "string", "pattern": f"^{_UUID.pattern}$", "description": "ID from the answer."},
        "label": {
            "type": ["string", "number", "boolean"],
            "description": "One of the model's classes, or a value of the target that stands for one.",
        },
    },
    "additionalProperties": False,
}
_MANY = {
    "type": "object",
    "required": ["feedback"],
    "properties": {"feedback": {"type": "array", "items": _ONE, "minItems": 1}},
    "additionalProperties": False,
}
_BODY = {"requestBody": {"required": True, "content": {"application/json": {"schema": {"anyOf": [_ONE, _MANY]}}}}}


@guarded.post(
    "/feedback", operation_id="feedback", tags=["feedback"], openapi_extra=_BODY, responses={413: {}, 415: {}, 422: {}}
)
async def feedback(
    request: Request,
    predictions: Annotated[Predictions, Depends(predictions_of)],
    model: Annotated[ServingModel, Depends(serving_model)],
) -> Recorded:
    """Record the true labels of earlier predictions: all labels of a request, or none."""
    media_type_of(dict(request.headers.raw), JSON)
    body = await _body_of(request, int(predictions.settings.limit_body))
    document = parse(body, model.limits)
    check(document, body, model.limits.depth)
    labels = _read(document, model.manifest.label_reader(), model.limits)
    await run_in_threadpool(predictions.prediction_logs.add_labels, labels)
    return Recorded(recorded=len(labels))


async def _body_of(request: Request, most: int) -> bytes:
    """Return the body of a request, or refuse it if it is too large."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise Problem.too_large_body(most)
    return bytes(body)


def _read(document: Any, reader: LabelReader, limits: Limits) -> list[tuple[str, str]]:
    """Return the prediction IDs with the classes that their labels are."""
    if type(document) is dict and document.keys() == {"feedback"}:
        entries, place = document["feedback"], "feedback[{}]"
    else:
        entries, place = [document], ""
    if type(entries) is not list or not entries:
        raise Problem("invalid_request", 'expected "feedback" as an array of at least one object')
    limits.check_rows(len(entries), "labels")
    labels: list[tuple[str, str]] = []
    faults: list[dict[str, str]] = []
    for number, entry in enumerate(entries):
        found = _read_entry(entry, reader, place.format(number))
        if isinstance(found, tuple):
            labels.append(found)
        else:
            faults += found
    if faults:
        is_known = any(fault["code"] != "unknown_label" for fault in faults)
        code = "invalid_request" if is_known else "unknown_label"
        detail = "expected a prediction ID and one of the model's classes, found something else"
        remedy = f"send one of the labels {reader.accepted}; nothing was recorded"
        raise Problem(code, detail, places=faults, remedy=remedy)
    return labels


def _read_entry(entry: Any, reader: LabelReader, place: str) -> tuple[str, str] | list[dict[str, str]]:
    """Return a prediction ID with its class, or what is wrong with one of them."""
    if type(entry) is not dict or entry.keys() != _MEMBERS:
        message = 'expected an object with "prediction_id" and "label" only'
        return [{"where": place or "body", "code": "invalid_request", "message": message}]
    name, label = entry["prediction_id"], entry["label"]
    within = f"{place}." if place else ""
    faults = []
    if type(name) is not str or not _UUID.fullmatch(name):
        message = "expected an ID from the prediction_ids of an answer"
        faults.append({"where": f"{within}prediction_id", "code": "invalid_prediction_id", "message": message})
    known = _class_of(label, reader)
    if known is None:
        message = "expected one of the model's classes"
        faults.append({"where": f"{within}label", "code": "unknown_label", "message": message})
    return faults if faults or known is None else (name, known)


def _class_of(label: Any, reader: LabelReader) -> str | None:
    try:
        return reader.read(label)
    except UnreadableValue:
        return None
