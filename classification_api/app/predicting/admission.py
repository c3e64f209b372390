"""How many requests a worker has in hand, and how many arrive, against the limit; and whether it is about to end."""

from __future__ import annotations

from app.problem_details import Problem

_SOON = ((b"retry-after", b"1"),)


class Admission:
    """Counts requests for predictions, so that one more than the limit is refused rather than kept waiting.

    Parameters
    ----------
    most
        Most requests in hand, and most that arrive, at a time.

    Attributes
    ----------
    in_hand
        Number of requests that have arrived and are not answered.
    arriving
        Number of large requests that have arrived in part.
    is_ending
        Whether the server was told to stop: connections that come from then on end with their first reply.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self.in_hand = 0
        self.arriving = 0
        self.is_ending = False

    def enter(self) -> bool:
        """Count a request that has arrived, until `leave`; return whether there is room for it."""
        self.in_hand += 1
        return self.in_hand <= self._most

    def leave(self) -> None:
        """Count a request that has its reply no longer."""
        self.in_hand -= 1

    def begin_arriving(self) -> None:
        """Count a request of which a part has arrived, until `end_arriving`.

        Raises
        ------
        Problem
            If as many arrive as may; it is not counted then.
        """
        if self.arriving >= self._most:
            raise self.overloaded()
        self.arriving += 1

    def end_arriving(self) -> None:
        """Count a request no longer that has arrived whole, or never will."""
        self.arriving -= 1

    def overloaded(self) -> Problem:
        """Return the 503 for a request beyond the limit."""
        detail = f"expected fewer requests at once, found {self._most}"
        remedy = "try again after the seconds in Retry-After"
        return Problem("overloaded", detail, limit=self._most, remedy=remedy, headers=_SOON)

    @staticmethod
    def too_late() -> Problem:
        """Return the 503 for a request that is still to be begun when the server ends."""
        return Problem("overloaded", "the server ends before the work could begin", headers=_SOON)
