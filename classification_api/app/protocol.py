"""How requests arrive: uvicorn's HTTP protocol with limits, and a short way for predictions.

``uvicorn app.main:app --http app.protocol:LimitedProtocol``

uvicorn alone waits for ever for the rest of a request, takes headers of any size and number, and answers what is not
HTTP in plain text. Here a request that is too large or too slow is refused while it arrives, with problem details.

A request for predictions that is the connection's only one goes straight to `Predictions`, and its reply straight to
the connection: the machinery of an ASGI application costs as much as the model. Every other request takes the usual
way, and so do requests that a client sends before it has the answer to its last one.
"""

from __future__ import annotations

from http import HTTPStatus
from time import perf_counter
from typing import TYPE_CHECKING, Any

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from app.calls import Call, Reply
from app.errors import MEDIA_TYPE, Problem
from app.identifiers import uuid7s
from app.settings import read_settings

if TYPE_CHECKING:
    import asyncio

    from app.calls import Route
    from app.predictions import Predictions

#: How long a refused client may go on sending before the connection is closed, in seconds: long enough for it to
#: read what it is told.
LINGER = 1.0
_TICK = 0.25
_OK = STATUS_LINE[200]
_CLOSE = b"connection: close\r\n"
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class _Event:
    """Stands for the event by which uvicorn wakes an ASGI application; here none waits."""

    def set(self) -> None:
        """Wake nobody."""


class Exchange:
    """A request for predictions in hand, which uvicorn's protocol takes for one of its own."""

    message_event = _Event()

    def __init__(self, call: Call, *, keep_alive: bool) -> None:
        self.call = call
        self.keep_alive = keep_alive
        self.response_complete = False

    @property
    def disconnected(self) -> bool:
        """Whether the client has left."""
        return self.call.is_gone

    @disconnected.setter
    def disconnected(self, is_gone: bool) -> None:
        self.call.is_gone = is_gone


class LimitedProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._predictions: Predictions | None = self.app_state.get("predictions")
        settings = self._predictions.settings if self._predictions else read_settings()
        self._most_body = int(settings.limit_body)
        self._most_head = int(settings.limit_header_bytes)
        self._most_headers = settings.limit_header_count
        self._receive_seconds = settings.limit_receive_seconds
        self._idle_seconds = settings.limit_keep_alive_seconds
        self._routes: dict[bytes, Route] = self._predictions.routes if self._predictions else {}
        self._watch: asyncio.TimerHandle | None = None
        self._refusal: Problem | None = None
        self._is_refused = False
        self._direct: Route | None = None
        self._chunks: list[bytes] = []
        self._body_size = 0
        self._head_size = 0
        self._in_head = False
        self._in_message = False
        self._is_counted = False
        self._began = 0.0
        self._query = b""

    # What the transport tells

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._peer = self.client[0] if self.client else ""
        self._since = self.loop.time()
        self._watch = self.loop.call_later(_TICK, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """Give back what the connection held."""
        self._stop_counting()
        if self._watch is not None:
            self._watch.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what has arrived; refuse what breaks a limit or is not HTTP."""
        if self._is_refused:
            return
        was_in_head = self._in_head
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            if self._should_upgrade():
                self._unwatch()
                self.handle_websocket_upgrade()
            else:
                self._unsupported_upgrade_warning()
            return
        except httptools.HttpParserError:
            refusal = self._refusal or Problem("bad_request", "expected HTTP/1.1, found something else")
            self._refuse(refusal)
            return
        if self._in_head:
            self._head_size += len(data) if was_in_head else 0
            if self._head_size > self._most_head:
                self._refuse(self._too_large_head())
        elif self._in_message and not self._is_counted and self._predictions is not None:
            if self._predictions.is_full(self._predictions.receiving):
                self._refuse(self._predictions.overloaded())
                return
            self._is_counted = True
            self._predictions.receiving += 1

    # What the parser tells

    def on_message_begin(self) -> None:
        """Begin a request."""
        self.url = b""
        self.headers = []
        self.expect_100_continue = False
        self._in_head = self._in_message = True
        self._head_size = 0
        self._began = perf_counter()
        self._since = self.loop.time()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        if len(self.headers) >= self._most_headers:
            most = self._most_headers
            self._stop(Problem("headers_too_large", f"expected at most {most} headers, found more", limit=most))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Decide which way a request takes."""
        self._in_head = False
        self._body_size = 0
        size = len(self.url)
        declared = b""
        for name, value in self.headers:
            size += len(name) + len(value) + 4
            if name == b"content-length":
                declared = value
        if size > self._most_head:
            self._stop(self._too_large_head())
        if declared and int(declared) > self._most_body:
            self._stop(Problem.too_large_body(self._most_body))
        path, _, query = self.url.partition(b"?")
        route = self._routes.get(path)
        cycle: Any = self.cycle
        is_alone = cycle is None or cycle.response_complete
        if route is None or not is_alone or self.parser.get_method() != b"POST" or self.parser.should_upgrade():
            self._begin_usual_way()
            return
        self._direct, self._query = route, query
        self._chunks = []
        if self.expect_100_continue and self.parser.get_http_version() == "1.1":
            self.transport.write(_CONTINUE)

    def _begin_usual_way(self) -> None:
        self._direct = None
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers += headers
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._body_size += len(body)
        if self._body_size > self._most_body:
            self._stop(Problem.too_large_body(self._most_body))
        if self._direct is None:
            super().on_body(body)
        else:
            self._chunks.append(body)

    def on_message_complete(self) -> None:
        """Hand a request on that has arrived whole."""
        self._in_message = False
        self._stop_counting()
        if self._direct is None or self._predictions is None:
            super().on_message_complete()
            return
        body = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks = []
        call = Call(self._direct, self.headers, self._query, body, self._peer, self._began, self._send)
        self._direct = None
        keep_alive = self.parser.get_http_version() != "1.0" and self.parser.should_keep_alive()
        self.cycle = Exchange(call, keep_alive=keep_alive)  # type: ignore[assignment]
        self._predictions.answer(call)

    def _stop(self, problem: Problem) -> None:
        """Make the parser stop in one of its callbacks."""
        self._refusal = problem
        raise problem

    # Replies

    def _send(self, reply: Reply) -> None:
        """Send the reply to the request in hand."""
        exchange: Any = self.cycle
        exchange.response_complete = True
        transport = self.transport
        if not transport.is_closing():
            transport.write(self._written(reply, keep_alive=exchange.keep_alive))
            if not exchange.keep_alive:
                transport.close()
        self.on_response_complete()

    def on_response_complete(self) -> None:
        """Go on to the next request, or refuse what came instead of one."""
        self.server_state.total_requests += 1
        if self._is_refused and self._refusal is not None:
            self._write_refusal(self._refusal)
            return
        if not self.transport.is_closing():
            if self.flow.read_paused:
                self.flow.resume_reading()
            if self.pipeline:
                cycle, app = self.pipeline.pop()
                self._start_asgi_task(cycle, app)
        if not self._in_message:
            self._since = self.loop.time()

    def _written(self, reply: Reply, *, keep_alive: bool) -> bytes:
        """Return the bytes of a reply."""
        status = _OK if reply.status == HTTPStatus.OK else STATUS_LINE[reply.status]
        head = b"%bcontent-type: %b\r\ncontent-length: %d\r\nx-request-id: %b\r\n" % (
            status,
            reply.media_type,
            len(reply.body),
            reply.request_id,
        )
        more = b"".join([b"%b: %b\r\n" % header for header in (*self.server_state.default_headers, *reply.headers)])
        return b"%b%b%b\r\n%b" % (head, more, b"" if keep_alive else _CLOSE, reply.body)

    # Refusals

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP."""
        self._refuse(Problem("bad_request", msg))

    def _too_large_head(self) -> Problem:
        most = self._most_head
        return Problem("headers_too_large", f"expected headers of at most {most} bytes, found more", limit=most)

    def _refuse(self, problem: Problem) -> None:
        """Answer a request that has not arrived whole, and close the connection."""
        self._is_refused = True
        self._refusal = problem
        self._stop_counting()
        cycle: Any = self.cycle
        if cycle is not None and not cycle.response_complete:
            if isinstance(cycle, Exchange) or not self._in_message:
                return  # the requests before it are answered first
            cycle.disconnected = True
            cycle.message_event.set()
            if cycle.response_started:
                self.transport.close()
                return
        self._write_refusal(problem)

    def _write_refusal(self, problem: Problem) -> None:
        self._refusal = None
        if self.transport.is_closing():
            return
        name = uuid7s(1)[0]
        reply = Reply(problem.status, problem.body(name), MEDIA_TYPE.encode(), problem.headers, name.encode())
        self.transport.write(self._written(reply, keep_alive=False))
        if self._predictions is not None:
            self._predictions.refused(reply, self._peer, perf_counter() - self._began if self._began else 0.0)
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(LINGER, self.transport.close)

    # Time

    def _look(self) -> None:
        """See whether the client takes too long."""
        if self.transport.is_closing():
            return
        cycle: Any = self.cycle
        in_hand = cycle is not None and not cycle.response_complete
        passed = self.loop.time() - self._since
        if self._is_refused:
            pass
        elif self._in_message:
            if passed > self._receive_seconds - 2 * _TICK:
                seconds = self._receive_seconds
                detail = f"expected the whole request within {seconds:g} s, found a part of it"
                self._refuse(Problem("receive_timeout", detail, limit=seconds))
        elif not in_hand and passed > (self._idle_seconds if self._began else self._receive_seconds - 2 * _TICK):
            self.transport.close()
            return
        self._watch = self.loop.call_later(_TICK, self._look)

    def _unwatch(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    def _stop_counting(self) -> None:
        if self._is_counted and self._predictions is not None:
            self._is_counted = False
            self._predictions.receiving -= 1
