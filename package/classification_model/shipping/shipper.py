"""Ship a log: what is there, or also what comes, through outages of the target."""

from __future__ import annotations

import logging
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from classification_model.errors import DataError
from classification_model.runtime.log.line_files import Kind, LogFile, files_of, name_of
from classification_model.shipping.only_shipper import SeenFiles, only_shipper
from classification_model.shipping.parts import Part, parts_of

if TYPE_CHECKING:
    from classification_model.shipping.targets import OpenTarget, Target

#: A writer takes back lines that it could not write whole, as on a full disk; after this time it has done so.
SETTLED_SECONDS = 1.0
_LONGEST_BACKOFF = 60.0
_KINDS: tuple[Kind, ...] = ("predictions", "labels")

logger = logging.getLogger(__name__)


class Shipped(NamedTuple):
    """Numbers of records that were shipped.

    Attributes
    ----------
    predictions, labels
    """

    predictions: int
    labels: int


class SettledFile(NamedTuple):
    """A file of the log.

    Attributes
    ----------
    kind, file
        What its lines are, and where it is.
    size
        Bytes that no writer takes back any more.
    """

    kind: Kind
    file: LogFile
    size: int


def ship(
    log: Path,
    target: Target,
    *,
    follow: float | None = None,
    is_ending: Callable[[], bool] = lambda: False,
    wait: Callable[[float], None] = time.sleep,
) -> Shipped:
    """Ship the records of a log that were not shipped yet, each exactly once.

    Parameters
    ----------
    log
        The log folder. Its files are only read.
    target
        Where they go.
    follow
        Seconds from one pass to the next; one pass when None.
    is_ending
        Whether to end after the part in hand.
    wait
        How to wait some seconds, or until `is_ending`.

    Returns
    -------
    Shipped
        Numbers of records.

    Raises
    ------
    DataError
        If another process ships this log to the target. Without `follow`, also if the target cannot be reached or a
        file of the log cannot be read; what was shipped until then stays, and the next call continues.
    """
    with only_shipper(log, target) as seen:
        shipper = _Shipper(log, target, seen, is_ending, wait)
        failures = 0
        while True:
            try:
                shipper.ship_once()
            except DataError as error:
                if follow is None:
                    raise
                if not failures:
                    logger.warning("%s: trying again until it succeeds", error)
                failures += 1
            else:
                if failures:
                    logger.warning("%s is reached again, and has all records of the log", target.name)
                failures = 0
            if follow is None or is_ending():
                break
            wait(min(2.0 ** (failures - 1), _LONGEST_BACKOFF) if failures else follow)
        if follow is None and shipper.unreadable:
            msg = f"{', '.join(sorted(shipper.unreadable))} cannot be read: correct the permissions and ship again"
            raise DataError(msg)
    return Shipped(shipper.counts["predictions"], shipper.counts["labels"])


class _Shipper:
    """Ships a log pass by pass.

    Attributes
    ----------
    counts
        Records shipped of each kind.
    unreadable
        Names of files that cannot be read.
    """

    def __init__(
        self,
        log: Path,
        target: Target,
        seen: SeenFiles,
        is_ending: Callable[[], bool],
        wait: Callable[[float], None],
    ) -> None:
        self._log = log
        self._target = target
        self._seen = seen
        self._is_ending = is_ending
        self._wait = wait
        self._positions: dict[str, int] | None = None
        self.counts: Counter[Kind] = Counter()
        self.unreadable: set[str] = set()

    def ship_once(self) -> None:
        """Ship what is there.

        Raises
        ------
        DataError
            If the target cannot be written; the next call asks it again what it has.
        """
        files = settled_files(self._log, self._wait)
        self._seen.sizes |= {name_of_file(one): one.size for one in files}
        self._seen.save()
        try:
            self._ship_files(files)
        except BaseException:
            self._positions = None
            raise

    def _ship_files(self, files: list[SettledFile]) -> None:
        with ExitStack() as stack:
            opened: OpenTarget | None = None
            if self._positions is None:
                opened = stack.enter_context(self._target.opened())
                self._positions = dict(opened.positions)
            self._tell_removed(files, self._positions)
            for file in files:
                for part in self._parts(file, self._positions.get(name_of_file(file), 0)):
                    if self._is_ending():
                        return
                    if opened is None:
                        opened = stack.enter_context(self._target.opened())
                    opened.write(part)
                    self._positions[part.file] = part.end
                    self.counts[part.kind] += part.rows.num_rows
                    if faults := part.faults.describe():
                        logger.warning("%s: %s", part.file, "; ".join(faults))

    def _parts(self, file: SettledFile, start: int) -> Iterator[Part]:
        """Yield what is new in a file; a file that cannot be read has nothing, and is told once."""
        name = name_of_file(file)
        try:
            yield from parts_of(file.file, file.kind, start, file.size, self._target.most_rows)
        except FileNotFoundError:
            self._tell_lost([name])
        except OSError as error:
            if name not in self.unreadable:
                logger.warning("%s cannot be read: %s", name, error.strerror or error)
            self.unreadable.add(name)
        else:
            self.unreadable.discard(name)

    def _tell_removed(self, files: list[SettledFile], positions: Mapping[str, int]) -> None:
        """Warn of files that are gone though they were not shipped whole, each once."""
        there = {name_of_file(file) for file in files}
        seen = self._seen
        gone = [name for name in seen.sizes if name not in there]
        lost = [name for name in gone if seen.sizes.pop(name) > positions.get(name, 0)]
        streams: dict[tuple[Kind, str], int] = defaultdict(int)
        for kind, file, _ in files:
            streams[kind, file.stream] = max(streams[kind, file.stream], file.number)
        before = {
            name_of(kind, stream, number) for (kind, stream), last in streams.items() for number in range(1, last)
        }
        seen.told &= before
        self._tell_lost([*lost, *sorted(before - there - positions.keys() - seen.told - {*lost})])
        seen.told |= before - there - positions.keys()
        seen.save()

    def _tell_lost(self, names: list[str]) -> None:
        for name in names:
            logger.warning("%s was removed before all of it was shipped; how many records it held is not known", name)
            self._seen.sizes.pop(name, None)
            self._seen.told.add(name)


def name_of_file(file: SettledFile) -> str:
    """Return the name of a file."""
    return file.file.path.name


def settled_files(log: Path, wait: Callable[[float], None]) -> list[SettledFile]:
    """Return the files of a log, the oldest first of each kind; wait a moment if one was written just now.

    Raises
    ------
    DataError
        If the folder cannot be read.
    """
    found, latest = _sizes(log)
    if latest > time.time() - SETTLED_SECONDS:
        wait(SETTLED_SECONDS)
        again = {one.file: one.size for one in _sizes(log)[0]}
        found = [one._replace(size=min(one.size, again[one.file])) for one in found if one.file in again]
    return found


def _sizes(log: Path) -> tuple[list[SettledFile], float]:
    """Return the files with their sizes, and when one of them was changed last."""
    found, latest = [], 0.0
    try:
        files = [(kind, file) for kind in _KINDS for file in files_of(log, kind)]
    except OSError as error:
        msg = f"the log in {log} cannot be read: {error.strerror or error}"
        raise DataError(msg) from error
    for kind, file in files:
        try:
            status = file.path.lstat()
        except FileNotFoundError:  # removed meanwhile
            continue
        found.append(SettledFile(kind, file, status.st_size))
        latest = max(latest, status.st_mtime)
    return found, latest
