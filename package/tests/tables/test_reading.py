"""Files and streams that are tables, that nearly are, and that are none."""

from __future__ import annotations

import codecs
import contextlib
import csv
import datetime as dt
import io
import math
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from written import read_table, write_table

from classification_model.errors import DataError
from classification_model.processing.raw_tables import parse_table
from classification_model.runtime.model_folder.file_layout import FileLayout
from classification_model.tables.formats import format_of, sniff_delimiter
from classification_model.tables.reading.open_file import read_file

SUFFIXES = ("csv", "tsv", "parquet", "json", "jsonl", "ndjson")


def columns_of(frame: pd.DataFrame) -> dict[str, list[Any]]:
    """Give the values of a frame by column."""
    return {str(name): frame[name].tolist() for name in frame.columns}


def as_parquet(**columns: Any) -> bytes:
    """Give the bytes of a Parquet file."""
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
names = (
    st.lists(texts.filter(str.strip), min_size=1, max_size=4, unique=True)
    .filter(lambda found: not found[0].startswith("\N{ZERO WIDTH NO-BREAK SPACE}"))  # there, a byte order mark
    .filter(lambda found: len(found) > 1 or not set(found[0]) & set(",;|\t"))  # alone, a wrong delimiter
)


def frames(cells: st.SearchStrategy[Any], rows: int = 1) -> st.SearchStrategy[pd.DataFrame]:
    """Frames of any names, with `rows` rows or more."""

    def fill(columns: list[str]) -> st.SearchStrategy[pd.DataFrame]:
        row = st.tuples(*[cells] * len(columns))
        table = st.lists(row, min_size=rows, max_size=4)
        return table.map(lambda found: pd.DataFrame(found, columns=columns, dtype=object))

    return names.flatmap(fill)


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["csv", "tsv"])
@given(frame=frames(texts, rows=0))
def test_texts_come_back_from_delimited_files(
    suffix: str, tmp_path_factory: pytest.TempPathFactory, frame: pd.DataFrame
) -> None:
    """Cells of any text, line ends and quotes inside, are read as they were written, in rows and columns as before."""
    path = str(tmp_path_factory.getbasetemp() / f"table.{suffix}")
    write_table(frame, path)
    assert columns_of(read_table(path)) == columns_of(frame)


json_cells = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | texts


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["json", "jsonl"])
@given(frame=frames(json_cells | st.lists(st.integers(0, 9), max_size=2)))
def test_values_come_back_from_json(suffix: str, tmp_path_factory: pytest.TempPathFactory, frame: pd.DataFrame) -> None:
    """Values that JSON knows, mixed in a column, are read as they were written; an infinite number becomes null."""
    path = str(tmp_path_factory.getbasetemp() / f"table.{suffix}")
    write_table(frame, path)
    expected = {
        name: [None if isinstance(cell, float) and math.isinf(cell) else cell for cell in cells]
        for name, cells in columns_of(frame).items()
    }
    assert columns_of(read_table(path)) == expected


kinds = st.sampled_from(
    [
        st.integers(-(2**63), 2**63 - 1),
        st.floats(allow_nan=False),
        st.booleans(),
        texts,
        st.binary(max_size=4),
        st.dates(),
        st.datetimes(),
        st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-999, max_value=999),
    ]
)
typed_columns = kinds.flatmap(lambda kind: st.lists(st.none() | kind, min_size=3, max_size=3))


@pytest.mark.slow
@given(st.dictionaries(texts.filter(str.strip), typed_columns, min_size=1, max_size=4))
def test_values_come_back_from_parquet(tmp_path_factory: pytest.TempPathFactory, columns: dict[str, list[Any]]) -> None:
    """Whole numbers, dates, decimals, bytes and gaps among them are read from Parquet as they were written."""
    path = str(tmp_path_factory.getbasetemp() / "table.parquet")
    write_table(pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in columns.items()}), path)
    assert columns_of(read_table(path)) == columns


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["csv", "json", "jsonl", "parquet"])
@given(content=st.binary(max_size=60) | texts.map(str.encode))
def test_any_bytes_are_a_table_or_a_data_error(suffix: str, content: bytes) -> None:
    """Whatever a file holds, it is read or refused with a `DataError` of one line."""
    with contextlib.suppress(DataError):
        parse_table(content, f"file.{suffix}")


