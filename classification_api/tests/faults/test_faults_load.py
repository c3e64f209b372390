"""Rows 14 to 17 of docs/faults.md: clients that are slow, too many, or leave."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import resource
import socket
import struct
import threading
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
from clocked import Gate, StartClocked
from conftest import ROW, Serve, Server
from heavy_requests import LARGE, SLOW
from raw_http import (
    GOOD,
    HALF_HEAD,
    Wire,
    check_problem,
    chunked,
    descriptors,
    eventually,
    exchange,
    gauge,
    get,
    is_predicted,
    memory,
    post,
    unharmed,
)

from app.connections.refusals import LINGER

pytestmark = pytest.mark.slow

#: Requests that are worked on in a thread: large ones, whatever becomes of them, and explanations.
HEAVY = {
    "5,000 rows": post(LARGE),
    "explained": SLOW,
    "zeros": post(b'{"inputs":[' + b"0," * 1_000_000 + b"0]}"),
    "colons": post(b'{"inputs":[{"a":"' + b"x:" * 900_000 + b'"}]}'),
    "empty rows": post(b'{"inputs":[' + b"{}," * 99_999 + b"{}]}"),
}


@contextmanager
def probing(server: Server) -> Iterator[list[float]]:
    """Ask for health again and again meanwhile, over one connection; give the seconds that each reply took."""
    seconds: list[float] = []
    done = threading.Event()
    faults: list[BaseException] = []

    def probe() -> None:
        try:
            with Wire(server) as wire:
                while not done.is_set():
                    began = time.perf_counter()
                    assert wire.send(get()).answer().status == 200
                    seconds.append(time.perf_counter() - began)
                    done.wait(0.005)
        except BaseException as fault:  # noqa: BLE001 - told below
            faults.append(fault)

    thread = threading.Thread(target=probe)
    thread.start()
    try:
        eventually(lambda: seconds or faults)
        yield seconds
    finally:
        done.set()
        thread.join()
    assert not faults, faults


def p99(seconds: list[float]) -> float:
    """Return the time that 99 of 100 stay below."""
    return sorted(seconds)[int(len(seconds) * 0.99)]


def test_row_14_half_sent_heads_are_closed_when_their_time_is_over_and_hold_nobody_up(clocked: StartClocked) -> None:
    """Clients that never finish their head have the time for a request and no more; others are answered meanwhile."""
    server = clocked()
    with unharmed(server), ExitStack() as stack:
        wires = [server.take(stack.enter_context(Wire(server)), HALF_HEAD) for _ in range(200)]
        server.forward(9.5)
        assert exchange(server, get()).status == 200
        assert is_predicted(exchange(server, post()))
        assert not any(wire.is_answered() for wire in wires)
        server.forward(0.5)
        for wire in wires:
            check_problem(wire.answer(), 408, "receive_timeout")
            assert wire.rest() == b""
        server.forward(LINGER)
        eventually(lambda: server.connections == 0)


@pytest.mark.parametrize(
    "request_",
    [post(), chunked([bytes([byte]) for byte in GOOD]), get(head="X: " + "x" * 200 + "\r\n")],
    ids=["body", "chunks", "head"],
)
def test_row_14_a_request_at_one_byte_a_time_is_closed_in_time(clocked: StartClocked, request_: bytes) -> None:
    """A client that keeps sending, but slowly, has no more time than one that stops."""
    server = clocked()
    with Wire(server) as wire:
        for byte in request_[:97]:
            server.take(wire, bytes([byte]))
            server.forward(0.1)
        assert not wire.is_answered()
        server.take(wire, request_[97:98])
        server.forward(0.3)
        check_problem(wire.answer(), 408, "receive_timeout")
        assert wire.rest() == b""


@pytest.mark.faults
def test_row_14_half_sent_heads_are_closed(
    serve: Serve, is_measured: bool, record_property: Callable[[str, object], None]
) -> None:
    """600 clients that never finish their head are each told so, and nothing of them stays."""
    limit = 10 if is_measured else 2
    server = serve(LIMIT_RECEIVE_SECONDS=str(limit))
    with unharmed(server):
        before = descriptors(server)
        ends: list[float] = []
        with ExitStack() as stack, probing(server) as probes:
            began = time.monotonic()
            wires = [stack.enter_context(Wire(server)).send(HALF_HEAD) for _ in range(600)]
            sent = time.monotonic() - began
            for wire in wires:
                assert b'"code":"receive_timeout"' in wire.rest()
                ends.append(time.monotonic() - began)
        eventually(lambda: descriptors(server) <= before)
    record_property(
        "figures",
        f"600 half-sent heads, sent within {sent:.1f} s: the last one closed after {max(ends):.1f} s, {limit} are "
        f"allowed; /health meanwhile p99 {1000 * p99(probes):.0f} ms",
    )


@pytest.mark.parametrize(
    "slow",
    [post()[:-5], HALF_HEAD, chunked([GOOD])[:-9], post(LARGE)[:100_000]],
    ids=["body", "head", "chunk", "large"],
)
def test_row_15_slow_clients_keep_nobody_from_probes_and_small_predictions(clocked: StartClocked, slow: bytes) -> None:
    """Three times as many slow clients as may be in hand take no place from those who ask for little."""
    server = clocked(limit_requests=8)
    with unharmed(server), ExitStack() as stack:
        for _ in range(3 * 8):
            server.take(stack.enter_context(Wire(server)), slow)
        for path in ("/health", "/health/live", "/health/ready"):
            assert exchange(server, get(path)).status == 200
        assert is_predicted(exchange(server, post()))
        with Wire(server) as apart:  # head and body in packets of their own, as most clients send them
            server.take(apart, post()[: -len(GOOD)])
            assert is_predicted(apart.send(GOOD).answer())


def test_row_15_large_bodies_that_arrive_slowly_have_a_limit(clocked: StartClocked) -> None:
    """Beyond as many half-sent large bodies as may be in hand, another one is told to come again."""
    server = clocked(limit_requests=4)
    with unharmed(server), ExitStack() as stack:
        wires = [server.take(stack.enter_context(Wire(server)), post(LARGE)[:100_000]) for _ in range(4)]
        answer = exchange(server, post(LARGE)[:100_000])
        check_problem(answer, 503, "overloaded")
        assert int(answer.headers["retry-after"]) > 0
        for wire in wires:
            wire.send(post(LARGE)[100_000:])
            assert wire.answer().status == 200


def test_row_16_beyond_the_limit_of_requests_in_hand_a_client_is_told_when_to_come_again(
    clocked: StartClocked, gate: Gate
) -> None:
    """Two slow requests are in hand; the others are refused at once, in problem details, and probes are not counted."""
    server = clocked(limit_requests=2)
    with unharmed(server), ExitStack() as stack:
        wires = [server.take(stack.enter_context(Wire(server)), SLOW) for _ in range(10)]
        assert exchange(server, get()).status == 200
        for wire in wires[2:]:
            answer = wire.answer()
            assert check_problem(answer, 503, "overloaded")["limit"] == 2
            assert int(answer.headers["retry-after"]) > 0
            assert answer.headers.get("connection") != "close"
        assert not any(wire.is_answered() for wire in wires[:2])
        gate.open()
        assert [wire.answer().status for wire in wires[:2]] == [200, 200]


async def _ask(port: int, answers: int, statuses: Counter[int], seconds: list[float]) -> None:
    """Ask for a prediction until so many were given; whoever is refused is told when to come again."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while answers:
        began = time.perf_counter()
        writer.write(post())
        head = await reader.readuntil(b"\r\n\r\n")
        size = int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0])
        await reader.readexactly(size)
        status = int(head[9:12])
        statuses[status] += 1
        if status == 200:
            seconds.append(time.perf_counter() - began)
            answers -= 1
        else:
            assert status == 503
            assert b"\r\nretry-after: 1\r\n" in head
    writer.close()


