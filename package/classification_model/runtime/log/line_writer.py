"""Write sealed lines: all of them or none, to one file per process, rotated by size."""

from __future__ import annotations

import logging
import os
import secrets
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import ClassVar, Self

from classification_model.errors import LogUnavailableError
from classification_model.runtime.log.line_files import (
    Durability,
    Kind,
    LogFile,
    Repair,
    TornTailError,
    append_whole,
    files_of,
    name_of,
    repair,
)
from classification_model.runtime.system.durable import sync_folder
from classification_model.runtime.system.locks import lock
from classification_model.runtime.system.safe_open import open_regular

FILE_SIZE = 64 * 2**20
KEPT_SIZE = 8 * 2**30
_PROBE = 4096

logger = logging.getLogger(__name__)


class LineWriter:
    """Appends lines to a file of its own in a folder that several processes share. Several threads can use it at once.

    Parameters
    ----------
    folder
        Folder of the files; it is made if it does not exist.
    durability
        ``os``: appended lines are with the operating system, and survive a killed process. ``disk``: they are on the
        disk, and survive a power failure.
    file_size
        Size in bytes at which a new file is begun.
    kept_size
        Size in bytes of all files of the kind, beyond which the oldest that no process writes are removed.
    """

    #: What the lines are.
    kind: ClassVar[Kind]

    def __init__(
        self,
        folder: Path | str,
        *,
        durability: Durability = "os",
        file_size: int = FILE_SIZE,
        kept_size: int = KEPT_SIZE,
    ) -> None:
        self.folder = Path(folder)
        self.durability = durability
        self._file_size = file_size
        self._kept_size = kept_size
        self._lock = Lock()
        self._begin_stream()

    def _begin_stream(self) -> None:
        moment = datetime.now(UTC).strftime("%Y%m%d%H%M%S%f")
        self._process = os.getpid()
        self._stream = f"{moment}-{self._process}-{secrets.token_hex(4)}"
        self._number = 0
        self._size = 0
        self._descriptor: int | None = None

    @property
    def _path(self) -> Path:
        return self.folder / name_of(self.kind, self._stream, self._number)

    def open(self) -> list[Repair]:
        """Begin the first file, after the last lines of files were repaired whose process was killed.

        Raises
        ------
        LogUnavailableError
            If the folder cannot be written.
        """
        with self._lock:
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                repairs = [done for file in files_of(self.folder, self.kind) if (done := self._repair(file))]
                if self._descriptor is None:
                    self._begin_file()
            except OSError as error:
                raise _unavailable(self.folder, error) from error
        return repairs

    def _repair(self, file: LogFile) -> Repair | None:
        try:
            done = repair(file.path)
        except OSError as error:  # of another user, or removed meanwhile: readers know torn lines by themselves
            logger.warning("%s cannot be repaired: %s", file.path.name, error.strerror or error)
            return None
        if done is not None:
            logger.warning("%s", done)
        return done

    def append(self, lines: bytes) -> None:
        """Write lines, all or none; each ends with a line break. They are logged when this returns.

        Raises
        ------
        LogUnavailableError
            If they cannot be written. The next call tries again.
        """
        with self._lock:
            try:
                if self._process != os.getpid():  # forked: the file is the parent's
                    self._begin_stream()
                descriptor = self._descriptor
                if descriptor is None or os.fstat(descriptor).st_nlink == 0:  # removed by somebody: it would be lost
                    descriptor = self._begin_file()
                append_whole(descriptor, lines, self._size, self.durability)
            except OSError as error:
                if isinstance(error, TornTailError):
                    self._leave()
                raise _unavailable(self.folder, error) from error
            self._size += len(lines)
            if self._size >= self._file_size:
                self._rotate()

    def _rotate(self) -> None:
        try:
            self._begin_file()
        except OSError as error:  # what was written is on record; the next line tries again
            logger.warning("the log cannot begin its next file: %s", error.strerror or error)

    def _begin_file(self) -> int:
        """Begin the next file, then leave the one before."""
        self.folder.mkdir(parents=True, exist_ok=True)
        descriptor = None
        while descriptor is None:
            descriptor = self._create()
        self._leave()
        self._descriptor, self._size = descriptor, 0
        self._remove_oldest()
        return descriptor

    def _create(self) -> int | None:
        """Create the next file and lock it; None where another process took it for one that is left, and removed it."""
        self._number += 1  # first, so that a failure stands in nobody's way
        path = self._path
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o640)
        try:
            lock(descriptor)  # without locks, nobody repairs or removes a file either
            is_there = os.fstat(descriptor).st_nlink > 0
            if self.durability == "disk":
                sync_folder(self.folder)
        except OSError:
            os.close(descriptor)
            with suppress(OSError):
                path.unlink()
            raise
        if is_there:
            return descriptor
        os.close(descriptor)
        return None

    def _leave(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _remove_oldest(self) -> None:
        """Remove the files that were written least lately, until the others are small enough together."""
        found = []
        for file in files_of(self.folder, self.kind):
            with suppress(OSError):
                status = file.path.lstat()
                found.append((status.st_mtime_ns, file, status.st_size))
        excess = sum(size for _, _, size in found) - self._kept_size
        for _, file, size in sorted(found):
            if excess > 0 or size == 0:
                removed = _remove(file.path, only_empty=excess <= 0)
                excess -= removed
                if removed:
                    logger.warning(
                        "%s, the oldest file of the log, was removed: the limit is %d bytes",
                        file.path.name,
                        self._kept_size,
                    )

    def check(self) -> None:
        """Try whether the disk takes anything, without a line.

        Raises
        ------
        LogUnavailableError
            If it does not.
        """
        with self._lock:
            probe = self.folder / f".{name_of(self.kind, self._stream, 0)}"
            try:
                if self._descriptor is None:
                    self._begin_file()
                with probe.open("wb", buffering=0) as file:
                    append_whole(file.fileno(), bytes(_PROBE), 0, self.durability)
            except OSError as error:
                raise _unavailable(self.folder, error) from error
            finally:
                with suppress(OSError):
                    probe.unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave the file; an empty one is removed."""
        with self._lock:
            if self._descriptor is not None and self._process == os.getpid():
                if self._size == 0:
                    with suppress(OSError):
                        self._path.unlink()
                self._leave()


def _remove(path: Path, *, only_empty: bool) -> int:
    """Remove a file that no process writes; return how many bytes went with it."""
    try:
        descriptor = open_regular(path, os.O_RDWR)
    except OSError:
        return 0
    try:
        size = os.fstat(descriptor).st_size if lock(descriptor, wait=False) else None
        if size is None or (size and only_empty):  # looked at again: it may have been empty, and in use, before
            return 0
        path.unlink()
    except OSError:
        return 0
    else:
        return size
    finally:
        os.close(descriptor)


def _unavailable(folder: Path, error: OSError) -> LogUnavailableError:
    return LogUnavailableError(f"the log in {folder} cannot be written: {error.strerror or error}")
