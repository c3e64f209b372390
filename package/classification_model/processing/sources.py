"""Tables in files: CSV, Parquet and JSON, read as they are and written back, `-` for standard input and output."""

from __future__ import annotations

import codecs
import io
import json
import os
import re
import sys
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, TextIO

import fsspec
import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from classification_model.errors import DataError
from classification_model.processing.rendering import render_table
from classification_model.tables.formats import (
    LARGEST_ROW,
    STANDARD_STREAM,
    check_delimiter,
    check_header,
    check_parted,
    empty,
    first_sentence,
    format_of,
    not_in_encoding,
)


def read_bytes(source: str) -> bytes:
    """Read a file, a URL that fsspec opens, or standard input.

    Raises
    ------
    DataError
        If it cannot be read, saying why.
    """
    try:
        if source == STANDARD_STREAM:
            return _open_stream(sys.stdin).read()
        if "://" not in source:
            return Path(source).read_bytes()
        with fsspec.open(source, "rb") as file:
            return bytes(file.read())
    except (OSError, ValueError, ImportError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        msg = f"{source} cannot be read: {reason}"
        raise DataError(msg) from error


def _open_stream(stream: TextIO | None) -> BinaryIO:
    if stream is None:
        msg = "the standard stream is closed"
        raise ValueError(msg)
    return stream.buffer


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
        If the file is empty or malformed, or a column has no name or that of another.
    """
    kind = format_of(source)
    if not content.strip():
        raise empty(source)
    if kind in {"csv", "tsv"}:
        return _parse_csv(content, source, "\t" if kind == "tsv" else delimiter, encoding)
    if kind == "parquet":
        return _parse_parquet(content, source)
    return _parse_json(content, source, lines=kind == "jsonl")


def read_table(source: str, *, delimiter: str = ",", encoding: str = "utf-8") -> pd.DataFrame:
    """Read a table; see `read_bytes` and `parse_table`."""
    return parse_table(read_bytes(source), source, delimiter=delimiter, encoding=encoding)


def _parse_csv(content: bytes, source: str, delimiter: str, encoding: str) -> pd.DataFrame:
    check_delimiter(delimiter, source)
    content = _as_utf8(content, source, encoding)
    _check_quotes(content, source, delimiter)
    read = pa.csv.ReadOptions(use_threads=False, block_size=LARGEST_ROW)  # one thread knows the row of an error
    parse = pa.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True)
    try:
        with pa.csv.open_csv(pa.BufferReader(content), read, parse) as reader:  # else it reads on in the background
            header = reader.schema.names
        check_header(header, source)
        check_parted(header, source, delimiter)
        parse.ignore_empty_lines = len(header) > 1  # of a single column, an empty line is an empty cell
        convert = pa.csv.ConvertOptions(
            column_types={name: pa.string() for name in header}, strings_can_be_null=False, null_values=[]
        )
        table = pa.csv.read_csv(pa.BufferReader(content), read, parse, convert)
    except pa.ArrowInvalid as error:
        msg = f"{source} is no table: {first_sentence(error)}"
        raise DataError(msg) from error
    return _frame(table, source)


def _as_utf8(content: bytes, source: str, encoding: str) -> bytes:
    """Encode as UTF-8 without a byte order mark or empty lines before the header, and with a last line end."""
    try:
        text = content.decode("utf-8-sig" if codecs.lookup(encoding).name == "utf-8" else encoding)
        content = text.lstrip("\r\n").encode()
    except (ValueError, LookupError) as error:
        raise not_in_encoding(source, encoding) from error
    if not content.strip():
        raise empty(source)
    return content if content.endswith((b"\n", b"\r")) else content + b"\n"


def _check_quotes(content: bytes, source: str, delimiter: str) -> None:
    """Refuse a quoted cell that does not end where a cell ends: it would swallow the rows after it."""
    ends = re.escape(delimiter.encode()) + rb"\r\n"
    quoted = re.compile(rb'"(?<![^' + ends + rb']")[^"]*(?:""[^"]*)*("(?=[' + ends + rb"]))?")
    for match in quoted.finditer(content):
        if match[1] is None:
            line = len((content[: match.start()] + b"x").splitlines())
            msg = f"{source}: a cell that opens with a quote in line {line} does not end with one: double those inside"
            raise DataError(msg)


def _parse_parquet(content: bytes, source: str) -> pd.DataFrame:
    try:
        table = pa.parquet.read_table(io.BytesIO(content))
    except (pa.ArrowException, OSError) as error:
        msg = f"{source} is no readable Parquet file: {first_sentence(error)}"
        raise DataError(msg) from error
    check_header(table.column_names, source)
    return _frame(table, source)


def _frame(table: pa.Table, source: str) -> pd.DataFrame:
    columns = {}
    for name in table.column_names:
        column = table.column(name)
        try:
            columns[name] = pd.Series(column.to_pylist(), dtype=object)
        except (pa.ArrowException, ValueError, OverflowError) as error:
            msg = f"{source}: column {name!r} of type {column.type} cannot be read: {first_sentence(error)}"
            raise DataError(msg) from error
    return pd.DataFrame(columns)


def _parse_json(content: bytes, source: str, *, lines: bool) -> pd.DataFrame:
    content = content.removeprefix(codecs.BOM_UTF8)
    documents = content.splitlines() if lines else [content]
    parsed = []
    for number, document in enumerate(documents, start=1):
        if document.strip():
            try:
                parsed.append(orjson.loads(document))
                json.loads(document, object_pairs_hook=partial(_check_keys, source))
            except (orjson.JSONDecodeError, RecursionError) as error:
                msg = f"{source} is not JSON: {f'on line {number}, ' if lines else ''}{error}"
                raise DataError(msg) from error
    data: Any = parsed if lines else parsed[0]
    if isinstance(data, dict) and data and all(isinstance(values, list) for values in data.values()):
        lengths = {len(values) for values in data.values()}
        if len(lengths) > 1:
            msg = f"{source}: expected columns of one length, found lengths from {min(lengths)} to {max(lengths)}"
            raise DataError(msg)
    elif isinstance(data, list) and all(isinstance(row, dict) for row in data):
        names = dict.fromkeys(name for row in data for name in row)
        lengths = {len(data)}
        data = {name: [row.get(name) for row in data] for name in names}
    else:
        msg = f"{source}: expected a list of rows as objects, or an object of columns"
        raise DataError(msg)
    check_header(list(data), source)
    columns = {name: pd.Series(values, dtype=object) for name, values in data.items()}
    return pd.DataFrame(columns, index=range(*lengths))


def _check_keys(source: str, pairs: list[tuple[str, Any]]) -> None:
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        check_header(names, source)


def write_table(frame: pd.DataFrame, target: str) -> None:
    """Write a frame in the format of the target's suffix, beside its place and then renamed.

    Values that JSON or Parquet cannot hold are written as text.

    Raises
    ------
    DataError
        If it cannot be written.
    """
    kind = format_of(target)
    try:
        content = render_table(frame, kind)
        if target == STANDARD_STREAM:
            stream = _open_stream(sys.stdout)
            stream.write(content)
            stream.flush()
        else:
            _replace(Path(target), content)
    except BrokenPipeError:
        raise
    except (OSError, ValueError, TypeError) as error:
        msg = f"{target} cannot be written: {getattr(error, 'strerror', None) or error}"
        raise DataError(msg) from error


def _replace(path: Path, content: bytes) -> None:
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        beside.write_bytes(content)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
