"""Exception handlers for FastAPI: answer each exception with problem details."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from app.problem_details import MEDIA_TYPE, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

logger = logging.getLogger(__name__)


def install(app: FastAPI) -> None:
    """Install the handlers in an application."""
    app.add_exception_handler(Problem, _of_problem)
    app.add_exception_handler(HTTPException, _of_framework)
    app.add_exception_handler(RequestValidationError, _of_validation)
    app.add_exception_handler(Exception, _of_fault)


def reply(request: Request, problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """Return the reply for a problem."""
    body = problem.body(request.scope.get("state", {}).get("request_id"))
    own = {name.decode(): value.decode() for name, value in problem.headers}
    return Response(body, problem.status, own | dict(headers or {}), MEDIA_TYPE)


async def _of_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)  # noqa: S101 - for mypy: registered for it alone
    return reply(request, error)


async def _of_framework(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - for mypy: registered for it alone
    if error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "")
        problem = Problem("method_not_allowed", f"expected one of the methods {allowed}", remedy="GET /docs lists them")
        return reply(request, problem, error.headers)
    if error.status_code == 404:
        return reply(request, Problem("not_found", "this path does not exist", remedy="GET /docs lists the routes"))
    return reply(request, Problem("bad_request", "the request could not be read"), error.headers)


async def _of_validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - for mypy: registered for it alone
    places = [
        {"where": ".".join(map(str, fault["loc"])), "code": fault["type"], "message": fault["msg"]}
        for fault in error.errors()
    ]
    return reply(request, Problem("invalid_parameter", "expected valid parameters, found invalid ones", places=places))


async def _of_fault(request: Request, error: Exception) -> Response:
    logger.error("a request failed", exc_info=error)
    return reply(request, Problem.internal_error())
