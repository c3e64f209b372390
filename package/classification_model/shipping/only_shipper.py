"""Let one process ship a log to a target, and remember the files of the log that it has seen."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING

import orjson

from classification_model.errors import DataError
from classification_model.runtime.system.locks import is_locked_elsewhere
from classification_model.runtime.system.safe_open import open_regular

if TYPE_CHECKING:
    from pathlib import Path

    from classification_model.shipping.targets import Target

_LARGEST = 2**24
_MAY_NOT_WRITE = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


@dataclass
class SeenFiles:
    """The files of a log that were seen, to tell of those that are removed before they are shipped.

    Attributes
    ----------
    sizes
        Bytes of each file, by its name.
    told
        Names of the files that are known to be lost.
    """

    sizes: dict[str, int] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)
    _descriptor: int | None = None

    def save(self) -> None:
        """Keep it in the lock file, where there is one, for the next process.

        Raises
        ------
        DataError
            If the disk refuses.
        """
        if self._descriptor is None:
            return
        content = orjson.dumps({"sizes": self.sizes, "told": sorted(self.told)})
        try:
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, content, 0)
        except OSError as error:
            msg = f"the lock file of the log cannot be written: {error.strerror or error}: free space"
            raise DataError(msg) from error


@contextmanager
def only_shipper(folder: Path, target: Target) -> Iterator[SeenFiles]:
    """Hold the lock of a log and a target for the time of the block; give the files that the last process has seen.

    The lock is on a hidden file in the log folder. Where that cannot be written, it is on the folder itself, and
    nothing is remembered.

    Raises
    ------
    DataError
        If another process holds the lock, or there is no such folder.
    """
    name = f".shipping-{sha256(target.identity.encode()).hexdigest()[:12]}.lock"
    descriptor, is_file = _open(folder, name)
    try:
        if is_locked_elsewhere(descriptor):
            msg = f"another process is shipping the log in {folder} to {target.name}: expected to be the only one"
            raise DataError(msg)
        seen = _read(descriptor) if is_file else SeenFiles()
        yield seen
    finally:
        os.close(descriptor)


def _open(folder: Path, name: str) -> tuple[int, bool]:
    """Open the lock file, or the folder; tell whether it is the file."""
    try:
        try:
            return open_regular(folder / name, os.O_RDWR | os.O_CREAT), True
        except OSError as error:
            if error.errno not in _MAY_NOT_WRITE:
                raise
            return os.open(folder, os.O_RDONLY), False
    except FileNotFoundError:
        msg = f"expected a log folder, found no folder {folder}"
        raise DataError(msg) from None
    except OSError as error:
        msg = f"the log in {folder} cannot be locked: {error.strerror or error}"
        raise DataError(msg) from error


def _read(descriptor: int) -> SeenFiles:
    """Read what the last process kept; one that was killed may have left a part, which is nothing."""
    try:
        kept = orjson.loads(os.pread(descriptor, _LARGEST, 0))
        sizes = {str(name): int(size) for name, size in kept["sizes"].items()}
        return SeenFiles(sizes, {str(name) for name in kept["told"]}, descriptor)
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError, ValueError):
        return SeenFiles(_descriptor=descriptor)
