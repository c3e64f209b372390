"""Tables read in blocks: whatever the size of a block, they are what they are when read as a whole."""

from __future__ import annotations

import codecs
import io
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classification_model.errors import DataError
from classification_model.processing.raw_tables import parse_table
from classification_model.runtime.model_folder.file_layout import FileLayout
from classification_model.tables.reading.csv_files import CsvSource
from classification_model.tables.reading.json_files import JsonLinesSource, JsonSource
from classification_model.tables.reading.open_file import Opened, opened
from classification_model.tables.reading.parquet_files import ParquetSource
from classification_model.tables.reading.text_blocks import outside_quotes
from classification_model.tables.source import Source

COMMA = FileLayout(delimiter=",")
BLOCKS = st.integers(1, 9)


def as_file(content: bytes, name: str) -> Opened:
    """Give bytes as an open file."""
    return Opened(io.BytesIO(content), name)


def read(source: Source) -> dict[str, list[Any]]:
    """Read all of a source."""
    columns: dict[str, list[Any]] = {name: [] for name in source.types}
    for piece in source.pieces():
        batch = piece.load()
        assert list(batch.columns) == list(source.types)
        for name, values in batch.columns.items():
            assert len(values) == batch.count
            columns[name] += values if isinstance(values, list) else values.to_pylist()
    return columns


def read_or_refuse(make: Callable[[], Source]) -> dict[str, list[Any]] | None:
    """Read all of a source; None where it is refused."""
    with suppress(DataError):
        return read(make())
    return None


def read_whole(content: bytes, name: str, layout: FileLayout = COMMA) -> dict[str, list[Any]] | None:
    """Read a table as training reads it; None where it is refused."""
    try:
        frame = parse_table(content, name, layout)
    except DataError:
        return None
    return {str(column): frame[column].tolist() for column in frame.columns}


tangled = st.lists(
    st.sampled_from(
        ["a", "b", ",", ",", "\n", "\n", '"', '"', '""', '",', ',"', "\r\n", "\r", " ", "\u00e9", "\u65e5"]
    ),
    max_size=24,
).map("".join)


@pytest.mark.slow
@settings(max_examples=1000)
@given(text=tangled, block=BLOCKS)
def test_csv_in_blocks_of_any_size_is_the_whole_file(text: str, block: int) -> None:
    """Rows, quotes, line ends and letters that lie across two blocks are read as if they did not, or refused alike."""
    content = text.encode()
    found = read_or_refuse(lambda: CsvSource(as_file(content, "file.csv"), COMMA, block))
    assert found == read_whole(content, "file.csv")


@pytest.mark.slow
@settings(max_examples=200)
@given(text=tangled, block=BLOCKS, encoding=st.sampled_from(["utf-16", "utf-16-be", "utf-8-sig", "utf-7", "cp932"]))
def test_csv_of_another_encoding_in_blocks_is_the_whole_file(text: str, block: int, encoding: str) -> None:
    """Bytes of one letter may lie in two blocks."""
    content = text.encode(encoding, errors="ignore")
    found = read_or_refuse(
        lambda: CsvSource(as_file(content, "file.csv"), FileLayout(delimiter=",", encoding=encoding), block)
    )
    assert found == read_whole(content, "file.csv", FileLayout(delimiter=",", encoding=encoding))


def last_row_end(content: bytes, delimiter: int) -> int | None:
    """Find letter by letter where the last whole row ends; None where a quoted cell does not end with its quote."""
    end, place, is_start = 0, 0, True
    while place < len(content):
        letter = content[place]
        if letter == ord('"') and is_start:
            place += 1
            while (place < len(content) and (letter := content[place]) != ord('"')) or content[
                place : place + 2
            ] == b'""':
                place += 2 if content[place : place + 2] == b'""' else 1
            place += 1
            if place >= len(content):
                return end
            if content[place] not in (delimiter, *b"\r\n"):
                return None
            is_start = False
            continue
        is_start = letter in (delimiter, *b"\r\n")
        place += 1
        if letter in b"\r\n" and not (letter == ord("\r") and place == len(content)):
            end = place
    return end


