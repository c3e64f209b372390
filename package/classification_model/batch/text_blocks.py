"""Blocks of a text file that end where a row ends, as UTF-8."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classification_model.batch.formats import LARGEST_ROW, empty, not_in_encoding
from classification_model.batch.opening import Opened
from classification_model.errors import DataError

#: Bytes that are read at a time.
BLOCK = 2**22
#: From a content, the number of its first line and whether the file ends with it to the length of the part in which
#: every line end ends a row.
Understand = Callable[[bytes, int, bool], int]


@dataclass(frozen=True)
class Block:
    """Whole rows of a text file.

    Attributes
    ----------
    content
        UTF-8, ending with a line end.
    line
        Number of its first line, from 1.
    units
        Bytes of the file that were read for it.
    """

    content: bytes
    line: int
    units: int


def read_blocks(file: Opened, encoding: str, understand: Understand, size: int = BLOCK) -> Iterator[Block]:
    """Read a text file in blocks of whole rows.

    A byte order mark, and empty lines before the first row, are left out; a missing last line end is added.

    Parameters
    ----------
    file
        The file.
    encoding
        How it is written.
    understand
        What knows where rows end.
    size
        Bytes that are read at a time.

    Raises
    ------
    DataError
        If there is nothing in it, it is in another encoding, or a row is longer than 64 MiB.
    """
    rest, line, units, is_first = b"", 1, 0, True
    for chunk, read in _as_utf8(file, encoding, size):
        content, units, is_last = rest + chunk, units + read, not chunk
        if is_first:
            stripped = content.lstrip(b"\r\n")
            line += count_line_ends(content[: len(content) - len(stripped)])
            content = stripped
        if is_last:
            if is_first and not content.strip():
                raise empty(file.name)
            content += b"\n" if content and not content.endswith((b"\n", b"\r")) else b""
        elif is_first and content.isspace():
            rest = content
            continue
        end = _end_of_rows(content, understand(content, line, is_last), is_last=is_last)
        if end:
            yield Block(content[:end], line, units)
            line += count_line_ends(content[:end])
            units, is_first = 0, False
        rest = content[end:]
        if len(rest) > LARGEST_ROW:
            msg = f"{file.name}: the row that begins in line {line} is longer than {LARGEST_ROW >> 20} MiB"
            raise DataError(msg)


def _end_of_rows(content: bytes, understood: int, *, is_last: bool) -> int:
    """Return the position after the last line end that is known to end a row; 0 where there is none."""
    if is_last:
        return understood
    if understood == len(content) and content.endswith(b"\r"):  # nobody knows yet whether a "\n" follows
        understood -= 1
    return max(content.rfind(b"\n", 0, understood), content.rfind(b"\r", 0, understood)) + 1


def _as_utf8(file: Opened, encoding: str, size: int) -> Iterator[tuple[bytes, int]]:
    """Yield parts of a file as UTF-8, each with the number of bytes it was read from, and an empty one at the end."""
    is_utf8 = codecs.lookup(encoding).name in {"utf-8", "utf-8-sig"}
    decoder = None if is_utf8 else codecs.getincrementaldecoder(encoding)()
    is_first = True
    try:
        while part := file.read(size):
            if decoder is None:
                chunk = part.removeprefix(codecs.BOM_UTF8) if is_first else part
            else:
                chunk = decoder.decode(part).encode()
            is_first = False
            if chunk:
                yield chunk, len(part)
        if decoder is not None and (chunk := decoder.decode(b"", final=True).encode()):
            yield chunk, 0
    except UnicodeError as error:
        raise not_in_encoding(file.name, encoding) from error
    yield b"", 0


def count_line_ends(content: bytes) -> int:
    r"""Count line ends, of which ``\r\n`` is one."""
    return content.count(b"\n") + content.count(b"\r") - content.count(b"\r\n")


def every_line(content: bytes, _line: int, _is_last: bool) -> int:
    """Understand a format in which every line is a row."""
    return len(content)


def outside_quotes(name: str, delimiter: str) -> Understand:
    """Return what understands a delimited format, in which a line end inside of a quoted cell ends no row.

    It refuses a quoted cell that does not end where a cell ends: it would swallow the rows after it.
    """
    ends = re.escape(delimiter.encode()) + rb"\r\n"
    quoted = rb'"[^"]*+(?:""[^"]*+)*+'
    whole = re.compile(rb'(?:[^"]++|(?<=[^' + ends + rb'])"|' + quoted + rb'"(?=[' + ends + rb"]))*+")
    unfinished = re.compile(quoted + rb'"?\Z')
    is_end = np.zeros(256, dtype=bool)
    is_end[list(delimiter.encode() + b"\r\n")] = True

    def understand(content: bytes, line: int, is_last: bool) -> int:
        end = _plainly_quoted(content, is_end)
        if end is None:
            match = whole.match(content)
            end = match.end() if match else 0
        if end < len(content) and (is_last or not unfinished.match(content, end)):
            line += count_line_ends(content[:end])
            msg = f"{name}: a cell that opens with a quote in line {line} does not end with one: double those inside"
            raise DataError(msg)
        return end

    return understand


def _plainly_quoted(content: bytes, is_end: NDArray[np.bool_]) -> int | None:
    """Do what the expression for all cases does, quicker, where quotes open and close cells in turns.

    One that closes and one that opens again at once are a doubled one. None where there is more to it.
    """
    letters = np.frombuffer(content, dtype=np.uint8)
    quotes = np.flatnonzero(letters == ord('"'))
    if not len(quotes):
        return len(content)
    opening, closing = quotes[::2], quotes[1::2]
    opens = is_end[letters[opening - 1]]
    opens[0] |= opening[0] == 0
    closes = is_end[letters[np.minimum(closing + 1, len(letters) - 1)]]
    is_doubled = closing[: len(opening) - 1] + 1 == opening[1:]
    is_unfinished = len(opening) > len(closing)
    is_open = is_unfinished and not opens[-1]
    if is_open or (len(closing) and closing[-1] + 1 == len(letters)):
        return None
    opens[1:] |= is_doubled
    closes[: len(is_doubled)] |= is_doubled
    if not (opens.all() and closes.all()):
        return None
    return int(opening[-1]) if is_unfinished else len(content)
