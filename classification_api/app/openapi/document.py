"""Build the OpenAPI document for the serving model."""

from __future__ import annotations

import copy
import re
import weakref
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI

from app.dialects.open_inference_metadata import model_name
from app.openapi.predictions import prediction_paths, prediction_schemas
from app.openapi.problems import ANYWHERE, problem_responses, problem_schema, refer

if TYPE_CHECKING:
    from app.served_models import ServingModel
    from app.settings import Settings

Schema = dict[str, Any]

DESCRIPTION = """Predictions of a classification model, with the probability of each class.

Every error is answered with problem details (RFC 9457), whose `code` is stable."""
_KEYS = """

An API key is required. Without it, this document does not describe the model; `GET /openapi.json` with the key
lists its columns."""
_NAMES = re.compile(r"\{(\w+)\}")
_SECURITY = {
    "ApiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "Bearer": {"type": "http", "scheme": "bearer"},
}
_REQUEST_ID_PARAMETER = {
    "name": "X-Request-ID",
    "in": "header",
    "required": False,
    "description": "ID of the request: up to 128 letters, digits and ._:+=/-; any other value is replaced.",
    "schema": {"type": "string"},
}
_REQUEST_ID = {
    "description": "ID of the request: the one sent, or a UUID of version 7.",
    "schema": {"type": "string"},
}


class OpenAPI:
    """Builds the document of an application, and caches the last one.

    Parameters
    ----------
    app
        The application; its routes are read when a document is first requested.
    settings
        Limits and keys.
    """

    def __init__(self, app: FastAPI, settings: Settings) -> None:
        self._app = app
        self._settings = settings
        self._last: tuple[weakref.ref[ServingModel], Schema] | None = None

    def document(self, model: ServingModel | None) -> Schema:
        """Return the document for a model, or a general one without a model; do not modify it."""
        if model is None:
            return self._of_any
        last = self._last
        if last is None or last[0]() is not model:
            last = self._last = weakref.ref(model), self._made(model)
        return last[1]

    @cached_property
    def _of_any(self) -> Schema:
        return self._made(None)

    def _made(self, model: ServingModel | None) -> Schema:
        document = copy.deepcopy(FastAPI.openapi(self._app))
        document["info"]["description"] = self._description(model)
        components = document.setdefault("components", {})
        components.setdefault("schemas", {}).update(
            {"Problem": problem_schema(), **prediction_schemas(model, self._settings)}
        )
        components["responses"] = problem_responses()
        components["headers"] = {"RequestId": _REQUEST_ID}
        components["parameters"] = {"RequestId": _REQUEST_ID_PARAMETER}
        has_keys = self._settings.api_key_hashes is not None
        if has_keys:
            components["securitySchemes"] = _SECURITY
        else:
            del components["responses"]["Problem401"]
        document["paths"] = prediction_paths(model, self._settings) | document["paths"]
        for path, operation in _operations(document["paths"]):
            _complete(operation, path, model, has_keys=has_keys)
        return document

    def _description(self, model: ServingModel | None) -> str:
        keys = "" if self._settings.api_key_hashes is None else _KEYS
        return DESCRIPTION + ("" if model is None else _served(model)) + keys


def _served(model: ServingModel) -> str:
    """Return a paragraph about the served model, in Markdown; its links are relative, for servers behind a prefix."""
    links = ", ".join(f"[{report.title}]({report.path.removeprefix('/')})" for report in model.reports.values())
    return f"\n\nThe served model is {model.name}, version {model.version}." + (
        f" Read more: {links}." if links else ""
    )


def _operations(paths: Schema) -> Iterator[tuple[str, Schema]]:
    for path, methods in paths.items():
        for operation in methods.values():
            yield path, operation


def _complete(operation: Schema, path: str, model: ServingModel | None, *, has_keys: bool) -> None:
    """Add the parameters, headers and errors that all operations share, and the security scheme if keys are used."""
    parameters = operation.setdefault("parameters", [])
    parameters += [_path_parameter(name, model) for name in _NAMES.findall(path)]
    parameters.append({"$ref": "#/components/parameters/RequestId"})
    responses = operation["responses"]
    if has_keys and "401" in responses:
        operation["security"] = [{name: []} for name in _SECURITY]
    refused = {int(status) for status in responses if int(status) >= 400} | set(ANYWHERE)
    if not has_keys:
        refused.discard(401)
    answered = {status: response for status, response in responses.items() if int(status) < 400}
    for response in answered.values():
        response.setdefault("headers", {})["X-Request-ID"] = {"$ref": "#/components/headers/RequestId"}
    operation["responses"] = answered | refer(*refused)


def _path_parameter(name: str, model: ServingModel | None) -> Schema:
    schema: Schema = {"type": "string"}
    if model is not None:
        known = {"name": [model_name(model.manifest)], "version": [model.version], "report": list(model.reports)}
        schema |= {"enum": known[name]} if known[name] else {}
    described = {
        "name": "Name of the model.",
        "version": "Version of the served model.",
        "report": "Name of a report, as `GET /model/reports` lists it.",
    }
    return {"name": name, "in": "path", "required": True, "description": described[name], "schema": schema}
