"""Row 18 of the table of faults: a server that is told to stop answers what has come, and ends."""

from __future__ import annotations

import json
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import pytest
from conftest import ROW, Server
from raw_http import GOOD, HALF_HEAD, Wire, check_problem, chunked, exchange, get, is_predicted, post, running

LARGE = json.dumps({"inputs": [ROW] * 5000}).encode()
EXPLAINED = json.dumps({"inputs": [ROW] * 100}).encode()
SLOW = post(EXPLAINED, path="/predict?explain=true")
OURS = ("-m", "app", "serve")
UVICORN = ("-m", "uvicorn", "app.main:app", "--http", "app.protocol:LimitedProtocol")
#: How long a server that is told to stop may go on, in seconds.
LONGEST = 10.0

Start = Callable[..., AbstractContextManager[Server]]


@pytest.fixture(params=[OURS, UVICORN], ids=["serve", "uvicorn"])
def start(request: pytest.FixtureRequest, tmp_path: Path) -> Start:
    """Give what starts a server in each way."""

    def run(*arguments: str, **variables: str) -> AbstractContextManager[Server]:
        return running(tmp_path, *request.param, *arguments, **variables)

    return run


def told_to_stop(server: Server) -> float:
    """Send SIGTERM and return when."""
    server.process.send_signal(signal.SIGTERM)
    return time.monotonic()


def ended(server: Server, told: float) -> None:
    """Wait for the end, which must be a good one and in time."""
    code = server.process.wait(timeout=30)
    assert time.monotonic() - told < LONGEST
    assert code == 0, server.errors.read_text(encoding="utf-8")
    assert "Traceback" not in server.errors.read_text(encoding="utf-8")


def test_row_18_requests_in_hand_are_answered(start: Start) -> None:
    """What had been sent when the signal came is answered, on whichever way, and then the connection ends."""
    requests = [post(), get(), post(LARGE), SLOW, post(path="/%70redict"), post(LARGE) + get() + post()]
    with start() as server, ExitStack() as stack:
        wires = [stack.enter_context(Wire(server)) for _ in requests]
        for wire in wires:
            assert wire.send(get("/health/live")).answer().status == 200
        for wire, request in zip(wires, requests, strict=True):
            wire.send(request)
        told = told_to_stop(server)
        for wire, request in zip(wires, requests, strict=True):
            answers = [wire.answer() for _ in range(request.count(b" HTTP/1.1\r\n"))]
            assert {answer.status for answer in answers} == {200}
            assert wire.rest() == b""
        ended(server, told)


def test_row_18_half_a_request_is_waited_for(start: Start) -> None:
    """A request that had begun to come may come to its end, and is the connection's last."""
    requests = [
        (post(), 20),
        (post(), -5),
        (post(LARGE), 100_000),
        (chunked([GOOD[:9], GOOD[9:]]), -9),
        (get(), -2),
        (post(path="/%70redict"), -5),
        (post() + post(), -5),
        (post(LARGE) + post(path="/%70redict"), -5),
    ]
    with start() as server, ExitStack() as stack:
        wires = [stack.enter_context(Wire(server)) for _ in requests]
        for wire, (request, half) in zip(wires, requests, strict=True):
            wire.send(request[:half])
        assert exchange(server, get()).status == 200
        time.sleep(0.2)
        told = told_to_stop(server)
        time.sleep(0.5)
        for wire, (request, half) in zip(wires, requests, strict=True):
            wire.send(request[half:])
        for wire, (request, _) in zip(wires, requests, strict=True):
            answers = [wire.answer() for _ in range(request.count(b" HTTP/1.1\r\n"))]
            assert {answer.status for answer in answers} == {200}
            assert answers[-1].headers["connection"] == "close"
            assert wire.rest() == b""
        ended(server, told)


def test_row_18_half_a_request_without_its_rest_is_refused(start: Start) -> None:
    """It is not waited for until the end of days, nor is a client that does not read."""
    with start() as server, Wire(server) as head, Wire(server) as body, Wire(server) as deaf:
        head.send(HALF_HEAD)
        body.send(post(LARGE)[:-5])
        deaf.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.send(get("/model") * 50)
        time.sleep(0.2)
        told = told_to_stop(server)
        for wire in (head, body):
            check_problem(wire.answer(), 408, "receive_timeout")
        ended(server, told)


def test_row_18_idle_connections_are_closed(start: Start) -> None:
    """Connections without a request end soon, and do not keep the server."""
    with start() as server, Wire(server) as fresh, Wire(server) as used, Wire(server) as refused:
        assert is_predicted(used.send(post()).answer())
        assert refused.send(b"GARBAGE\r\n\r\n").answer().status == 400
        told = told_to_stop(server)
        assert fresh.rest() == used.rest() == refused.rest() == b""
        ended(server, told)
        assert time.monotonic() - told < 4


def test_row_18_no_request_of_busy_clients_is_lost(start: Start) -> None:
    """Clients that ask without a pause each find their last reply to be the last, and none without a reply."""
    lost: list[BaseException] = []
    counts: list[int] = []

    def ask(server: Server) -> None:
        try:
            with Wire(server) as wire:
                count = 1
                while wire.send(post()).answer().headers.get("connection") != "close":
                    count += 1
                counts.append(count)
        except BaseException as fault:  # noqa: BLE001 - the test raises it
            lost.append(fault)

    with start() as server:
        exchange(server, get())
        threads = [threading.Thread(target=ask, args=(server,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        told = told_to_stop(server)
        for thread in threads:
            thread.join()
        ended(server, told)
    assert not lost
    assert min(counts) > 1


def test_row_18_every_worker_ends(start: Start) -> None:
    """Several workers answer what they have in hand, and all are gone with the first process."""
    with start("--workers", "2") as server, ExitStack() as stack:
        wires = [stack.enter_context(Wire(server)) for _ in range(6)]
        for wire in wires:
            assert wire.send(get("/health/live")).answer().status == 200
            wire.send(SLOW)
        told = told_to_stop(server)
        assert {wire.answer().status for wire in wires} == {200}
        ended(server, told)
        with pytest.raises(ConnectionError):
            server.connect()


def test_a_websocket_is_refused_where_the_server_speaks_it(tmp_path: Path) -> None:
    """No route is a WebSocket's, and the connection that asked for one is closed like any other."""
    head = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    head += "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    with running(tmp_path, *UVICORN, "--ws", "websockets-sansio") as server:
        for path in ("/predict", "/health", "/nothing"):
            with Wire(server) as wire:
                assert wire.send(get(path, head)).answer().status in {403, 404}
        with Wire(server) as wire:
            assert is_predicted(wire.send(post()).answer())
            assert wire.send(get("/predict", head)).answer().status in {403, 404}
        assert is_predicted(exchange(server, post()))
        assert "Traceback" not in server.errors.read_text(encoding="utf-8")
