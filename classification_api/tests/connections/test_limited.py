"""What a connection does at its ticks, and with several requests at once: driven by hand, without a socket."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from uvicorn import Config
from uvicorn.server import ServerState

from app.connections import arrivals, limited, listening, refusals, timeouts
from app.connections.arrivals import Bounds
from app.connections.limited import LimitedConnection
from app.predicting.admission import Admission
from app.problem_details import Problem

HEAD = b"GET / HTTP/1.1\r\nHost: t\r\n\r\n"
HALF = b"POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 9\r\n\r\nhalf"


class Transport(asyncio.Transport):
    """A transport that notes what is done with it."""

    def __init__(self, peer: tuple[str, int] | None = ("127.0.0.1", 50_000)) -> None:
        super().__init__({"peername": peer, "sockname": ("127.0.0.1", 80)})
        self.written = b""
        self.is_closed = False

    def write(self, data: Any) -> None:
        """Note bytes."""
        self.written += bytes(data)

    def get_write_buffer_size(self) -> int:
        """Return none: all is sent at once."""
        return 0

    def is_closing(self) -> bool:
        """Tell whether it is closed."""
        return self.is_closed

    def can_write_eof(self) -> bool:
        """Return whether one direction can be closed."""
        return False

    def close(self) -> None:
        """Note the close."""
        self.is_closed = True

    def pause_reading(self) -> None:
        """Do nothing."""

    def resume_reading(self) -> None:
        """Do nothing."""


handled: list[str] = []


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Answer each request with its path, once its body is complete or the client is gone; that of `/early` before."""
    while scope["path"] != "/early" and (await receive()).get("more_body"):
        pass
    handled.append(scope["path"])
    body = scope["path"].encode()
    length = str(len(body)).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
    await send({"type": "http.response.body", "body": body})


class Driven:
    """A connection, and the loop that runs only as far as it is told.

    Parameters
    ----------
    loop
        The loop.
    peer
        Address of the client.
    predictions
        What stands for those of the server.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        peer: tuple[str, int] | None = ("127.0.0.1", 50_000),
        predictions: Any = None,
    ) -> None:
        config = Config(application, lifespan="off", ws="none", log_config=None, access_log=False)
        config.load()
        self.loop = loop
        self.transport = Transport(peer)
        self.connection = LimitedConnection(config, ServerState(), {"predictions": predictions}, loop)
        self.connection.connection_made(self.transport)

    def run(self) -> None:
        """Let all tasks go on until they wait."""
        self.loop.run_until_complete(self._turns())

    async def _turns(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    found = asyncio.new_event_loop()
    yield found
    for task in asyncio.all_tasks(found):
        task.cancel()
    found.run_until_complete(asyncio.sleep(0))
    found.close()


@pytest.fixture
def driven(loop: asyncio.AbstractEventLoop) -> Driven:
    return Driven(loop)


def test_unread_bytes_delay_a_timeout_once(driven: Driven, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that was delayed reads first; a client that sends on and on does not stay longer."""
    connection = driven.connection
    monkeypatch.setattr(limited, "has_unread", lambda transport: transport is driven.transport)
    connection._patience.since -= 1000
    connection._look()
    assert not driven.transport.is_closed
    connection._look()
    assert driven.transport.is_closed


