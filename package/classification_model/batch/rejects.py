"""Write the rows that could not be predicted to a file beside the output, each as a JSON object with its reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import orjson

from classification_model.tables.writing.replacing import Sink, replacing

SUFFIX = ".rejects"


class Rejects:
    """Counts rejected rows, and writes them where there is a file for them.

    Parameters
    ----------
    path
        The file, made with the first row; None to count only.
    stack
        What ends the file.

    Attributes
    ----------
    count
        Number of rejected rows.
    """

    def __init__(self, path: Path | None, stack: ExitStack) -> None:
        self.count = 0
        self._path = path
        self._stack = stack
        self._sink: Sink | None = None

    def add(self, rows: Iterable[tuple[int, str]]) -> None:
        """Add rows: the number of each in the file, from 0, and the reason.

        Raises
        ------
        DataError
            If they cannot be written.
        """
        lines = [orjson.dumps({"row": row, "reason": reason}, option=orjson.OPT_APPEND_NEWLINE) for row, reason in rows]
        self.count += len(lines)
        if lines and self._path is not None:
            if self._sink is None:
                self._sink = self._stack.enter_context(replacing(self._path))
            self._sink.write(b"".join(lines))

    def finish(self) -> None:
        """See that all rows are where they will stay.

        Raises
        ------
        DataError
            If the system refuses.
        """
        if self._sink is not None:
            self._sink.settle()


def rejects_of(output: Path) -> Path:
    """Return the file of an output's rejected rows."""
    return output.with_name(output.name + SUFFIX)


@contextmanager
def rejected_rows(output: Path | None) -> Iterator[Rejects]:
    """Collect the rejected rows of an output; their file takes its place at the end of the block.

    Parameters
    ----------
    output
        File that the predictions are written to, whose former rejects are removed; None to count rows only.
    """
    path = None if output is None else rejects_of(output)
    with ExitStack() as stack:
        rejects = Rejects(path, stack)
        yield rejects
    if path is not None and not rejects.count:
        with suppress(OSError):
            path.unlink()
