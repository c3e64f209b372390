"""Name, read, append to and repair files of sealed lines."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from io import BufferedReader, FileIO
from pathlib import Path
from typing import Any, Literal, NamedTuple, cast

import orjson

from classification_model.runtime.log.sealed_lines import LogFaults, salvage, unseal
from classification_model.runtime.system.locks import lock
from classification_model.runtime.system.safe_open import open_regular

#: What the lines of a file are.
Kind = Literal["predictions", "labels"]
#: What a line waits for: the operating system, which outlives the process, or the disk, which outlives a power cut.
Durability = Literal["os", "disk"]

_NAME = re.compile(r"(predictions|labels)-(\d{20}-\d+-[0-9a-f]{8})\.(\d{6,})\.jsonl")
_BLOCK = 64 * 1024

_sync = getattr(os, "fdatasync", os.fsync)


class LogFile(NamedTuple):
    """A file of a log folder; they sort by when their process began, then by their number.

    Attributes
    ----------
    stream
        When its process began, the process, and a random part.
    number
        1 for the first file of the process.
    path
        Where it is.
    """

    stream: str
    number: int
    path: Path


def name_of(kind: Kind, stream: str, number: int) -> str:
    """Return the name of a file."""
    return f"{kind}-{stream}.{number:06d}.jsonl"


def files_of(folder: Path, kind: Kind) -> list[LogFile]:
    """Return the files of a kind in order; none where there is no folder.

    Raises
    ------
    OSError
        If the folder cannot be read.
    """
    try:
        names = [path.name for path in folder.iterdir()]
    except FileNotFoundError:
        return []
    found = [match for name in names if (match := _NAME.fullmatch(name)) and match[1] == kind]
    return sorted(LogFile(match[2], int(match[3]), folder / match[0]) for match in found)


def open_to_read(path: Path, faults: LogFaults) -> BufferedReader | None:
    """Open a file of a log; None where that is not possible, which counts as a fault."""
    try:
        return BufferedReader(FileIO(open_regular(path), "rb"), _BLOCK)
    except OSError as error:
        faults.unreadable += 1
        faults.place(path.name, 0, f"cannot be read: {error.strerror or error}")
        return None


def read_lines(path: Path, faults: LogFaults) -> Iterator[bytes]:
    """Yield the content of each line that is whole, and count the others.

    Raises
    ------
    OSError
        If the disk fails.
    """
    for contents in read_blocks(path, faults):
        yield from contents


def read_blocks(path: Path, faults: LogFaults, size: int = 2**16) -> Iterator[list[bytes]]:
    """Yield the same as `read_lines`, the lines of so many bytes at a time, which is faster."""
    file = open_to_read(path, faults)
    if file is None:
        return
    offset = 0
    with file:
        while lines := file.readlines(size):
            yield contents_of(lines, path.name, offset, faults)
            offset += sum(map(len, lines))


def read_complete_lines(path: Path, start: int, end: int, size: int = 2**20) -> Iterator[tuple[int, list[bytes]]]:
    """Yield the lines of a part of a file as they are, so many bytes at a time, each time with their first byte.

    Parameters
    ----------
    path
        The file, to which a process may append meanwhile.
    start
        Where to begin. If it is inside a line, the rest of this line is left out.
    end
        Where to end. A line that goes on after it is left out, and so is one without its end.
    size
        How many bytes at a time, about.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    with BufferedReader(FileIO(open_regular(path), "rb"), _BLOCK) as file:
        if start:
            file.seek(start - 1)
            start += len(file.readline()) - 1
        while start < end and (lines := file.readlines(min(size, end - start))):
            read = stop = start + sum(map(len, lines))
            while lines and (stop > end or not lines[-1].endswith(b"\n")):
                stop -= len(lines.pop())
            if lines:
                yield start, lines
            if stop < read:
                return
            start = stop


def contents_of(lines: list[bytes], file: str, offset: int, faults: LogFaults) -> list[bytes]:
    """Return the content of each line that is whole, and count the others.

    Parameters
    ----------
    lines
        Lines of a file, one after the other.
    file, offset
        Name of the file, and byte at which the first line begins.
    faults
        Where it is counted what cannot be read.
    """
    contents = [unseal(line) for line in lines]
    if None not in contents:
        return cast("list[bytes]", contents)
    whole = []
    for line, content in zip(lines, contents, strict=True):
        whole += salvage(line, file, offset, faults) if content is None else [content]
        offset += len(line)
    return whole


def iter_records(folder: Path, kind: Kind, members: Sequence[str], faults: LogFaults) -> Iterator[dict[str, Any]]:
    """Yield the records of a kind, whole ones that have all members.

    Parameters
    ----------
    folder, kind
        Which.
    members
        Names that a record has at least.
    faults
        Where it is counted what cannot be read.
    """
    for file in files_of(folder, kind):
        for content in read_lines(file.path, faults):
            try:
                record = orjson.loads(content)
            except orjson.JSONDecodeError:
                record = None
            if isinstance(record, dict) and all(name in record for name in members):
                yield record
            else:
                faults.strange += 1


class TornTailError(OSError):
    """Lines could be neither written whole nor taken back."""


def append_whole(descriptor: int, lines: bytes, end: int, durability: Durability) -> None:
    """Append lines to an open file, whole or not at all.

    Parameters
    ----------
    descriptor
        Of the file, which nobody else writes meanwhile.
    lines
        Each with its end.
    end
        Size of the file before.
    durability
        What to wait for.

    Raises
    ------
    TornTailError
        If they cannot be written, and some of them stay in the file.
    OSError
        If they cannot be written.
    """
    try:
        written = os.write(descriptor, lines)
        while written < len(lines):
            written += os.write(descriptor, lines[written:])
        if durability == "disk":
            _sync(descriptor)
    except OSError as error:
        try:
            os.ftruncate(descriptor, end)
        except OSError:
            raise TornTailError(*error.args) from error
        raise


class Repair(NamedTuple):
    """The repair of the last line of a file, after its process was killed.

    Attributes
    ----------
    file, offset
        Name of the file, and byte at which the line begins.
    removed
        Number of bytes that were taken away; 0 where the line lacked its end alone, which was added.
    """

    file: str
    offset: int
    removed: int

    def __str__(self) -> str:
        what = f"{self.removed} bytes of a torn line removed" if self.removed else "a missing line break added"
        return f"{self.file} was repaired at byte {self.offset}: {what}"


def repair(path: Path) -> Repair | None:
    """Take away the torn last line of a file that no process writes; None where there is none, or one does.

    Raises
    ------
    OSError
        If the file cannot be repaired.
    """
    descriptor = open_regular(path, os.O_RDWR | os.O_APPEND)
    try:
        return repair_tail(path.name, descriptor) if lock(descriptor, wait=False) else None
    finally:
        os.close(descriptor)


def repair_tail(name: str, descriptor: int) -> Repair | None:
    """Take away the torn last line of a file that is open to read and append, and locked; see `repair`."""
    size = end = os.fstat(descriptor).st_size
    tail = b""
    while end and b"\n" not in tail:
        begin = max(0, end - _BLOCK)
        tail = os.pread(descriptor, end - begin, begin) + tail
        end = begin
    offset = end + tail.rfind(b"\n") + 1
    last = tail[offset - end :]
    if not last:
        return None
    if unseal(last + b"\n") is None:
        os.ftruncate(descriptor, offset)
        removed = size - offset
    else:
        os.write(descriptor, b"\n")
        removed = 0
    os.fsync(descriptor)
    return Repair(name, offset, removed)
