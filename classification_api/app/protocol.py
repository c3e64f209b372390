"""How requests arrive: uvicorn's HTTP protocol with limits, and a short way for predictions.

``uvicorn app.main:app --http app.protocol:LimitedProtocol``

uvicorn alone waits for ever for the rest of a request, takes headers of any size and number, and answers what is not
HTTP in plain text. Here a request that is too large or too slow is refused while it arrives, with problem details.

A request for predictions that is the connection's only one goes straight to `Predictions`, and its reply straight to
the connection: the machinery of an ASGI application costs as much as the model. Every other request takes the usual
way, and so do requests that a client sends before it has the answer to its last one.
"""

from __future__ import annotations

from functools import lru_cache
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
#: read what it is told. One that sends without a pause is read from for as long as a request may take: closing earlier
#: could cost it the reply.
LINGER = 1.0
#: Bodies beyond so many bytes count as arriving; that of a few rows does not, so that clients who are slow on purpose
#: keep nobody from asking for a few predictions.
COUNTED = 16 * 1024
#: Most requests of one connection that wait for those before them.
MOST_WAITING = 100
#: How long a connection without a request is kept once the server is told to stop, in seconds: one may be on its way.
LAST_CALL = 0.2
#: How long the rest of a request is waited for once the server is told to stop, in seconds.
LONGEST_END = 5.0
_TICK = 0.25
_OK = STATUS_LINE[200]
_CLOSE = b"connection: close\r\n"
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@lru_cache(maxsize=64)
def _headers(*headers: tuple[bytes, bytes]) -> bytes:
    """Return headers as they are sent; the same ones follow each other, since a date is one for a second."""
    return b"".join([b"%b: %b\r\n" % header for header in headers])


class _Event:
    """Stands for the event by which uvicorn wakes an ASGI application; here none waits."""

    def set(self) -> None:
        """Wake nobody."""


