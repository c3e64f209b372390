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
    ".txt": "csv",
    ".parquet": "parquet",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".xlsx": "xlsx",
}
#: Suffix of a compressed file, and the formats that are read as a stream.
_COMPRESSED, _STREAMED = ".gz", {"csv", "tsv", "jsonl"}
_DELIMITERS = ",;\t|"


class SettingError(DataError):
    """A file does not fit a setting that it is read with, such as its delimiter or encoding.

    Parameters
    ----------
    fault
        What was expected and what was found.
    setting
        ``delimiter``, ``encoding``, ``skip_rows`` or ``sheet``.
    value
        What it may be set to; empty where that cannot be told.
    in_config
        Whether the caller reads by a config, where the setting is a key, rather than an option of a command.

    Attributes
    ----------
    fault, setting, value
    """

    def __init__(self, fault: str, setting: str, value: str = "", *, in_config: bool = False) -> None:
        option = f"--{setting.replace('_', '-')}"
        remedy = f"set data.{setting} in the config" if in_config else f"set {option}"
        super().__init__(f"{fault}: {remedy}{f' to {value}' if value and in_config else f' {value}' if value else ''}")
        self.fault = fault
        self.setting = setting
        self.value = value


def format_of(source: str) -> str:
    """Return the format of a file by its suffix, ``.gz`` left out; standard input and output are CSV.

    Raises
    ------
    DataError
        If the suffix is none of the known ones.
    """
    if source == STANDARD_STREAM:
        return "csv"
    name = source[: -len(_COMPRESSED)] if is_compressed(source) else source
    found = _FORMATS.get(Path(name).suffix.lower())
    if found is None or (name != source and found not in _STREAMED):
        known = ", ".join(_FORMATS)
        suffix = "".join(Path(source).suffixes[-2:] if name != source else Path(source).suffixes[-1:]) or "no suffix"
        msg = f"{source}: expected a file that ends in {known}, or in .csv.gz, .tsv.gz or .jsonl.gz, found {suffix}"
        raise DataError(msg)
    return found


def is_compressed(source: str) -> bool:
    """Return whether a file is compressed by gzip, by its suffix."""
    return source.lower().endswith(_COMPRESSED)


def output_format_of(target: str) -> str:
    """Return the format of a file to write; see `format_of`.

    Raises
    ------
    DataError
        If its suffix is none of the known ones, or of a format that is only read.
    """
    found = format_of(target)
    if found == "xlsx" or (target != STANDARD_STREAM and is_compressed(target)):
        msg = f"{target}: expected a file to write that ends in .csv or .parquet, found a format that is only read"
        raise DataError(msg)
    return found


def has_known_suffix(source: str) -> bool:
    """Return whether a file's suffix tells its format."""
    name = source[: -len(_COMPRESSED)] if is_compressed(source) else source
    return Path(name).suffix.lower() in _FORMATS


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
