"""Signals that end a program, as exceptions, so that unfinished files are removed."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_NAMES = ("SIGTERM", "SIGHUP")


class Ended(KeyboardInterrupt):
    """A signal asked the program to end.

    Attributes
    ----------
    number
        Number of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


@contextmanager
def ending_orderly() -> Iterator[None]:
    """Raise `Ended` where a signal would end the program at once, as Python does for an interrupt."""

    def end(number: int, _frame: Any) -> None:
        raise Ended(number)

    numbers = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
    is_main = threading.current_thread() is threading.main_thread()
    taken = [number for number in numbers if is_main and signal.getsignal(number) is signal.SIG_DFL]
    for number in taken:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)


def exit_code(error: KeyboardInterrupt) -> int:
    """Return the code that a program ends with by a signal: 128 and its number, 130 for an interrupt."""
    return 128 + (error.number if isinstance(error, Ended) else signal.SIGINT)