def test_a_timeout_that_did_not_come_is_delayed_again(driven: Driven, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two delays of the process there was a request in time."""
    connection = driven.connection
    monkeypatch.setattr(limited, "has_unread", lambda transport: transport is driven.transport)
    for _ in range(3):
        connection._patience.since -= 1000
        connection._look()
        connection._patience.since += 1000
        connection._look()
    assert not driven.transport.is_closed


def test_a_client_without_an_address_is_served_and_refused(loop: asyncio.AbstractEventLoop) -> None:
    """That of a socket of the file system has none."""
    driven = Driven(loop, peer=None)
    driven.connection.data_received(HEAD)
    driven.run()
    assert driven.transport.written.endswith(b"\r\n\r\n/")
    driven.connection.data_received(b"no HTTP\r\n\r\n")
    assert b"HTTP/1.1 400 " in driven.transport.written


def test_what_is_refused_in_the_middle_is_not_answered_too(driven: Driven) -> None:
    """A pipelined request that is late is told so after the answers to those before it, and once."""
    driven.connection.data_received(HEAD + HEAD + HALF)
    assert len(driven.connection.pipeline) == 2
    driven.connection._refuse(Problem("receive_timeout", "too late"))
    driven.run()
    written = driven.transport.written
    assert [written.count(b"HTTP/1.1 %d " % status) for status in (200, 408)] == [2, 1]
    assert written.rindex(b" 200 ") < written.index(b" 408 ")


def test_the_application_learns_that_its_request_was_refused(driven: Driven) -> None:
    """It would wait for the body for ever."""
    handled.clear()
    driven.connection.data_received(HALF)
    driven.run()
    assert handled == []
    driven.connection._refuse(Problem("receive_timeout", "too late"))
    driven.run()
    assert handled == ["/"]


def test_headers_of_a_refusal_are_sent(driven: Driven) -> None:
    """Such as when to come again."""
    driven.connection._refuse(Problem("overloaded", "too many", headers=((b"retry-after", b"7"),)))
    assert b"retry-after: 7\r\n" in driven.transport.written


@pytest.mark.parametrize("request_", [HEAD, HALF])
def test_a_connection_that_is_closed_is_told_nothing(driven: Driven, request_: bytes) -> None:
    """What is refused after it was closed goes nowhere."""
    driven.transport.is_closed = True
    driven.connection._refuse(Problem("receive_timeout", "too late"))
    assert driven.transport.written == b""


def test_a_request_that_was_answered_early_is_not_refused_too(driven: Driven) -> None:
    """Whose body comes too late got its answer: the connection ends, without a second reply."""
    driven.connection.data_received(HALF.replace(b"POST / ", b"POST /early "))
    driven.run()
    assert driven.transport.written.endswith(b"/early")
    driven.connection._refuse(Problem("receive_timeout", "too late"))
    assert driven.transport.written.endswith(b"/early")


@pytest.mark.parametrize("request_", [HEAD[:10], HALF, HEAD], ids=["half a head", "half a body", "not answered yet"])
def test_a_connection_with_a_request_is_not_idle(driven: Driven, request_: bytes) -> None:
    """At the end of the server it is kept for the rest, and for the answer."""
    driven.connection.data_received(request_)
    driven.connection._end_idle()
    assert not driven.transport.is_closed


def test_an_idle_connection_is_closed_at_the_end(driven: Driven) -> None:
    """Where nothing waits to be read."""
    driven.connection._end_idle()
    assert driven.transport.is_closed


def test_what_was_refused_is_not_refused_again_at_a_tick(driven: Driven) -> None:
    """The client gets its time to read the refusal, however late its request is by then."""
    driven.connection.data_received(HALF)
    driven.connection._refuse(Problem("receive_timeout", "too late"))
    written = driven.transport.written
    driven.connection._patience.since -= 1000
    driven.connection._look()
    assert (driven.transport.written, driven.transport.is_closed) == (written, False)


# With the predictions of a server


class Predictions:
    """Stands for the predictions of a server, and notes what it is told."""

    def __init__(self) -> None:
        self.admission = Admission(1)
        self.settings = SimpleNamespace(
            limit_body=1000, limit_header_bytes=400, limit_header_count=3, limit_receive_seconds=16.0,
            limit_keep_alive_seconds=8.0,
        )  # fmt: skip
        self.finisher = self
        self.unread: list[tuple[int, bytes, str, float]] = []
        self.ends = 0

    def end(self) -> None:
        """Note the end of the server."""
        self.ends += 1
        self.admission.is_ending = True

    def log_unread(self, reply: Any, client: str, seconds: float) -> None:
        """Note a refusal."""
        self.unread.append((reply.status, reply.request_id, client, seconds))


@pytest.fixture
def predictions() -> Predictions:
    return Predictions()


@pytest.fixture
def serving(loop: asyncio.AbstractEventLoop, predictions: Predictions) -> Driven:
    return Driven(loop, predictions=predictions)


def test_a_refusal_is_logged_with_its_client_and_its_time(serving: Driven, predictions: Predictions) -> None:
    """Under the name that the client is told, once."""
    serving.connection.data_received(b"no HTTP\r\n\r\n")
    serving.connection.data_received(b"more\r\n\r\n")
    ((status, name, client, seconds),) = predictions.unread
    assert (status, client) == (400, "127.0.0.1")
    assert b"\r\nx-request-id: " + name + b"\r\n" in serving.transport.written
    assert b"\r\nconnection: close\r\n" in serving.transport.written
    assert serving.transport.written.count(b"HTTP/1.1 ") == 1
    assert 0 <= seconds < 60


def test_the_limits_of_a_connection_are_those_of_the_settings(serving: Driven, predictions: Predictions) -> None:
    """Three headers pass here, and a fourth is refused."""
    more = b"Host: t\r\na: 1\r\nb: 2\r\n"
    serving.connection.data_received(b"GET /a HTTP/1.1\r\n" + more + b"\r\n")
    serving.run()
    assert serving.transport.written.endswith(b"\r\n\r\n/a")
    serving.connection.data_received(b"GET /b HTTP/1.1\r\n" + more + b"c: 3\r\n\r\n")
    assert b"HTTP/1.1 431 " in serving.transport.written
    assert b"expected at most 3 headers, found more" in serving.transport.written
    assert serving.connection._bounds == Bounds(body=1000, head=400, headers=3)
    assert predictions.unread[0][0] == 431


def test_the_end_of_the_server_reaches_its_predictions(serving: Driven, predictions: Predictions) -> None:
    """At each connection, and at one that comes later too."""
    connection = serving.connection
    assert not connection._is_ending
    connection.shutdown()
    assert (predictions.ends, connection._is_ending) == (1, True)
    Driven(serving.loop, predictions=predictions)
    assert predictions.ends == 2


def test_a_connection_needs_no_predictions_to_end(driven: Driven) -> None:
    """As in tests of other applications."""
    driven.connection.shutdown()
    assert driven.connection._is_ending


class Later:
    """Stands for the loop of a connection, and notes what is due."""

    def __init__(self) -> None:
        self.due: list[tuple[float, Any]] = []

    def call_later(self, seconds: float, work: Any, *args: Any) -> None:
        """Note a call."""
        self.due.append((seconds, partial(work, *args)))

    def wait(self) -> float:
        """Let the next call be made, and return how long that takes."""
        ((seconds, work),) = self.due
        self.due.clear()
        work()
        return seconds


def test_an_idle_connection_stays_open_for_a_last_call(driven: Driven) -> None:
    """A fifth of a second after the signal, in two steps; a request meanwhile is answered first."""
    later: Any = Later()
    driven.connection.loop = later
    driven.connection.shutdown()
    assert [later.wait(), driven.transport.is_closed, later.wait()] == [0.1, False, 0.1]
    assert driven.transport.is_closed
    assert not later.due


def test_a_last_call_is_prolonged_while_bytes_are_unread(driven: Driven, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless nothing is read for now: then they may be there for long."""
    later: Any = Later()
    driven.connection.loop = later
    monkeypatch.setattr(limited, "has_unread", lambda transport: transport is driven.transport)
    driven.connection.shutdown()
    for _ in range(3):
        assert later.wait() + later.wait() == 0.2
        assert not driven.transport.is_closed
    driven.connection.flow.pause_reading()
    later.wait()
    later.wait()
    assert driven.transport.is_closed


@pytest.mark.parametrize("request_", [HALF, HEAD], ids=["half a body", "not answered yet"])
def test_a_busy_connection_gets_no_last_call(driven: Driven, request_: bytes) -> None:
    """It ends with its answer; so does one that is refused."""
    driven.connection.data_received(request_)
    later: Any = Later()
    driven.connection.loop = later
    driven.connection.shutdown()
    assert (later.due, driven.transport.is_closed) == ([], False)


def test_a_refused_connection_gets_no_last_call(driven: Driven) -> None:
    """It has its time to read why."""
    driven.connection.data_received(b"no HTTP\r\n\r\n")
    later: Any = Later()
    driven.connection.loop = later
    driven.connection.shutdown()
    assert (later.due, driven.transport.is_closed) == ([], False)


def test_a_request_that_was_answered_early_is_closed_at_the_end(driven: Driven) -> None:
    """Its body is not waited for."""
    driven.connection.data_received(HALF.replace(b"POST / ", b"POST /early "))
    driven.run()
    assert not driven.transport.is_closed
    driven.connection.shutdown()
    assert driven.transport.is_closed


def test_the_last_reply_closes_the_connection_once_the_server_ends(driven: Driven) -> None:
    """Not the replies before it."""
    driven.connection.data_received(HEAD + HEAD)
    driven.connection.shutdown()
    driven.run()
    first, last = driven.transport.written.split(b"HTTP/1.1 200 OK\r\n")[1:]
    assert (b"connection: close" in first, b"connection: close" in last) == (False, True)
    assert driven.transport.is_closed


# Several requests at once


def test_reading_goes_on_once_all_requests_are_answered(driven: Driven, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or none waits behind the one that is being answered; the timeout begins anew then."""
    connection = driven.connection
    resume = connection._resume_reading
    waiting: list[int] = []

    def noted() -> None:
        waiting.append(len(connection.pipeline))
        resume()

    monkeypatch.setattr(connection, "_resume_reading", noted)
    connection.data_received(
        HEAD.replace(b"/", b"/early", 1) * 3
    )  # whose application reads no body, nor goes on reading
    assert connection.flow.read_paused
    connection._patience.since -= 1000
    since = connection._patience.since
    driven.run()
    assert driven.transport.written.count(b"HTTP/1.1 200 ") == 3
    assert waiting == [0]
    assert not connection.flow.read_paused
    assert connection._patience.since > since + 900


def test_a_client_that_reads_nothing_is_not_read_from(driven: Driven) -> None:
    """Reading goes on with writing, unless a request waits or the connection ends."""
    connection = driven.connection
    flow = connection.flow
    connection.pause_writing()
    assert (flow.read_paused, flow.write_paused) == (True, True)
    connection._resume_reading()
    assert flow.read_paused
    connection._patience.since -= 1000
    since = connection._patience.since
    connection.resume_writing()
    assert (flow.read_paused, flow.write_paused) == (False, False)
    assert connection._patience.since > since + 900
    since = connection._patience.since = 1.0
    connection._resume_reading()
    assert connection._patience.since == since  # it was not paused
    connection.pause_writing()
    driven.transport.is_closed = True
    connection.resume_writing()
    assert flow.read_paused
    driven.transport.is_closed = False
    connection.data_received(HEAD + HEAD)
    connection.pause_writing()
    connection.resume_writing()
    assert flow.read_paused


@pytest.mark.parametrize(("count", "is_refused"), [(101, False), (102, True)])
def test_a_hundred_requests_may_wait(driven: Driven, count: int, is_refused: bool) -> None:
    """Behind the one that is handled; one more is refused after their answers."""
    driven.connection.data_received(HEAD * count)
    assert len(driven.connection.pipeline) == 100
    for _ in range(10):
        driven.run()
    written = driven.transport.written
    assert written.count(b"HTTP/1.1 200 ") == 101
    assert (b"HTTP/1.1 503 " in written) == is_refused
    if is_refused:
        refusal = written[written.index(b"HTTP/1.1 503 ") :]
        assert b"\r\nretry-after: 1\r\n" in refusal
        assert b"expected at most 100 pipelined requests, found more" in refusal
        assert b'"limit":100' in refusal.replace(b" ", b"")


def test_a_connection_that_is_lost_releases_what_it_holds(driven: Driven) -> None:
    """All its requests learn that their client is gone, and nothing is looked at any more."""
    handled.clear()
    connection = driven.connection
    connection.data_received(HALF)
    driven.run()
    assert handled == []
    connection.connection_lost(None)
    driven.run()
    assert handled == ["/"]
    assert connection._patience._timer is None
    assert connection._running.disconnected


def test_each_reply_is_counted(driven: Driven) -> None:
    """As uvicorn does."""
    driven.connection.data_received(HEAD * 3)
    driven.run()
    assert driven.connection.server_state.total_requests == 3


def test_times_and_sizes_are_those_that_are_documented() -> None:
    """Of connections, at their end, and while they are refused."""
    assert (limited.MOST_WAITING, limited.LAST_CALL) == (100, 0.2)
    assert (refusals.LINGER, timeouts.LONGEST_END, arrivals.COUNTED) == (1.0, 5.0, 16_384)
    assert (listening.HANDSHAKE, listening.BEGUN) == (1.0, 0.1)
    assert 0 < timeouts._TICK < timeouts._MARGIN <= 0.15


# Requests of other kinds


def scopes_of(driven: Driven, data: bytes, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Receive bytes, and return the scope of each request that reached the application."""
    seen: list[Any] = []

    async def noted(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope)
        await application(scope, receive, send)

    monkeypatch.setattr(driven.connection, "app", noted)
    driven.connection.data_received(data)
    driven.run()
    return seen


@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_an_offer_of_another_protocol_is_passed_over(
    driven: Driven, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The request is the same without it, with its body and what comes after it."""
    offer = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nA: 1\r\nContent-Length: 4\r\n"
    request = b"PUT /a?b=c HTTP/%b\r\nHost: t\r\n%b\r\nbody" % (version.encode(), offer)
    (scope,) = scopes_of(driven, request, monkeypatch)
    assert (scope["method"], scope["path"], scope["query_string"], scope["http_version"]) == (
        "PUT",
        "/a",
        b"b=c",
        version,
    )
    names = [name for name, _ in scope["headers"]]
    assert names == [b"host", b"connection", b"a", b"content-length"]
    assert dict(scope["headers"])[b"connection"] == b"Upgrade, HTTP2-Settings"
    assert driven.transport.written.endswith(b"\r\n\r\n/a")


def test_what_follows_the_last_request_of_a_connection_is_no_fault(driven: Driven) -> None:
    """Whether or not it offered another protocol: it is left unread, as uvicorn does."""
    driven.connection.data_received(HEAD[:-2] + b"Connection: close, upgrade\r\nUpgrade: h2c\r\n\r\n" + HEAD)
    driven.run()
    assert driven.transport.written.count(b"HTTP/1.1 200 ") == 1
    assert b"HTTP/1.1 400 " not in driven.transport.written


def test_a_tunnel_is_refused(driven: Driven) -> None:
    """The server is no proxy."""
    driven.connection.data_received(b"CONNECT t:80 HTTP/1.1\r\nHost: t\r\n\r\n")
    assert b"HTTP/1.1 400 " in driven.transport.written
    assert b"expected a request to this server, found CONNECT" in driven.transport.written


@pytest.mark.parametrize(
    ("header", "is_asked"),
    [
        (b"Expect: 100-Continue", True),
        (b"EXPECT: 100-continue", True),
        (b"Expect: more", False),
        (b"X: 100-continue", False),
    ],
)
def test_a_client_that_waits_before_its_body_is_asked_for_it(driven: Driven, header: bytes, is_asked: bool) -> None:
    """In any case of the letters; the next request has to wait itself."""
    driven.connection.data_received(HALF[: -len(b"\r\nhalf")] + header + b"\r\n\r\n")
    driven.run()
    assert (b"HTTP/1.1 100 Continue\r\n" in driven.transport.written) == is_asked
    driven.connection.data_received(b"half half" + HALF)
    driven.run()
    assert driven.transport.written.count(b"HTTP/1.1 100 ") == is_asked
    assert driven.transport.written.count(b"HTTP/1.1 200 ") == 1


def test_trailers_are_no_headers(serving: Driven, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many of them may come, and one more is refused, though the request was begun."""
    chunked = b"POST /a HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\nB: 1\r\n\r\n4\r\nbody\r\n0\r\n%b\r\n"
    (scope,) = scopes_of(serving, chunked % b"c: 1\r\nd: 2\r\ne: 3\r\n", monkeypatch)
    assert scope["headers"] == [(b"host", b"t"), (b"transfer-encoding", b"chunked"), (b"b", b"1")]
    assert serving.transport.written.endswith(b"\r\n\r\n/a")
    serving.connection.data_received(chunked % b"c: 1\r\nd: 2\r\ne: 3\r\nf: 4\r\n")
    assert b"HTTP/1.1 431 " in serving.transport.written


def test_bodies_are_counted_one_by_one(serving: Driven) -> None:
    """1,000 bytes pass here each time; one more is refused."""
    head = b"POST /a HTTP/1.1\r\nHost: t\r\nContent-Length: %d\r\n\r\n"
    for _ in range(3):
        serving.connection.data_received(head % 1000 + bytes(1000))
        serving.run()
    assert serving.transport.written.count(b"HTTP/1.1 200 ") == 3
    serving.connection.data_received(head % 1001)
    assert b"HTTP/1.1 413 " in serving.transport.written


# Timeouts


def after(driven: Driven, seconds: float) -> bool:
    """Look at a connection so many seconds after the last beginning; return whether it was closed, and undo it."""
    connection = driven.connection
    now = connection._patience.since + seconds
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(timeouts, "perf_counter", lambda: now)
        connection._look()
    is_closed = driven.transport.is_closed
    driven.transport.is_closed = False
    return is_closed


def test_an_idle_connection_has_its_time(serving: Driven) -> None:
    """16 seconds for its first request here, and 8 for another one; none while it is answered."""
    assert [after(serving, seconds) for seconds in (8.5, 15.5, 16.5)] == [False, False, True]
    serving.connection.data_received(HEAD)
    assert not after(serving, 1000)
    serving.run()
    assert [after(serving, seconds) for seconds in (7.5, 8.5)] == [False, True]
    assert serving.transport.written.count(b"HTTP/1.1 ") == 1


def test_the_rest_of_a_request_has_its_time(serving: Driven, predictions: Predictions) -> None:
    """16 seconds here, unless nothing is read meanwhile; the refusal is told."""
    serving.connection.data_received(HALF[:-4])
    assert not after(serving, 15.5)
    serving.connection.flow.pause_reading()
    assert not after(serving, 1000)
    assert predictions.unread == []
    serving.connection.flow.resume_reading()
    after(serving, 16.5)
    assert b"HTTP/1.1 408 " in serving.transport.written
    ((status, _, _, seconds),) = predictions.unread
    assert status == 408
    assert 0 <= seconds < 60


def test_a_client_that_reads_nothing_of_its_reply_is_cut_off(driven: Driven, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the rest of it; no other look follows."""
    aborted: list[bool] = []
    monkeypatch.setattr(driven.transport, "get_write_buffer_size", lambda: 5)
    monkeypatch.setattr(driven.transport, "abort", lambda: aborted.append(True))
    connection = driven.connection
    connection._look()
    assert aborted == []
    connection._patience._unsent_since -= 1000
    timer = connection._patience._timer
    connection._look()
    assert aborted == [True]
    assert connection._patience._timer is timer


def test_a_look_is_followed_by_another_one(driven: Driven) -> None:
    """From the beginning of the connection on."""
    connection = driven.connection
    first = connection._patience._timer
    assert first is not None
    connection._look()
    assert connection._patience._timer not in {None, first}


# What a connection hands over, and gives back


def test_a_websocket_is_handed_over(driven: Driven, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its bytes are not parsed any more, and its timeouts are those of the other protocol."""
    connection = driven.connection
    handed: list[bool] = []
    monkeypatch.setattr(connection, "_should_upgrade", lambda: True)
    monkeypatch.setattr(connection, "handle_websocket_upgrade", lambda: handed.append(True))
    connection.data_received(HEAD[:-2] + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\nno HTTP")
    driven.run()
    assert handed == [True]
    assert connection._patience._timer is None
    assert driven.transport.written == b""


@pytest.mark.parametrize("is_refused", [False, True])
def test_a_large_body_that_is_not_received_gives_its_place_back(
    serving: Driven, predictions: Predictions, is_refused: bool
) -> None:
    """When its client leaves, and when it is refused."""
    connection = serving.connection
    connection._bounds = Bounds(body=100_000, head=400, headers=3)
    connection.data_received(b"POST /a HTTP/1.1\r\nHost: t\r\nContent-Length: 50000\r\n\r\n")
    assert predictions.admission.arriving == 0
    connection.data_received(bytes(20_000))
    assert predictions.admission.arriving == 1
    if is_refused:
        connection._refuse(Problem("receive_timeout", "too late"))
    else:
        connection.connection_lost(None)
        assert connection not in connection.connections
    assert predictions.admission.arriving == 0


def test_the_first_of_several_requests_learns_that_its_client_has_left(
    driven: Driven, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though it is not the newest one."""
    seen: list[str] = []

    async def wait(scope: Any, receive: Any, send: Any) -> None:
        seen.append((await receive())["type"])
        seen.append((await receive())["type"])

    monkeypatch.setattr(driven.connection, "app", wait)
    driven.connection.data_received(HEAD + HEAD)
    driven.run()
    assert seen == ["http.request"]
    driven.connection.connection_lost(None)
    driven.run()
    assert seen == ["http.request", "http.disconnect"]


def test_a_refusal_has_the_headers_of_the_server(driven: Driven) -> None:
    """Such as the date."""
    driven.connection.server_state.default_headers = [(b"date", b"today")]
    driven.connection.data_received(b"no HTTP\r\n\r\n")
    assert b"\r\ndate: today\r\n" in driven.transport.written


def test_a_reply_is_not_the_last_while_bytes_are_unread(driven: Driven, monkeypatch: pytest.MonkeyPatch) -> None:
    """They may be another request: the connection ends after a last call."""
    connection = driven.connection
    monkeypatch.setattr(limited, "has_unread", lambda transport: transport is driven.transport)
    connection.data_received(HEAD)
    connection.shutdown()
    later: Any = Later()
    connection.loop = later
    driven.run()
    assert b"HTTP/1.1 200 " in driven.transport.written
    assert b"connection: close" not in driven.transport.written
    assert [later.wait(), later.wait(), driven.transport.is_closed] == [0.1, 0.1, False]
    connection._patience.end_by = 0.0
    assert connection._is_last()
