"""Sealed lines: a JSON object per line with a checksum, and the recovery of damaged lines."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple
from zlib import crc32

#: Of what stands behind the content of a line.
_SEAL_LENGTH = len(b',"crc":"0123abcd"}\n')
_SEALED_END = re.compile(rb',"crc":"[0-9a-f]{8}"\}')
_MOST_PLACES = 100


def seal(content: bytes) -> bytes:
    """Return a line that tells by itself whether it is whole.

    Parameters
    ----------
    content
        A JSON object with a member or more, without line breaks.

    Returns
    -------
    bytes
        The object with one more member, ``crc``, and the end of the line. It is the CRC-32 of the bytes before it, in
        eight lower-case hexadecimal digits.
    """
    body = content[:-1]
    return b'%b,"crc":"%08x"}\n' % (body, crc32(body))


def unseal(line: bytes) -> bytes | None:
    """Return the content of a line, with its end, that was sealed; None where it is torn or damaged."""
    body, crc = line[:-_SEAL_LENGTH], line[-_SEAL_LENGTH:]
    return body + b"}" if crc == b',"crc":"%08x"}\n' % crc32(body) and body else None


class LineFault(NamedTuple):
    """A place in a log that cannot be read.

    Attributes
    ----------
    file, offset
        Name of the file, and byte at which the line begins.
    reason
        What is wrong.
    """

    file: str
    offset: int
    reason: str


@dataclass
class LogFaults:
    """Counts of what is wrong with a log that was read.

    Attributes
    ----------
    torn
        Number of incomplete lines. Such a line is still being written, or a killed process left it.
    damaged
        Number of lines with a wrong checksum.
    unreadable
        Number of files that cannot be read.
    strange
        Number of intact lines that are not records of this log.
    duplicates
        Number of records with the ``prediction_id`` of a record that was read before. Only the first record is used.
    backwards
        Number of records with an earlier time than the previous record of the same process. The clock was set back
        between the two.
    places
        Place of each of the first hundred faults: file, byte and reason.

    Examples
    --------
    A log whose last line is cut short:

    >>> import tempfile
    >>> from pathlib import Path
    >>> import classification_model as cm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with cm.LabelLog(folder) as log:
    ...         log.add([("0194e6f2-8a4c-7000-8000-000000000001", "survived")], source="registry")
    ...     (file,) = Path(folder).glob("*.jsonl")
    ...     written = file.write_bytes(file.read_bytes()[:-9])
    ...     faults = cm.LogFaults()
    ...     labels = cm.read_labels(folder, faults)
    >>> len(labels), faults.torn
    (0, 1)
    """

    torn: int = 0
    damaged: int = 0
    unreadable: int = 0
    strange: int = 0
    duplicates: int = 0
    backwards: int = 0
    places: list[LineFault] = field(default_factory=list)

    def place(self, file: str, offset: int, reason: str) -> None:
        """Add the place of a fault."""
        if len(self.places) < _MOST_PLACES:
            self.places.append(LineFault(file, offset, reason))

    def add(self, others: LogFaults) -> None:
        """Add the faults of another part of the log."""
        for name in ("torn", "damaged", "unreadable", "strange", "duplicates", "backwards"):
            setattr(self, name, getattr(self, name) + getattr(others, name))
        for place in others.places:
            self.place(*place)

    def describe(self) -> list[str]:
        """Return a line for each kind of fault that was found, and one for each of the first five places."""
        texts = {
            "torn": "lines without an end, which are being written or were left by a killed process: left out",
            "damaged": "damaged lines: left out",
            "unreadable": "files that cannot be read: left out",
            "strange": "lines that are not records of this log: left out",
            "duplicates": "repeated records: the first of each counts",
            "backwards": "records older than the one before them: the clock was set back",
        }
        lines = [f"{count} {text}" for name, text in texts.items() if (count := getattr(self, name))]
        return lines + [f"{file}, byte {offset}: {reason}" for file, offset, reason in self.places[:5]]


def salvage(line: bytes, file: str, offset: int, faults: LogFaults) -> list[bytes]:
    """Return the contents of what is whole in a line that is not, and count the rest.

    Where the end of a line was damaged, two lines are read as one. A whole line that lacks its end alone is whole.

    Parameters
    ----------
    line
        As it was read.
    file, offset
        Where it begins.
    faults
        Where it is counted.
    """
    if not line.endswith(b"\n"):
        whole = unseal(line + b"\n")
        if whole is not None:
            return [whole]
    found: list[bytes] = []
    start = damaged_end = 0
    for end in [match.end() for match in _SEALED_END.finditer(line)]:
        content = unseal(line[start:end] + b"\n")
        if content is not None:
            damaged_end = damaged_end or end
            found.append(content)
            start = end + 1
    if start < len(line) or not found:
        is_torn = not line.endswith(b"\n")
        faults.torn += is_torn
        faults.damaged += not is_torn
        faults.place(file, offset + start, "a line without an end" if is_torn else "a damaged line")
    else:
        faults.damaged += 1
        faults.place(file, offset + damaged_end, "a damaged line break; the line itself is intact")
    return found