async def _load(server: Server, clients: int, answers: int) -> tuple[Counter[int], list[float]]:
    statuses: Counter[int] = Counter()
    seconds: list[float] = []
    await asyncio.gather(*[_ask(server.port, answers, statuses, seconds) for _ in range(clients)])
    return statuses, seconds


@pytest.mark.faults
def test_row_16_ten_times_the_load_is_answered_or_refused_politely(
    server: Server, is_measured: bool, record_property: Callable[[str, object], None]
) -> None:
    """Each of ten times as many clients as may be in hand gets its answers; whoever is refused meanwhile is told so."""
    times = 150 if is_measured else 30
    with unharmed(server):
        one, alone = asyncio.run(_load(server, 64, times))
        many, crowded = asyncio.run(_load(server, 640, times // 10))
    assert one == {200: 64 * times}
    assert many[200] == 640 * (times // 10)
    record_property(
        "figures",
        f"64 clients: {one[200]} answers, p99 {1000 * p99(alone):.0f} ms; 640: {many[200]} answers, "
        f"p99 {1000 * p99(crowded):.0f} ms, {many[503]} refusals",
    )


def _leave(wire: Wire) -> None:
    """Close a connection as a client does that is killed."""
    wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    wire.socket.close()


@pytest.mark.parametrize(
    ("request_", "count"),
    [
        (post(), 1000),
        (get("/model"), 300),
        (post(LARGE), 20),
        (SLOW, 20),
        (post(LARGE)[:-9], 50),
        (post() + get(), 200),
    ],
    ids=["small", "probe", "large", "explained", "half", "two"],
)
@pytest.mark.parametrize("waits", [True, False])
def test_row_17_clients_that_leave_take_nothing_along(server: Server, request_: bytes, count: int, waits: bool) -> None:
    """No place, no descriptor and no task stays with a client that left before, or in the middle of, its reply."""
    with unharmed(server):
        before = descriptors(server)
        for number in range(count):
            wire = Wire(server).send(request_)
            if waits and number % 10 == 0 and count >= 100:
                wire.socket.recv(1)
            _leave(wire)
        assert server.client.get("/health").status_code == 200
        eventually(lambda: descriptors(server) <= before)
        eventually(lambda: gauge(server) == 0)


@pytest.mark.parametrize("request_", HEAVY.values(), ids=HEAVY)
def test_large_requests_keep_nobody_from_probes_and_small_predictions(
    clocked: StartClocked, gate: Gate, request_: bytes
) -> None:
    """The work on a large request, and on an explanation, leaves the event loop to others, however long it takes."""
    server = clocked()
    with unharmed(server), ExitStack() as stack:
        wires = [server.take(stack.enter_context(Wire(server)), request_) for _ in range(2)]
        assert exchange(server, get()).status == 200
        assert is_predicted(exchange(server, post()))
        assert server.predictions.admission.in_hand == 2
        gate.open()
        assert {wire.answer().status for wire in wires} <= {200, 413, 422}


@pytest.mark.faults
def test_health_answers_while_large_requests_are_answered(
    server: Server, is_measured: bool, record_property: Callable[[str, object], None]
) -> None:
    """Probes are answered while large requests are in hand; of some rounds the best one is told."""
    worst: dict[str, float] = {}
    with unharmed(server):
        for name, request in HEAVY.items():
            rounds = []
            for _ in range(8 if is_measured else 2):
                with probing(server) as probes, ExitStack() as stack:
                    for wire in [stack.enter_context(Wire(server)).send(request) for _ in range(2)]:
                        wire.answer()
                rounds.append(max(probes))
            worst[name] = min(rounds)
    told = ", ".join(f"{name} {1000 * seconds:.0f} ms" for name, seconds in worst.items())
    record_property("figures", f"/health while two large requests are in hand, at most: {told}")


HOSTILE: list[Callable[[], bytes]] = [
    lambda: post(b'{"inputs":[' + b"{}," * 99_999 + b"{}]}"),
    lambda: post(b"[" * 250_000),
    lambda: post(b'{"inputs":[{"age":' + b"[" * 900 + b"]" * 900 + b"}]}"),
    lambda: post(b'{"inputs":[' + b"0," * 1_000_000 + b"0]}"),
    lambda: post(json.dumps({"inputs": [{os.urandom(8).hex(): 1 for _ in range(1000)}]}).encode()),
    lambda: post(json.dumps({"inputs": [ROW | {"ticket": os.urandom(2000).hex()}]}).encode()),
    lambda: get("/" + os.urandom(5000).hex()),
    lambda: get(head=f"X-Request-ID: {os.urandom(60).hex()}\r\nX-{os.urandom(40).hex()}: a\r\n"),
    lambda: get(method="DELETE", path="/" + os.urandom(50).hex()),
    lambda: b"POST /predict HTTP/1.1\r\nContent-Length: 999999999\r\n\r\n",
    lambda: b"GARBAGE" + os.urandom(100) + b"\r\n\r\n",
    lambda: get(head="a: b\r\n" * 101),
]


@pytest.fixture
def traced() -> Iterator[None]:
    """Count what Python allocates."""
    tracemalloc.start()
    yield
    tracemalloc.stop()


def test_hostile_requests_leave_nothing_behind(traced: None, clocked: StartClocked) -> None:
    """Once garbage is collected, 480 requests of all bad kinds leave less than 256 bytes each."""
    server = clocked()

    def left_after_hostile_requests() -> int:
        for _ in range(40):
            for make in HOSTILE:
                exchange(server, make())
        server.forward(2 * LINGER)
        eventually(lambda: server.connections == 0)
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    before = left_after_hostile_requests()
    assert left_after_hostile_requests() - before < 480 * 256


@pytest.mark.faults
def test_hostile_requests_leave_no_memory_behind(
    server: Server, is_measured: bool, record_property: Callable[[str, object], None]
) -> None:
    """No body stays in the memory of the process: they come to 100 MiB and more, of which less than 64 may be seen."""
    times = 150 if is_measured else 40

    def resident_after_hostile_requests() -> int:
        for _ in range(times):
            for make in HOSTILE:
                exchange(server, make())
        return memory(server)

    with unharmed(server):
        before = resident_after_hostile_requests()
        more = resident_after_hostile_requests() - before
    assert more < 64 * 2**20
    record_property("figures", f"{times * len(HOSTILE)} hostile requests: memory {more / 2**20:+.0f} MiB")


def test_tiny_chunks_do_not_multiply_in_memory(traced: None, clocked: StartClocked) -> None:
    """Half a million bytes, two in each chunk, are held as what they are."""
    server = clocked()
    request = chunked([b"  "] * 250_000)
    with unharmed(server), Wire(server) as wire:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        wire.send(request)
        check_problem(wire.answer(), 422, "invalid_json")
        _, most = tracemalloc.get_traced_memory()
    assert most - before < 4 * 2**20


def predicts(server: Server) -> bool:
    """Tell whether a server answers the good row over a new connection, which it may also close."""
    try:
        with Wire(server) as wire:
            return b" 200 OK\r\n" in wire.send(post(head="Connection: close\r\n")).rest()
    except ConnectionError:
        return False


def test_more_connections_than_descriptors_are_survived(serve: Serve) -> None:
    """Where connections use up what the system gives, those that were there are served, and all as soon as some end."""
    server = serve()
    resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (128, 128))
    with Wire(server) as there, ExitStack() as stack:
        assert is_predicted(there.send(post()).answer())
        for _ in range(300):
            stack.enter_context(Wire(server)).send(HALF_HEAD)
        assert is_predicted(there.send(post()).answer())
    eventually(lambda: predicts(server))
    assert server.process.poll() is None
