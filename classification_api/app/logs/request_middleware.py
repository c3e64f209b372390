"""Middleware for all requests except predictions: request ID, metrics, access log."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

from classification_model.runtime.system.identifiers import uuid7s

from app.request_ids import ACCEPTED

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from app.logs.access_log import AccessLog
    from app.metrics import Metrics

#: Scope key of a request that is counted and logged elsewhere, as predictions are.
LOGGED = "classification_api.logged"
#: Shown as the route of a request that matches no route.
NO_ROUTE = "(no route)"


class RequestLog:
    """ASGI middleware that gives each request an ID, counts it and logs it.

    Parameters
    ----------
    app
        ASGI application.
    metrics, access_log
        Where each request is counted and logged.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, access_log: AccessLog) -> None:
        self._app = app
        self._metrics = metrics
        self._access_log = access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, with its ID in ``scope["state"]["request_id"]``."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = perf_counter()
        given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
        name = given if ACCEPTED(given) else uuid7s(1)[0].encode()
        scope.setdefault("state", {})["request_id"] = name.decode()
        status = 500

        async def send_named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start" and LOGGED not in scope:
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", name)]
            await send(message)

        try:
            await self._app(scope, receive, send_named)
        finally:
            if LOGGED not in scope:
                self._log(scope, name, status, perf_counter() - began)

    def _log(self, scope: Scope, name: bytes, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", NO_ROUTE)
        client = scope["client"][0] if scope.get("client") else ""
        self._metrics.answered(route, status, seconds)
        self._access_log.add(name, client, scope["method"], scope["path"], status, seconds)