class Exchange:
    """A request for predictions in hand, which uvicorn's protocol takes for one of its own."""

    message_event = _Event()

    def __init__(self, call: Call, *, keep_alive: bool) -> None:
        self.call: Call | None = call  # until it is answered: it holds the body, and the connection
        self.keep_alive = keep_alive
        self.response_complete = False

    @property
    def disconnected(self) -> bool:
        """Whether the client has left."""
        return self.call is None or self.call.is_gone

    @disconnected.setter
    def disconnected(self, is_gone: bool) -> None:
        if self.call is not None:
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
        self._is_ending = False
        self._direct: Route | None = None
        self._exchange: Exchange | None = None
        self._running: Any = None
        self._is_begun = False
        self._body: bytes | bytearray = b""
        self._body_size = 0
        self._known_size = 0
        self._head_size = 0
        self._is_new_head = False
        self._in_head = False
        self._in_message = False
        self._is_counted = False
        self._began = 0.0
        self._query = b""
        self._goes_on = False
        self._unsent, self._unsent_since = 0, 0.0
        self._end_by = float("inf")

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
        self._unwatch()
        if self._exchange is not None:
            self._exchange.disconnected = True
        if self._running is not None:  # uvicorn tells only the last one of those that wait for each other
            self._running.disconnected = True
            self._running.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what has arrived; refuse what breaks a limit or is not HTTP."""
        if self._is_refused:
            self._goes_on = True
            return
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            if self._should_upgrade():
                self._unwatch()
                self.handle_websocket_upgrade()
            else:
                self._decline_upgrade(data[upgrade.args[0] :])
            return
        except httptools.HttpParserError:
            refusal = self._refusal or Problem("bad_request", "expected HTTP/1.1, found something else")
            self._refuse(refusal)
            return
        if self._in_message:
            self._check_part(len(data))

    def _decline_upgrade(self, rest: bytes) -> None:
        """Parse a request once more as if it had not offered another protocol, and what follows its head.

        The parser takes all that follows such an offer for the other protocol, and not for a body. Clients that prefer
        HTTP/2 offer it with each request.
        """
        method, version = self.parser.get_method(), self.parser.get_http_version().encode()
        lines = [b"%b: %b\r\n" % header for header in self.headers if header[0] != b"upgrade"]
        head = b"%b %b HTTP/%b\r\n%b\r\n" % (method, self.url, version, b"".join(lines))
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
        self.data_received(head + rest)

    def _check_part(self, size: int) -> None:
        """Refuse a request of which a part has arrived, and that breaks a limit already.

        Parameters
        ----------
        size
            Bytes that came with this part.
        """
        if self._is_new_head or self._known_size != self._body_size:
            self._is_new_head = False
            self._known_size = self._body_size
            self._head_size = 0
        else:  # a head, or what stands between the chunks of a body or behind them
            self._head_size += size
            if self._head_size > self._most_head:
                self._refuse(self._too_large_head())
                return
        if not self._is_counted and self._body_size > COUNTED and self._predictions is not None:
            if self._predictions.is_full(self._predictions.receiving):
                self._refuse(self._predictions.overloaded())
                return
            self._is_counted = True
            self._predictions.receiving += 1

    def pause_writing(self) -> None:
        """Read nothing more from a client that does not read its replies."""
        super().pause_writing()
        self.flow.pause_reading()

    def resume_writing(self) -> None:
        """Read on, unless requests wait for those before them."""
        super().resume_writing()
        if not self.pipeline and not self.transport.is_closing():
            self._resume_reading()

    def _resume_reading(self) -> None:
        if self.flow.read_paused and not self.flow.write_paused:
            self._since = self.loop.time()
            self.flow.resume_reading()

    def shutdown(self) -> None:
        """Take no further request; those that have come, or begun to come, are answered."""
        self._is_ending = True
        self._end_by = self.loop.time() + LONGEST_END
        cycle: Any = self.cycle
        if self._in_message and not self._is_begun:
            return  # the reply to it will be the last
        if cycle is not None and not cycle.response_complete:
            cycle.keep_alive = False
        elif self._in_message:  # the rest of a request that has its answer
            self.transport.close()
        else:
            self.loop.call_later(LAST_CALL / 2, self._end_idle, True)

    def _end_idle(self, is_early: bool) -> None:
        cycle: Any = self.cycle
        if is_early:  # a process that had to wait for its turn may have something to read
            self.loop.call_later(LAST_CALL / 2, self._end_idle, False)
        elif not self._in_message and (cycle is None or cycle.response_complete):
            self.transport.close()

    # What the parser tells

    def on_message_begin(self) -> None:
        """Begin a request."""
        self.url = b""
        self.headers = []
        self.expect_100_continue = False
        self._in_head = self._in_message = self._is_new_head = True
        self._is_begun = False
        self._began = perf_counter()
        self._since = self.loop.time()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        if len(self.headers) >= self._most_headers:
            most = self._most_headers
            self._stop(Problem("headers_too_large", f"expected at most {most} headers, found more", limit=most))
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))

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
        if declared:
            if int(declared) > self._most_body:
                self._stop(Problem.too_large_body(self._most_body))
        else:
            codings = [value for name, value in self.headers if name == b"transfer-encoding"]
            if len(codings) > 1 or (codings and b"," in codings[0]):
                detail = "expected the transfer encoding chunked alone, found another one"
                self._stop(Problem("unsupported_encoding", detail, remedy="send it as it is"))
        if self.parser.should_upgrade():
            if self.parser.get_method() == b"CONNECT":
                self._stop(Problem("bad_request", "expected a request to this server, found one for a tunnel"))
            if self._should_upgrade():
                self._begin_usual_way()
            return
        path, _, query = self.url.partition(b"?")
        route = self._routes.get(path)
        cycle: Any = self.cycle
        is_alone = cycle is None or cycle.response_complete
        if route is None or not is_alone or self.parser.get_method() != b"POST":
            self._begin_usual_way()
            return
        self._direct, self._query = route, query
        self._head, self.headers = self.headers, []  # what follows the body are no headers
        self._body = b""
        if self.expect_100_continue and self.parser.get_http_version() == "1.1":
            self.transport.write(_CONTINUE)

    def _begin_usual_way(self) -> None:
        self._direct = None
        if len(self.pipeline) >= MOST_WAITING:
            detail = f"expected at most {MOST_WAITING} requests before their answers, found more"
            self._stop(Problem("overloaded", detail, limit=MOST_WAITING, headers=((b"retry-after", b"1"),)))
        url, headers, expects, before = self.url, self.headers, self.expect_100_continue, self.cycle
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers += headers
        super().on_headers_complete()
        self._is_begun = self.cycle is not before  # which it is when it becomes a WebSocket
        if self._is_begun:
            self.headers = []
            if not self.pipeline:
                self._running = self.cycle
            if self._is_ending:
                self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._body_size += len(body)
        if self._body_size > self._most_body:
            self._stop(Problem.too_large_body(self._most_body))
        if self._direct is None:
            super().on_body(body)
        elif not self._body:
            self._body = body
        else:
            if type(self._body) is bytes:
                self._body = bytearray(self._body)
            self._body += body

    def on_message_complete(self) -> None:
        """Hand a request on that has arrived whole."""
        self._in_message = False
        self._stop_counting()
        if self._direct is None or self._predictions is None:
            if self._is_begun:
                super().on_message_complete()
                self._is_begun = False
            return
        body, self._body = self._body, b""
        call = Call(self._direct, self._head, self._query, bytes(body), self._peer, self._began, self._send)
        self._direct = None
        keep_alive = self.parser.get_http_version() != "1.0" and self.parser.should_keep_alive()
        exchange = Exchange(call, keep_alive=keep_alive and not self._is_ending)
        self.cycle = self._exchange = exchange  # type: ignore[assignment]
        self._predictions.answer(call)

    def _stop(self, problem: Problem) -> None:
        """Make the parser stop in one of its callbacks."""
        self._refusal = problem
        raise problem

    # Replies

    def _send(self, reply: Reply) -> None:
        """Send the reply to the request in hand."""
        exchange: Any = self._exchange
        exchange.response_complete = True
        exchange.call = None
        transport = self.transport
        if not transport.is_closing():
            transport.write(self._written(reply, keep_alive=exchange.keep_alive))
            if not exchange.keep_alive:
                transport.close()
        self.on_response_complete()

    def on_response_complete(self) -> None:
        """Go on to the next request, or refuse what came instead of one."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._running = cycle
            self._start_asgi_task(cycle, app)
        elif self._is_refused:
            if self._refusal is not None:
                self._write_refusal(self._refusal)
            return
        if self.flow.read_paused and not self.pipeline:
            self._resume_reading()
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
        more = _headers(*self.server_state.default_headers)
        if reply.headers:
            more += _headers(*reply.headers)
        return b"%b%b%b\r\n%b" % (head, more, b"" if keep_alive else _CLOSE, reply.body)

    # Refusals

    def _too_large_head(self) -> Problem:
        most = self._most_head
        return Problem("headers_too_large", f"expected headers of at most {most} bytes, found more", limit=most)

    def _refuse(self, problem: Problem) -> None:
        """Answer a request that has not arrived whole, and close the connection."""
        self._is_refused = True
        self._refusal = problem
        self._direct, self._body = None, b""
        self._stop_counting()
        cycle: Any = self.cycle
        if self._is_begun:
            if self.pipeline and self.pipeline[0][0] is cycle:
                self.pipeline.popleft()
                return  # the requests before it are answered first
            cycle.disconnected = True
            cycle.message_event.set()
            if cycle.response_complete:  # before its body had come
                self._linger()
                return
            if cycle.response_started:
                self.transport.close()
                return
        elif cycle is not None and not cycle.response_complete:
            return  # likewise
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
        self._linger()

    def _linger(self) -> None:
        """Send nothing more, and read for a while what the client still sends."""
        if self.transport.is_closing():
            return
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.flow.resume_reading()
        self.loop.call_later(LINGER, self._end_refused)

    def _end_refused(self) -> None:
        is_late = self._is_ending or self.loop.time() - self._since > self._receive_seconds
        if self._goes_on and not is_late and not self.transport.is_closing():
            self._goes_on = False
            self.loop.call_later(LINGER, self._end_refused)
        else:
            self.transport.close()

    # Time

    def _look(self) -> None:
        """See whether the client takes too long."""
        now = self.loop.time()
        size = self.transport.get_write_buffer_size()
        if not size or size != self._unsent:
            self._unsent, self._unsent_since = size, now
        elif now - self._unsent_since > self._receive_seconds:  # nothing of a reply was read
            self.transport.abort()
            return
        cycle: Any = self.cycle
        in_hand = cycle is not None and not cycle.response_complete
        passed = now - self._since
        if self._is_refused or self.transport.is_closing():
            pass
        elif self._in_message:
            is_late = passed > self._receive_seconds - 2 * _TICK or now > self._end_by
            if is_late and not self.flow.read_paused:
                seconds = self._receive_seconds
                detail = f"expected the whole request within {seconds:g} s, found a part of it"
                self._refuse(Problem("receive_timeout", detail, limit=seconds))
        elif not in_hand and passed > (self._idle_seconds if self._began else self._receive_seconds - 2 * _TICK):
            self.transport.close()
        self._watch = self.loop.call_later(_TICK, self._look)

    def _unwatch(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    def _stop_counting(self) -> None:
        if self._is_counted and self._predictions is not None:
            self._is_counted = False
            self._predictions.receiving -= 1
