"""Schemas of the answers of FastAPI's routes, for the OpenAPI document."""

from __future__ import annotations

from typing import Any, Literal

from classification_model.runtime.model_folder.manifest import Manifest
from pydantic import BaseModel, ConfigDict

#: Error responses of routes that need an API key, and of those whose URL names the model or a report of it;
#: `app.openapi.problems` describes them.
KEYED: dict[int | str, dict[str, Any]] = {401: {}}
NAMES_MODEL: dict[int | str, dict[str, Any]] = {404: {}}


def content_of(media_type: str, description: str) -> dict[int | str, dict[str, Any]]:
    """Return the response of a route that answers with text."""
    content = {media_type: {"schema": {"type": "string"}}}
    return {200: {"description": description, "content": content}}


class Answer(BaseModel):
    """Base of all answers; allows fields named ``model_...``, which pydantic reserves by default."""

    model_config = ConfigDict(frozen=True, protected_namespaces=())


class Health(Answer):
    """The served problem, the versions of API and model, and whether the server can predict."""

    name: str | None
    api_version: str
    model_version: str | None
    status: Literal["ready", "not_ready"]


class Live(Answer):
    """Answer while the process runs."""

    status: Literal["live"]


class ReloadFailed(Answer):
    """Version that could not be loaded, and why. Without a version, the store's current version is unknown."""

    version: str | None = None
    code: Literal["model_missing", "model_unreadable", "model_unverified", "other_problem", "store_damaged"]
    detail: str


class Ready(Answer):
    """The server can predict. `reload_failed` is present if the store's current version could not be loaded."""

    status: Literal["ready"]
    model_version: str
    reload_failed: ReloadFailed | None = None


class Recorded(Answer):
    """Number of labels recorded."""

    recorded: int


class Monitoring(Answer):
    """The latest monitoring report and the latest retraining decision; null for one that does not exist."""

    monitoring: dict[str, Any] | None
    decision: dict[str, Any] | None


class ReportLink(Answer):
    """Link to a report of the served model; `size` is in bytes."""

    name: str
    title: str
    url: str
    media_type: str
    size: int


class Reports(Answer):
    """The version of the served model, and its reports."""

    version: str
    reports: list[ReportLink]


class ServedManifest(Manifest):
    """The manifest of the served model, and links to its reports."""

    reports: list[ReportLink]


class ServerMetadata(Answer):
    """Metadata of the server in the Open Inference Protocol."""

    name: str
    version: str
    extensions: list[str]


class TensorMetadata(Answer):
    """An input or output of the model; -1 in its shape is the number of rows."""

    name: str
    datatype: str
    shape: list[int]


class ModelMetadata(Answer):
    """Metadata of the model in the Open Inference Protocol."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


class ModelReadiness(Answer):
    """Whether the model can predict."""

    name: str
    ready: bool
