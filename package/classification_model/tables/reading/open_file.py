"""Open a file, a URL or standard input for reading, and check that it does not change meanwhile."""

from __future__ import annotations

import io
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, cast

import fsspec

from classification_model.errors import DataError
from classification_model.tables.formats import STANDARD_STREAM

if TYPE_CHECKING:
    from pathlib import Path


_PART = 2**24


@dataclass(frozen=True)
class State:
    """By what a file is known again.

    Attributes
    ----------
    device, inode
        Which file it is.
    size, modified
        Bytes, and time of the last change in nanoseconds.
    """

    device: int
    inode: int
    size: int
    modified: int


class Opened:
    """An open file.

    Parameters
    ----------
    file
        What is read.
    name
        Its name, for messages.
    state
        Its state; None of a pipe, a URL and the like.

    Attributes
    ----------
    file, name, state
    """

    def __init__(self, file: BinaryIO, name: str, state: State | None = None) -> None:
        self.file = file
        self.name = name
        self.state = state
        self._ahead = b""

    @property
    def size(self) -> int | None:
        """Number of bytes; None where it is not known."""
        return None if self.state is None else self.state.size

    def check_unchanged(self) -> None:
        """See that the file is still what it was, and where it was.

        Raises
        ------
        DataError
            If it was changed or replaced while it was read.
        """
        if self.state is not None and not self.state == state_of(self.file.fileno()) == _state_at(self.name):
            msg = f"{self.name} was changed while it was read: try again when nothing writes to it"
            raise DataError(msg)

    def peek(self, count: int) -> bytes:
        """Return what comes next, as many bytes as asked for or there are, without taking it."""
        if len(self._ahead) < count:
            self._ahead += self._read(count - len(self._ahead))
        return self._ahead[:count]

    def read(self, count: int) -> bytes:
        """Read so many bytes, fewer only at the end.

        Raises
        ------
        DataError
            If they cannot be read.
        """
        ahead, self._ahead = self._ahead[:count], self._ahead[count:]
        return ahead + self._read(count - len(ahead)) if len(ahead) < count else ahead

    def _read(self, count: int) -> bytes:
        parts = []
        try:
            while count and (part := self.file.read(count)):
                parts.append(part)
                count -= len(part)
        except (OSError, ValueError) as error:
            raise unreadable(self.name, error) from error
        return b"".join(parts)

    def read_all(self) -> bytes:
        """Read what is left."""
        parts = []
        while part := self.read(_PART):
            parts.append(part)
        return b"".join(parts)

    def rewind(self) -> None:
        """Go back to the first byte.

        Raises
        ------
        DataError
            If it is a pipe, which cannot be read twice.
        """
        self._ahead = b""
        try:
            self.file.seek(0)
        except OSError as error:
            msg = f"{self.name}: expected a file, as this format is read twice, found a pipe"
            raise DataError(msg) from error


def unreadable(name: str, error: Exception) -> DataError:
    """Return the error of a file that cannot be read, with the system's reason."""
    return DataError(f"{name} cannot be read: {getattr(error, 'strerror', None) or error}")


@contextmanager
def opened(source: str) -> Iterator[Opened]:
    """Open a file, a URL that fsspec opens, or standard input, for the time of the block.

    Raises
    ------
    DataError
        If it cannot be opened.
    """
    if source == STANDARD_STREAM:
        if sys.stdin is None:
            raise unreadable(source, ValueError("the standard stream is closed"))
        # Unbuffered: a thread that waits for more holds no lock that the end of the program needs.
        yield Opened(cast("BinaryIO", getattr(sys.stdin.buffer, "raw", sys.stdin.buffer)), source)
        return
    try:
        file = cast("BinaryIO", fsspec.open(source, "rb").open() if "://" in source else open(source, "rb"))  # noqa: PTH123, SIM115 - closed below
    except (OSError, ValueError, ImportError) as error:
        raise unreadable(source, error) from error
    with file:
        yield Opened(file, source, None if "://" in source else state_of(file.fileno()))


def read_file(source: str) -> bytes:
    """Read a whole file, URL or standard input; see `opened`.

    Raises
    ------
    DataError
        If it cannot be read, or is written meanwhile.
    """
    with opened(source) as file:
        content = file.read_all()
        file.check_unchanged()
    return content


def in_memory(content: bytes, name: str) -> Opened:
    """Return bytes as an open file of a name."""
    return Opened(io.BytesIO(content), name)


def state_of(place: Path | int) -> State | None:
    """Return the state of a regular file; None of a pipe and the like."""
    found = os.stat(place)  # noqa: PTH116 - a path or a descriptor
    if not stat.S_ISREG(found.st_mode):
        return None
    return State(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


def _state_at(path: str) -> State | None:
    try:
        return state_of(cast("Path", path))
    except OSError:
        return None
