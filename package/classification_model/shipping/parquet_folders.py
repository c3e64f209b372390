"""Ship to a folder: Parquet files by day, whose names say which bytes of the log they hold."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
from fsspec.implementations.local import LocalFileSystem

from classification_model.errors import ClassificationModelError, DataError
from classification_model.runtime.system.durable import replacing_file
from classification_model.tables.formats import first_sentence
from classification_model.tables.reading.open_file import require_extra_of

if TYPE_CHECKING:
    from classification_model.shipping.parts import Part
    from classification_model.tables.locations import Location

#: Protocols of stores in which an object is there as a whole or not at all.
_OBJECT_STORES = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oci", "oss", "memory"})
_NAME = re.compile(r"(?P<file>(?:predictions|labels)-\d{20}-\d+-[0-9a-f]{8}\.\d{6,})\.(\d+)-(?P<end>\d+)\.parquet")
#: What `replacing_file` calls a file of such a name until it is whole.
_UNFINISHED = re.compile(rf"\.{_NAME.pattern}\.\d+-[0-9a-f]+\.new")
_UNFINISHED_SECONDS = 3600


class ParquetFolder:
    """A folder with ``predictions/`` and ``labels/``, each with a folder for each day: ``date=2026-11-29``.

    Parameters
    ----------
    location
        The folder.

    Attributes
    ----------
    name, identity, most_rows, every
        As `Target`.
    positions
        As `OpenTarget`.
    """

    most_rows = 200_000
    every = 300.0

    def __init__(self, location: Location) -> None:
        self._location = location
        self.name = f"the folder {location.name}"
        self.positions: dict[str, int] = {}
        self._is_listed = False
        with self._failing(), require_extra_of(location.scheme):
            system, root = fsspec.core.url_to_fs(location.source)
        self._system: Any = system
        self._root = str(root).rstrip("/")
        self.identity = f"{location.scheme}:{self._root}"

    @contextmanager
    def opened(self) -> Iterator[ParquetFolder]:
        """Read the names of its files the first time, and after an error; see `Target.opened`."""
        try:
            if not self._is_listed:
                self.positions = self._list()
                self._is_listed = True
            yield self
        except BaseException:
            self._is_listed = False
            raise

    def _list(self) -> dict[str, int]:
        positions: dict[str, int] = {}
        with self._failing():
            self._system.invalidate_cache()
            for kind in ("predictions", "labels"):
                for path in self._system.find(f"{self._root}/{kind}"):
                    name = str(path).rpartition("/")[2]
                    match = _NAME.fullmatch(name)
                    if match is None:
                        self._remove_unfinished(str(path))
                    else:
                        file = f"{match['file']}.jsonl"
                        positions[file] = max(positions.get(file, 0), int(match["end"]))
        return positions

    def _remove_unfinished(self, path: str) -> None:
        """Remove a file that a killed process began; one of the last hour may be in work, by a process elsewhere."""
        if isinstance(self._system, LocalFileSystem) and _UNFINISHED.fullmatch(Path(path).name):
            with suppress(OSError):
                if Path(path).stat().st_mtime < time.time() - _UNFINISHED_SECONDS:
                    Path(path).unlink()

    def write(self, part: Part) -> None:
        """Write a part; see `OpenTarget.write`."""
        if part.day is not None:
            name = f"{part.file.removesuffix('.jsonl')}.{part.start}-{part.end}.parquet"
            with self._failing():
                self._put(f"{self._root}/{part.kind}/date={part.day}", name, _as_parquet(part.rows))
        self.positions[part.file] = part.end

    def _put(self, folder: str, name: str, content: bytes) -> None:
        """Write a file, which is there as a whole or not at all."""
        if isinstance(self._system, LocalFileSystem):
            Path(folder).mkdir(parents=True, exist_ok=True)
            with replacing_file(Path(folder) / name) as file:
                file.write(content)
            return
        protocol = self._system.protocol
        if _OBJECT_STORES.intersection([protocol] if isinstance(protocol, str) else protocol):
            self._system.pipe_file(f"{folder}/{name}", content)
            return
        beside = f"{folder}/.{name}.new"
        self._system.makedirs(folder, exist_ok=True)
        self._system.pipe_file(beside, content)
        self._system.mv(beside, f"{folder}/{name}")

    @contextmanager
    def _failing(self) -> Iterator[None]:
        """Turn an error of a file system into one of ours, without the secrets of the URL."""
        try:
            yield
        except ClassificationModelError:
            raise
        except Exception as error:  # noqa: BLE001 - each storage service has errors of its own
            found = getattr(error, "strerror", None) or self._location.redact(first_sentence(error))
            msg = f"{self.name} cannot be written: {found or type(error).__name__}"
            raise DataError(msg) from None


def _as_parquet(rows: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    coded = ["model", "version", "prediction", "label", "source"]
    pq.write_table(rows, sink, compression="zstd", use_dictionary=[name for name in rows.column_names if name in coded])
    return bytes(sink.getvalue())
