"""How requests arrive: what HTTP allows, answered in order, whichever way a request takes."""

from __future__ import annotations

import http.client
import json
import socket
from contextlib import ExitStack, suppress
from functools import partial

import pytest
from clocked import Clocked, StartClocked
from conftest import ROW, Server
from heavy_requests import LARGE
from raw_http import (
    GOOD,
    Wire,
    check_problem,
    chunked,
    eventually,
    exchange,
    gauge,
    get,
    is_predicted,
    post,
    unharmed,
)

#: The good row twice, with so many spaces between that a thread works on them.
SPACED = b'{"inputs": [' + GOOD[len(b'{"inputs": [') : -2] + b"," + b" " * 40_000 + GOOD[len(b'{"inputs": [') :]


def test_requests_sent_at_once_are_answered_in_order(server: Server) -> None:
    """Predictions on the short way, on the usual way and in a thread, and probes between them, keep their order."""
    names = [f"request-{number}" for number in range(12)]
    requests = [
        post(head=f"X-Request-ID: {name}\r\n")
        if number % 3 == 0
        else get(head=f"X-Request-ID: {name}\r\n")
        if number % 3 == 1
        else post(SPACED, head=f"X-Request-ID: {name}\r\n")
        for number, name in enumerate(names)
    ]
    for first in range(3):
        with Wire(server) as wire:
            wire.send(b"".join(requests[first:]))
            answers = [wire.answer() for _ in requests[first:]]
        assert [answer.status for answer in answers] == [200] * len(answers)
        assert [answer.headers["x-request-id"] for answer in answers] == names[first:]


@pytest.mark.parametrize("step", [1, 7, 100])
def test_it_makes_no_difference_where_packets_end(server: Server, step: int) -> None:
    """Requests that arrive in pieces are answered like those that arrive whole."""
    data = post() + get() + chunked([GOOD[:9], GOOD[9:]]) + post()
    with Wire(server) as wire:
        for start in range(0, len(data), step):
            wire.send(data[start : start + step])
        answers = [wire.answer() for _ in range(4)]
    assert [answer.status for answer in answers] == [200] * 4
    assert answers[1].content["status"] == "ready"
    assert all(map(is_predicted, (answers[0], *answers[2:])))


@pytest.mark.slow
def test_heads_that_end_in_later_packets_are_measured_one_by_one(clocked: StartClocked) -> None:
    """Many requests in a row, each packet ending within a head, are not taken for one long head."""
    one = get(head="X-Filler: " + "x" * 1000 + "\r\n")
    data = one * 90
    server = clocked()
    with Wire(server) as wire:
        server.take(wire, data[:500])
        for start in range(500, len(data), 45 * len(one)):
            server.take(wire, data[start : start + 45 * len(one)])
        assert {wire.answer().status for _ in range(90)} == {200}


@pytest.mark.parametrize(
    "good", [post(), get(), post(SPACED), post() + get(), get() + post(), post(SPACED) + get() + post()]
)
@pytest.mark.parametrize(
    ("bad", "status"),
    [
        (b"GARBAGE\r\n\r\n", 400),
        (b"\0\0\0\0", 400),
        (b"POST /predict HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", 413),
        (chunked([b" " * 2**21, b" "]), 413),
        (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 101 + b"\r\n", 431),
    ],
    ids=["garbage", "zeros", "long", "long in chunks", "headers"],
)
def test_what_is_bad_is_refused_after_what_was_good_before_it(
    server: Server, good: bytes, bad: bytes, status: int
) -> None:
    """Good requests get their answers, then the bad one its own, then the connection ends."""
    with unharmed(server), Wire(server) as wire:
        wire.send(good + bad)
        for _ in range(good.count(b" HTTP/1.1\r\n")):
            assert wire.answer().status == 200
        answer = wire.answer()
        assert answer.status == status
        assert answer.headers["connection"] == "close"
        assert wire.rest() == b""


