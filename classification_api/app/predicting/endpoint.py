"""Prediction routes as ASGI endpoints, for other servers and for pipelined requests."""

from __future__ import annotations

import asyncio
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING

from starlette.routing import Route as RouterRoute

from app.keys import check_key
from app.logs.request_middleware import LOGGED
from app.predicting.calls import Call, Reply, Route
from app.problem_details import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import Receive, Scope, Send

    from app.predicting.predictions import Predictions


class PredictionEndpoint:
    """ASGI endpoint of one prediction route."""

    def __init__(self, predictions: Predictions, route: Route) -> None:
        self._predictions = predictions
        self._route = route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        route = self._checked(scope)
        scope[LOGGED] = True
        began = perf_counter()
        replied: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        client = scope["client"][0] if scope.get("client") else ""
        call = Call(route, scope["headers"], scope["query_string"], b"", client, began, partial(_set, replied))
        chunks: list[bytes] = []
        size, most, has_more = 0, int(self._predictions.settings.limit_body), True
        while has_more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            chunks.append(message.get("body", b""))
            size += len(chunks[-1])
            if size > most:
                problem = Problem.too_large_body(most)
                self._predictions.refuse_unread(call, problem)
                break
            has_more = message.get("more_body", False)
        else:
            call.body = b"".join(chunks)
            self._predictions.answer(call)
        try:
            reply = await replied
        except asyncio.CancelledError:
            call.is_gone = True
            raise
        headers = [
            (b"content-type", reply.media_type),
            (b"content-length", b"%d" % len(reply.body)),
            (b"x-request-id", reply.request_id),
            *reply.headers,
        ]
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": reply.body})

    def _checked(self, scope: Scope) -> Route:
        """Check the API key, then the model in the URL; return the route with that model's name and version."""
        predictions = self._predictions
        given = scope.get("path_params", {})
        route = self._route._replace(name=given.get("name"), version=given.get("version"))
        try:
            if predictions.settings.api_key_hashes is not None:
                check_key(predictions.settings.api_key_hashes, dict(scope["headers"]))
            if predictions.models.current is not None:
                predictions.models.current.check_url(route.name, route.version)
        except Problem as problem:
            problem.members |= self._route.dialect.explain(problem)
            raise
        return route


def _set(replied: asyncio.Future[Reply], reply: Reply) -> None:
    if not replied.done():  # it is done if the server has cancelled the request
        replied.set_result(reply)


def prediction_routes(predictions: Predictions, routes: Iterable[Route]) -> list[RouterRoute]:
    """Return the prediction routes for the router."""
    return [
        RouterRoute(route.path, PredictionEndpoint(predictions, route), methods=["POST"], include_in_schema=False)
        for route in routes
    ]
