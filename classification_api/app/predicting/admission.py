"""Limit the prediction requests that a worker handles at once."""

from __future__ import annotations

from app.problem_details import Problem

_SOON = ((b"retry-after", b"1"),)


class Admission:
    """Counts prediction requests, so that those beyond the limit are refused instead of queued.

    Parameters
    ----------
    most
        Most requests in progress, and most large requests being received, at a time.

    Attributes
    ----------
    in_hand
        Number of requests received and not yet answered.
    arriving
        Number of large requests being received.
    is_ending
        Whether the server is shutting down; a new connection then closes after its first reply.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self.in_hand = 0
        self.arriving = 0
        self.is_ending = False

    def enter(self) -> bool:
        """Count a received request until `leave`, and return whether it is within the limit."""
        self.in_hand += 1
        return self.in_hand <= self._most

    def leave(self) -> None:
        """Stop counting a request that has been answered."""
        self.in_hand -= 1

    def begin_arriving(self) -> None:
        """Count a request being received, until `end_arriving`.

        Raises
        ------
        Problem
            If the limit is reached; the request is then not counted.
        """
        if self.arriving >= self._most:
            raise self.overloaded()
        self.arriving += 1

    def end_arriving(self) -> None:
        """Stop counting a request being received: it is complete or abandoned."""
        self.arriving -= 1

    def overloaded(self) -> Problem:
        """Return the 503 for a request beyond the limit."""
        detail = f"expected at most {self._most} requests at once, found more"
        remedy = "retry after the seconds in Retry-After"
        return Problem("overloaded", detail, limit=self._most, remedy=remedy, headers=_SOON)

    @staticmethod
    def too_late() -> Problem:
        """Return the 503 for a request that was not started before the server shuts down."""
        return Problem("overloaded", "the server is shutting down and did not start the request", headers=_SOON)

    @staticmethod
    def draining() -> Problem:
        """Return the 503 for a health check after the server was told to stop."""
        detail = "the server is shutting down, and still answers requests for a while"
        return Problem("overloaded", detail, remedy="send further requests to another server", headers=_SOON)