def test_half_a_request_after_a_good_one_waits_for_its_rest(server: Server) -> None:
    """The good one is answered at once; the other when it has come."""
    data = post()
    for half in (10, len(data) - len(GOOD), len(data) - 5):
        for first in (post(), get(), post(SPACED)):
            with Wire(server) as wire:
                assert wire.send(first + data[:half]).answer().status == 200
                assert is_predicted(wire.send(data[half:]).answer())


def test_a_client_that_leaves_with_half_a_request_behind_is_forgotten(server: Server) -> None:
    """Neither a good request nor the half of one stays in hand."""
    with unharmed(server):
        for first in (post(), get(), post(SPACED)):
            with Wire(server) as wire:
                wire.send(first + post()[:-5])
        eventually(lambda: gauge(server) in {None, 0.0})


def test_a_client_that_leaves_in_the_middle_of_a_large_body_gives_its_place_back(clocked: StartClocked) -> None:
    """As many as may arrive leave, and as many others find their places free."""
    server = clocked(limit_requests=4)
    for _ in range(2):
        with ExitStack() as stack:
            for _ in range(4):
                server.take(stack.enter_context(Wire(server)), post(LARGE)[:100_000])
            assert server.predictions.admission.arriving == 4
        eventually(lambda: server.connections == 0)
        assert server.predictions.admission.arriving == 0


def test_a_body_waits_for_100_continue(server: Server) -> None:
    """A client that asks before it sends its body is told to go on, on either way, and only once."""
    for path, version in (("/predict", "1.1"), ("/predict?", "1.1"), ("http://t/predict", "1.1")):
        request = post(head="Expect: 100-continue\r\n", path=path).replace(b"HTTP/1.1", f"HTTP/{version}".encode(), 1)
        with Wire(server) as wire:
            wire.send(request[: -len(GOOD)])
            assert wire.answer().status == 100
            assert is_predicted(wire.send(GOOD).answer())


def test_a_body_that_is_too_large_is_refused_before_100_continue(server: Server) -> None:
    """A client that asks first need not send what would be refused."""
    head = "Expect: 100-continue\r\nContent-Length: 3000000\r\n"
    request = f"POST /predict HTTP/1.1\r\nHost: t\r\n{head}\r\n".encode()
    assert check_problem(exchange(server, request), 413, "body_too_large")["limit"] == 2**21


def test_a_client_of_http_1_0_is_answered_and_the_connection_closed(server: Server) -> None:
    """A client of the older version finds the end of the reply at the end of the connection."""
    for request in (post(), get(), post(SPACED), post(head="Connection: keep-alive\r\n")):
        with Wire(server) as wire:
            answer = wire.send(request.replace(b"HTTP/1.1", b"HTTP/1.0", 1)).answer()
            assert answer.status == 200
            assert answer.headers["connection"] == "close"
            assert wire.rest() == b""


def test_a_client_that_asks_for_it_finds_the_connection_closed(server: Server) -> None:
    """Whatever follows the last request is not answered."""
    for request in (post(head="Connection: close\r\n"), get(head="Connection: close\r\n")):
        with Wire(server) as wire:
            answer = wire.send(request + get()).answer()
            assert answer.status == 200
            assert answer.headers["connection"] == "close"
            assert wire.rest() == b""


def test_a_connection_is_kept_for_further_requests(server: Server) -> None:
    """A client asks many times over one connection."""
    with Wire(server) as wire:
        for request in (post(), get(), post(SPACED), post(b"{}"), post()):
            assert wire.send(request).answer().headers.get("connection") is None


@pytest.mark.parametrize("path", ["/predict", "/health", "/nothing"])
def test_a_reply_to_head_has_no_body(server: Server, path: str) -> None:
    """A request by HEAD is followed by the next reply at once."""
    with Wire(server) as wire:
        wire.send(get(path, method="HEAD") + get())
        assert wire.answer(has_body=False).status in {200, 404, 405}
        assert wire.answer().content["status"] == "ready"


