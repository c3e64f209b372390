"""What the log is shipped to: a place that keeps the records, and with them how far each file was shipped."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from classification_model.errors import InputError, require_extra
from classification_model.tables.locations import Location, locate

if TYPE_CHECKING:
    from classification_model.shipping.parts import Part


class OpenTarget(Protocol):
    """A target for the time of a pass.

    Attributes
    ----------
    positions
        Number of bytes shipped of each file of a log, by its name; 0 of those that are not in it.
    """

    positions: dict[str, int]

    def write(self, part: Part) -> None:
        """Write a part, and with it that the file was shipped to its end: both or neither.

        Raises
        ------
        DataError
            If it cannot be written.
        """


class Target(Protocol):
    """A place that the log is shipped to.

    Attributes
    ----------
    name
        What it is called, without secrets.
    identity
        By what it is known again, without secrets.
    most_rows
        Number of records to write at a time.
    every
        Seconds from one pass to the next that suit it.
    """

    name: str
    identity: str
    most_rows: int
    every: float

    def opened(self) -> AbstractContextManager[OpenTarget]:
        """Open it for the time of a pass.

        Raises
        ------
        DataError
            If it cannot be reached, or is not what is expected.
        """


def target_of(url: str) -> Target:
    """Return the target of a URL.

    Parameters
    ----------
    url
        A table of a database, such as ``postgresql://host/name#predictions``, or a folder: a path, or a URL that
        fsspec opens, with ``/`` at its end or without a suffix.

    Raises
    ------
    InputError
        If it is neither.
    MissingExtraError
        If what opens it is not installed.
    """
    location = locate(url)
    if location.kind == "database":
        if location.table is None:
            msg = f"expected the URL of a table to ship to, with #table at its end, found {location.name}"
            raise InputError(msg)
        with require_extra("sql", "shipping to a database"):
            from classification_model.shipping.databases import DatabaseTarget  # noqa: PLC0415 - an extra brings it
        return DatabaseTarget(location)
    if location.kind == "service" or not _is_folder(location):
        msg = (
            "expected a table of a database, as postgresql://host/name#table, or a folder for Parquet files, with / at "
            f"its end, found {location.name}"
        )
        raise InputError(msg)
    from classification_model.shipping.parquet_folders import ParquetFolder  # noqa: PLC0415 - it imports fsspec

    return ParquetFolder(location)


def _is_folder(location: Location) -> bool:
    if location.kind == "stream":
        return False
    if location.kind == "file":
        return location.source.endswith("/") or Path(location.source).is_dir() or not Path(location.source).suffix
    path = urlsplit(location.name).path
    return path.endswith("/") or not PurePosixPath(path).suffix
