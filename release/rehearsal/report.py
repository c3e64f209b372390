"""What the rehearsal prints: a line for each step and each refusal, with the seconds it took."""

from __future__ import annotations

import html
import re
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager


class RehearsalError(Exception):
    """Something went otherwise than a release has to go; the message says what."""


class Report:
    """Prints what was done, and counts it."""

    def __init__(self) -> None:
        self.steps = 0
        self.refusals = 0
        self._start = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds since the rehearsal began."""
        return time.monotonic() - self._start

    @property
    def cpu_seconds(self) -> float:
        """Seconds of processor time that the programs of the rehearsal took."""
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Print a step when it is done, with its seconds."""
        start = time.monotonic()
        yield
        self.passed(title, start)

    def passed(self, title: str, start: float) -> None:
        """Print a step that began at a time of `time.monotonic`."""
        self.steps += 1
        print(f"{time.monotonic() - start:6.1f} s  {title}", flush=True)

    def note(self, text: str) -> None:
        """Print a remark below a step."""
        print(f"          {text}", flush=True)

    def refused(self, what: str, said: str, *expected: str) -> None:
        """Print a refusal, with the words that named its reason.

        Parameters
        ----------
        what
            What was tried.
        said
            All that was printed.
        *expected
            Texts that the line of the reason has to contain.

        Raises
        ------
        RehearsalError
            If no line does.
        """
        plain = html.unescape(re.sub(r"\x1b\[[\d;]*m", "", said))  # an index may answer a page, and twine has colours
        lines = [line.strip() for line in plain.splitlines() if all(text in line for text in expected)]
        if not lines:
            msg = f"{what}: expected a line with {' and '.join(expected)}, found:\n{said}"
            raise RehearsalError(msg)
        self.refusals += 1
        print(f" refused  {what}", flush=True)
        self.note(lines[-1])
