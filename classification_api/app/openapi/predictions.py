"""OpenAPI paths of the prediction routes, written by hand since FastAPI does not serve them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from classification_model.runtime.mle.model import KEYS, LONGEST_KEY

from app.openapi import frames, tensors
from app.openapi.examples import example_answer, example_row, frame_of, tensors_of
from app.openapi.problems import refer
from app.openapi.rows import (
    columns_schema,
    explanation_schema,
    label_schema,
    probabilities_schema,
    row_schema,
    warning_schema,
)
from app.predicting.predictions import FIXED, NAMED, VERSIONED

if TYPE_CHECKING:
    from app.served_models import ServingModel
    from app.settings import Settings

Schema = dict[str, Any]

_JSON = "application/json"
_OCTETS = "application/octet-stream"
_ROW, _COLUMNS = {"$ref": "#/components/schemas/Row"}, {"$ref": "#/components/schemas/Columns"}
_PREDICT, _INVOCATIONS = FIXED[b"/predict"], FIXED[b"/invocations"]
_CSV_EXAMPLE = "A header line, then one line per row; an empty cell is a missing value."
_HEADER_LENGTH = {
    "name": "Inference-Header-Content-Length",
    "in": "header",
    "required": False,
    "description": "Length of the JSON at the start of the body, if binary tensor data follows.",
    "schema": {"type": "integer", "minimum": 0},
}


def prediction_schemas(model: ServingModel | None, settings: Settings) -> dict[str, Schema]:
    """Return the schemas of requests and answers, by name."""
    most = settings.limit_rows
    schema = model.schema if model else None
    return {
        "Row": row_schema(schema),
        "Columns": columns_schema(schema, most),
        "Rows": _rows(most),
        "Predictions": _predictions(model, are_native=True),
        "Warning": warning_schema(),
        "Explanation": explanation_schema(model),
        "InferenceRequest": tensors.request_schema(model, most),
        "InferenceResponse": tensors.answer_schema(model),
        "Invocation": frames.request_schema(schema, most, _ROW, _COLUMNS),
        "Invoked": _predictions(model, are_native=False),
    }


def prediction_paths(model: ServingModel | None, settings: Settings) -> dict[str, Schema]:
    """Return the prediction paths, with examples and the model's answers to them."""
    row = example_row(model) if model else None
    return {
        _PREDICT.path: {"post": _predict(model, row, settings)},
        NAMED.path: {"post": _infer(model, row, "infer")},
        VERSIONED.path: {"post": _infer(model, row, "inferVersion")},
        _INVOCATIONS.path: {"post": _invoke(model, row)},
    }


def _rows(most: int) -> Schema:
    key = {"type": ["string", "integer"], "maxLength": LONGEST_KEY, "minimum": KEYS[0], "maximum": KEYS[-1]}
    return {
        "type": "object",
        "required": ["inputs"],
        "additionalProperties": False,
        "properties": {
            "inputs": {"type": "array", "minItems": 1, "maxItems": most, "items": _ROW},
            "index": {
                "type": ["array", "null"],
                "minItems": 1,
                "maxItems": most,
                "items": key,
                "description": "Your own key for each row, one per row; it is written to the prediction log.",
            },
        },
    }


def _predictions(model: ServingModel | None, *, are_native: bool) -> Schema:
    properties: dict[str, Schema] = {
        "predictions": {"type": "array", "items": label_schema(model), "description": "Label of each row, in order."},
        "probabilities": {"type": "array", "items": probabilities_schema(model)},
        "prediction_ids": {
            "type": "array",
            "items": {"type": "string", "format": "uuid"},
            "description": "ID of each prediction, a UUID of version 7.",
        },
        "version": {"type": "string", "description": "Version of the model."},
        "warnings": {"type": "array", "items": {"$ref": "#/components/schemas/Warning"}},
    }
    required = list(properties)
    if are_native:
        properties["errors"] = {"type": "null", "description": "Always null: a request with an invalid row is refused."}
        required.append("errors")
        properties["explanations"] = {
            "type": "array",
            "items": {"$ref": "#/components/schemas/Explanation"},
            "description": "One per row, with `explain=true`.",
        }
    return {"type": "object", "required": required, "additionalProperties": False, "properties": properties}


