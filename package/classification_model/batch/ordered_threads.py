"""Run work on several threads, and yield the results in order."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from queue import Queue
from threading import Event, Semaphore, Thread
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
_END = None


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_order(
    work: Callable[[Item], Result], items: Iterable[Item], threads: int, *, may_wait: bool = False
) -> Iterator[Result]:
    """Apply a function to items on several threads, and give the results in the order of the items.

    The items are taken on a thread of their own, ahead of the results, but never more than two for each thread and
    one: what is in memory does not grow with their number.

    Parameters
    ----------
    work
        What is done with each item.
    items
        The items; an error in taking one is raised in its place.
    threads
        Number of threads.
    may_wait
        Whether an item may be long in coming, as from standard input: at the end nobody waits for it then.
    """
    slots, stopped = Semaphore(2 * threads + 1), Event()
    results: Queue[Future[Result] | BaseException | None] = Queue()
    with ThreadPoolExecutor(threads) as pool:

        def take() -> None:
            try:
                for item in items:
                    slots.acquire()
                    if stopped.is_set():
                        return
                    results.put(pool.submit(work, item))
            except BaseException as error:  # noqa: BLE001 - raised where the results are taken
                results.put(error)
            else:
                results.put(_END)

        taker = Thread(target=take, daemon=True)
        taker.start()
        try:
            while (result := results.get()) is not _END:
                if isinstance(result, BaseException):
                    raise result
                yield result.result()
                slots.release()
        finally:
            stopped.set()
            slots.release()
            if not may_wait:
                taker.join()
            pool.shutdown(wait=True, cancel_futures=True)
