"""A reply as bytes, and the end of a connection whose client is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from app.connections.refusals import LINGER, Refusal
from app.connections.replies import written
from app.predicting.calls import Reply
from app.problem_details import Problem

SERVER = ((b"date", b"today"), (b"server", b"uvicorn"))


def test_a_reply_has_its_status_its_headers_and_its_body() -> None:
    """Those of the server stand before its own."""
    reply = Reply(404, b"{}", b"application/json", ((b"retry-after", b"1"), (b"allow", b"GET")), b"name")
    assert written(reply, SERVER, keep_alive=True) == (
        b"HTTP/1.1 404 Not Found\r\ncontent-type: application/json\r\ncontent-length: 2\r\n"
        b"x-request-id: name\r\ndate: today\r\nserver: uvicorn\r\nretry-after: 1\r\nallow: GET\r\n\r\n{}"
    )


def test_the_last_reply_of_a_connection_says_so() -> None:
    """Without headers of its own, those of the server are the last before it."""
    reply = Reply(200, b"", b"text/plain", (), b"name")
    assert written(reply, SERVER[:1], keep_alive=False) == (
        b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 0\r\n"
        b"x-request-id: name\r\ndate: today\r\nconnection: close\r\n\r\n"
    )


class Ending:
    """Stands for an event loop, a transport, its flow and the patience with its client, and notes what is asked."""

    def __init__(self, *, can_write_eof: bool = True) -> None:
        self.done: list[str] = []
        self.due: list[tuple[float, Callable[[], None]]] = []
        self.has_eof = can_write_eof
        self.closing = False
        self.over = False

    def call_later(self, seconds: float, work: Callable[[], None]) -> None:
        """Note what is due."""
        self.due.append((seconds, work))

    def is_closing(self) -> bool:
        """Tell whether the connection ends."""
        return self.closing

    def can_write_eof(self) -> bool:
        """Tell whether the reply can be ended before the connection, as TLS cannot."""
        return self.has_eof

    def write_eof(self) -> None:
        """End the reply."""
        self.done.append("end of the reply")

    def resume_reading(self) -> None:
        """Read on."""
        self.done.append("reading")

    def close(self) -> None:
        """End the connection."""
        self.done.append("closed")

    def is_over(self) -> bool:
        """Tell whether the client had its time."""
        return self.over

    def wait(self) -> None:
        """Let the time of one wait pass."""
        ((seconds, work),) = self.due
        assert seconds == LINGER
        self.due.clear()
        work()


@pytest.fixture
def refusal() -> Refusal:
    return Refusal(Problem("bad_request", "expected HTTP/1.1, found something else"))


def lingering(refusal: Refusal, **options: Any) -> Ending:
    """Begin to end a connection."""
    ending: Any = Ending(**options)
    refusal.linger(ending, ending, ending, ending)
    found: Ending = ending
    return found


def test_a_refused_client_has_time_to_read_why(refusal: Refusal) -> None:
    """What it still sends is read for a while, then the connection is closed."""
    ending = lingering(refusal)
    assert ending.done == ["end of the reply", "reading"]
    ending.wait()
    assert ending.done[2:] == ["closed"]
    assert not ending.due
    assert lingering(refusal, can_write_eof=False).done == ["reading"]


def test_a_refused_client_that_goes_on_sending_is_read_from_until_its_time_is_over(refusal: Refusal) -> None:
    """Each wait in which it sent something is followed by another one."""
    ending = lingering(refusal)
    for _ in range(3):
        refusal.hear()
        ending.wait()
    assert "closed" not in ending.done
    refusal.hear()
    ending.over = True
    ending.wait()
    assert ending.done[2:] == ["closed"]


def test_a_refused_client_that_pauses_is_left(refusal: Refusal) -> None:
    """What it sent in an earlier wait does not count."""
    ending = lingering(refusal)
    refusal.hear()
    ending.wait()
    ending.wait()
    assert ending.done[2:] == ["closed"]


def test_a_connection_that_ends_anyway_is_left_alone(refusal: Refusal) -> None:
    """Nothing is asked of it; where it begins to end meanwhile, nothing more is waited for."""
    gone: Any = Ending()
    gone.closing = True
    refusal.linger(gone, gone, gone, gone)
    assert (gone.done, gone.due) == ([], [])
    ending = lingering(refusal)
    refusal.hear()
    ending.closing = True
    ending.wait()
    assert not ending.due
