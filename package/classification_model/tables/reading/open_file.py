"""Open a file, a URL or standard input for reading, and check that it does not change meanwhile."""

from __future__ import annotations

import errno
import gzip
import io
import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, cast

import fsspec

from classification_model.errors import ClassificationModelError, DataError, require_extra
from classification_model.tables.formats import first_sentence, is_compressed
from classification_model.tables.locations import Location, check_is_file, locate

if TYPE_CHECKING:
    from pathlib import Path


_PART = 2**24
#: The extra for each scheme whose library is no dependency, and the library.
_EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs", "http": "http", "https": "http"}
_LIBRARIES = {"s3": "s3fs", "gcs": "gcsfs", "http": "aiohttp"}


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
        Its name, for messages; the suffix tells the format.
    state
        Its state; None of a pipe, a URL and the like.
    redact
        What removes the secrets of a URL from a message.

    Attributes
    ----------
    file, name, state
    """

    def __init__(
        self, file: BinaryIO, name: str, state: State | None = None, redact: Callable[[str], str] = str
    ) -> None:
        self.file = file
        self.name = name
        self.state = state
        self._redact = redact
        self._ahead = b""

    @property
    def size(self) -> int | None:
        """Number of bytes; None where it is not known, as of a compressed file."""
        return None if self.state is None or is_compressed(self.name) else self.state.size

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
        except Exception as error:  # noqa: BLE001 - each storage service has errors of its own
            raise unreadable(self.name, error, self._redact) from None
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


def unreadable(name: str, error: Exception, redact: Callable[[str], str] = str) -> DataError:
    """Return the error of a file that cannot be read, with the system's reason."""
    return DataError(f"{name} cannot be read: {reason_of(error, redact)}")


def reason_of(error: Exception, redact: Callable[[str], str] = str) -> str:
    """Return why a system or a library refuses, in one line."""
    cause: BaseException = error
    while _names_alone(cause) and cause.__cause__ is not None:  # fsspec says the same of a host that it cannot reach
        cause = cause.__cause__
    if _names_alone(cause):
        return os.strerror(errno.ENOENT)
    return redact(str(getattr(cause, "strerror", None) or first_sentence(cause))) or type(cause).__name__


def _names_alone(error: BaseException) -> bool:
    """Tell an error of a missing file that says no more than its name, maybe with advice for programmers."""
    is_bare = isinstance(error, FileNotFoundError) and not isinstance(error.errno, int)
    return is_bare and " " not in str(getattr(error, "strerror", None) or first_sentence(error))


@contextmanager
def opened(source: str) -> Iterator[Opened]:
    """Open a file, a URL that fsspec opens, or standard input, for the time of the block.

    Raises
    ------
    DataError
        If it cannot be opened.
    InputError
        If nothing opens such a URL.
    MissingExtraError
        If what opens it is not installed.
    """
    location = locate(source)
    check_is_file(location, "reading")
    if location.kind == "stream":
        if sys.stdin is None:
            raise unreadable(source, ValueError("the standard stream is closed"))
        # Unbuffered: a thread that waits for more holds no lock that the end of the program needs.
        yield Opened(cast("BinaryIO", getattr(sys.stdin.buffer, "raw", sys.stdin.buffer)), source)
        return
    if location.kind == "remote file":
        with _opened_url(location) as file, _decompressed(file, location.name) as plain:
            yield Opened(plain, location.name, redact=location.redact)
        return
    source = location.source
    try:
        file = cast("BinaryIO", open(source, "rb"))  # noqa: PTH123, SIM115 - closed below
    except (OSError, ValueError) as error:
        raise unreadable(source, error) from error
    with file, _decompressed(file, source) as plain:
        yield Opened(plain, source, state_of(file.fileno()))


def _decompressed(file: BinaryIO, name: str) -> AbstractContextManager[BinaryIO]:
    """Return what reads a file part by part as it was before gzip; any other file as it is."""
    return cast("BinaryIO", gzip.GzipFile(fileobj=file, mode="rb")) if is_compressed(name) else nullcontext(file)


def _opened_url(location: Location) -> BinaryIO:
    """Open a URL; what cannot be read from a place of one's own is read into memory."""
    try:
        with require_extra_of(location.scheme):
            file = cast("BinaryIO", fsspec.open(location.source, "rb", expand=False).open())
        if file.seekable():
            return file
        with file:
            return io.BytesIO(file.read())
    except ClassificationModelError:
        raise
    except Exception as error:  # noqa: BLE001 - each storage service has errors of its own
        raise unreadable(location.name, error, location.redact) from None


@contextmanager
def require_extra_of(scheme: str) -> Iterator[None]:
    """Turn fsspec's error of a missing library into one that names the extra that installs it."""
    try:
        yield
    except ImportError as error:
        extra = _EXTRAS.get(scheme)
        if extra is None:
            raise
        with require_extra(extra, f"a URL that begins with {scheme}://"):
            raise ModuleNotFoundError(name=_LIBRARIES[extra]) from error


def in_memory(content: bytes, name: str) -> Opened:
    """Return bytes, which are not compressed, as an open file of a name."""
    return Opened(io.BytesIO(content), name)


def read_file(source: str) -> bytes:
    """Read a whole file, URL or standard input, decompressed; see `opened`.

    Raises
    ------
    DataError
        If it cannot be read, or is written meanwhile.
    """
    with opened(source) as file:
        content = file.read_all()
        file.check_unchanged()
    return content


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
