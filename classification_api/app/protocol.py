"""A fast path for predictions, on connections with limits.

``uvicorn app.main:app --http app.protocol:LimitedProtocol``

A prediction request goes straight to `Predictions`, and its reply straight to the connection, because an ASGI
application takes as much time as the model. All other requests, and pipelined ones, go through the ASGI application.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.connections import LimitedConnection, written
from app.predicting.calls import Call, Reply

if TYPE_CHECKING:
    from app.predicting.calls import Route
    from app.problem_details import Problem

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class _Event:
    """Replaces the event by which uvicorn wakes an ASGI application; on the fast path none waits."""

    def set(self) -> None:
        """Do nothing."""


class Exchange:
    """A prediction request in progress, with the attributes that uvicorn expects of its request cycle."""

    message_event = _Event()

    def __init__(self, call: Call, *, keep_alive: bool) -> None:
        self.call: Call | None = call  # None once answered, to release the body and the connection
        self.keep_alive = keep_alive
        self.response_complete = False

    @property
    def disconnected(self) -> bool:
        """Whether the client has disconnected."""
        return self.call is None or self.call.is_gone

    @disconnected.setter
    def disconnected(self, is_gone: bool) -> None:
        if self.call is not None:
            self.call.is_gone = is_gone


class LimitedProtocol(LimitedConnection):
    """A connection with a fast path for predictions."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._routes: dict[bytes, Route] = self._predictions.routes if self._predictions else {}
        self._forget()

    def _forget(self) -> None:
        self._call: Call | None = None  # being received on the fast path
        self._body: bytes | bytearray = b""

    def connection_lost(self, exc: Exception | None) -> None:
        """Release what the connection holds."""
        self._forget()
        super().connection_lost(exc)

    def _refuse(self, problem: Problem) -> None:
        self._forget()
        super()._refuse(problem)

    def _begin(self) -> None:
        """Send a request down the fast path, or to the ASGI application."""
        path, _, query = self.url.partition(b"?")
        route = self._routes.get(path)
        if route is None or self._is_answering or self.parser.get_method() != b"POST":
            super()._begin()
            return
        self._call = Call(route, self.headers, query, b"", self._peer, self._arrival.began, self._send)
        self.headers = []  # trailers are not headers
        if self.expect_100_continue and self.parser.get_http_version() == "1.1":
            self.transport.write(_CONTINUE)

    def on_body(self, body: bytes) -> None:
        """Append a chunk of the body; a list of small chunks would take many times their size in memory."""
        if self._call is None:
            super().on_body(body)
            return
        self._arrival.add_body(len(body))
        if not self._body:
            self._body = body
        else:
            if type(self._body) is bytes:
                self._body = bytearray(self._body)
            self._body += body

    def on_message_complete(self) -> None:
        """Answer the request, now that it is complete."""
        call = self._call
        if call is None or self._predictions is None:
            super().on_message_complete()
            return
        self._arrival.end()
        call.body = bytes(self._body)
        self._call, self._body = None, b""
        keep_alive = self.parser.get_http_version() != "1.0" and self.parser.should_keep_alive()
        exchange = Exchange(call, keep_alive=keep_alive)
        self.cycle = self._running = exchange  # type: ignore[assignment]
        if self._is_ending:  # after the rest of the data is parsed: only then is it known whether this is the last
            self.loop.call_soon(self._predictions.answer, call)
        else:
            self._predictions.answer(call)

    def _send(self, reply: Reply) -> None:
        """Send the reply to the current request."""
        exchange: Exchange = self._running
        if self._is_last():
            exchange.keep_alive = False
        exchange.response_complete = True
        exchange.call = None
        transport = self.transport
        if not transport.is_closing():
            transport.write(written(reply, self.server_state.default_headers, keep_alive=exchange.keep_alive))
            if not exchange.keep_alive:
                transport.close()
        self.on_response_complete()
