"""Write files under a temporary name, and rename them when they are complete."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, BinaryIO, cast

import fsspec

from classification_model.errors import ClassificationModelError, DataError
from classification_model.runtime.system.durable import replacing_file
from classification_model.tables.formats import STANDARD_STREAM
from classification_model.tables.reading.open_file import reason_of, require_extra_of

if TYPE_CHECKING:
    import pyarrow as pa

    from classification_model.tables.locations import Location


class Sink:
    """A file that is written, with the name that it will have.

    Parameters
    ----------
    file
        Where the bytes go.
    name
        Its name, for messages.
    """

    closed = False  # asked for by Arrow

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file: BinaryIO | None = file
        self._name = name

    def write(self, content: bytes | pa.Buffer) -> int:
        """Write bytes.

        Raises
        ------
        DataError
            If the system refuses them.
        """
        if self._file is None:
            return memoryview(content).nbytes
        with told(self._name):
            return self._file.write(content)

    def settle(self) -> None:
        """Hand all that was written to the system, which is what may refuse it.

        Raises
        ------
        DataError
            If the system refuses.
        """
        if self._file is not None:
            with told(self._name):
                self._file.flush()

    def abandon(self) -> None:
        """Write no more: who ends a file in an orderly way, such as Arrow, writes even where nobody wants it."""
        self._file = None

    def flush(self) -> None:
        """Do nothing; see `settle`."""

    def close(self) -> None:
        """Do nothing: whoever opened the file closes it."""


@contextmanager
def told(name: str) -> Iterator[None]:
    """Say of which file it is that the system refuses to write it; that nobody reads a pipe is no fault of a file."""
    try:
        yield
    except BrokenPipeError:
        raise
    except (OSError, ValueError) as error:
        msg = f"{name} cannot be written: {getattr(error, 'strerror', None) or error}"
        raise DataError(msg) from error


@contextmanager
def replacing(path: Path) -> Iterator[Sink]:
    """Write a file beside its place and put it there at the end of the block; when that fails, nothing is left.

    Raises
    ------
    DataError
        If the system refuses.
    """
    name = str(path)
    with replacing_file(path, partial(told, name)) as file:
        sink = Sink(file, name)
        try:
            yield sink
        finally:
            sink.abandon()


@contextmanager
def uploading(location: Location) -> Iterator[Sink]:
    """Write a file of this machine's, and upload it at the end of the block; when that fails, nothing is uploaded.

    Raises
    ------
    DataError
        If the system or the service refuses.
    """
    with NamedTemporaryFile(prefix="upload-") as file:
        sink = Sink(cast("BinaryIO", file), location.name)
        try:
            yield sink
            sink.settle()
        finally:
            sink.abandon()
        try:
            with require_extra_of(location.scheme):
                system, path = fsspec.core.url_to_fs(location.source)
            system.put_file(file.name, path)
        except ClassificationModelError:
            raise
        except Exception as error:  # noqa: BLE001 - each storage service has errors of its own
            msg = f"{location.name} cannot be written: {reason_of(error, location.redact)}"
            raise DataError(msg) from None


@contextmanager
def standard_output() -> Iterator[Sink]:
    """Write to standard output.

    Raises
    ------
    DataError
        If it is closed, or the system refuses.
    """
    with told(STANDARD_STREAM):
        if sys.stdout is None:
            msg = "the standard stream is closed"
            raise ValueError(msg)
    sink = Sink(sys.stdout.buffer, STANDARD_STREAM)
    try:
        yield sink
        sink.settle()
    finally:
        sink.abandon()