@pytest.mark.slow
@settings(max_examples=1000)
@given(content=tangled.map(str.encode) | st.binary(max_size=30), delimiter=st.sampled_from(",b"))
def test_rows_end_where_no_quoted_cell_is_open(content: bytes, delimiter: str) -> None:
    """What is told from pairs of quotes, and what the expressions for all cases find, is what every letter tells."""
    for cut in range(len(content) + 1):
        part = content[:cut]
        expected = last_row_end(part, ord(delimiter))
        if expected is None:
            with pytest.raises(DataError, match="expected a quote at the end of a cell"):
                outside_quotes("f", delimiter)(part, 1, False)
        else:
            assert outside_quotes("f", delimiter)(part, 1, False) == expected


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a,b\n1,2,3\n", r"file.csv: line 2: expected 2 cell\(s\), as in the header, found 3"),
        (b'a,b\n1,2\n"3\n4",5\n\n6,7,8\n', r"file.csv: line 6: expected 2 cell\(s\), as in the header, found 3"),
        (b"\r\n\r\na,b\r\n1,2\r\n3,4,\r\n", r"line 5: expected 2 cell\(s\), .* found 3"),
        (b"a,b\n1,2\n\n3", r"expected 2 cell\(s\) in the last line, as in the header, found 1 and no line end"),
        (b"a,b,c\n1,2,3\n4;5;6\n", r"line 3: expected 3 cell\(s\), .* found 1"),
        (b"a,b\r1,2\r3,4,5", r"line 3: expected 2 cell\(s\), .* found 3"),
        (b'a,b\n1,2\n3,"x"y\n', "line 3: expected a quote at the end of a cell"),
        (b"a,b\n" + b"1,2\n" * 99 + b'1,"2\n' + b"1,2\n" * 99, "line 101: expected a quote at the end of a cell"),
        (b"a,b\n1,\xff\n", r"is not text in the encoding 'utf-8' \(byte 0xff in line 2\): set --encoding"),
        (b"a,\xff\n1,2\n", "is not text in the encoding 'utf-8'"),
    ],
    ids=lambda case: repr(case)[:40],
)
@pytest.mark.parametrize("block", [3, 16, 2**20])
def test_what_is_wrong_with_a_csv_file_is_told_with_its_line(content: bytes, message: str, block: int) -> None:
    """A short or a long row, and a quote that does not close, are named by the line of the file."""
    with pytest.raises(DataError, match=message):
        read(CsvSource(as_file(content, "file.csv"), COMMA, block))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["quote", "cell"])
def test_a_row_without_end_is_refused_before_it_fills_the_memory(kind: str) -> None:
    """A row of more than 64 MiB is no row."""
    opening = b'a,b\n1,"' if kind == "quote" else b"a,b\n1,"
    with pytest.raises(DataError, match=r"file.csv: line 2: expected rows of at most 64 MiB"):
        read(
            CsvSource(
                as_file(opening + b"x\n" * 2**26 if kind == "quote" else opening + b"x" * 2**27, "file.csv"),
                COMMA,
                2**14,
            )
        )


json_cells = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text("ab\u00e9 :", max_size=3)
)
rows = st.lists(
    st.dictionaries(st.sampled_from(["a", "b", "c d"]), json_cells | st.lists(json_cells, max_size=2), max_size=3),
    max_size=8,
)


@pytest.mark.slow
@settings(max_examples=300)
@given(rows=rows, block=BLOCKS, end=st.sampled_from(["\n", "\r\n", "\n\n"]))
def test_json_lines_in_blocks_of_any_size_are_the_whole_file(rows: list[dict[str, Any]], block: int, end: str) -> None:
    """Any row may be the first with some column; those before it have none there."""
    content = "".join(json.dumps(row, ensure_ascii=False).replace("Infinity", "1") + end for row in rows).encode()
    found = read_or_refuse(lambda: JsonLinesSource(as_file(content, "file.jsonl"), block))
    assert found == read_whole(content, "file.jsonl")


@pytest.mark.slow
@settings(max_examples=300)
@given(
    lines=st.lists(
        st.sampled_from(
            [
                b'{"a": 1}',
                b'{"a": 1, "a": 2}',
                b"[1]",
                b"",
                b'{"a":\n',
                b'{"b": ":"}',
                b"\xff",
                b'{"a": {"x": 1, "x": 2}}',
            ]
        ),
        max_size=4,
    ),
    block=BLOCKS,
)
def test_json_lines_are_refused_in_blocks_as_in_the_whole_file(lines: list[bytes], block: int) -> None:
    """Malformed lines, keys that are there twice and lines that are no object are refused."""
    content = b"\n".join(lines)
    found = read_or_refuse(lambda: JsonLinesSource(as_file(content, "file.jsonl"), block))
    assert found == read_whole(content, "file.jsonl")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"a": 1}\n\n{"a":\n', r"file.jsonl: line 3, column \d+: expected JSON, .* unexpected end of data"),
        (b'{"a": 1}\n[2]\n', r"file.jsonl: line 2: expected a JSON object, found another value"),
        (codecs.BOM_UTF8 + b'{"a": 1, "a": 2}\n', "the column 'a' is there twice"),
        (b"\n \n", "file.jsonl is empty"),
    ],
)
def test_what_is_wrong_with_json_lines_is_told_with_its_line(content: bytes, message: str) -> None:
    """The line is that of the file."""
    with pytest.raises(DataError, match=message):
        JsonLinesSource(as_file(content, "file.jsonl"), 4)


