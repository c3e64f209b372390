"""What a training calls as it goes on, so that somebody who waits sees how far it is."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called before each step of a training, and after each fit of the comparison; the command line shows it."""

    def step(self, name: str, *, fits: int = 0, budget_seconds: float | None = None) -> None:
        """Begin a step.

        Parameters
        ----------
        name
            What is being done, such as ``"reading the table"``.
        fits
            Number of fits of the step that are reported by `advance`; 0 for a step of one part.
        budget_seconds
            Seconds after which the step begins nothing new; None for no limit.
        """

    def advance(self) -> None:
        """Report that a fit is done."""


class Silent:
    """Progress that shows nothing."""

    def step(self, name: str, *, fits: int = 0, budget_seconds: float | None = None) -> None:
        """Do nothing."""

    def advance(self) -> None:
        """Do nothing."""