tangled = st.lists(st.sampled_from(["a", "b", ",", ",", "\n", "\n", '"', '"', '""', "\r\n", " ", "é"]), max_size=16)


@given(tangled.map("".join))
def test_quotes_are_read_as_the_csv_module_reads_them(text: str) -> None:
    """A file that is read holds the cells that Python's strict reader finds in it, so no quote swallows a row."""
    with contextlib.suppress(DataError):
        frame = parse_table(text.encode(), "file.csv", FileLayout(delimiter=",", skip_rows=0))
        header, *rows = csv.reader(io.StringIO(text.lstrip("\r\n"), newline=""), strict=True)
        if len(header) > 1:
            rows = [row for row in rows if row]
        if all(map(str.strip, header)) and len(set(header)) == len(header) == max(map(len, rows), default=len(header)):
            assert frame.columns.tolist() == header
            assert frame.to_numpy().tolist() == [row + [""] * (len(header) - len(row)) for row in rows]


@pytest.mark.parametrize(
    ("content", "columns"),
    [
        (b"a,b\n1,2\n", {"a": ["1"], "b": ["2"]}),
        (b"a,b\n1,2", {"a": ["1"], "b": ["2"]}),
        (b"a,b\r\n1,2\r\n", {"a": ["1"], "b": ["2"]}),
        (b"a,b\r1,2\r", {"a": ["1"], "b": ["2"]}),
        (codecs.BOM_UTF8 + b"a,b\n1,2\n", {"a": ["1"], "b": ["2"]}),
        (b"\r\n\na,b\n\n1,2\n\n\n", {"a": ["1"], "b": ["2"]}),
        (b"a\n1\n\n3\n", {"a": ["1", "", "3"]}),
        (b"\na\n1\n", {"a": ["1"]}),
        (b"a,b", {"a": [], "b": []}),
        (b'a,"b, c"\n"1\n2","x ""y"""\n', {"a": ["1\n2"], "b, c": ['x "y"']}),
        (b'a,b\n5" nail,x"y"z\n', {"a": ['5" nail'], "b": ['x"y"z']}),
        (b'a,b\n"",  \n', {"a": [""], "b": ["  "]}),
        (b"a,b\nNA,null\n", {"a": ["NA"], "b": ["null"]}),
        (b"a,b\n007,1e5\n", {"a": ["007"], "b": ["1e5"]}),
        ("a,b\nJos\u00e9,\u65e5\u672c\n".encode(), {"a": ["Jos\u00e9"], "b": ["\u65e5\u672c"]}),
        (b"a,b\n" + b"x" * 3_000_000 + b",1\n2,3\n", {"a": ["x" * 3_000_000, "2"], "b": ["1", "3"]}),
    ],
    ids=lambda case: repr(case)[:40],
)
def test_a_csv_file_is_read_as_it_stands(content: bytes, columns: dict[str, list[str]]) -> None:
    """Every cell is the text that stands there; line ends, a byte order mark and empty lines are no cells."""
    assert columns_of(parse_table(content, "file.csv")) == columns


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16", "utf8", "UTF_8", "utf-8-sig"])
def test_an_encoding_is_read_when_named(encoding: str) -> None:
    """A file in another encoding is read when the config names it, with its byte order mark left out."""
    content = "\u00e4,b\n\u00e9,2\n".encode("utf-8-sig" if encoding in {"utf8", "UTF_8"} else encoding)
    assert columns_of(parse_table(content, "file.csv", FileLayout(encoding=encoding))) == {
        "\u00e4": ["\u00e9"],
        "b": ["2"],
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "file.csv is empty: expected column names and at least one row"),
        (b" \n\n \n", "file.csv is empty"),
        (codecs.BOM_UTF8, "file.csv is empty"),
        (b"a,b\n1,2,3\n", r"file.csv: line 2: expected 2 cell\(s\), as in the header, found 3"),
        (b",,\n1,2,3\n", "file.csv: column 1 of 3 has no name: give each column one"),
        (b"a;b\n1;2\n", "has one column with the delimiter ',', and ';' in its header: set --delimiter"),
        (b"a\tb\n1\t2\n", r"and '\\t' in its header"),
        (b'a,b\n1,"x\n2,y\n', "line 2: expected a quote at the end of a cell that begins with one, found none"),
        (b'a,b\n1,2\n3,"x"y\n', "line 3: expected a quote at the end"),
        (b'a,b\n"1\n2",3\n4,"\n', "line 4: expected a quote at the end"),
        (b'a,"b\n' + b"1,2\n" * 50_000, "line 1: expected a quote at the end"),
        (
            "a,b\n\u00e9,2\n".encode("latin-1"),
            r"is not text in the encoding 'utf-8' \(byte 0xe9 in line 2\): set",
        ),
        (b"\x89PNG\r\n\x1a\n" + bytes(99), "is not text in the encoding 'utf-8'"),
    ],
    ids=lambda case: repr(case)[:40],
)
def test_what_is_no_csv_table_is_refused(content: bytes, message: str) -> None:
    """A file that is no table is refused, saying which file, what is wrong and where."""
    with pytest.raises(DataError, match=message) as caught:
        parse_table(content, "file.csv", FileLayout(delimiter=","))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("encoding", ["klingon", "hex", "a\0b", "idna", "utf-7", "ascii"])
