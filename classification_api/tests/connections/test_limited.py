"""What a connection does at its ticks, and with several requests at once: driven by hand, without a socket."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from uvicorn import Config
from uvicorn.server import ServerState

from app.connections import limited
from app.connections.limited import LimitedConnection
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
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, peer: tuple[str, int] | None = ("127.0.0.1", 50_000)) -> None:
        config = Config(application, lifespan="off", ws="none", log_config=None, access_log=False)
        config.load()
        self.loop = loop
        self.transport = Transport(peer)
        self.connection = LimitedConnection(config, ServerState(), {}, loop)
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
    monkeypatch.setattr(limited, "has_unread", lambda _: True)
    connection._patience.since -= 1000
    connection._look()
    assert not driven.transport.is_closed
    connection._look()
    assert driven.transport.is_closed


def test_a_timeout_that_did_not_come_is_delayed_again(driven: Driven, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two delays of the process there was a request in time."""
    connection = driven.connection
    monkeypatch.setattr(limited, "has_unread", lambda _: True)
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
