"""Work that takes longer than a turn of the event loop: large requests, and explanations, each kind in a thread."""

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
    """Does work in order, explanations beside large requests so that neither waits for the other.

    More threads would only wait for each other: Python runs one at a time.

    Parameters
    ----------
    loop
        Event loop in whose thread requests are finished.
    finish
        Takes what each request comes to, in that thread.
    """

    def __init__(self, loop: AbstractEventLoop, finish: Finish) -> None:
        self._loop = loop
        self._finish = finish
        self._large = ThreadPoolExecutor(1, thread_name_prefix="large-request")
        self._explanations = ThreadPoolExecutor(1, thread_name_prefix="explanation")
        self._waiting: dict[Call, Future[None]] = {}

    def submit(self, call: Call, work: Callable[[], None], *, explains: bool) -> None:
        """Do the work of a request.

        Parameters
        ----------
        call
            The request.
        work
            Runs in a thread, and ends with `hand_on`; never raises.
        explains
            Whether the work is an explanation.
        """
        self._waiting[call] = (self._explanations if explains else self._large).submit(work)

    def hand_on(self, call: Call, outcome: Written | Exception, rows: int = 0, version: str | None = None) -> None:
        """Have a request finished whose work is done, from its thread; see `Finish`."""
        self._loop.call_soon_threadsafe(self._end, call, outcome, rows, version)

    def _end(self, call: Call, outcome: Written | Exception, rows: int, version: str | None) -> None:
        self._waiting.pop(call, None)
        self._finish(call, outcome, rows, version)

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
