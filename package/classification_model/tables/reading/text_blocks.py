"""Read a text file as UTF-8, in blocks that end where a row ends."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classification_model.errors import DataError
from classification_model.tables.formats import LARGEST_ROW, check_encoding, empty, not_in_encoding
from classification_model.tables.reading.open_file import Opened

#: Rows of a block, about, and the least and the most bytes that are read for them.
ROWS, SMALLEST, LARGEST = 2**16, 2**14, 2**22
#: Bytes of the beginning of a file that tell how long its rows are.
SAMPLE = 2**18
_LINE_END = re.compile(rb"\r\n|\n|\r")
#: From a content, the number of its first line and whether the file ends with it to the position where the last row
#: that is known to be whole ends; 0 where there is none.
EndOfRows = Callable[[bytes, int, bool], int]


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
    is_cut
        Whether the file ends with it, and without a line end.
    """

    content: bytes
    line: int
    units: int
    is_cut: bool = False


def block_size(file: Opened, rows: int = ROWS) -> int:
    """Return how many bytes are to be read at a time for so many rows, going by the first ones."""
    sample = file.peek(SAMPLE)
    a_row = len(sample) // (count_line_ends(sample) + 1) + 1
    return min(max(rows * a_row, SMALLEST), LARGEST)


def read_blocks(file: Opened, encoding: str, end_of_rows: EndOfRows, size: int, *, skipped: int = 0) -> Iterator[Block]:
    """Read a text file in blocks of whole rows.

    A byte order mark, and empty lines before the first row, are left out; a missing last line end is added.

    Parameters
    ----------
    file
        The file.
    encoding
        How it is written.
    end_of_rows
        What knows where rows end.
    size
        Bytes that are read at a time.
    skipped
        Lines at its beginning that are left out.

    Raises
    ------
    DataError
        If there is nothing in it, it is in another encoding, or a row is longer than 64 MiB.
    """
    rest, line, units, is_first = b"", 1, 0, True
    reader, is_last = _Utf8(file, encoding), False
    while not is_last:
        if len(rest) > LARGEST_ROW:
            msg = f"{file.name}: line {line}: expected rows of at most {LARGEST_ROW >> 20} MiB, found a longer one"
            raise DataError(msg)
        chunk, read = reader.read(max(size, len(rest)))  # twice as much, and again, where a row is long
        rest, units, is_last = rest + chunk, units + read, not read
        if is_first:
            content = _below(rest, skipped, is_last=is_last)
            if content is None or not (content.strip() or is_last):
                continue
            line += count_line_ends(rest[: len(rest) - len(content)])
            if not content.strip():
                raise _nothing_below(file.name, skipped)
            rest, skipped = content, 0
        content = rest
        is_cut = is_last and content != b"" and not content.endswith((b"\n", b"\r"))
        if is_cut:
            content += b"\n"
        end = end_of_rows(content, line, is_last)
        if end:
            yield Block(content[:end], line, units, is_cut)
            line += count_line_ends(content[:end])
            units, is_first = 0, False
            rest = content[end:]


def _nothing_below(name: str, skipped: int) -> DataError:
    if not skipped:
        return empty(name)
    return DataError(f"{name}: expected column names below {skipped} line(s) that are left out, found nothing")


def _below(content: bytes, lines: int, *, is_last: bool) -> bytes | None:
    """Return what is below so many lines and the empty ones after them; None where these are not whole yet."""
    place = 0
    for _ in range(lines):
        end = _LINE_END.search(content, place)
        if end is None or (end.end() == len(content) and not is_last):  # a line feed may follow
            return b"" if is_last else None
        place = end.end()
    return content[place:].lstrip(b"\r\n")


class _Utf8:
    """Reads a text file as UTF-8, without a byte order mark."""

    def __init__(self, file: Opened, encoding: str) -> None:
        self._file = file
        self._encoding = encoding
        try:
            is_utf8 = codecs.lookup(check_encoding(encoding)).name in {"utf-8", "utf-8-sig"}
        except ValueError as error:
            raise not_in_encoding(file.name, encoding) from error
        self._decoder = None if is_utf8 else codecs.getincrementaldecoder(encoding)()
        self._is_first = True

    def read(self, count: int) -> tuple[bytes, int]:
        """Read so many bytes; return them as UTF-8, empty at the end, and how many they were."""
        part = self._file.read(max(count, len(codecs.BOM_UTF8)))
        is_first, self._is_first = self._is_first, False
        if self._decoder is None:
            return part.removeprefix(codecs.BOM_UTF8) if is_first else part, len(part)
        try:
            return self._decoder.decode(part, final=not part).encode(), len(part)
        except UnicodeDecodeError as error:
            fault = f"byte {error.object[error.start]:#04x}"
            raise not_in_encoding(self._file.name, self._encoding, fault) from error
        except ValueError as error:
            raise not_in_encoding(self._file.name, self._encoding) from error


