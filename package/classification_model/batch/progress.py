"""Show a progress bar with rows per second, on a terminal only."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn


class RowBar:
    """A bar that fills as rows are predicted.

    Parameters
    ----------
    display
        Where it is drawn.
    task
        Which bar it is there.
    """

    def __init__(self, display: Progress, task: TaskID) -> None:
        self._display = display
        self._task = task
        self._rows = 0

    def advance(self, rows: int, units: int) -> None:
        """Count rows, and how much of the file they are."""
        self._rows += rows
        seconds = self._display.tasks[self._task].elapsed or 0.0
        rate = f"{self._rows / seconds:,.0f} rows/s" if seconds > 0 else ""
        self._display.update(self._task, advance=units, rows=f"{self._rows:,}", rate=rate)


@contextmanager
def row_bar(name: str, size: int | None, *, is_output_shown: bool = False) -> Iterator[RowBar]:
    """Draw a bar on standard error while the block runs; nothing where it is no terminal, or shows the output as well.

    Parameters
    ----------
    name
        What stands before the bar.
    size
        How much there is to do; None where nobody knows.
    is_output_shown
        Whether the output goes to standard output, which may be the same terminal.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rows]} rows, {task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    is_hidden = not console.is_terminal or (is_output_shown and sys.stdout.isatty())
    with Progress(*columns, console=console, transient=True, disable=is_hidden) as display:
        yield RowBar(display, display.add_task(name, total=size, rows="0", rate=""))
