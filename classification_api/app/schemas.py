"""What the routes of FastAPI answer."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict


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


class Ready(Answer):
    """That predictions can be asked for."""

    status: Literal["ready"]
    model_version: str
