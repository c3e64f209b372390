"""Formats of tables in files: what a file's name says, and what header and delimiter must be."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from classification_model.errors import DataError

STANDARD_STREAM = "-"
DELIMITER_SETTING = "data.delimiter, or --delimiter on the command line"
ENCODING_SETTING = "data.encoding, or --encoding on the command line"
#: Bytes of the longest row that a text file may have.
LARGEST_ROW = 2**26

_FORMATS = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}
_DELIMITERS = ",;\t|"


def format_of(source: str) -> str:
    """Return the format that a file's suffix names; standard input and output are CSV.

    Raises
    ------
    DataError
        If the suffix is none of the known ones.
    """
    if source == STANDARD_STREAM:
        return "csv"
    suffix = Path(source).suffix.lower()
    if suffix not in _FORMATS:
        msg = f"{source}: expected a file called {', '.join(_FORMATS)}, found {suffix or 'no suffix'}"
        raise DataError(msg)
    return _FORMATS[suffix]


def check_header(names: Sequence[str], source: str) -> None:
    """Refuse a column without a name, and one with the name of another.

    Raises
    ------
    DataError
        Naming the column.
    """
    known = set()
    for position, name in enumerate(names):
        if not name.strip():
            msg = f"{source}: column {position + 1} has no name in the header"
            raise DataError(msg)
        if name in known:
            msg = f"{source}: the column {name!r} is there twice"
            raise DataError(msg)
        known.add(name)


def check_wanted(wanted: Sequence[str], columns: Sequence[str], source: str) -> None:
    """Refuse a table that lacks a column.

    Raises
    ------
    DataError
        Naming the column.
    """
    for name in wanted:
        if name not in columns:
            known = f"expected one of {', '.join(map(repr, columns[:20]))}" if columns else "it has no column at all"
            msg = f"{source} has no column {name!r}: {known}"
            raise DataError(msg)


def sniff_delimiter(content: bytes, encoding: str = "utf-8") -> str:
    """Guess the delimiter of a CSV file from its header: the candidate that occurs most outside of quotes."""
    try:
        header = content[:100_000].decode(encoding, errors="replace").partition("\n")[0]
    except (LookupError, ValueError):  # which parsing tells
        return ","
    return max(_DELIMITERS, key=re.sub(r'"[^"]*"', "", header).count)


def check_delimiter(delimiter: str, source: str) -> None:
    """Refuse a delimiter that cannot part cells.

    Raises
    ------
    DataError
        If it is not one ASCII character, or stands for a quote or a line end.
    """
    if len(delimiter) != 1 or not delimiter.isascii() or delimiter in '"\r\n\0':
        msg = (
            f"{source}: expected one ASCII character that parts the cells, found {delimiter!r}: set {DELIMITER_SETTING}"
        )
        raise DataError(msg)


def check_parted(header: Sequence[str], source: str, delimiter: str) -> None:
    """Refuse a header of one column in which another delimiter stands.

    Raises
    ------
    DataError
        Naming the other delimiter.
    """
    others = [mark for mark in ";\t|," if mark != delimiter and mark in header[0]]
    if len(header) == 1 and others:
        msg = f"{source} has one column at the delimiter {delimiter!r}: is it {others[0]!r}? set {DELIMITER_SETTING}"
        raise DataError(msg)


def check_encoding(name: str) -> str:
    """Return the name of an encoding.

    Raises
    ------
    ValueError
        If Python has no encoding of text that is called so, saying what was expected.
    """
    try:
        "".encode(name)
    except (LookupError, ValueError) as error:
        msg = "an encoding of text that Python knows, such as utf-8 or cp1252"
        raise ValueError(msg) from error
    return name


def first_sentence(error: Exception) -> str:
    """Return what an error of a library says first, short enough for a line."""
    return str(error).strip().partition("\n")[0][:200].rstrip(".")


def empty(source: str) -> DataError:
    """Return the error of a file that holds nothing."""
    return DataError(f"{source} is empty: expected a header and rows")


def not_in_encoding(source: str, encoding: str, fault: str = "") -> DataError:
    """Return the error of a text file in another encoding; `fault` says which byte of which line shows it."""
    found = f" ({fault})" if fault else ""
    return DataError(f"{source} is not text in the encoding {encoding!r}{found}: set {ENCODING_SETTING}")
