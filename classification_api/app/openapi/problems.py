"""Problem details in the OpenAPI document: one schema, and a response for each status."""

from __future__ import annotations

from typing import Any

from app.problem_details import MEDIA_TYPE, MOST_PLACES, STATUS

#: Error statuses possible on any route.
ANYWHERE = (400, 408, 413, 431, 500, 503)

#: Codes that no client receives, since it has disconnected.
_UNREAD = {"client_gone"}
_MEANINGS = {
    400: "The request could not be read as HTTP.",
    401: "The API key is missing or not accepted.",
    404: "The URL does not name the served model, its version or one of its reports.",
    408: "The request did not arrive in time.",
    413: "The body is too large, or has too many rows or values.",
    415: "The content type is not supported, or the body is compressed.",
    422: "The body or a parameter is invalid; nothing was predicted or recorded.",
    431: "The headers are too large or too many.",
    500: "The server failed; its log says why.",
    503: "No model is loaded, too many requests are in progress, or the log or a report is not available.",
}
_TEXT: dict[str, Any] = {"type": "string"}
_NUMBER: dict[str, Any] = {"type": "number"}
_HEADERS: dict[int, dict[str, Any]] = {
    401: {"WWW-Authenticate": {"description": "How to send the key.", "schema": _TEXT}},
    503: {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}},
}


def problem_schema() -> dict[str, Any]:
    """Return the schema of every problem."""
    place = {
        "type": "object",
        "required": ["where", "code", "message"],
        "properties": {
            "where": {**_TEXT, "description": "Place of the fault, such as `inputs[3].age`."},
            "code": _TEXT,
            "message": {**_TEXT, "description": "What was expected and what was found, never the value itself."},
        },
    }
    return {
        "type": "object",
        "description": "Problem details (RFC 9457). The `code` is stable: clients may rely on it.",
        "required": ["type", "title", "status", "code", "detail"],
        "properties": {
            "type": {
                **_TEXT,
                "format": "uri",
                "description": "`urn:classification-api:problem:` followed by the code.",
            },
            "title": _TEXT,
            "status": {"type": "integer"},
            "code": {**_TEXT, "enum": sorted(STATUS.keys() - _UNREAD)},
            "detail": {**_TEXT, "description": "What was expected and what was found, in one line."},
            "limit": {**_NUMBER, "description": "The limit that was exceeded."},
            "remedy": {**_TEXT, "description": "What to do."},
            "request_id": {**_TEXT, "description": "As in the header X-Request-ID."},
            "errors": {
                "type": "array",
                "items": place,
                "maxItems": MOST_PLACES,
                "description": "The faults, by place.",
            },
            "more_errors": {"type": "integer", "minimum": 1, "description": "Number of places left out."},
            "error": {**_TEXT, "description": "The error as one line, for clients of the Open Inference Protocol."},
            "error_code": {**_TEXT, "description": "MLflow's error code."},
            "message": {**_TEXT, "description": "The error as one line, for clients of MLflow."},
        },
    }


def problem_responses() -> dict[str, Any]:
    """Return the response of each status, by the names that `refer` uses."""
    return {_name(status): _response(status) for status in _MEANINGS}


def refer(*statuses: int) -> dict[str, Any]:
    """Return references to the responses of some statuses, for an operation."""
    return {str(status): {"$ref": f"#/components/responses/{_name(status)}"} for status in sorted(statuses)}


def _name(status: int) -> str:
    return f"Problem{status}"


def _response(status: int) -> dict[str, Any]:
    codes = sorted(code for code, its in STATUS.items() if its == status and code not in _UNREAD)
    special = {"properties": {"status": {"const": status}, "code": {"enum": codes}}}
    return {
        "description": _MEANINGS[status],
        "headers": {"X-Request-ID": {"$ref": "#/components/headers/RequestId"}, **_HEADERS.get(status, {})},
        "content": {MEDIA_TYPE: {"schema": {"allOf": [{"$ref": "#/components/schemas/Problem"}, special]}}},
    }
