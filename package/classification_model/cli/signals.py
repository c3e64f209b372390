"""Signals that end a program, as exceptions, so that unfinished files are removed."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_NAMES = ("SIGTERM", "SIGHUP")
_LOOK_SECONDS = 0.1


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


class Ending:
    """A request to end that a program comes to by itself.

    Parameters
    ----------
    numbers
        The signals that ask for it.
    """

    def __init__(self, numbers: list[int]) -> None:
        self._numbers = numbers
        self._is_asked = False

    def ask(self, _number: int, _frame: Any) -> None:
        """Note the request; the next signal acts as without this class."""
        self._is_asked = True
        self.let_signals_act()

    def let_signals_act(self) -> None:
        """Let signals act as Python has them."""
        for number in self._numbers:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)

    def is_asked(self) -> bool:
        """Return whether a signal came."""
        return self._is_asked

    def wait(self, seconds: float) -> None:
        """Wait so many seconds, or until a signal comes."""
        end = time.monotonic() + seconds
        while not self._is_asked and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, _LOOK_SECONDS))  # which a signal does not end


@contextmanager
def ending_after() -> Iterator[Ending]:
    """Note the first signal that asks the program to end, so that it ends between two steps; the second one acts."""
    numbers = [signal.SIGINT, *(getattr(signal, name) for name in _NAMES if hasattr(signal, name))]
    is_main = threading.current_thread() is threading.main_thread()
    usual = (signal.SIG_DFL, signal.default_int_handler)
    taken = [number for number in numbers if is_main and signal.getsignal(number) in usual]
    ending = Ending(taken)
    for number in taken:
        signal.signal(number, ending.ask)
    try:
        yield ending
    finally:
        ending.let_signals_act()


def exit_code(error: KeyboardInterrupt) -> int:
    """Return the code that a program ends with by a signal: 128 and its number, 130 for an interrupt."""
    return 128 + (error.number if isinstance(error, Ended) else signal.SIGINT)
