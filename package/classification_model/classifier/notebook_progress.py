"""The progress of a training in a notebook: a line that changes."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

from classification_model.training.progress import Silent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classification_model.training.progress import Progress

#: Seconds between changes of the line.
_PAUSE = 0.2


@contextmanager
def progress_here(given: Progress | None) -> Iterator[Progress]:
    """Give the progress to call while the block runs: the given one, or a line in a notebook, which is removed."""
    if given is not None:
        yield given
        return
    line = _line()
    if line is None:
        yield Silent()
        return
    try:
        yield line
    finally:
        line.clear()


class NotebookLine:
    """A line of a notebook that names the step, with its fits and the seconds so far.

    Parameters
    ----------
    handle
        A display of IPython, which can be updated.
    """

    def __init__(self, handle: Any) -> None:
        self._handle = handle
        self._began = time.monotonic()
        self._shown = -_PAUSE
        self._name, self._fits, self._done = "", 0, 0

    def step(self, name: str, *, fits: int = 0, budget_seconds: float | None = None) -> None:
        """Show a step."""
        budget = "" if budget_seconds is None else f" in at most {budget_seconds:g} s"
        self._name, self._fits, self._done = f"{name}{budget}", fits, 0
        self._show()

    def advance(self) -> None:
        """Show that a fit is done, unless the line has just changed."""
        self._done += 1
        if time.monotonic() - self._shown > _PAUSE:
            self._show()

    def clear(self) -> None:
        """Remove the line."""
        self._handle.update({"text/plain": ""}, raw=True)

    def _show(self) -> None:
        self._shown = time.monotonic()
        fits = f", {self._done} of {self._fits} fits" if self._fits else ""
        seconds = self._shown - self._began
        self._handle.update({"text/plain": f"{self._name}{fits} ({seconds:.0f} s so far)"}, raw=True)


def _line() -> NotebookLine | None:
    """Return a line of the notebook that runs this program; None elsewhere."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if type(shell).__name__ != "ZMQInteractiveShell":  # that of notebooks
        return None
    display = import_module("IPython.display").display  # it is there in a notebook alone
    return NotebookLine(display({"text/plain": "loading"}, raw=True, display_id=True))
