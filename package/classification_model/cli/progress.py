"""Progress bars of a training, one for each candidate."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from collections.abc import Iterator


class ProgressBars:
    """Draws a bar for each candidate that advances with every fit.

    Parameters
    ----------
    display
        Where the bars are drawn.
    """

    def __init__(self, display: Progress) -> None:
        self._display = display
        self._tasks: dict[str, TaskID] = {}

    def start(self, candidate: str, fits: int) -> None:
        """Add the bar of a candidate."""
        self._tasks[candidate] = self._display.add_task(candidate, total=fits)

    def advance(self, candidate: str) -> None:
        """Advance the bar of a candidate by one fit."""
        self._display.advance(self._tasks[candidate])


@contextmanager
def progress_bars() -> Iterator[ProgressBars]:
    """Draw progress bars on standard error while the block runs; nothing where it is no terminal."""
    columns = (TextColumn("{task.description:<24}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal) as display:
        yield ProgressBars(display)
