"""The decision log: decisions on retraining, comparisons, promotions and rollbacks."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NotRequired, TypedDict, cast, get_args

import orjson

from classification_model.errors import LogUnavailableError
from classification_model.runtime.log.line_files import append_whole, read_lines, repair_tail
from classification_model.runtime.log.sealed_lines import LogFaults, seal, unseal
from classification_model.runtime.system.clock import spell_utc, utc_timestamp
from classification_model.runtime.system.durable import sync_folder
from classification_model.runtime.system.locks import lock
from classification_model.runtime.system.safe_open import open_regular

if TYPE_CHECKING:
    from collections.abc import Iterator

DecisionKind = Literal["retrain-check", "comparison", "promotion", "rollback", "retraining"]


class DecisionEntry(TypedDict):
    """An entry of the decision log; see `read_decisions`.

    ``timestamp`` is RFC 3339 in UTC. ``content`` is the decision with its evidence; the members of ``content`` depend
    on ``kind``. ``repaired`` is present only if the log ended with an incomplete line when this entry was added. It is
    the number of bytes that were removed, or 0 if only the line break was missing.

    Examples
    --------
    >>> import tempfile
    >>> import classification_model as cm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     cm.read_decisions(folder)
    []
    """

    kind: DecisionKind
    timestamp: str
    content: dict[str, Any]
    repaired: NotRequired[int]


FILE = "decisions.jsonl"
#: What the file is called once it is full; the one that was called so before is gone then.
FORMER_FILE = "decisions.former.jsonl"
FILE_SIZE = 16 * 2**20
_TAIL = 2 * 2**20
_APPEND = os.O_RDWR | os.O_APPEND | os.O_CREAT


def append_decision(
    folder: Path,
    kind: DecisionKind,
    content: dict[str, Any],
    *,
    now: datetime | None = None,
    file_size: int = FILE_SIZE,
) -> DecisionEntry:
    """Log a decision; it is on the disk when this returns.

    Processes write one after the other, by a lock on the file. A torn last line, left by a killed process, is removed
    first. The log is bounded: before the file would grow beyond `file_size`, it is renamed to
    ``decisions.former.jsonl``, which replaces the former one.

    Parameters
    ----------
    folder
        The log folder; it is made if it does not exist.
    kind
        ``retrain-check``, ``comparison``, ``promotion``, ``rollback`` or ``retraining``.
    content
        The decision as JSON values; NaN and infinite numbers become null.
    now
        Time of the decision. The default is now.
    file_size
        Size in bytes at which a new file is begun.

    Returns
    -------
    DecisionEntry
        The entry: ``kind``, ``timestamp`` (RFC 3339, UTC), ``content``, and after the removal of a torn line
        ``repaired``, its number of bytes (0 if only the line break was missing, which was added).

    Raises
    ------
    LogUnavailableError
        If the decision cannot be written.
    ValueError
        If there is no such kind.
    """
    if kind not in get_args(DecisionKind):
        msg = f"expected a kind of decision ({', '.join(get_args(DecisionKind))}), found {kind!r}"
        raise ValueError(msg)
    moment = utc_timestamp() if now is None else spell_utc(now)
    entry: DecisionEntry = {"kind": kind, "timestamp": moment, "content": content}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as locked:
            descriptor = locked.enter_context(_locked(folder, _APPEND))
            repair = repair_tail(FILE, descriptor)
            if repair is not None:
                entry["repaired"] = repair.removed
            line = seal(orjson.dumps(entry))
            size = os.fstat(descriptor).st_size
            if size > 0 and size + len(line) > file_size:
                (folder / FILE).rename(folder / FORMER_FILE)
                descriptor = locked.enter_context(_locked(folder, _APPEND))
            append_whole(descriptor, line, os.fstat(descriptor).st_size, "disk")
            sync_folder(folder)
    except OSError as error:
        msg = (
            f"the decision cannot be logged in {FILE}: {error.strerror or error}: free space in {folder}, or correct "
            "its permissions"
        )
        raise LogUnavailableError(msg) from error
    return entry


def read_decisions(folder: Path | str, faults: LogFaults | None = None) -> list[DecisionEntry]:
    """Read the decision log of a log folder.

    Parameters
    ----------
    folder
        The log folder. Read permission is enough.
    faults
        A `LogFaults`, to which the counts of faulty lines are added.

    Returns
    -------
    list of DecisionEntry
        The entries, oldest first, each with ``kind``, ``timestamp`` (RFC 3339, UTC) and ``content``. The list is empty
        if the folder has no decision log.

    Raises
    ------
    LogUnavailableError
        If the log exists but cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> import classification_model as cm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for entry in cm.read_decisions(folder):
    ...         print(entry["timestamp"], entry["kind"])
    """
    folder, faults = Path(folder), LogFaults() if faults is None else faults
    try:
        with _locked(folder, os.O_RDONLY):  # the file that is full keeps its place while both are read
            return list(_entries(folder, faults))
    except FileNotFoundError:  # nothing yet, or nothing after the file that is full
        return list(_entries(folder, faults))
    except OSError as error:
        raise _unreadable(error) from error


def last_retraining(folder: Path, model: str) -> datetime | None:
    """Return the time of a model's newest ``retraining`` in the log; None without one.

    Parameters
    ----------
    folder
        The log folder.
    model
        Name of the problem, the member ``model`` of the content of an entry.

    Raises
    ------
    LogUnavailableError
        If the record is there and cannot be read.
    """
    times = [
        datetime.fromisoformat(entry["timestamp"])
        for entry in read_decisions(folder)
        if entry["kind"] == "retraining" and entry["content"].get("model") == model
    ]
    return max(times, default=None)


def last_decision(folder: Path, model: str) -> DecisionEntry | None:
    """Return the newest entry of a model; None if there is none in the newest two MiB of the log.

    Parameters
    ----------
    folder
        The log folder.
    model
        Name of the problem.

    Raises
    ------
    LogUnavailableError
        If the record is there and cannot be read.
    """
    try:
        descriptor = open_regular(folder / FILE)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(error) from error
    try:
        size = os.fstat(descriptor).st_size
        tail = os.pread(descriptor, _TAIL, max(0, size - _TAIL))
    finally:
        os.close(descriptor)
    for line in reversed(tail.splitlines(keepends=True)):
        entry = _entry_of(unseal(line))
        if entry is not None and entry["content"].get("model") == model:
            return entry
    return None


def _entry_of(content: bytes | None) -> DecisionEntry | None:
    """Return the entry that a line holds; None where it is another line, or a damaged one."""
    try:
        entry = None if content is None else orjson.loads(content)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(entry, dict) or not {"kind", "timestamp", "content"} <= entry.keys():
        return None
    return cast("DecisionEntry", entry) if isinstance(entry["content"], dict) else None


def _entries(folder: Path, faults: LogFaults) -> Iterator[DecisionEntry]:
    for name in (FORMER_FILE, FILE):
        if not (folder / name).exists():
            continue
        for line in read_lines(folder / name, faults):
            entry = _entry_of(line)
            if entry is None:
                faults.strange += 1
            else:
                yield entry


@contextmanager
def _locked(folder: Path, flags: int) -> Iterator[int]:
    """Open the file and hold its lock: the one that has its name then."""
    path = folder / FILE
    while True:
        descriptor = open_regular(path, flags)
        try:
            lock(descriptor)
            if _is_named(descriptor, path):
                yield descriptor
                return
        finally:
            os.close(descriptor)


def _is_named(descriptor: int, path: Path) -> bool:
    """Tell whether an open file still has its name: while its lock was waited for, it may have been renamed."""
    try:
        named = path.stat()
    except FileNotFoundError:
        return False
    return os.path.samestat(os.fstat(descriptor), named)


def _unreadable(error: OSError) -> LogUnavailableError:
    return LogUnavailableError(f"{FILE} cannot be read: {error.strerror or error}")