def test_an_encoding_that_does_not_fit_is_refused(encoding: str) -> None:
    """An encoding that is unknown, or that the file is not in, is named."""
    with pytest.raises(DataError, match=r"file.csv is not text in the encoding '.*'.*: set --encoding"):
        parse_table(b"a,b\n+2AA-,\xff\n", "file.csv", FileLayout(encoding=encoding))


@pytest.mark.parametrize("encoding", ["utf-8", "utf8", "utf-8-sig"])
def test_a_byte_order_mark_alone_is_an_empty_file(encoding: str) -> None:
    """A file of a byte order mark and line ends holds no table."""
    with pytest.raises(DataError, match=r"file.csv is empty: expected column names and at least one row"):
        parse_table(codecs.BOM_UTF8 + b"\r\n", "file.csv", FileLayout(encoding=encoding))


@pytest.mark.parametrize("delimiter", ["", "ab", "\u00e9", "\n", "\r", '"', "\0"])
def test_a_delimiter_that_cannot_be_one_is_refused(delimiter: str) -> None:
    """What cannot part cells is no delimiter."""
    with pytest.raises(DataError, match="expected one ASCII character as the delimiter of cells, found"):
        parse_table(b"a,b\n1,2\n", "file.csv", FileLayout(delimiter=delimiter))


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_of_a_header_is_found(delimiter: str) -> None:
    """The candidate that occurs most in the header is the delimiter, whatever the rows hold."""
    assert sniff_delimiter(f"a{delimiter}b{delimiter}c\n1,2;3;4\t|||||".encode()) == delimiter


ROWS = {"a": [1, None], "b": ["x", "y"]}


@pytest.mark.parametrize(
    ("suffix", "content"),
    [
        ("json", b'{"a": [1, null], "b": ["x", "y"]}'),
        ("json", b'[{"a": 1, "b": "x"}, {"b": "y"}]'),
        ("json", codecs.BOM_UTF8 + b'[{"a": 1, "b": "x"}, {"a": null, "b": "y"}]'),
        ("jsonl", b'{"a": 1, "b": "x"}\n\n{"a": null, "b": "y"}\n'),
        ("ndjson", b'{"a": 1, "b": "x"}\r\n{"b": "y"}'),
    ],
)
def test_json_is_columns_or_rows_or_lines(suffix: str, content: bytes) -> None:
    """JSON is read as an object of columns, a list of rows, or a row a line; what a row leaves out is missing."""
    assert columns_of(parse_table(content, f"file.{suffix}")) == ROWS


def test_rows_without_any_value_are_rows() -> None:
    """A list of empty objects has as many rows as objects."""
    assert len(parse_table(b"[{}, {}]", "file.json")) == 2