@pytest.mark.parametrize(
    "path", ["http://t/predict", "http://elsewhere:1/predict?explain=false", "/%70redict", "/predict?", "/predict#x"]
)
def test_an_unusual_spelling_of_the_path_is_the_same_path(server: Server, path: str) -> None:
    """An absolute form and percent-encoding take the usual way to the same answer."""
    assert is_predicted(exchange(server, post(path=path)))


@pytest.mark.parametrize(
    "request_",
    [
        chunked([bytes([byte]) for byte in GOOD]),
        chunked([GOOD]),
        chunked([GOOD[:50], GOOD[50:]]),
        chunked([GOOD], trailers=b"X-Checksum: 1\r\nContent-Encoding: gzip\r\nContent-Type: text/plain\r\n"),
        chunked([GOOD], head="Trailer: X-Checksum\r\n", trailers=b"X-Checksum: 1\r\n" * 99),
        chunked([GOOD]).replace(b"\r\n{", b';name=value;other="x"\r\n{', 1),
        chunked([GOOD]).replace(b"chunked", b"Chunked "),
    ],
    ids=["bytes", "one", "two", "trailers", "many trailers", "extension", "spelling"],
)
@pytest.mark.parametrize("path", [b"/predict", b"/%70redict"])
def test_a_body_in_chunks_is_a_body(server: Server, request_: bytes, path: bytes) -> None:
    """However it is cut, with extensions or trailers, which are no headers, it is the same request."""
    with Wire(server) as wire:
        wire.send(request_.replace(b"/predict", path) + get())
        assert is_predicted(wire.answer())
        assert wire.answer().status == 200


@pytest.mark.slow
@pytest.mark.parametrize("trailers", [b"x: y\r\n" * 101, b"X: " + b"y" * 400_000 + b"\r\n"], ids=["many", "long"])
@pytest.mark.parametrize("path", [b"/predict", b"/health", b"/%70redict"])
def test_trailers_have_limits(clocked: StartClocked, trailers: bytes, path: bytes) -> None:
    """What follows a body is held to what stands before it."""
    request = chunked([GOOD], trailers=trailers).replace(b"/predict", path)
    server = clocked()
    with unharmed(server), Wire(server) as wire:
        for start in range(0, len(request), 10_000):
            server.take(wire, request[start : start + 10_000])
        status = wire.answer().status
        assert status == 431 or (status == 405 and path == b"/health")  # where no body is read
        assert wire.rest() == b""


def test_an_endless_extension_of_a_chunk_is_refused(clocked: StartClocked) -> None:
    """What stands between chunks is no way to keep a server busy."""
    server = clocked()
    with Wire(server) as wire:
        server.take(wire, chunked([GOOD])[: -len(GOOD) - 9] + b";")
        for _ in range(20):
            server.take(wire, b"x" * 10_000)
        check_problem(wire.answer(), 431, "headers_too_large")


@pytest.mark.parametrize("protocol", ["h2c", "websocket", "TLS/1.2", "h2c, websocket"])
@pytest.mark.parametrize("first", [post, get])
def test_an_upgrade_is_left_undone(server: Server, protocol: str, first: object) -> None:
    """A client that offers another protocol is answered in this one, and so is what it sent behind."""
    head = f"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: {protocol}\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"
    request = post(head=head) if first is post else get(head=head)
    with unharmed(server), Wire(server) as wire:
        wire.send(request + post() + request + get())
        assert [wire.answer().status for _ in range(4)] == [200] * 4


def test_more_requests_at_once_than_a_client_needs_are_refused(server: Server) -> None:
    """Those that came first are answered, and then it is told that it asked for too much."""
    with unharmed(server), Wire(server) as wire:
        wire.send(get() * 5000)
        answers = [wire.answer().status]
        while answers[-1] == 200:
            answers.append(wire.answer().status)
        assert answers[-1] == 503
        assert 100 <= len(answers) < 200


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 20, 60, 99, 300, 5000])
def test_a_client_that_does_not_read_is_given_up(clocked: StartClocked, count: int) -> None:
    """Replies that nobody takes do not pile up: reading stops, and then the connection ends."""
    server = clocked(send_buffer=4096)
    with unharmed(server), Wire(server) as wire:
        wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        with suppress(OSError):  # it is closed, or nothing more is read
            wire.socket.settimeout(0.1)
            wire.send(get("/model") * count)
        eventually(lambda: server.seen.received > 0)
        server.forward(60)
        eventually(lambda: server.connections == 0)
    assert server.seen.most_unsent < 2**18


