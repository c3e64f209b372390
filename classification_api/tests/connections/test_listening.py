"""The end of listening: who was connected is served, and nobody else connects."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from conftest import PATIENCE
from uvicorn import Config, Server

from app.connections import listening
from app.connections.listening import end_new_connections, serve_waiting_connections

REQUEST = b"GET / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n"


async def answer(scope: Any, receive: Any, send: Any) -> None:
    """Answer each request."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture(params=[socket.AF_INET, socket.AF_INET6], ids=["IPv4", "IPv6"])
def listener(request: pytest.FixtureRequest) -> Iterator[socket.socket]:
    """Give a socket that listens on loopback."""
    with socket.socket(request.param) as found:
        found.bind(("127.0.0.1" if request.param == socket.AF_INET else "::1", 0))
        found.listen()
        yield found


def connect(listener: socket.socket, timeout: float = PATIENCE) -> socket.socket:
    """Open a connection."""
    return socket.create_connection(listener.getsockname()[:2], timeout=timeout)


@pytest.fixture
def server() -> Server:
    """Give a server of uvicorn whose application answers everything."""
    config = Config(answer, lifespan="off", ws="none", log_config=None, access_log=False)
    config.load()
    found = Server(config)
    found.lifespan = config.lifespan_class(config)
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="packet filters are Linux's")
def test_no_new_connection_begins_and_those_that_wait_stay(listener: socket.socket) -> None:
    """A client that was connected before can still send, and be accepted; one that comes later is not even refused."""
    with connect(listener) as before:
        end_new_connections([listener])
        with pytest.raises(TimeoutError):
            connect(listener, timeout=0.2)
        before.sendall(b"hello")
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.recv(5) == b"hello"