@pytest.mark.slow
@given(rows=rows, rows_at_once=st.integers(1, 3))
def test_a_json_document_is_read_as_a_whole(rows: list[dict[str, Any]], rows_at_once: int) -> None:
    """A list of rows, or an object of columns, in parts."""
    for document in (rows, {name: [row.get(name) for row in rows] for name in "ab"}):
        content = json.dumps(document).replace("Infinity", "1").encode()
        found = read_or_refuse(lambda content=content: JsonSource(as_file(content, "file.json"), rows_at_once))  # type: ignore[misc]
        assert found == read_whole(content, "file.json")


def parquet(folder: Path, **columns: Any) -> str:
    """Write a Parquet file of small groups of rows; return its path."""
    path = folder / "file.parquet"
    pq.write_table(pa.table(columns), path, row_group_size=100)
    return str(path)


def test_parquet_is_read_with_the_types_it_says(tmp_path: Path) -> None:
    """Texts that the file holds as codes come as codes, and count as texts."""
    columns: dict[str, Any] = {
        "few": [None if number % 7 == 0 else f"v{number % 3}" for number in range(1000)],
        "many": [f"{number} is a long text that occurs once only" * 300 for number in range(1000)],
        "number": list(range(1000)),
    }
    with opened(parquet(tmp_path, **columns)) as file:
        source = ParquetSource(file, 64)
        assert source.types == {"few": pa.string(), "many": pa.string(), "number": pa.int64()}
        assert source.size == 1000
        batches = [piece.load() for piece in source.pieces()]
    assert max(batch.count for batch in batches) == 64
    assert {batch.columns["few"].type for batch in batches} == {pa.dictionary(pa.int32(), pa.string())}  # type: ignore[union-attr]
    assert {batch.columns["many"].type for batch in batches} == {pa.string()}  # type: ignore[union-attr]
    for name, values in columns.items():
        assert [value for batch in batches for value in batch.columns[name].to_pylist()] == values  # type: ignore[union-attr]


def test_wide_rows_come_in_smaller_batches(tmp_path: Path) -> None:
    """The memory of a batch does not grow with the size of its rows."""
    text = "x" * 100_000
    with opened(parquet(tmp_path, wide=[f"{number}{text}" for number in range(400)])) as file:
        assert max(piece.load().count for piece in ParquetSource(file).pieces()) < 400


@pytest.mark.parametrize("kept", [0, 4, 100, -9, -1])
def test_a_parquet_file_that_is_not_whole_is_refused(tmp_path: Path, kept: int) -> None:
    """A file that ends too early is told before any row is predicted."""
    path = Path(parquet(tmp_path, a=list(range(1000))))
    path.write_bytes(path.read_bytes()[:kept])
    with (
        opened(str(path)) as file,
        pytest.raises(DataError, match=r"file.parquet(: expected a Parquet file, | is empty)"),
    ):
        ParquetSource(file)


def test_a_page_with_a_changed_byte_is_refused(tmp_path: Path) -> None:
    """Where a file carries checksums, they are held against its pages."""
    path = tmp_path / "file.parquet"
    pq.write_table(
        pa.table({"a": [f"text {number}" for number in range(9999)]}),
        path,
        write_page_checksum=True,
        compression="none",
    )
    content = bytearray(path.read_bytes())
    content[content.index(b"text 5000")] ^= 1
    path.write_bytes(content)
    with opened(str(path)) as file, pytest.raises(DataError, match=r"file.parquet: expected a Parquet file, .*CRC"):
        read(ParquetSource(file))


class Pipe(io.BytesIO):
    """Gives few bytes at a time, as a pipe may."""

    def read(self, count: int | None = -1) -> bytes:
        """Read three bytes at most."""
        return super().read(min(count or 3, 3) if count is None or count >= 0 else 3)


def test_a_pipe_that_gives_few_bytes_at_a_time_is_read_to_its_end() -> None:
    """A short read is no end."""
    pipe: BinaryIO = Pipe(b"a,b\n" + b"1,2\n" * 1000)
    assert read(CsvSource(Opened(pipe, "-"), COMMA, 999))["a"] == ["1"] * 1000
