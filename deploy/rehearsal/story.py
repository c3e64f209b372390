"""What the rehearsal prints, and what it fails with."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class RehearsalError(Exception):
    """Something went otherwise than it has to go; the message says what was expected, and what was found."""


class Story:
    """Prints a line for each step that was passed, with its seconds, and remarks below it."""

    def __init__(self) -> None:
        self.passed = 0
        self._start = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._start

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Print a step when it is done."""
        start = time.monotonic()
        yield
        self.passed += 1
        print(f"{time.monotonic() - start:6.1f} s  {title}", flush=True)

    def note(self, text: str) -> None:
        """Print a remark."""
        print(f"          {text}", flush=True)


def expect(holds: object, expected: str, found: object) -> None:
    """Go on only if something holds.

    Raises
    ------
    RehearsalError
        If it does not.
    """
    if not holds:
        msg = f"expected {expected}, found {found}"
        raise RehearsalError(msg)