def is_settled(server: Clocked, asked: int) -> bool:
    """Tell whether so many requests are answered, or no more are read."""
    return server.state.total_requests == asked or not server.is_reading


@pytest.mark.slow
def test_a_client_that_does_not_read_is_not_read_from_either(clocked: StartClocked) -> None:
    """One that asks again before it reads its replies finds that nobody takes its requests, before many wait."""
    server = clocked(send_buffer=2**14)
    request = post(json.dumps({"inputs": [ROW] * 100}).encode())
    with Wire(server) as wire:
        wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**14)
        asked = 0
        while server.is_reading and asked < 40:
            wire.send(request)
            asked += 1
            eventually(partial(is_settled, server, asked))
        assert not server.is_reading
        for _ in range(asked):
            assert len(wire.answer().content["predictions"]) == 100
        assert is_predicted(wire.send(post()).answer())


@pytest.mark.slow
def test_a_reply_that_is_read_slowly_arrives_whole(clocked: StartClocked) -> None:
    """A client that takes its time with a large reply is not cut off while it reads."""
    server = clocked(send_buffer=2**14)
    with Wire(server) as wire:
        wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**14)
        wire.send(post(LARGE))
        for _ in range(6):  # each time more than the system holds between both ends
            wire.read(2**16)
            server.forward(9)
        assert server.unsent > 0
        assert len(wire.answer().content["predictions"]) == 5000


@pytest.mark.slow
def test_a_connection_without_a_request_is_closed_in_time(clocked: StartClocked) -> None:
    """It is kept for a while after a reply, and for as long as a request may take before the first."""
    server = clocked()
    with Wire(server) as fresh, Wire(server) as used:
        assert used.send(post()).answer().status == 200
        eventually(lambda: server.connections == 2)
        server.forward(4.9)
        assert server.connections == 2
        server.forward(0.2)
        assert server.connections == 1
        assert used.rest() == b""
        server.forward(4.6)
        assert server.connections == 1
        server.forward(0.3)
        assert server.connections == 0
        assert fresh.rest() == b""


def test_what_an_ordinary_client_sends_is_answered(server: Server) -> None:
    """A client of the standard library, which sends head and body apart, gets the same answer as any other."""
    client = http.client.HTTPConnection("127.0.0.1", server.port)
    for _ in range(3):
        client.request("POST", "/predict", GOOD, {"Content-Type": "application/json"})
        assert client.getresponse().read().startswith(b'{"predictions"')
    client.close()


def test_connections_that_end_in_every_state_leave_nothing(server: Server) -> None:
    """Whatever a client had sent when it left, nothing stays in hand."""
    data = post() + get() + post(SPACED) + chunked([GOOD])
    with unharmed(server):
        for length in range(0, len(data), 97):
            with Wire(server) as wire:
                wire.send(data[:length])
        eventually(lambda: gauge(server) in {None, 1.0, 0.0})


@pytest.mark.slow
def test_rows_have_the_same_answer_on_every_way(server: Server) -> None:
    """The short way, the usual way, a thread, and a turn with others give one answer, bit for bit."""
    with Wire(server) as wire:
        wire.send(post() + post() + post(path="/%70redict") + post(SPACED) + chunked([GOOD]))
        answers = [wire.answer().content["probabilities"] for _ in range(5)]
    assert answers[3][0] == answers[3][1]
    assert [answer[0] for answer in answers] == [answers[0][0]] * 5
    assert server.post(json={"inputs": [ROW]}).json()["probabilities"] == answers[0]
