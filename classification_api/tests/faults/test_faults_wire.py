"""Rows 7, 8, 12 and 13 of docs/faults.md: what is wrong with a request as HTTP, or too much of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress

import pytest
from conftest import Server
from raw_http import (
    GOOD,
    JSON,
    Answer,
    Wire,
    check_problem,
    chunked,
    exchange,
    get,
    is_predicted,
    memory,
    post,
    unharmed,
)

LIMIT = 2 * 2**20
MIB = 2**20


@pytest.fixture(autouse=True)
def _same_afterwards(server: Server) -> Iterator[None]:
    with unharmed(server):
        yield


def padded(size: int) -> bytes:
    """Return the good body with as many spaces as make it so long."""
    return GOOD[:-1] + b" " * (size - len(GOOD)) + b"}"


def only_answer(server: Server, data: bytes, then: bytes = b"") -> Answer:
    """Return the reply to bytes that must be the last one of its connection."""
    with Wire(server) as wire:
        answer = wire.send(data).answer()
        with suppress(ConnectionError):
            wire.send(then)
        assert wire.rest() == b""
        return answer


@pytest.mark.slow
@pytest.mark.parametrize("zeros", [2_000_000, 1_000_000], ids=["beyond the limit", "within the limit"])
@pytest.mark.parametrize(
    ("start", "end"),
    [('{"inputs":[', "]}"), ('{"inputs":[{"age":[', "]}]}"), ('{"inputs":[{}],"index":[', "]}"), ("[", "]")],
    ids=["inputs", "age", "index", "all"],
)
def test_row_7_an_array_of_zeros_is_refused(server: Server, zeros: int, start: str, end: str) -> None:
    """A flood of numbers is refused while it arrives or before it is parsed, and costs little memory."""
    before = memory(server)
    body = f"{start}{'0,' * (zeros - 1)}0{end}".encode()
    check_problem(exchange(server, post(body)), 413, "body_too_large" if len(body) > LIMIT else "too_many_values")
    assert memory(server) - before < 200 * MIB


@pytest.mark.parametrize("size", [LIMIT - 1, LIMIT])
def test_row_8_a_body_up_to_the_limit_is_answered(server: Server, size: int) -> None:
    """The limit itself is allowed, however the body is sent."""
    body = padded(size)
    assert len(body) == size
    assert is_predicted(exchange(server, post(body)))
    assert is_predicted(exchange(server, chunked([body[:-7], body[-7:]])))
    assert is_predicted(exchange(server, post(body, path="/%70redict")))


@pytest.mark.parametrize("path", ["/predict", "/%70redict", "/invocations"])
def test_row_8_a_body_beyond_the_limit_is_refused(server: Server, path: str) -> None:
    """One byte more is too much, whether its length was declared or not."""
    body = padded(LIMIT + 1)
    in_chunks = chunked([body]).replace(b"/predict", path.encode())
    for request in (post(body, path=path), in_chunks):
        found = check_problem(only_answer(server, request), 413, "body_too_large")
        assert found["limit"] == LIMIT


@pytest.mark.parametrize("declared", [True, False])
def test_row_8_a_body_beyond_the_limit_is_not_kept(server: Server, declared: bool) -> None:
    """A client that sends 100 MiB reads its 413, and the server holds no more than the limit of it."""
    block = b" " * MIB
    head = "Content-Length: 104857600\r\n" if declared else "Transfer-Encoding: chunked\r\n"
    before = memory(server, "VmHWM")
    with Wire(server) as wire:
        wire.send(f"POST /predict HTTP/1.1\r\nHost: t\r\n{JSON}{head}\r\n".encode())
        for _ in range(100):
            wire.send(block if declared else b"%x\r\n%b\r\n" % (len(block), block))
        check_problem(wire.answer(), 413, "body_too_large")
    assert memory(server, "VmHWM") - before < 16 * MIB


def test_row_8_a_content_length_that_says_too_little_ends_the_body(server: Server) -> None:
    """The bytes beyond it are no request, and are told so once."""
    request = post().replace(b"Content-Length: %d" % len(GOOD), b"Content-Length: %d" % (len(GOOD) - 1))
    with Wire(server) as wire:
        check_problem(wire.send(request).answer(), 422, "invalid_json")
        check_problem(wire.answer(), 400, "bad_request")
        assert wire.rest() == b""


def test_row_8_without_a_length_there_is_no_body(server: Server) -> None:
    """A request that announces no body has none."""
    request = f"POST /predict HTTP/1.1\r\nHost: t\r\n{JSON}\r\n".encode()
    check_problem(exchange(server, request), 422, "invalid_json")


@pytest.mark.parametrize(
    "length", ["9" * 5000, "+5", "5,5", "-5", "0x5", "5 5", "", "5.0", "five", "18446744073709551616", "\u00b2"]
)
def test_row_8_a_content_length_that_is_none_is_refused(server: Server, length: str) -> None:
    """Digits alone, and no more than can be meant, are a length."""
    request = f"POST /predict HTTP/1.1\r\nHost: t\r\nContent-Length: {length}\r\n\r\n".encode("latin-1") + b"12345"
    check_problem(only_answer(server, request, get()), 400, "bad_request")


@pytest.mark.parametrize("length", [LIMIT + 1, 2**31, 2**63, 2**64 - 1])
def test_row_8_a_content_length_beyond_the_limit_is_refused_before_the_body(server: Server, length: int) -> None:
    """What is announced as too large is not waited for."""
    request = f"POST /predict HTTP/1.1\r\nHost: t\r\nContent-Length: {length}\r\n\r\n".encode()
    check_problem(only_answer(server, request, get()), 413, "body_too_large")


HEAD = "POST /predict HTTP/1.1\r\nHost: t\r\n" + JSON
AMBIGUOUS = {
    "length, then chunked": f"{HEAD}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked, then length": f"{HEAD}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "two lengths": f"{HEAD}Content-Length: 5\r\nContent-Length: 6\r\n\r\n123456",
    "one length twice": f"{HEAD}Content-Length: 5\r\nContent-Length: 5\r\n\r\n12345",
    "chunked twice": f"{HEAD}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked before another": f"{HEAD}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "almost chunked": f"{HEAD}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "vertical tab": f"{HEAD}Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
    "space before the colon": f"{HEAD}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "length with a space before the colon": f"{HEAD}Content-Length : 5\r\n\r\n12345",
    "folded header": f"{HEAD}X: a\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "line feeds alone": f"{HEAD}Content-Length: 5\n\n12345".replace("\r", ""),
    "carriage return in a value": f"{HEAD}X: a\rContent-Length: 5\r\n\r\n",
    "NUL in a value": f"{HEAD}X: a\0b\r\n\r\n",
    "NUL in a name": f"{HEAD}X\0: a\r\n\r\n",
    "NUL in the path": "GET /he\0alth HTTP/1.1\r\n\r\n",
    "bad chunk end": f"{HEAD}Transfer-Encoding: chunked\r\n\r\n5\r\n12345XX0\r\n\r\n",
    "long chunk end": f"{HEAD}Transfer-Encoding: chunked\r\n\r\n5\r\n123456\r\n0\r\n\r\n",
    "chunk size with a space": f"{HEAD}Transfer-Encoding: chunked\r\n\r\n5 \r\n12345\r\n0\r\n\r\n",
    "chunk size with a sign": f"{HEAD}Transfer-Encoding: chunked\r\n\r\n+5\r\n12345\r\n0\r\n\r\n",
    "chunk size with 0x": f"{HEAD}Transfer-Encoding: chunked\r\n\r\n0x5\r\n12345\r\n0\r\n\r\n",
    "chunk size of 17 digits": f"{HEAD}Transfer-Encoding: chunked\r\n\r\n{'1' * 17}\r\n12345\r\n0\r\n\r\n",
    "chunk size with a line feed": f"{HEAD}Transfer-Encoding: chunked\r\n\r\n5\n12345\r\n0\r\n\r\n",
    "no chunk size": f"{HEAD}Transfer-Encoding: chunked\r\n\r\n\r\n12345\r\n0\r\n\r\n",
    "unknown method": "FETCH /health HTTP/1.1\r\n\r\n",
    "small letters": "get /health HTTP/1.1\r\n\r\n",
    "unknown version": "GET /health HTTP/1.7\r\n\r\n",
    "words after the version": "GET /health HTTP/1.1 x\r\n\r\n",
    "HTTP/2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "tunnel": "CONNECT elsewhere:443 HTTP/1.1\r\n\r\n",
    "TLS": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "zeros": "\0" * 100,
    "path not of ASCII": "GET /\xff HTTP/1.1\r\n\r\n",
}


@pytest.mark.parametrize("data", AMBIGUOUS.values(), ids=AMBIGUOUS.keys())
def test_row_12_what_can_be_read_in_two_ways_is_answered_once_and_closed(server: Server, data: str) -> None:
    """A request whose end is in doubt gets one reply, and nothing behind it is taken for another request."""
    check_problem(only_answer(server, data.encode("latin-1") + get() + post()), 400, "bad_request")


@pytest.mark.parametrize("data", AMBIGUOUS.values(), ids=AMBIGUOUS.keys())
def test_row_12_it_is_the_same_where_it_arrives_byte_by_byte_behind_a_good_one(server: Server, data: str) -> None:
    """A good request before it is answered, and packets that end anywhere change nothing."""
    with Wire(server) as wire:
        assert is_predicted(wire.send(post()).answer())
        for byte in data.encode("latin-1"):
            try:
                wire.send(bytes([byte]))
            except ConnectionError:
                break
        check_problem(wire.answer(), 400, "bad_request")
        assert wire.rest() == b""


def test_row_12_an_answer_before_the_body_is_the_only_one(server: Server) -> None:
    """Where a request was answered before its body came, a bad body ends the connection without another reply."""
    with Wire(server) as wire:
        request = chunked([GOOD]).replace(b"/predict", b"/nothing").replace(b"\r\n0\r\n\r\n", b"XX0\r\n\r\n")
        wire.send(request[:-60])
        check_problem(wire.answer(), 404, "not_found")
        wire.send(request[-60:] + get())
        assert wire.rest() == b""


@pytest.mark.parametrize("coding", ["gzip, chunked", "deflate, chunked", "gzip,chunked", "identity, chunked"])
def test_row_10_a_transfer_coding_besides_chunked_is_refused(server: Server, coding: str) -> None:
    """A body that was compressed on its way is refused like one that was before."""
    request = chunked([GOOD]).replace(b"Transfer-Encoding: chunked", f"Transfer-Encoding: {coding}".encode())
    check_problem(only_answer(server, request, get()), 415, "unsupported_encoding")


def test_row_13_a_header_of_10_mb_is_refused(server: Server) -> None:
    """A header without an end is refused long before it has come, and takes no memory."""
    before = memory(server, "VmHWM")
    with Wire(server) as wire:
        wire.send(b"GET /health HTTP/1.1\r\nX: ")
        with suppress(ConnectionError):
            for _ in range(100):
                wire.send(b"x" * 100_000)
        check_problem(wire.answer(), 431, "headers_too_large")
    assert memory(server, "VmHWM") - before < 8 * MIB


@pytest.mark.parametrize("path", ["/health", "/predict"])
@pytest.mark.parametrize("count", [101, 10_000])
def test_row_13_too_many_headers_are_refused(server: Server, path: str, count: int) -> None:
    """More than a hundred headers are no request."""
    request = get(path, "".join(f"X{number}: a\r\n" for number in range(count)))
    check_problem(only_answer(server, request), 431, "headers_too_large")


def test_row_13_a_hundred_headers_are_answered(server: Server) -> None:
    """The limit itself is allowed."""
    assert exchange(server, get(head="a: b\r\n" * 99)).status == 200
    assert is_predicted(exchange(server, post(head="a: b\r\n" * 97)))


@pytest.mark.parametrize("where", ["header", "name", "path", "query"])
def test_row_13_a_long_head_is_refused_wherever_it_is_long(server: Server, where: str) -> None:
    """The first line and the names of headers count like their values; 32 KiB are allowed."""
    for size, expected in ((30_000, {200, 404}), (40_000, {431}), (300_000, {431})):
        filler = "x" * size
        request = {
            "header": get(head=f"X: {filler}\r\n"),
            "name": get(head=f"{filler}: x\r\n"),
            "path": get(f"/{filler}"),
            "query": get(f"/health?{filler}"),
        }[where]
        assert exchange(server, request).status in expected


def test_a_request_that_hides_another_in_its_body_is_one_request(server: Server) -> None:
    """What stands in a body is never taken for a request of its own."""
    hidden = get("/model")
    for request in (post(hidden), chunked([hidden]), post(hidden, head="Connection: Upgrade\r\nUpgrade: h2c\r\n")):
        with Wire(server) as wire:
            wire.send(request + get())
            check_problem(wire.answer(), 422, "invalid_json")
            assert json.loads(wire.answer().body)["status"] == "ready"