def test_other_sockets_are_left_alone(tmp_path: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Filters of TCP would drop what comes over a socket of the file system."""
    with socket.socket(socket.AF_UNIX) as found:
        found.bind(str(tmp_path / "socket"))
        found.listen()
        end_new_connections([found])
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(tmp_path / "socket"))
    assert not caplog.records


@pytest.mark.skipif(sys.platform != "linux", reason="packet filters are Linux's")
def test_a_system_that_refuses_the_filter_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The others get theirs all the same."""
    refused: Any = SimpleNamespace(family=socket.AF_INET, setsockopt=lambda *_: _fail())
    end_new_connections([refused, refused])
    text = "connections opened during shutdown may be reset: not here"
    assert [record.getMessage() for record in caplog.records] == [text, text]


def test_nothing_is_done_where_there_are_no_filters(listener: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    """New connections begin as before on other systems."""
    monkeypatch.setattr(sys, "platform", "darwin")
    end_new_connections([listener])
    connect(listener, timeout=5).close()


def _fail() -> None:
    raise OSError("not here")


async def _end(server: Server, listener: socket.socket, waiting: list[socket.socket], *, sockets: Any = None) -> None:
    """Stop a server while clients wait to be accepted."""
    loop = asyncio.get_running_loop()
    serve_waiting_connections(loop)
    server.servers = [await loop.create_server(asyncio.Protocol, sock=listener, start_serving=False)]  # accepts none
    waiting += [connect(listener) for _ in range(3)]
    for client in waiting[:2]:
        client.sendall(REQUEST)
    waiting[2].close()
    await server.shutdown(sockets)
    assert listener.fileno() < 0


@pytest.fixture
def handled(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """Let the server handle SIGTERM, as uvicorn's does that serves."""
    monkeypatch.setattr(signal, "getsignal", lambda number: server.handle_exit if number == signal.SIGTERM else None)
    return server


def test_who_waits_to_be_accepted_is_served(handled: Server, listener: socket.socket) -> None:
    """Their requests are answered before the end, and one that has left meanwhile does no harm."""
    waiting: list[socket.socket] = []
    asyncio.run(_end(handled, listener, waiting))
    for client in waiting[:2]:
        with client:
            assert client.recv(2**16).startswith(b"HTTP/1.1 200 OK\r\n")


def test_bad_handshakes_keep_nobody_from_an_answer(
    handled: Server, listener: socket.socket, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """One that fails is passed over, and one that takes too long is given up."""
    wait = asyncio.wait

    async def wait_for_the_good_one(tasks: Any, *, timeout: float) -> Any:  # however busy this machine is
        assert timeout == listening.HANDSHAKE
        await tasks[0]
        return await wait(tasks, timeout=0.05)

    monkeypatch.setattr(asyncio, "wait", wait_for_the_good_one)
    waiting: list[socket.socket] = []
    seen: list[Any] = []

    async def end() -> None:
        loop: Any = asyncio.get_running_loop()
        take = loop.connect_accepted_socket

        async def take_one(protocol: Any, sock: socket.socket, *, ssl: Any) -> Any:
            seen.append(ssl)
            if len(seen) == 1:
                return await take(protocol, sock, ssl=ssl)
            try:
                if len(seen) == 2:
                    _fail()
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                seen.append("given up")
                raise
            finally:
                sock.close()

        loop.connect_accepted_socket = take_one
        await _end(handled, listener, waiting)

    asyncio.run(end())
    assert seen == [None, None, None, "given up"]
    assert not caplog.records  # it is their clients' matter
    assert waiting[0].recv(2**16).startswith(b"HTTP/1.1 200 OK\r\n")
    for client in waiting:
        client.close()


@pytest.mark.parametrize("shared", ["sockets", "fd"])
def test_sockets_that_others_listen_on_get_no_filter(
    handled: Server, listener: socket.socket, shared: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where they belong to another process, that may go on listening."""
    filtered: list[Any] = []
    monkeypatch.setattr(listening, "end_new_connections", filtered.append)
    waiting: list[socket.socket] = []
    if shared == "fd":
        handled.config.fd = 3
    asyncio.run(_end(handled, listener, waiting, sockets=[] if shared == "sockets" else None))
    assert not filtered
    for client in waiting:
        client.close()


def test_a_failure_while_they_are_accepted_is_logged_and_the_server_ends(
    handled: Server, listener: socket.socket, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """They are reset then, as they are by uvicorn alone."""

    async def fail(*_: Any) -> None:
        _fail()

    ended: list[Any] = []

    async def shut_down(sockets: Any = None) -> None:
        ended.append(sockets)
        for each in handled.servers:
            each.close()

    handled.shutdown = shut_down  # type: ignore[method-assign]
    monkeypatch.setattr(listening, "_serve_waiting", fail)
    waiting: list[socket.socket] = []
    asyncio.run(_end(handled, listener, waiting, sockets=[listener]))
    assert ended == [[listener]]
    assert "connections waiting at shutdown may be reset: not here" in caplog.text
    for client in waiting:
        client.close()


def test_a_connection_that_failed_before_it_was_accepted_is_passed_over() -> None:
    """Those behind it are accepted, until none is left."""
    outcomes: list[Any] = [ConnectionAbortedError(), (SimpleNamespace(setblocking=lambda _: None), None), OSError()]

    def accept() -> Any:
        found = outcomes.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    fake: Any = SimpleNamespace(accept=accept)
    assert len(list(listening._accept_all(fake))) == 1
    assert not outcomes


def test_a_server_that_handles_no_signals_is_told_of(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the main thread; in another one nobody handles signals."""
    monkeypatch.setattr(signal, "getsignal", lambda _: None)
    loop: Any = None
    with caplog.at_level(logging.WARNING):
        serve_waiting_connections(loop)
        assert "uvicorn does not handle SIGTERM" in caplog.text
        caplog.clear()
        monkeypatch.setattr("threading.current_thread", lambda: None)
        serve_waiting_connections(loop)
    assert not caplog.records