@pytest.mark.parametrize(
    ("suffix", "content", "message"),
    [
        ("json", b"", "file.json is empty"),
        (
            "json",
            b'[{"a": 1}',
            "file.json: line 1, column 10: expected JSON, found a syntax error: unexpected end of data",
        ),
        ("json", b'[{"a": NaN}]', "expected JSON, found a syntax error: unexpected character"),
        ("json", b'[{"a": "\\ud800"}]', "expected JSON, found a syntax error: no low surrogate"),
        (
            "json",
            b"[" * 100_000,
            "expected JSON, found a syntax error: (depth limit|array and object recursion depth) exceeded",
        ),
        pytest.param(
            "json",
            b'[{"a": ' + b"[" * 1010 + b"]" * 1010 + b"}]",
            "line 1: expected a few levels of nested JSON, found hundreds",
            marks=pytest.mark.skipif(sys.version_info >= (3, 12), reason="from 3.12 on, json reads as deep as orjson"),
        ),
        ("json", b"3", "expected a JSON list of rows as objects, or an object of columns"),
        ("json", b'[1, {"a": 2}]', "expected a JSON list of rows as objects"),
        ("json", b'{"a": {"0": 1}}', "expected a JSON list of rows as objects"),
        ("json", b'{"a": [1], "b": [1, 2]}', "expected columns of one length, found lengths from 1 to 2"),
        ("json", b'{"a": [1], "a": [2]}', "file.json: the column 'a' is there twice"),
        ("json", b'[{"a": 1}, {"a": 1, "a": 2}]', "file.json: the column 'a' is there twice"),
        ("json", b'[{" ": 1}]', "column 1 of 1 has no name"),
        (
            "jsonl",
            b'{"a": 1}\n{"a":\n',
            "file.jsonl: line 2, column 6: expected JSON, found a syntax error: unexpected end of data",
        ),
        ("jsonl", b'{"a": 1}\n[2]\n', "line 2: expected a JSON object, found another value"),
        ("jsonl", b'{"a": 1, "a": 2}\n', "the column 'a' is there twice"),
    ],
    ids=lambda case: repr(case)[:40],
)
def test_what_is_no_json_table_is_refused(suffix: str, content: bytes, message: str) -> None:
    """JSON that is malformed, or holds something other than rows of distinct columns, is refused."""
    with pytest.raises(DataError, match=message):
        parse_table(content, f"file.{suffix}")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pa.array([1, None, 2**53 + 1]), [1, None, 2**53 + 1]),
        (pa.array([2**64 - 1], pa.uint64()), [2**64 - 1]),
        (pa.array(["x", "y", None, "x"]).dictionary_encode(), ["x", "y", None, "x"]),
        (pa.array([True, None]), [True, None]),
        (pa.array([Decimal("1.50"), None]), [Decimal("1.50"), None]),
        (pa.array([dt.date(2024, 2, 29), None]), [dt.date(2024, 2, 29), None]),
        (pa.array([0], pa.timestamp("us", "UTC")), [dt.datetime(1970, 1, 1, tzinfo=dt.UTC)]),
        (pa.array([1], pa.timestamp("ns")), [np.datetime64(1, "ns")]),
        (pa.array([1.5], pa.float16()), [1.5]),
        (pa.nulls(2), [None, None]),
        (pa.array([[1], None]), [[1], None]),
        (pa.array([{"x": 1}]), [{"x": 1}]),
    ],
    ids=str,
)
def test_parquet_columns_keep_their_values(values: pa.Array, expected: list[Any]) -> None:
    """Each type of Parquet gives Python's values, gaps among whole numbers as None."""
    assert parse_table(as_parquet(a=values), "file.parquet")["a"].tolist() == expected


@pytest.mark.parametrize(
    "values",
    [
        pa.array([2**62], pa.duration("s")),
        pa.array([0], pa.timestamp("us", "Mars/Olympus")),
    ],
    ids=str,
)
def test_parquet_values_that_python_cannot_hold_are_refused(values: pa.Array) -> None:
    """A duration beyond Python's, or a moment in an unknown zone, is refused, naming column and type."""
    with pytest.raises(DataError, match=r"file.parquet: column 'when' of type .* cannot be read: "):
        parse_table(as_parquet(fine=pa.array([1]), when=values), "file.parquet")


def test_an_empty_parquet_file_is_empty() -> None:
    """It is told as of any other format."""
    with pytest.raises(DataError, match=r"file.parquet is empty: expected column names and at least one row\Z"):
        parse_table(b"", "file.parquet")


@pytest.mark.parametrize("content", [b"PAR1", b"a,b\n1,2\n", as_parquet(a=[1])[:-9]])
def test_what_is_no_parquet_file_is_refused(content: bytes) -> None:
    """A file that is torn or something else is refused."""
    with pytest.raises(DataError, match=r"file.parquet: expected a Parquet file, found one that cannot be read: "):
        parse_table(content, "file.parquet")


