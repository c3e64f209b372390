"""Formats of table files: the format by the file's suffix, and checks of column names, delimiter and encoding."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from classification_model.errors import DataError

STANDARD_STREAM = "-"

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


class SettingError(DataError):
    """A text file does not fit the delimiter or the encoding that it is read with.

    Parameters
    ----------
    fault
        What was expected and what was found.
    setting
        ``delimiter`` or ``encoding``.
    remedy
        Where it is set, with ``{}`` for its name: an option of the command, unless the caller reads by a config.

    Attributes
    ----------
    fault, setting
    """

    def __init__(self, fault: str, setting: str, remedy: str = "set --{}") -> None:
        super().__init__(f"{fault}: {remedy.format(setting)}")
        self.fault = fault
        self.setting = setting


def format_of(source: str) -> str:
    """Return the format of a file by its suffix; standard input and output are CSV.

    Raises
    ------
    DataError
        If the suffix is none of the known ones.
    """
    if source == STANDARD_STREAM:
        return "csv"
    suffix = Path(source).suffix.lower()
    if suffix not in _FORMATS:
        msg = f"{source}: expected a file that ends in {', '.join(_FORMATS)}, found {suffix or 'no suffix'}"
        raise DataError(msg)
    return _FORMATS[suffix]


def has_known_suffix(source: str) -> bool:
    """Return whether a file's suffix tells its format."""
    return Path(source).suffix.lower() in _FORMATS


def check_header(names: Sequence[str], source: str) -> None:
    """Refuse a column without a name, and two columns of one name.

    Raises
    ------
    DataError
        Naming the column.
    """
    known = set()
    for position, name in enumerate(names):
        if not name.strip():
            msg = f"{source}: column {position + 1} of {len(names)} has no name: give each column one"
            raise DataError(msg)
        if name in known:
            msg = f"{source}: the column {name!r} is there twice: rename or remove one"
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
            known = f"expected one of {', '.join(map(repr, columns[:20]))}" if columns else "it has no columns"
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
    """Refuse a delimiter that cannot separate cells.

    Raises
    ------
    SettingError
        If it is not one ASCII character, or stands for a quote or a line end.
    """
    if len(delimiter) != 1 or not delimiter.isascii() or delimiter in '"\r\n\0':
        fault = f"{source}: expected one ASCII character as the delimiter of cells, found {delimiter!r}"
        raise SettingError(fault, "delimiter")


def check_parted(header: Sequence[str], source: str, delimiter: str) -> None:
    """Refuse a header of one column that holds another delimiter.

    Raises
    ------
    SettingError
        Naming the other delimiter.
    """
    others = [mark for mark in ";\t|," if mark != delimiter and mark in header[0]]
    if len(header) == 1 and others:
        fault = f"{source} has one column with the delimiter {delimiter!r}, and {others[0]!r} in its header"
        raise SettingError(fault, "delimiter")


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


def first_sentence(error: BaseException) -> str:
    """Return the first line of a library's error, at most 200 characters."""
    return str(error).strip().partition("\n")[0][:200].rstrip(".")


def empty(source: str) -> DataError:
    """Return the error of a file that holds nothing."""
    return DataError(f"{source} is empty: expected column names and at least one row")


def not_in_encoding(source: str, encoding: str, fault: str = "") -> SettingError:
    """Return the error of a text file in another encoding; `fault` names the byte and the line that show it."""
    found = f" ({fault})" if fault else ""
    return SettingError(f"{source} is not text in the encoding {encoding!r}{found}", "encoding")