def foreign_byte(content: bytes, line: int) -> str:
    """Say which byte of a block is no UTF-8, and in which line; nothing where all are.

    Parameters
    ----------
    content
        The block.
    line
        Number of its first line.
    """
    try:
        content.decode()
    except UnicodeDecodeError as error:
        return f"byte {content[error.start]:#04x} in line {line + count_line_ends(content[: error.start])}"
    return ""


def count_line_ends(content: bytes) -> int:
    r"""Count line ends, of which ``\r\n`` is one."""
    return content.count(b"\n") + content.count(b"\r") - content.count(b"\r\n")


def every_line(content: bytes, _line: int, is_last: bool) -> int:
    """Find the end of rows of which each is a line."""
    return len(content) if is_last else _last_line_end(content, len(content))


def _last_line_end(content: bytes, end: int) -> int:
    r"""Return the position after the last line end before another one, where it is known that no ``\n`` follows."""
    if end == len(content) and content.endswith(b"\r"):
        end -= 1
    return max(content.rfind(b"\n", 0, end), content.rfind(b"\r", 0, end)) + 1


def outside_quotes(name: str, delimiter: str) -> EndOfRows:
    """Return what finds the end of delimited rows, which is no line end inside of a quoted cell.

    It refuses a quoted cell that does not end where a cell ends: it would swallow the rows after it.
    """
    ends = re.escape(delimiter.encode()) + rb"\r\n"
    quoted = rb'"[^"]*+(?:""[^"]*+)*+'
    cell = re.compile(rb"(?<![^" + ends + rb"])" + quoted + rb'"(?=[' + ends + rb"])")
    whole = re.compile(rb'(?:[^"]++|(?<=[^' + ends + rb'])"|' + quoted + rb'"(?=[' + ends + rb"]))*+")
    unfinished = re.compile(quoted + rb'"?\Z')
    is_end = np.zeros(256, dtype=bool)
    is_end[list(delimiter.encode() + b"\r\n")] = True

    def find(content: bytes, line: int, is_last: bool) -> int:
        quick = _plain_quotes(content, is_end)
        if quick is None:
            match = whole.match(content)
            end = match.end() if match else 0
            spans = [found.span() for found in cell.finditer(content, 0, end)]
            starts, stops = np.array(spans, dtype=np.int64).reshape(-1, 2).T
        else:
            end, starts, stops = quick
        if end < len(content) and (is_last or not unfinished.match(content, end)):
            line += count_line_ends(content[:end])
            msg = (
                f"{name}: line {line}: expected a quote at the end of a cell that begins with one, found none: double "
                "quotes inside the cell"
            )
            raise DataError(msg)
        return end if is_last else _last_end_outside(content, end, starts, stops)

    return find


def _last_end_outside(content: bytes, end: int, starts: NDArray[np.int64], stops: NDArray[np.int64]) -> int:
    """Return the position after the last line end that lies in no quoted cell."""
    while place := _last_line_end(content, end):
        before = int(np.searchsorted(starts, place)) - 1
        if before < 0 or stops[before] < place:
            return place
        end = int(starts[before])
    return 0


def _plain_quotes(content: bytes, is_end: NDArray[np.bool_]) -> tuple[int, NDArray[np.int64], NDArray[np.int64]] | None:
    """Find quoted cells, quicker than the expressions for all cases, where quotes open and close cells in turns.

    One that closes and one that opens again at once are a doubled one.

    Returns
    -------
    tuple or None
        Where what is whole ends, and where quoted cells, or parts of them, start and stop. None where there is more
        to it.
    """
    letters = np.frombuffer(content, dtype=np.uint8)
    quotes = np.flatnonzero(letters == ord('"'))
    opening, closing = quotes[::2], quotes[1::2]
    if not len(quotes):
        return len(content), opening, closing
    opens = is_end[letters[opening - 1]]
    opens[0] |= opening[0] == 0
    closes = is_end[letters[np.minimum(closing + 1, len(letters) - 1)]]
    is_doubled = closing[: len(opening) - 1] + 1 == opening[1:]
    is_unfinished = len(opening) > len(closing)
    is_unclear = is_unfinished and not opens[-1]
    if is_unclear or (len(closing) and closing[-1] + 1 == len(letters)):
        return None
    opens[1:] |= is_doubled
    closes[: len(is_doubled)] |= is_doubled
    if not (opens.all() and closes.all()):
        return None
    return int(opening[-1]) if is_unfinished else len(content), opening, closing
