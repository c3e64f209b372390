"""What the routes of FastAPI answer, for the OpenAPI document."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

#: Of routes that ask for an API key and of those that name the model; `app.openapi.problems` says what each means.
KEYED: dict[int | str, dict[str, Any]] = {401: {}}
NAMES_MODEL: dict[int | str, dict[str, Any]] = {404: {}}


def content_of(media_type: str, description: str) -> dict[int | str, dict[str, Any]]:
    """Return the answer of a route that gives text."""
    content = {media_type: {"schema": {"type": "string"}}}
    return {200: {"description": description, "content": content}}


class Answer(BaseModel):
    """Base of all answers; a field named ``model_...`` is no matter of pydantic's."""

    model_config = ConfigDict(frozen=True, protected_namespaces=())


class Health(Answer):
    """What is served: the problem, the versions of API and model, and whether it can be asked."""

    name: str | None
    api_version: str
    model_version: str | None
    status: Literal["ready", "not_ready"]


class Live(Answer):
    """That the process runs."""

    status: Literal["live"]


class ReloadFailed(Answer):
    """A version that is to serve and cannot, and why; without a version, the store does not tell which one is."""

    version: str | None = None
    code: Literal["model_missing", "model_unreadable", "model_unverified", "other_problem", "store_damaged"]
    detail: str


class Ready(Answer):
    """That predictions can be asked for; `reload_failed` is there where an older version serves than is to."""

    status: Literal["ready"]
    model_version: str
    reload_failed: ReloadFailed | None = None


class Recorded(Answer):
    """How many labels were put on record."""

    recorded: int


class Monitoring(Answer):
    """What was measured last of the model in operation, and what was decided last; null where nothing was."""

    monitoring: dict[str, Any] | None
    decision: dict[str, Any] | None


class ServerMetadata(Answer):
    """The server, as the Open Inference Protocol tells of it."""

    name: str
    version: str
    extensions: list[str]


class TensorMetadata(Answer):
    """An input or output of the model; -1 in its shape stands for the number of rows."""

    name: str
    datatype: str
    shape: list[int]


class ModelMetadata(Answer):
    """The model, as the Open Inference Protocol tells of it."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


class ModelReadiness(Answer):
    """That the model can be asked."""

    name: str
    ready: bool