def test_a_parquet_column_without_a_name_is_refused() -> None:
    """The rules of headers hold for Parquet too."""
    with pytest.raises(DataError, match=r"file.parquet: column 2 of 2 has no name: give each column one\Z"):
        parse_table(as_parquet(**{"a": [1], "": [2]}), "file.parquet")


@pytest.mark.parametrize("name", ["table.parquet.gz", "table.xls", "table", ".csv", "csv", ".gz", "table.gz"])
def test_a_suffix_that_is_unknown_is_refused(name: str) -> None:
    """Files of other suffixes, or without one, are refused, naming the suffixes that are known."""
    with pytest.raises(DataError, match=rf"{name}: expected a file that ends in \.csv, \.tsv, \.txt, .*, found"):
        parse_table(b"a,b\n1,2\n", name)


@pytest.mark.parametrize("suffix", [*SUFFIXES, "CSV", "Parquet"])
def test_a_suffix_counts_in_any_case(suffix: str) -> None:
    """Suffixes tell formats in upper and lower case."""
    assert format_of(f"some/table.{suffix}") in SUFFIXES


def unreadable(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Yield paths and URLs that cannot be read, with the reason."""
    (tmp_path / "folder.csv").mkdir()
    yield str(tmp_path / "folder.csv"), "Is a directory"
    yield str(tmp_path / "nothing.csv"), "No such file or directory"
    (tmp_path / "file").write_text("x")
    yield str(tmp_path / "file" / "table.csv"), "Not a directory"
    yield "x" * 5000 + ".csv", "File name too long"
    yield "a\0b.csv", "embedded null byte"
    yield (tmp_path / "nothing.csv").as_uri(), "No such file or directory"
    yield "memory://nothing.csv", "No such file or directory"
    yield "abfs://container/table.csv", "Install adlfs to access Azure"


def test_what_cannot_be_read_is_named_with_the_reason(tmp_path: Path) -> None:
    """A folder, a missing file or a URL that needs what is not there is a `DataError` that says so."""
    for source, reason in unreadable(tmp_path):
        with pytest.raises(DataError, match=rf"cannot be read: .*{reason}"):
            read_file(source)


@pytest.fixture
def as_nobody() -> Iterator[Callable[[], None]]:
    """Give up the rights of root, under which no permission is ever denied."""
    before = os.geteuid()
    yield lambda: os.seteuid(65534) if before == 0 else None
    os.seteuid(before)


def test_a_file_without_permission_is_named(tmp_path: Path, as_nobody: Callable[[], None]) -> None:
    """A file that may not be read is a `DataError`."""
    path = tmp_path / "table.csv"
    path.write_text("a,b\n1,2\n")
    path.chmod(0)
    tmp_path.chmod(0o500)
    as_nobody()
    with pytest.raises(DataError, match=r"table.csv cannot be read: Permission denied"):
        read_file(str(path))


def test_a_url_is_opened_by_fsspec() -> None:
    """Whatever fsspec opens is a source."""
    import fsspec  # noqa: PLC0415 - only here

    with fsspec.open("memory://table.csv", "wb") as file:
        file.write(b"a,b\n1,2\n")
    assert columns_of(read_table("memory://table.csv")) == {"a": ["1"], "b": ["2"]}


@pytest.mark.slow
def test_standard_input_is_csv() -> None:
    """A dash reads CSV from standard input."""
    done = subprocess.run(
        [sys.executable, "-c", PRINT], input=b"a,b\r\n1,2", env=ENVIRONMENT, capture_output=True, check=True
    )
    assert done.stdout == b"{'a': ['1'], 'b': ['2']}\n"


ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}  # where the module `written` is found
PRINT = """
import sys
from classification_model.errors import DataError
from written import read_table
try:
    print({name: column.tolist() for name, column in read_table("-").items()})
except DataError as error:
    sys.exit(str(error))
"""


@pytest.mark.slow
def test_a_closed_standard_input_is_a_data_error() -> None:
    """A closed stream is refused in one line."""
    done = subprocess.run(
        ["sh", "-c", f'"{sys.executable}" -c "$CODE" <&-'],  # noqa: S607 - whichever shell there is
        env={**ENVIRONMENT, "CODE": PRINT},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, "- cannot be read: the standard stream is closed\n")
