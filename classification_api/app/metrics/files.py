"""Cells in files that all workers read, in the format of prometheus_client's multiprocess mode.

prometheus_client itself reads the folder from the environment on import, and looks a cell up at each addition. Here
its `MmapedDict` creates the files, its `MultiProcessCollector` sums them, and additions go to a view of the mapped
file. This needs no environment variable, takes a few dozen nanoseconds per addition, and loses nothing when a worker is
killed.

A worker locks its files until it exits. A new worker continues the files of one that has exited, so there are never
more files than there were workers at the same time. Gauges of exited workers are not shown.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import mmap
import os
import secrets
import struct
import weakref
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from prometheus_client import Metric
from prometheus_client.mmap_dict import MmapedDict, mmap_key
from prometheus_client.multiprocess import MultiProcessCollector

from app.metrics.cells import Cells, Family, MemoryCells

logger = logging.getLogger(__name__)

# Neither has types.
_Entries: Any = MmapedDict
_merge: Any = MultiProcessCollector.merge

_OURS = "classification-api-"
_FIRST_SIZE = 64 * 1024
#: Bytes of an entry besides its key: length, padding, value and time.
_ENTRY = 32
_PREFIXES = {"counter": "counter", "histogram": "histogram", "gauge": "gauge_livesum"}


class FileCells:
    """Cells in files of a folder.

    Parameters
    ----------
    folder
        Folder that all workers share.

    Raises
    ------
    OSError
        If no file can be made there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files = {kind: _File(folder, prefix) for kind, prefix in _PREFIXES.items()}
        self._files["gauge"].clear()
        self._found: dict[tuple[Family, tuple[str, ...]], tuple[Cells, tuple[int, ...]]] = {}
        self._in_memory = MemoryCells()

    def find(self, family: Family, labels: tuple[str, ...]) -> tuple[Cells, tuple[int, ...]]:
        """Return the cells of one series; see `Kept.find`. On a full disk, the series is counted but not shown."""
        found = self._found.get((family, labels))
        if found is None:
            try:
                found = self._files[family.kind].find(_keys(family, labels))
            except OSError as error:
                logger.warning("%s is not shown, the metrics folder fails: %s", family.name, error.strerror)
                found = self._in_memory.find(family, labels)
            self._found[family, labels] = found
        return found

    def collect(self) -> Iterable[Metric]:
        """Return the sums over the files of all workers, without the gauges of exited ones."""
        shown = [
            str(path)
            for path in self._folder.glob("*.db")
            if not path.name.startswith(f"{_PREFIXES['gauge']}_{_OURS}") or is_held(path)
        ]
        metrics: Iterable[Metric] = _merge(shown)
        return metrics

    def close(self) -> None:
        """Release the files to other workers; the cells must not be used afterwards."""
        for file in self._files.values():
            file.close()


class _File:
    """The file of one worker and one kind of metric."""

    def __init__(self, folder: Path, prefix: str) -> None:
        self._path, self._descriptor = _take_over(folder, prefix) or _make(folder, prefix)
        self.close = weakref.finalize(self, os.close, self._descriptor)
        self._view = self._map()

    def find(self, keys: list[str]) -> tuple[Cells, tuple[int, ...]]:
        """Return a view of the file, and the keys' places in it."""
        self._make_room(sum(map(len, keys)) + _ENTRY * len(keys))
        entries = _Entries(str(self._path))
        try:
            for key in keys:
                entries.read_value(key)  # makes it
        finally:
            entries.close()
        places = self._places()
        return self._view, tuple([places[key] for key in keys])

    def clear(self) -> None:
        """Set everything to zero."""
        for place in self._places().values():
            self._view[place] = 0.0

    def _places(self) -> dict[str, int]:
        entries = _Entries.read_all_values_from_file(str(self._path))
        return {key: position // 8 for key, _, _, position in entries}

    def _make_room(self, more: int) -> None:
        """Reserve bytes on the disk, since writing to a hole in a mapped file on a full disk kills the process."""
        size = os.fstat(self._descriptor).st_size
        (used,) = struct.unpack("i", os.pread(self._descriptor, 4, 0))
        if used + more > size:
            _extend(self._descriptor, size, 2 * size + more)
            self._view = self._map()

    def _map(self) -> memoryview[float]:
        return memoryview(mmap.mmap(self._descriptor, 0)).cast("d")


def _keys(family: Family, labels: tuple[str, ...]) -> list[str]:
    """Return the names that prometheus_client gives the cells of a series."""
    names, name = list(family.labels), family.name
    if family.kind != "histogram":
        suffix = "_total" if family.kind == "counter" else ""
        return [mmap_key(name, name + suffix, names, list(labels), family.text)]
    buckets = [
        mmap_key(name, f"{name}_bucket", [*names, "le"], [*labels, edge], family.text) for edge in family.edges()
    ]
    return [mmap_key(name, f"{name}_sum", names, list(labels), family.text), *buckets]


def _take_over(folder: Path, prefix: str) -> tuple[Path, int] | None:
    """Lock the file of a worker that has exited, and return it with its descriptor; None if there is none."""
    for path in folder.glob(f"{prefix}_{_OURS}*.db"):
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            continue
        return path, descriptor
    return None


def _make(folder: Path, prefix: str) -> tuple[Path, int]:
    """Create and lock a file, and return it with its descriptor; other workers see it once it is complete."""
    path = folder / f"{prefix}_{_OURS}{secrets.token_hex(8)}.db"
    beside = path.with_suffix(".new")
    descriptor = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _extend(descriptor, 0, _FIRST_SIZE)
        beside.rename(path)
    except OSError:
        os.close(descriptor)
        beside.unlink(missing_ok=True)
        raise
    return path, descriptor


def _extend(descriptor: int, size: int, wanted: int) -> None:
    """Extend a file with zeros to a whole number of pages."""
    wanted = -wanted // mmap.PAGESIZE * -mmap.PAGESIZE
    if os.pwrite(descriptor, bytes(wanted - size), size) < wanted - size:
        os.ftruncate(descriptor, size)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def is_held(path: Path) -> bool:
    """Return whether a running worker has locked a file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
