"""The progress of a command: one bar with the time left on a terminal, else a line for each step."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

import typer
from rich.console import Console
from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Display

if TYPE_CHECKING:
    from collections.abc import Iterator

logger = logging.getLogger(__name__)


class ShownProgress(Protocol):
    """Shows the steps of a command; it is a `training.progress.Progress`."""

    def step(self, name: str, *, fits: int = 0, budget_seconds: float | None = None) -> None:
        """Begin a step."""

    def advance(self) -> None:
        """Report that a fit is done."""


class Bar:
    """One bar for all steps: it names the step, and shows fits, the time so far, the time left and the budget.

    Parameters
    ----------
    display
        Where it is drawn.
    """

    def __init__(self, display: Display) -> None:
        self._display = display
        self._task = display.add_task("starting", total=None, fits="", budget="")
        self._fits = self._done = 0

    def step(self, name: str, *, fits: int = 0, budget_seconds: float | None = None) -> None:
        """Begin a step."""
        budget = "" if budget_seconds is None else f"of at most {budget_seconds:g} s"
        self._fits, self._done = fits, 0
        shown = f"0/{fits} fits" if fits else ""
        self._display.reset(self._task, description=name, total=fits or None, fits=shown, budget=budget)

    def advance(self) -> None:
        """Advance by a fit."""
        self._done += 1
        self._display.update(self._task, advance=1, fits=f"{self._done}/{self._fits} fits")


class Lines:
    """A line on standard error for each step."""

    def step(self, name: str, *, fits: int = 0, budget_seconds: float | None = None) -> None:
        """Print a step."""
        budget = "" if budget_seconds is None else f", at most {budget_seconds:g} s"
        typer.echo(f"step: {name}{f', {fits} fits' if fits else ''}{budget}", err=True)

    def advance(self) -> None:
        """Do nothing."""


class Records:
    """A record of the log for each step, where the log is made of records."""

    def step(self, name: str, *, fits: int = 0, budget_seconds: float | None = None) -> None:
        """Log a step."""
        logger.info("step", extra={"step": name, "fits": fits, "budget_seconds": budget_seconds})

    def advance(self) -> None:
        """Do nothing."""


@contextmanager
def shown_progress(*, as_records: bool = False) -> Iterator[ShownProgress]:
    """Show progress on standard error while the block runs: a bar on a terminal, else a line for each step.

    Parameters
    ----------
    as_records
        Whether steps are records of the log instead of lines, since the log is made of records.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        yield Records() if as_records else Lines()
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[fits]}"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[budget]}"),
        TimeRemainingColumn(),
        TextColumn("left"),
    )
    with Display(*columns, console=console, transient=True) as display:
        yield Bar(display)
