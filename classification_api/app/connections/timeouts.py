"""How long a client is waited for."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from time import perf_counter
from typing import TYPE_CHECKING

from app.problem_details import Problem

if TYPE_CHECKING:
    import asyncio

#: How long the rest of a request is waited for once the server is told to stop, in seconds.
LONGEST_END = 5.0
_TICK, _MARGIN = 0.1, 0.15


class Patience:
    """Measures the time that the client of one connection takes.

    Parameters
    ----------
    loop
        Event loop that tells when to look.
    receive_seconds
        Longest time in which a request must have arrived, and something of a reply must have been read.
    idle_seconds
        How long a connection is kept without a request.

    Attributes
    ----------
    since
        From when on the client's time counts, as of `time.perf_counter`, in seconds.
    end_by
        Until when the rest of a request is waited for once the server is told to stop, likewise; infinite before.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, receive_seconds: float, idle_seconds: float) -> None:
        self._loop = loop
        self._receive_seconds = receive_seconds
        self._idle_seconds = idle_seconds
        self.since = perf_counter()
        self.end_by = inf
        self._unsent, self._unsent_since = 0, 0.0
        self._timer: asyncio.TimerHandle | None = None

    def look_later(self, look: Callable[[], None]) -> None:
        """Have it called after a while, unless `stop` comes first."""
        self._timer = self._loop.call_later(_TICK, look)

    def stop(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def end_soon(self) -> None:
        """Be told that the server is to stop."""
        self.end_by = perf_counter() + LONGEST_END

    def is_over(self) -> bool:
        """Tell whether a client had as long as a request may take, or need not be waited for."""
        return self.end_by < inf or perf_counter() - self.since > self._receive_seconds

    def is_over_for_rest(self) -> bool:
        """Tell whether the rest of a request is late, early enough that the client is told within its time."""
        now = perf_counter()
        return now - self.since > self._receive_seconds - _MARGIN or now > self.end_by

    def is_over_for_more(self) -> bool:
        """Tell whether a client that sends one request after the other had its time, once the server is to stop."""
        return perf_counter() > self.end_by

    def is_over_for_request(self, *, is_first: bool) -> bool:
        """Tell whether a connection was kept long enough without a request."""
        longest = self._receive_seconds - _MARGIN if is_first else self._idle_seconds
        return perf_counter() - self.since > longest

    def is_over_for_reading(self, unsent: int) -> bool:
        """Tell whether for too long nothing of a reply was read, seen by how many bytes of it are not sent."""
        now = perf_counter()
        if not unsent or unsent != self._unsent:
            self._unsent, self._unsent_since = unsent, now
        return now - self._unsent_since > self._receive_seconds

    def problem(self) -> Problem:
        """Return what a client is told whose request is late."""
        seconds = self._receive_seconds
        detail = f"expected the whole request within {seconds:g} s, found a part of it"
        return Problem("receive_timeout", detail, limit=seconds)
