"""uvicorn's HTTP protocol for a connection, with limits on size and time.

uvicorn itself waits for the rest of a request without a timeout, accepts headers of any size and number, and answers
invalid HTTP in plain text. This protocol refuses a request that is too large or too slow while it is received, and
answers with problem details.
"""

from __future__ import annotations

from math import inf
from time import perf_counter
from typing import TYPE_CHECKING, Any

import httptools
from classification_model.runtime.system.identifiers import uuid7s
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.connections.arrivals import Arrival, Bounds
from app.connections.refusals import Refusal
from app.connections.replies import written
from app.connections.timeouts import Patience
from app.connections.unread import has_unread
from app.predicting.calls import Reply
from app.problem_details import MEDIA_TYPE, Problem
from app.settings import read_settings

if TYPE_CHECKING:
    import asyncio

    from uvicorn._types import ASGI3Application
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

    from app.predicting.predictions import Predictions

#: Most pipelined requests that may wait on one connection.
MOST_WAITING = 100
#: Seconds that an idle connection stays open after a shutdown signal, since a request may be on its way.
LAST_CALL = 0.2


class LimitedConnection(HttpToolsProtocol):
    """A connection whose requests go to the ASGI application; a subclass may override `_begin`."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._predictions: Predictions | None = self.app_state.get("predictions")
        self._admission = self._predictions.admission if self._predictions else None
        settings = self._predictions.settings if self._predictions else read_settings()
        self._bounds = Bounds(
            body=int(settings.limit_body), head=int(settings.limit_header_bytes), headers=settings.limit_header_count
        )
        self._patience = Patience(self.loop, settings.limit_receive_seconds, settings.limit_keep_alive_seconds)
        self._arrival = Arrival(self._bounds)
        self._arrival.end()  # no request has begun
        self._running: Any = None  # the cycle of the next reply, or of the last; `cycle` is that of the newest request
        self._refusal: Refusal | None = None
        self._was_spared = False  # whether the timeout passed once while received bytes were still unread

    @property
    def _is_answering(self) -> bool:
        """Whether a reply is pending or incomplete."""
        cycle: Any = self.cycle
        return cycle is not None and not cycle.response_complete

    # Callbacks of the transport

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start waiting for a request."""
        super().connection_made(transport)
        self._peer = self.client[0] if self.client else ""
        self._patience.since = perf_counter()
        self._patience.look_later(self._look)
        if self._admission is not None and self._admission.is_ending:
            self.shutdown()  # uvicorn shuts down only the connections that it knew at the signal

    def connection_lost(self, exc: Exception | None) -> None:
        """Release what the connection holds."""
        self._arrival.stop_counting()
        self._patience.stop()
        if self._running is not None:  # uvicorn notifies only the last of several pipelined requests
            self._running.disconnected = True
            self._running.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse received bytes; refuse a request that exceeds a limit or is not HTTP."""
        left = data
        while left:
            left = self._parse(left)

    def _parse(self, data: bytes) -> bytes:
        """Parse bytes, and return those to parse again."""
        if self._refusal is not None:
            self._refusal.hear()
            return b""
        rest: bytes | None = None
        try:
            self.parser.feed_data(data)
            if not self._arrival.is_whole:
                self._arrival.check_part(len(data), self._admission)
        except httptools.HttpParserUpgrade as upgrade:
            rest = data[upgrade.args[0] :]
        except httptools.HttpParserError as error:
            cause = error.__context__  # raised by a callback of the parser
            no_http = Problem("bad_request", "expected HTTP/1.1, found something else")
            self._refuse(cause if isinstance(cause, Problem) else no_http)
        except Problem as problem:
            self._refuse(problem)
        return b"" if rest is None else self._upgrade(rest)

    def _upgrade(self, rest: bytes) -> bytes:
        """Start a WebSocket; for another protocol, return the request without the offer, to parse it again.

        The parser takes everything after an ``Upgrade`` header for the other protocol, not for a body. Clients that
        prefer HTTP/2 send this header with each request.

        Parameters
        ----------
        rest
            Bytes received after the head.
        """
        if self._should_upgrade():
            self._patience.stop()
            self.handle_websocket_upgrade()
            return b""
        method, version = self.parser.get_method(), self.parser.get_http_version().encode()
        lines = [b"%b: %b\r\n" % header for header in self.headers if header[0] != b"upgrade"]
        head = b"%b %b HTTP/%b\r\n%b\r\n" % (method, self.url, version, b"".join(lines))
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
        return head + rest

    def pause_writing(self) -> None:
        """Stop reading from a client that does not read its replies."""
        super().pause_writing()
        self.flow.pause_reading()

    def resume_writing(self) -> None:
        """Resume reading, unless pipelined requests wait."""
        super().resume_writing()
        if not self.pipeline and not self.transport.is_closing():
            self._resume_reading()

    def _resume_reading(self) -> None:
        if self.flow.read_paused and not self.flow.write_paused:
            self._patience.since = perf_counter()
            self.flow.resume_reading()

    # Callbacks of the server

    def shutdown(self) -> None:
        """Accept no new request; those received or being received are answered."""
        self._patience.end_soon()
        if self._predictions is not None:
            self._predictions.end()
        self._end_if_idle()

    @property
    def _is_ending(self) -> bool:
        """Whether the server is shutting down."""
        return self._patience.end_by < inf

    def _is_last(self) -> bool:
        """Return whether the next reply is the last: the server is shutting down, and no further request has come."""
        if not self._is_ending or self.pipeline:
            return False
        arrival = self._arrival
        if not arrival.is_whole and arrival.cycle is not self._running:
            return False  # another request is being received
        return not has_unread(self.transport) or self._patience.is_over_for_more()

    def _end_if_idle(self) -> None:
        """Close the connection soon if it is idle; called during shutdown."""
        if self._is_answering or self._refusal is not None:
            return
        arrival = self._arrival
        if arrival.is_whole:  # in two steps, so that a delayed process reads what has arrived before it closes
            self.loop.call_later(LAST_CALL / 2, self.loop.call_later, LAST_CALL / 2, self._end_idle)
        elif arrival.cycle is not None:  # the request has been answered before it was complete
            self.transport.close()

    def _end_idle(self) -> None:
        if not self._arrival.is_whole or self._is_answering or self.transport.is_closing():
            return
        if has_unread(self.transport) and not self.flow.read_paused:
            self._end_if_idle()
        else:
            self.transport.close()

    # Callbacks of the parser

    def on_message_begin(self) -> None:
        """Start a new request."""
        self.url = b""
        self.headers = []
        self.expect_100_continue = False
        self._arrival = arrival = Arrival(self._bounds)
        self._patience.since = arrival.began

    def on_header(self, name: bytes, value: bytes) -> None:
        """Store a header."""
        if len(self.headers) >= self._bounds.headers:
            most = self._bounds.headers
            raise Problem("headers_too_large", f"expected at most {most} headers, found more", limit=most)
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Check the head of a request, and begin to handle it."""
        self._arrival.check_head(self.url, self.headers)
        if self.parser.should_upgrade():
            if self.parser.get_method() == b"CONNECT":
                raise Problem("bad_request", "expected a request to this server, found CONNECT, which opens a tunnel")
            if self._should_upgrade():
                self._begin_asgi()
            return  # without a WebSocket, the request is parsed again
        self._begin()

    def on_body(self, body: bytes) -> None:
        """Count and pass on a chunk of the body."""
        self._arrival.add_body(len(body))
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Mark the request complete."""
        arrival = self._arrival
        arrival.end()
        if arrival.cycle is not None:
            super().on_message_complete()
            arrival.cycle = None

    def _begin(self) -> None:
        """Begin to handle a request whose head is complete."""
        self._begin_asgi()

    def _begin_asgi(self) -> None:
        if len(self.pipeline) >= MOST_WAITING:
            detail = f"expected at most {MOST_WAITING} pipelined requests, found more"
            raise Problem("overloaded", detail, limit=MOST_WAITING, headers=((b"retry-after", b"1"),))
        url, headers, expects, before = self.url, self.headers, self.expect_100_continue, self.cycle
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers += headers
        super().on_headers_complete()
        if self.cycle is before:
            return  # it becomes a WebSocket
        self._arrival.cycle = self.cycle
        self.headers = []  # trailers are not headers
        if not self.pipeline:
            self._running = self.cycle

    # Replies and refusals

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        """Run the application; when its reply starts, decide whether to close the connection after it."""

        async def answer(scope: Any, receive: Any, send: Any) -> None:
            async def send_on(message: Any) -> None:
                if message["type"] == "http.response.start" and self._is_last():
                    cycle.keep_alive = False
                await send(message)

            await app(scope, receive, send_on)

        super()._start_asgi_task(cycle, answer)

    def on_response_complete(self) -> None:
        """Start the next pipelined request, or send a pending refusal."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._running = cycle
            self._start_asgi_task(cycle, app)
        elif self._refusal is not None:
            self._tell(self._refusal)
            return
        if self.flow.read_paused and not self.pipeline:
            self._resume_reading()
        if self._arrival.is_whole:
            self._patience.since = perf_counter()
        if self._is_ending:
            self._end_if_idle()

    def _look(self) -> None:
        """Check the timeouts."""
        patience = self._patience
        if patience.is_over_for_reading(self.transport.get_write_buffer_size()):
            self.transport.abort()
            return
        if not self._is_overdue():
            self._was_spared = False
        elif has_unread(self.transport) and not self._was_spared:
            self._was_spared = True  # a delayed process first reads what has arrived
        elif self._arrival.is_whole:
            self.transport.close()
        else:
            self._refuse(patience.problem())
        patience.look_later(self._look)

    def _is_overdue(self) -> bool:
        """Return whether a request, or the rest of one, is late."""
        if self._refusal is not None or self.transport.is_closing():
            return False
        if not self._arrival.is_whole:
            return self._patience.is_over_for_rest() and not self.flow.read_paused
        return not self._is_answering and self._patience.is_over_for_request(is_first=self.cycle is None)

    def _refuse(self, problem: Problem) -> None:
        """Refuse an incomplete request, and close the connection."""
        self._refusal = refusal = Refusal(problem)
        self._arrival.stop_counting()
        cycle = self._arrival.cycle
        if cycle is None:
            if not self._is_answering:  # otherwise earlier requests are answered first
                self._tell(refusal)
            return
        if self.pipeline and self.pipeline[0][0] is cycle:
            self.pipeline.popleft()
            return  # earlier requests are answered first
        cycle.disconnected = True
        cycle.message_event.set()
        if cycle.response_complete:  # answered before the body was complete
            self._linger(refusal)
        elif cycle.response_started:
            self.transport.close()
        else:
            self._tell(refusal)

    def _tell(self, refusal: Refusal) -> None:
        """Send a refusal, unless it was sent."""
        problem, refusal.problem = refusal.problem, None
        if problem is None or self.transport.is_closing():
            return
        name = uuid7s(1)[0]
        reply = Reply(problem.status, problem.body(name), MEDIA_TYPE.encode(), problem.headers, name.encode())
        self.transport.write(written(reply, self.server_state.default_headers, keep_alive=False))
        if self._predictions is not None:
            self._predictions.finisher.log_unread(reply, self._peer, perf_counter() - self._arrival.began)
        self._linger(refusal)

    def _linger(self, refusal: Refusal) -> None:
        refusal.linger(self.loop, self.transport, self.flow, self._patience)
