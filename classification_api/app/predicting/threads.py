"""Work that takes longer than a turn of the event loop: large requests, and explanations, each kind in a thread."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from app.predicting.calls import Call

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

#: What work comes to.
T = TypeVar("T")


class Threads:
    """Does work in order, explanations beside large requests so that neither waits for the other.

    More threads would only wait for each other: Python runs one at a time.

    Parameters
    ----------
    loop
        Event loop in whose thread outcomes are handed on.
    """

    def __init__(self, loop: AbstractEventLoop) -> None:
        self._loop = loop
        self._large = ThreadPoolExecutor(1, thread_name_prefix="large-request")
        self._explanations = ThreadPoolExecutor(1, thread_name_prefix="explanation")
        self._waiting: dict[Call, Future[None]] = {}

    def submit(self, call: Call, work: Callable[[], T], finish: Callable[[Call, T], None], *, explains: bool) -> None:
        """Do the work of a request.

        Parameters
        ----------
        call
            The request.
        work
            Runs in a thread; never raises.
        finish
            Takes what the work came to, in the thread of the event loop.
        explains
            Whether the work is an explanation.
        """

        def run() -> None:
            outcome = work()
            self._loop.call_soon_threadsafe(self._hand_on, call, outcome, finish)

        self._waiting[call] = (self._explanations if explains else self._large).submit(run)

    def _hand_on(self, call: Call, outcome: T, finish: Callable[[Call, T], None]) -> None:
        del self._waiting[call]
        finish(call, outcome)

    def give_up_waiting(self) -> list[Call]:
        """Return the requests whose work has not begun; it never will."""
        given_up = [call for call, future in self._waiting.items() if future.cancel()]
        for call in given_up:
            del self._waiting[call]
        return given_up

    def close(self) -> None:
        """End the threads, without waiting for them."""
        for executor in (self._large, self._explanations):
            executor.shutdown(wait=False, cancel_futures=True)
