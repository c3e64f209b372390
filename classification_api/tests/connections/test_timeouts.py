"""Patience: each kind of waiting ends when its time is over, and no earlier."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Any

import pytest

from app.connections.timeouts import LONGEST_END, Patience

#: Longest times of the tests, in seconds. Powers of two add up without rounding.
RECEIVE, IDLE = 16.0, 8.0
#: How much earlier than its time a client is told that its request is late, in seconds.
MARGIN = 0.15


@dataclass
class Time:
    """What stands for `time.perf_counter`."""

    now: float = 1024.0

    def __call__(self) -> float:
        """Return it."""
        return self.now


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    found = Time()
    monkeypatch.setattr("app.connections.timeouts.perf_counter", found)
    return found


class Timer:
    """What an event loop gives for a call that is due later."""

    def __init__(self) -> None:
        self.is_cancelled = False

    def cancel(self) -> None:
        """Keep the call from being made."""
        self.is_cancelled = True


class Loop:
    """An event loop that only notes what is due."""

    def __init__(self) -> None:
        self.due: list[tuple[float, Callable[[], None], Timer]] = []

    def call_later(self, seconds: float, work: Callable[[], None]) -> Timer:
        """Note a call."""
        timer = Timer()
        self.due.append((seconds, work, timer))
        return timer


@pytest.fixture
def loop() -> Any:
    return Loop()


@pytest.fixture
def patience(time: Time, loop: Any) -> Patience:
    return Patience(loop, RECEIVE, IDLE)


def test_a_request_has_its_time_and_no_more(patience: Patience, time: Time) -> None:
    """It begins anew with `since`."""
    time.now += RECEIVE
    assert not patience.is_over()
    time.now += 0.01
    assert patience.is_over()
    patience.since = time.now
    assert not patience.is_over()


def test_the_rest_of_a_request_is_late_a_little_before_its_time(patience: Patience, time: Time) -> None:
    """So that the client is told within it."""
    time.now += RECEIVE - MARGIN - 0.01
    assert not patience.is_over_for_rest()
    time.now += 0.02
    assert patience.is_over_for_rest()


def test_once_the_server_is_to_stop_nobody_is_waited_for_long(patience: Patience, time: Time) -> None:
    """The rest of a request has a few seconds, and a client that asks on and on too; one that is refused has none."""
    assert patience.end_by == inf
    assert not patience.is_over_for_more()
    patience.end_soon()
    assert patience.end_by == time.now + LONGEST_END
    assert patience.is_over()
    time.now += LONGEST_END
    assert not patience.is_over_for_rest()
    assert not patience.is_over_for_more()
    time.now += 0.01
    assert patience.is_over_for_rest()
    assert patience.is_over_for_more()


@pytest.mark.parametrize(("is_first", "longest"), [(True, RECEIVE - MARGIN), (False, IDLE)])
def test_a_connection_is_kept_for_its_time_without_a_request(
    patience: Patience, time: Time, is_first: bool, longest: float
) -> None:
    """Before the first request it has the time for one, afterwards the time to be idle."""
    time.now += longest - 0.01
    assert not patience.is_over_for_request(is_first=is_first)
    time.now += 0.02
    assert patience.is_over_for_request(is_first=is_first)


def test_a_client_that_reads_nothing_of_a_reply_is_given_up_in_time(patience: Patience, time: Time) -> None:
    """The same number of bytes unsent for as long as a request may take is too long."""
    assert not patience.is_over_for_reading(100)
    time.now += RECEIVE
    assert not patience.is_over_for_reading(100)
    time.now += 0.01
    assert patience.is_over_for_reading(100)


def test_a_client_that_reads_something_of_a_reply_has_its_time_anew(patience: Patience, time: Time) -> None:
    """However slowly it reads, it is waited for; what one reply took does not count for the next."""
    for unsent in (100, 99, 1, 0, 0, 100, 200):
        assert not patience.is_over_for_reading(unsent)
        time.now += RECEIVE
        assert not patience.is_over_for_reading(unsent)
    time.now += 0.01
    assert patience.is_over_for_reading(200)


def test_a_client_that_has_read_everything_is_not_given_up(patience: Patience, time: Time) -> None:
    """Where nothing is unsent, there is nothing to read."""
    for _ in range(3):
        assert not patience.is_over_for_reading(0)
        time.now += 10 * RECEIVE


def test_it_looks_later_unless_it_is_stopped(patience: Patience, loop: Any) -> None:
    """It is soon enough for the margin, and stopping twice does no harm."""

    def look() -> None:
        pass

    patience.stop()
    patience.look_later(look)
    ((seconds, work, timer),) = loop.due
    assert 0 < seconds < MARGIN
    assert work is look
    assert not timer.is_cancelled
    patience.stop()
    assert timer.is_cancelled
    timer.is_cancelled = False
    patience.stop()
    assert not timer.is_cancelled


def test_a_late_client_learns_its_time(loop: Any) -> None:
    """The refusal says the limit in seconds, as the setting does."""
    problem = Patience(loop, 2.5, IDLE).problem()
    assert (problem.status, problem.code) == (408, "receive_timeout")
    assert problem.detail == "expected the whole request within 2.5 s, found only a part"
    assert problem.members == {"limit": 2.5}
