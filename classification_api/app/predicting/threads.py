"""Threads for work that would block the event loop: one for large requests, one for explanations."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from app.predicting.calls import Call

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

    from app.dialects import Written
    from app.predicting.calls import Finish


class Threads:
    """Runs large requests in one thread and explanations in another, each in order.

    Neither kind waits for the other. More threads would only compete for the interpreter lock.

    Parameters
    ----------
    loop
        Event loop in whose thread requests are finished.
    finish
        Called in that thread with the outcome of each request.
    """

    def __init__(self, loop: AbstractEventLoop, finish: Finish) -> None:
        self._loop = loop
        self._finish = finish
        self._large = ThreadPoolExecutor(1, thread_name_prefix="large-request")
        self._explanations = ThreadPoolExecutor(1, thread_name_prefix="explanation")
        self._waiting: dict[Call, Future[None]] = {}

    def submit(self, call: Call, work: Callable[[], None], *, explains: bool) -> None:
        """Queue the work of a request.

        Parameters
        ----------
        call
            The request.
        work
            Function that runs in a thread, calls `hand_on` at its end, and never raises.
        explains
            Whether the work is an explanation.
        """
        self._waiting[call] = (self._explanations if explains else self._large).submit(work)

    def hand_on(self, call: Call, outcome: Written | Exception, rows: int = 0, version: str | None = None) -> None:
        """Finish a request from a thread; see `Finish`."""
        self._loop.call_soon_threadsafe(self._end, call, outcome, rows, version)

    def _end(self, call: Call, outcome: Written | Exception, rows: int, version: str | None) -> None:
        self._waiting.pop(call, None)
        self._finish(call, outcome, rows, version)

    def give_up_waiting(self) -> list[Call]:
        """Cancel all work that has not started, and return its requests."""
        given_up = [call for call, future in self._waiting.items() if future.cancel()]
        for call in given_up:
            del self._waiting[call]
        return given_up

    def close(self) -> None:
        """Stop the threads without waiting for them."""
        for executor in (self._large, self._explanations):
            executor.shutdown(wait=False, cancel_futures=True)
