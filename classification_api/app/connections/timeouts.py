"""The timeouts of a connection."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from time import perf_counter
from typing import TYPE_CHECKING

from app.problem_details import Problem

if TYPE_CHECKING:
    import asyncio

#: Seconds to wait for the rest of a request after a shutdown signal.
LONGEST_END = 5.0
_TICK, _MARGIN = 0.1, 0.15


class Patience:
    """The timeouts of one connection.

    Parameters
    ----------
    loop
        Event loop that schedules the checks.
    receive_seconds
        Seconds within which a request must arrive, and within which a client must read a part of its reply.
    idle_seconds
        Seconds that an idle connection stays open.

    Attributes
    ----------
    since
        Start of the current timeout, in seconds of `time.perf_counter`.
    end_by
        Shutdown deadline for the rest of a request, in seconds of `time.perf_counter`; infinite until shutdown.
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
        """Schedule the next check: call ``look`` after a tick."""
        self._timer = self._loop.call_later(_TICK, look)

    def stop(self) -> None:
        """Cancel the next check."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def end_soon(self) -> None:
        """Start the shutdown deadline."""
        self.end_by = perf_counter() + LONGEST_END

    def is_over(self) -> bool:
        """Return whether the receive timeout has passed, or the server is shutting down."""
        return self.end_by < inf or perf_counter() - self.since > self._receive_seconds

    def is_over_for_rest(self) -> bool:
        """Return whether the rest of a request is late; true slightly early, so that the reply is sent in time."""
        now = perf_counter()
        return now - self.since > self._receive_seconds - _MARGIN or now > self.end_by

    def is_over_for_more(self) -> bool:
        """Return whether the shutdown deadline has passed, after which no further request is waited for."""
        return perf_counter() > self.end_by

    def is_over_for_request(self, *, is_first: bool) -> bool:
        """Return whether an idle connection has timed out."""
        longest = self._receive_seconds - _MARGIN if is_first else self._idle_seconds
        return perf_counter() - self.since > longest

    def is_over_for_reading(self, unsent: int) -> bool:
        """Return whether the client has read nothing of its reply for too long.

        Parameters
        ----------
        unsent
            Bytes in the write buffer; a change shows that the client reads.
        """
        now = perf_counter()
        if not unsent or unsent != self._unsent:
            self._unsent, self._unsent_since = unsent, now
        return now - self._unsent_since > self._receive_seconds

    def problem(self) -> Problem:
        """Return the 408 for a late request."""
        seconds = self._receive_seconds
        detail = f"expected the whole request within {seconds:g} s, found only a part"
        return Problem("receive_timeout", detail, limit=seconds)
