"""Tables in files: CSV, Parquet and JSON, read as they are and written back, `-` for standard input and output."""

from __future__ import annotations

import csv
import io
import os
import re
import sys
from pathlib import Path
from typing import Any

import fsspec
import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from classification_model.errors import DataError

STANDARD_STREAM = "-"
_FORMATS = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}
_OTHER_DELIMITERS = ";\t|,"


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


def read_bytes(source: str) -> bytes:
    """Read a file, a URL that fsspec opens, or standard input.

    Raises
    ------
    DataError
        If it cannot be read, saying why.
    """
    if source == STANDARD_STREAM:
        return sys.stdin.buffer.read()
    try:
        if "://" not in source:
            return Path(source).read_bytes()
        with fsspec.open(source, "rb") as file:
            return bytes(file.read())
    except (OSError, ValueError, ImportError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        msg = f"{source} cannot be read: {reason}"
        raise DataError(msg) from error


def parse_table(content: bytes, source: str, *, delimiter: str = ",", encoding: str = "utf-8") -> pd.DataFrame:
    """Turn a file's bytes into a frame of raw values.

    Parameters
    ----------
    content
        Bytes of the file.
    source
        Its name, whose suffix tells the format, for messages too.
    delimiter, encoding
        How a CSV file is written.

    Returns
    -------
    pandas.DataFrame
        Columns of dtype object. CSV cells are texts, "" where empty; Parquet and JSON keep their types.

    Raises
    ------
    DataError
        If the file is empty, malformed, or names a column twice.
    """
    kind = format_of(source)
    if not content.strip():
        msg = f"{source} is empty: expected a header and rows"
        raise DataError(msg)
    if kind in {"csv", "tsv"}:
        return _parse_csv(content, source, "\t" if kind == "tsv" else delimiter, encoding)
    if kind == "parquet":
        return _parse_parquet(content, source)
    return _parse_json(content, source, lines=kind == "jsonl")


def read_table(source: str, *, delimiter: str = ",", encoding: str = "utf-8") -> pd.DataFrame:
    """Read a table; see `read_bytes` and `parse_table`."""
    return parse_table(read_bytes(source), source, delimiter=delimiter, encoding=encoding)


def sniff_delimiter(content: bytes, encoding: str = "utf-8") -> str:
    """Guess the delimiter of a CSV file from its header: the candidate that occurs most."""
    header = content[:100_000].decode(encoding, errors="replace").partition("\n")[0]
    return max(",;\t|", key=header.count)


def _parse_csv(content: bytes, source: str, delimiter: str, encoding: str) -> pd.DataFrame:
    try:
        text = content.decode("utf-8-sig" if encoding.lower().replace("_", "-") == "utf-8" else encoding)
    except (UnicodeDecodeError, LookupError) as error:
        msg = f"{source} is not text in the encoding {encoding!r}: set data.encoding"
        raise DataError(msg) from error
    header = next(csv.reader(io.StringIO(text), delimiter=delimiter))
    _check_header(header, source)
    if len(header) == 1:
        other = next((mark for mark in _OTHER_DELIMITERS if mark != delimiter and mark in header[0]), None)
        if other is not None:
            msg = f"{source} has one column at the delimiter {delimiter!r}: is it {other!r}? set data.delimiter"
            raise DataError(msg)
    try:
        table = pa.csv.read_csv(
            io.BytesIO(text.encode()),
            parse_options=pa.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            convert_options=pa.csv.ConvertOptions(
                column_types={name: pa.string() for name in header}, strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid as error:
        msg = f"{source} is no table: {_first_sentence(error)}"
        raise DataError(msg) from error
    return pd.DataFrame({name: _objects(table.column(name)) for name in header})


def _parse_parquet(content: bytes, source: str) -> pd.DataFrame:
    try:
        table = pa.parquet.read_table(io.BytesIO(content))
    except (pa.ArrowException, OSError) as error:
        msg = f"{source} is no readable Parquet file: {_first_sentence(error)}"
        raise DataError(msg) from error
    _check_header(table.column_names, source)
    return pd.DataFrame({name: _objects(table.column(name)) for name in table.column_names})


def _objects(column: pa.ChunkedArray) -> pd.Series:
    return pd.Series(column.to_pylist(), dtype=object)


def _parse_json(content: bytes, source: str, *, lines: bool) -> pd.DataFrame:
    try:
        data: Any = (
            [orjson.loads(line) for line in content.splitlines() if line.strip()] if lines else orjson.loads(content)
        )
    except orjson.JSONDecodeError as error:
        msg = f"{source} is not JSON: {error}"
        raise DataError(msg) from error
    if isinstance(data, dict) and data and all(isinstance(values, list) for values in data.values()):
        lengths = {len(values) for values in data.values()}
        if len(lengths) > 1:
            msg = f"{source}: expected columns of one length, found lengths from {min(lengths)} to {max(lengths)}"
            raise DataError(msg)
        return pd.DataFrame(data, dtype=object)
    if not isinstance(data, list) or not all(isinstance(row, dict) for row in data):
        msg = f"{source}: expected a list of rows as objects, or an object of columns"
        raise DataError(msg)
    names = list(dict.fromkeys(name for row in data for name in row))
    return pd.DataFrame({name: pd.Series([row.get(name) for row in data], dtype=object) for name in names})


def _check_header(names: list[str], source: str) -> None:
    for position, name in enumerate(names):
        if not name.strip():
            msg = f"{source}: column {position + 1} has no name in the header"
            raise DataError(msg)
        if name in names[:position]:
            msg = f"{source}: the column {name!r} is there twice"
            raise DataError(msg)


def _first_sentence(error: Exception) -> str:
    return re.split(r"[\n]", str(error).strip())[0][:200].rstrip(".")


def write_table(frame: pd.DataFrame, target: str) -> None:
    """Write a frame in the format of the target's suffix, beside its place and then renamed.

    Raises
    ------
    DataError
        If it cannot be written.
    """
    content = _render(frame, format_of(target))
    if target == STANDARD_STREAM:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    path = Path(target)
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        try:
            beside.write_bytes(content)
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        msg = f"{target} cannot be written: {error.strerror}"
        raise DataError(msg) from error


def _render(frame: pd.DataFrame, kind: str) -> bytes:
    if kind in {"csv", "tsv"}:
        return frame.to_csv(index=False, sep="\t" if kind == "tsv" else ",", lineterminator="\n").encode()
    if kind == "parquet":
        buffer = io.BytesIO()
        frame.to_parquet(buffer, index=False)
        return buffer.getvalue()
    rows = [
        {name: None if pd.isna(value) else value for name, value in row.items()} for row in frame.to_dict("records")
    ]
    if kind == "jsonl":
        return b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)
    return orjson.dumps(rows, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