def _predict(model: ServingModel | None, row: dict[str, Any] | None, settings: Settings) -> Schema:
    most = settings.limit_explained_rows
    content: Schema = {"schema": {"$ref": "#/components/schemas/Rows"}}
    answers: Schema = {"schema": {"$ref": "#/components/schemas/Predictions"}}
    if model and row:
        request = {"inputs": [row]}
        content["examples"] = {"golden": {"summary": "A golden row of the model", "value": request}}
        plain = example_answer(model, _PREDICT.dialect, request)
        explained = example_answer(model, _PREDICT.dialect, request, b"explain=true")
        answers["examples"] = {
            "golden": {"summary": "Answer to the golden row", "value": plain},
            "explained": {"summary": "With explain=true", "value": explained},
        }
    explain = {
        "name": "explain",
        "in": "query",
        "required": False,
        "description": f"Whether to explain each prediction by the contributions of its fields; at most {most} rows.",
        "schema": {"type": "boolean", "default": False},
    }
    return _operation(
        name="predict",
        tag="predictions",
        summary="Predict rows",
        description="Each row is an object of values by column. If any row breaks the schema, the whole request is "
        "refused, and the problem lists the rows and fields. Texts must not contain NUL, nor objects repeat a key.",
        parameters=[explain],
        request={_JSON: content},
        answers={_JSON: answers},
    )


def _infer(model: ServingModel | None, row: dict[str, Any] | None, name: str) -> Schema:
    content: Schema = {"schema": {"$ref": "#/components/schemas/InferenceRequest"}}
    answers: Schema = {"schema": {"$ref": "#/components/schemas/InferenceResponse"}}
    if model and row:
        request = tensors_of(model, row)
        content["example"] = request
        answers["example"] = example_answer(model, NAMED.dialect, request)
    octets = {_OCTETS: {"schema": {"type": "string", "format": "binary"}}}
    operation = _operation(
        name=name,
        tag="Open Inference Protocol",
        summary="Predict rows given as tensors",
        description="Each input tensor is a column. With the header Inference-Header-Content-Length, binary tensor "
        "data may follow the JSON. Outputs are binary if the request asks for that.",
        parameters=[_HEADER_LENGTH],
        request={_JSON: content, **octets},
        answers={_JSON: answers, **octets},
    )
    operation["responses"]["200"]["headers"]["Inference-Header-Content-Length"] = {
        "description": "Length of the JSON, if binary data follows.",
        "schema": {"type": "integer"},
    }
    operation["responses"] |= refer(404)
    return operation


def _invoke(model: ServingModel | None, row: dict[str, Any] | None) -> Schema:
    content: Schema = {"schema": {"$ref": "#/components/schemas/Invocation"}}
    answers: Schema = {"schema": {"$ref": "#/components/schemas/Invoked"}}
    if model and row:
        request = frame_of(row)
        content["example"] = request
        answers["example"] = example_answer(model, _INVOCATIONS.dialect, request)
    return _operation(
        name="invoke",
        tag="MLflow",
        summary="Predict rows as MLflow's clients send them",
        description="A frame split into columns and data, records, columns, or CSV. NaN is read as a missing value.",
        parameters=[],
        request={_JSON: content, "text/csv": {"schema": {"type": "string", "description": _CSV_EXAMPLE}}},
        answers={_JSON: answers},
    )


def _operation(
    *,
    name: str,
    tag: str,
    summary: str,
    description: str,
    parameters: list[Schema],
    request: Schema,
    answers: Schema,
) -> Schema:
    return {
        "tags": [tag],
        "summary": summary,
        "description": description,
        "operationId": name,
        "parameters": parameters,
        "requestBody": {"required": True, "content": request},
        "responses": {
            "200": {"description": "Predictions of all rows.", "headers": {}, "content": answers},
            **refer(401, 415, 422),
        },
    }
