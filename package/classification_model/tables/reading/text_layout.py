"""Find how a delimited file is written, from its beginning: encoding, delimiter, and the lines above the header."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

from classification_model.runtime.model_folder.file_layout import UNKNOWN, FileLayout
from classification_model.tables.formats import check_delimiter, sniff_delimiter
from classification_model.tables.reading.text_blocks import SAMPLE
from classification_model.tables.reading.title_lines import find_header

DELIMITERS = ",;\t|"
#: Rows that a layout is found by, and the lines that these are sought in.
ROWS, LINES = 64, 256
#: Share of the rows with as many cells as the header, above which the delimiter is beyond doubt.
EVEN = 0.9
_SEPARATOR_LINE = re.compile(r'"?sep=([^"\r\n])"?\1*\s*', re.IGNORECASE)


@dataclass(frozen=True)
class Expected:
    """What a file is expected to be, unless it evidently is something else.

    Attributes
    ----------
    layout
        How such files are written.
    names
        Columns that they have, among others.
    """

    layout: FileLayout
    names: Collection[str]


@dataclass(frozen=True)
class TextLayout:
    """How a delimited file is written.

    Attributes
    ----------
    encoding, delimiter
        Its encoding, and what parts its cells.
    skip_rows
        Lines above its header, without a line ``sep=``.
    skipped
        Lines above its header, with it.
    first_rows
        Its header and some rows below it.
    titles
        Lines at its beginning that look like titles, where they are not to be left out.
    """

    encoding: str
    delimiter: str
    skip_rows: int
    skipped: int
    first_rows: Sequence[Sequence[str]]
    titles: int = 0


def find_layout(start: bytes, given: FileLayout, expected: Expected | None, name: str) -> TextLayout:
    """Find how a delimited file is written.

    Parameters
    ----------
    start
        Its beginning.
    given
        What is known for sure; the rest is found.
    expected
        How it is probably written; None where nothing is known of it.
    name
        Name of the file, for messages.

    Raises
    ------
    SettingError
        If the given delimiter cannot be one.
    """
    if given.delimiter is not None:
        check_delimiter(given.delimiter, name)
    usual = UNKNOWN if expected is None else expected.layout
    encoding = given.encoding or _fitting_encoding(start, usual.encoding or "utf-8")
    beginning = _Beginning.of(start, encoding)
    separator = _SEPARATOR_LINE.fullmatch(beginning.lines[0]) if beginning.lines else None
    if separator is not None:
        beginning = _Beginning(beginning.lines[1:], is_cut=beginning.is_cut)
        given = given.model_copy(update={"delimiter": separator[1]})
    found = _choose(beginning, given, expected)
    skipped = found.skip_rows + bool(separator)
    titles = 0 if given.skip_rows is None else beginning.read(found.delimiter, None).skip_rows
    is_told = titles > found.skip_rows
    return TextLayout(encoding, found.delimiter, found.skip_rows, skipped, found.rows, titles if is_told else 0)


@dataclass(frozen=True)
class _Reading:
    """Lines of a file as rows: its header and some below, without what is above."""

    delimiter: str
    skip_rows: int
    rows: Sequence[Sequence[str]]

    @property
    def width(self) -> int:
        """Number of cells of the header."""
        return len(self.rows[0]) if self.rows else 0

    @property
    def evenness(self) -> float:
        """Share of the rows that have as many cells as the header."""
        below = self.rows[1:]
        return sum(1 for row in below if len(row) == self.width) / len(below) if below else 0.0

    def known(self, names: Collection[str]) -> int:
        """Count the columns that have one of some names."""
        return len(set(self.rows[0]) & set(names)) if self.rows else 0


@dataclass(frozen=True)
class _Beginning:
    """The first lines of a file, and whether there are more."""

    lines: Sequence[str]
    is_cut: bool

    @classmethod
    def of(cls, start: bytes, encoding: str) -> _Beginning:
        r"""Part the beginning of a file into lines, which end with ``\n``, ``\r`` or both."""
        try:
            text = start.decode(encoding, errors="replace").removeprefix("\ufeff")
        except (LookupError, ValueError):  # which reading tells
            return cls([], is_cut=False)
        lines = list(islice(io.StringIO(text, newline=""), LINES))
        return cls(lines, is_cut=len(lines) == LINES or len(start) >= SAMPLE)

    def guess(self, delimiter: str | None, skip_rows: int | None) -> _Reading:
        """Read the lines by what is known, and by what they look like."""
        if delimiter is not None:
            return self.read(delimiter, skip_rows)
        below = self.lines[skip_rows or 0 :]
        plain = (line for line in below if line.strip() and not (skip_rows is None and line.lstrip().startswith("#")))
        likely = sniff_delimiter(next(plain, "").encode())
        first = self.read(likely, skip_rows)
        # Unless it parts the rows, the first line is a title, or holds a stray delimiter.
        others = [self.read(each, skip_rows) for each in DELIMITERS if each != likely]
        best = max(others, key=lambda each: (each.evenness, each.width))
        is_better = first.width == 1 or (first.evenness <= EVEN and best.evenness > first.evenness)
        return best if best.width > 1 and best.evenness > EVEN and is_better else first

    def read(self, delimiter: str, skip_rows: int | None) -> _Reading:
        """Read the lines, below so many or below what looks like titles."""
        rows, starts = self._rows(skip_rows or 0, delimiter)
        if skip_rows is not None:
            return _Reading(delimiter, skip_rows, [row for row in rows if row])
        header = find_header(rows)
        is_below_text = any(rows[:header])
        return _Reading(delimiter, starts[header] if is_below_text else 0, [row for row in rows[header:] if row])

    def _rows(self, skip_rows: int, delimiter: str) -> tuple[list[list[str]], list[int]]:
        """Split lines into cells; return rows, empty for an empty line, and the number of lines above each."""
        lines = self.lines[skip_rows:]
        reader = csv.reader(lines, delimiter=delimiter)
        rows, starts, start = [], [], 0
        with suppress(csv.Error):
            for row in islice(reader, ROWS):
                rows.append(row)
                starts.append(start)
                start = reader.line_num
        if self.is_cut and start == len(lines) and len(rows) > 1:  # the last one may go on
            del rows[-1]
        return rows, starts


def _choose(beginning: _Beginning, given: FileLayout, expected: Expected | None) -> _Reading:
    """Return what is expected where the header holds as many of the expected names as what the file looks like."""
    guessed = beginning.guess(given.delimiter, given.skip_rows)
    if expected is None:
        return guessed
    usual = expected.layout
    delimiters = [given.delimiter] if given.delimiter else [usual.delimiter or guessed.delimiter, guessed.delimiter]
    found = [
        beginning.read(delimiter, skip_rows)
        for delimiter in dict.fromkeys(delimiters)
        for skip_rows in dict.fromkeys([usual.skip_rows, None, 0] if given.skip_rows is None else [given.skip_rows])
    ]
    best = max(found, key=lambda each: each.known(expected.names))
    return best if best.known(expected.names) or best.width > 1 else guessed


def _fitting_encoding(start: bytes, usual: str) -> str:
    """Return the encoding that files of this kind have, unless the beginning of this one shows that it has another."""
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) and not start.startswith(codecs.BOM_UTF32_LE):
        return usual if usual.lower().replace("_", "-").startswith("utf-16") else "utf-16"
    return "utf-8" if not _is_utf8(usual) and _shows_utf8(start, usual) else usual


def _is_utf8(encoding: str) -> bool:
    try:
        return codecs.lookup(encoding).name in {"utf-8", "utf-8-sig"}
    except LookupError:
        return False


def _shows_utf8(start: bytes, usual: str) -> bool:
    """Tell whether bytes are UTF-8, and would be other letters in the usual encoding."""
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(start)
        is_same = text.isascii() and start.decode(usual, errors="replace") == text
    except (LookupError, ValueError):
        return False
    return bool(text) and not is_same and "\0" not in text
