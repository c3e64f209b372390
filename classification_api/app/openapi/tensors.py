"""JSON Schema of the Open Inference Protocol: requests and answers of tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.dialects.open_inference import LONGEST_ID
from app.dialects.open_inference_metadata import OUTPUTS, model_name
from app.dialects.tensors import DATATYPES
from app.openapi.rows import column_schemas

if TYPE_CHECKING:
    from app.served_models import ServingModel

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_OUTPUT_NAME: Schema = {"type": "string", "enum": list(OUTPUTS)}
_ID: Schema = {"type": ["string", "null"], "maxLength": LONGEST_ID, "description": "Returned in the answer."}
_SCALAR: Schema = {"type": ["string", "number", "boolean", "null"]}


def request_schema(model: ServingModel | None, most_rows: int) -> Schema:
    """Return the schema of a request."""
    return {
        "type": "object",
        "required": ["inputs"],
        "additionalProperties": False,
        "properties": {
            "id": _ID,
            "parameters": _parameters("binary_data_output", "Whether outputs are binary."),
            "inputs": {
                "type": "array",
                "minItems": 1,
                "items": _input(model, most_rows),
                "description": "One tensor per column, all with the same number of rows.",
            },
            "outputs": {
                "type": ["array", "null"],
                "items": {
                    "type": "object",
                    "required": ["name"],
                    "additionalProperties": False,
                    "properties": {
                        "name": _OUTPUT_NAME,
                        "parameters": _parameters("binary_data", "Whether this output is binary."),
                    },
                },
                "description": "Outputs to return, each at most once; all by default.",
            },
        },
    }


def answer_schema(model: ServingModel | None) -> Schema:
    """Return the schema of an answer."""
    output: Schema = {
        "type": "object",
        "required": ["name", "shape", "datatype"],
        "additionalProperties": False,
        "properties": {
            "name": _OUTPUT_NAME,
            "shape": {"type": "array", "items": {"type": "integer", "minimum": 0}},
            "datatype": {"type": "string", "enum": sorted(set(OUTPUTS.values()))},
            "data": {"type": "array", "items": {"type": ["string", "number"]}},
            "parameters": {
                "type": "object",
                "required": ["binary_data_size"],
                "properties": {"binary_data_size": {"type": "integer", "minimum": 0}},
            },
        },
    }
    return {
        "type": "object",
        "required": ["model_name", "model_version", "outputs"],
        "additionalProperties": False,
        "properties": {
            "model_name": _TEXT if model is None else {"type": "string", "const": model_name(model.manifest)},
            "model_version": _TEXT if model is None else {"type": "string", "const": model.version},
            "id": _TEXT,
            "parameters": {
                "type": "object",
                "properties": {"warnings": {"type": "integer", "description": "Number of warnings about values."}},
            },
            "outputs": {"type": "array", "items": output},
        },
    }


def _input(model: ServingModel | None, most_rows: int) -> Schema:
    """Return the schema of a tensor; only its description says that values match the datatype."""
    return {
        "type": "object",
        "required": ["name", "shape", "datatype"],
        "additionalProperties": False,
        "properties": {
            "name": _TEXT if model is None else {"type": "string", "enum": list(column_schemas(model.schema))},
            "shape": {
                "type": "array",
                "prefixItems": [{"type": "integer", "minimum": 1, "maximum": most_rows}, {"const": 1}],
                "minItems": 1,
                "maxItems": 2,
                "description": "`[rows]` or `[rows, 1]`.",
            },
            "datatype": {"type": "string", "enum": list(DATATYPES)},
            "data": {
                "type": "array",
                "minItems": 1,
                "maxItems": most_rows,
                "items": {
                    "anyOf": [_SCALAR, {"type": "array", "items": _SCALAR, "minItems": 1, "maxItems": 1}],
                },
                "description": "Values of the datatype, or null for a missing one; absent if the data is binary.",
            },
            "parameters": {
                "type": ["object", "null"],
                "properties": {
                    "binary_data_size": {
                        "type": "integer",
                        "minimum": 0,
                        "description": "Number of bytes of this tensor's data after the JSON.",
                    },
                },
            },
        },
    }


def _parameters(name: str, description: str) -> Schema:
    return {"type": ["object", "null"], "properties": {name: {"type": "boolean", "description": description}}}
