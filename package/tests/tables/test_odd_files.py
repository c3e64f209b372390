"""CSV files as other programs write them: names that are missing or twice, titles, short rows, encodings."""

from __future__ import annotations

from typing import Any

import pytest

from classification_model.errors import DataError
from classification_model.runtime.model_folder.file_layout import UNKNOWN, FileLayout
from classification_model.tables.formats import SettingError
from classification_model.tables.reading import csv_files
from classification_model.tables.reading.csv_files import CsvSource
from classification_model.tables.reading.guessed_encoding import guess_encoding
from classification_model.tables.reading.open_file import in_memory
from classification_model.tables.reading.open_table import remarks_of
from classification_model.tables.reading.text_layout import Expected

AB = {"a": ["1", "3"], "b": ["2", "4"]}


def read(
    content: bytes | str, layout: FileLayout = UNKNOWN, expected: Expected | None = None, block: int = 2**18
) -> tuple[dict[str, list[Any]], CsvSource]:
    """Read a CSV file; give its columns and what read it."""
    given = content.encode() if isinstance(content, str) else content
    source = CsvSource(in_memory(given, "t.csv"), layout, block, expected)
    columns: dict[str, list[Any]] = {name: [] for name in source.types}
    for piece in source.pieces():
        for name, values in piece.load().columns.items():
            columns[name] += values if isinstance(values, list) else values.to_pylist()
    return columns, source


UNNAMED = {
    "pandas' index": (
        ",a,b\n0,1,2\n1,3,4\n",
        {"unnamed_1": ["0", "1"], **AB},
        ["column 1 has no name: read as 'unnamed_1'"],
    ),
    "R's row names": (
        '"a","b"\n"x",1,2\n"y",3,4\n',
        {"unnamed_1": ["x", "y"], **AB},
        ["each row has one cell more than the header: the first one is read as 'unnamed_1'"],
    ),
    "R's row numbers beside one column": (
        '"a"\n"1",1\n"2",3\n',
        {"unnamed_1": ["1", "2"], "a": ["1", "3"]},
        ["each row has one cell more than the header: the first one is read as 'unnamed_1'"],
    ),
    "a delimiter at the end of each line": ("a,b,\n1,2,\n3,4, \n", AB, ["column 3 has no name and no value: left out"]),
    "one at the end of each row": ("a,b\n1,2,\n3,4,\n", AB, ["column 3 has no name and no value: left out"]),
    "several": ("a,,b,,\n1,,2,,\n3,,4,,x\n", {**AB, "unnamed_5": ["", "x"]}, None),
    "a name that is taken": (
        "unnamed_2,\nx,1\ny,2\n",
        {"unnamed_2": ["x", "y"], "unnamed_2_2": ["1", "2"]},
        ["column 2 has no name: read as 'unnamed_2_2'"],
    ),
    "a name twice": (
        "a,b,a,a\n1,2,3,4\n",
        {"a": ["1"], "b": ["2"], "a_2": ["3"], "a_3": ["4"]},
        [
            "column 3 is called 'a' as column 1 is: read as 'a_2'",
            "column 4 is called 'a' as column 1 is: read as 'a_3'",
        ],
    ),
    "a number that is taken": ("a,a,a_2\n1,2,3\n", {"a": ["1"], "a_3": ["2"], "a_2": ["3"]}, None),
}


@pytest.mark.parametrize("block", [16, 2**18])
@pytest.mark.parametrize("name", UNNAMED)
def test_a_column_without_a_name_of_its_own_is_given_one_and_said(name: str, block: int) -> None:
    """A column without a name is left out if it is empty, else named by its position; repeated names are numbered."""
    content, expected, remarks = UNNAMED[name]
    columns, source = read(content, block=block)
    assert columns == expected
    assert list(columns) == list(source.types)
    assert remarks is None or source.remarks == remarks


def test_a_column_that_seemed_empty_is_no_other_column_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """A first value beyond the beginning of a file is refused with its line, whatever the size of a block."""
    monkeypatch.setattr(csv_files, "UNNAMED_SAMPLE", 64)
    content = "a,\n" + "1,\n" * 50 + "1,x\n"
    for block in (8, 2**18):
        with pytest.raises(
            DataError, match=r"t\.csv: column 2 has no name, and its first value near line 52: give it a n"
        ):
            read(content, block=block)


def test_rows_of_one_cell_more_are_row_names_in_all_rows_or_none() -> None:
    """Cells that repeat, numbers in disorder, sentences and single rows are no names: the row is named as too long."""
    for content in ("a,b\nx,1,2\nx,3,4\n", "a,b\n2,1,2\n1,3,4\n", "a,b\n1,one, two\n2,x, y\n", "a,b\n1,2,3\n"):
        with pytest.raises(DataError, match=r"t\.csv: line 2: expected 2 cell\(s\), as in the header, found 3"):
            read(content)
    with pytest.raises(DataError, match=r"line 99: expected 3 cell\(s\), as in the header, found 2"):
        read("a,b\n" + "".join(f"r{row},1,2\n" for row in range(97)) + "1,2\n")


TITLES: dict[str, tuple[str, int, dict[str, list[str]]]] = {
    "sep=": ("sep=;\na;b\n1;2\n3;4\n", 0, AB),
    "sep= in quotes": ('"sep=;"\r\na;b\r\n1;2\r\n3;4\r\n', 0, AB),
    "sep= a tab": ("SEP=\t\na\tb\n1\t2\n3\t4\n", 0, AB),
    "sep= and a title": ("sep=;\nReport\n\na;b\n1;2\n3;4\n", 2, AB),
    "a title": ("Report of 2020\na,b\n1,2\n3,4\n", 1, AB),
    "a title with a comma": ("Report, of 2020\n\na;b\n1;2\n3;4\n", 2, AB),
    "a title in a spreadsheet": ("Report,,,\n,,,\na,b,c,d\n1,2,x,y\n3,4,x,y\n", 2, AB),
    "comments": ("# made by x\n# on 2020, with\na,b\n1,2\n3,4\n", 2, AB),
    "facts about a table": ("Station:;Berlin\nPeriod:;2019\n\na;b;c;d;e\n1;2;x;y;z\n3;4;x;y;z\n", 3, AB),
    "a header that begins with #": ("#a,b\n1,2\n3,4\n", 0, {"#a": ["1", "3"]}),
    "one over texts": ("# id,name\nx,y\nz,w\n", 0, {"# id": ["x", "z"]}),
    "no title: few names": (",,a,b\nx,y,z,w\ny,z,w,x\n", 0, {"unnamed_1": ["x", "y"]}),
    "no title: one name": ("name,\nx,y\nz,w\n", 0, {"name": ["x", "z"]}),
    "no title: rows of gaps": ("a,b,c,d\n1,,,\n3,,,\n,,,5\n", 0, {"a": ["1", "3", ""]}),
    "no title: few values": ("v1,v2,,,\nx,y,,,\nz,w,,,\nx,y,k,l,m\n", 0, {"v1": ["x", "z", "x"]}),
    "no header: numbers": ("1,2,3\n4,5,6\n", 0, {"1": ["4"]}),
    "a title alone": ("Report of 2020\n", 0, {"Report of 2020": []}),
    "one column": ("text\nx\ny\n", 0, {"text": ["x", "y"]}),
}


@pytest.mark.parametrize("name", TITLES)
def test_what_is_above_a_header_is_found(name: str) -> None:
    """Titles and comments are told from headers, and the delimiter is that of the rows."""
    content, skip_rows, expected = TITLES[name]
    columns, source = read(content)
    assert {column: columns.get(column) for column in expected} == expected
    assert source.layout.skip_rows == skip_rows
    given, _ = read(content, source.layout)
    assert given == columns


def test_lines_above_a_header_are_left_out_where_it_is_said() -> None:
    """The number of lines counts whatever these hold, empty ones included, in files of any block size and encoding."""
    for line_end in ("\n", "\r\n", "\r"):
        content = f'2019;2020{line_end}{line_end}say "{line_end}a,b{line_end}1,2{line_end}3,4{line_end}'
        for encoding in ("utf-8", "utf-16"):
            layout = FileLayout(delimiter=",", encoding=encoding, skip_rows=3)
            for block in (1, 7, 2**18):
                assert read(content.encode(encoding), layout, block=block)[0] == AB
    with pytest.raises(
        DataError, match=r"t\.csv: expected column names below 9 line\(s\) that are left out, found nothing"
    ):
        read("a,b\n1,2\n", FileLayout(skip_rows=9))


def test_titles_that_are_not_left_out_are_named_with_their_number() -> None:
    """Where the number of lines is given as 0, the error of the first row names the option and the number."""
    content = "Report of 2020\na,b\n1,2\n3,4\n"
    with pytest.raises(
        SettingError, match=r"line 2: expected 1 cell.*found 2, and above it .* titles: set --skip-rows 1\Z"
    ):
        read(content, FileLayout(delimiter=",", skip_rows=0))
    assert read(content, FileLayout(delimiter=",", skip_rows=1))[0] == AB


@pytest.mark.parametrize("block", [8, 2**18])
def test_rows_that_end_early_have_missing_cells(block: int) -> None:
    """Last cells that a spreadsheet leaves out are missing, and counted; quotes and other rows are read as ever."""
    columns, source = read('a,b,c\n1,"2,\n""x""",3\n4,5\n\n6\n7,8,9\n', block=block)
    assert columns == {"a": ["1", "4", "6", "7"], "b": ['2,\n"x"', "5", "", "8"], "c": ["3", "", "", "9"]}
    assert source.remarks == ["2 row(s) end before the last column: the cells are read as missing"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,b\n1,2\n3,4,5\n", r"line 3: expected 2 cell\(s\), as in the header, found 3"),
        ("a,b,c\n1,2,3\n4;5;6\n", r"line 3: expected 3 cell\(s\), as in the header, found 1"),
        (
            "a,b,c\n1,2,3\n4,5",
            r"expected 3 cell\(s\) in the last line, .* found 2 and no line end: the file is cut off;",
        ),
        ("a,b\n1,2\n3", r".* found 1 and no line end: the file is cut off; if it is whole, end it with a line b"),
        (b"\x1f\x8b\x08\x00", r"expected text, found a file compressed by gzip: let its name end in \.gz"),
        (b"PK\x03\x04\x00", r"expected text, found a zip archive: let the name of a workbook end in \.xlsx"),
    ],
)
def test_other_rows_and_files_are_refused(content: bytes | str, message: str) -> None:
    """Rows that are too long, parted by another delimiter or cut off, and files that are no texts, are refused."""
    with pytest.raises(DataError, match=rf"t\.csv: {message}"):
        read(content, FileLayout(delimiter=","))


USUAL = FileLayout(delimiter=";", encoding="cp1252", skip_rows=1)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("Liste\nä;b\n1;2\n".encode("cp1252"), (";", "cp1252", 1)),
        ("ä;b\n1;2\n".encode("cp1252"), (";", "cp1252", 0)),
        ("ä,b\n1,2\n".encode("cp1252"), (",", "cp1252", 0)),
        ("Liste\nä;b\n1;2\n".encode(), (";", "utf-8", 1)),
        ("ä\tb\n1\t2\n".encode("utf-16"), ("\t", "utf-16", 0)),
        ("List of 2020\nmore\nä|b\n1|2\n".encode(), ("|", "utf-8", 2)),
        ("sep=,\nä,b\n1,2\n".encode(), (",", "utf-8", 0)),
    ],
)
def test_a_file_is_read_as_is_usual_unless_it_is_evidently_something_else(
    content: bytes, found: tuple[str, str, int]
) -> None:
    """The usual layout holds; where another one gives more of the known columns, the file has that one."""
    columns, source = read(content, expected=Expected(USUAL, {"ä", "b"}))
    assert columns == {"ä": ["1"], "b": ["2"]}
    assert (source.layout.delimiter, source.layout.encoding, source.layout.skip_rows) == found


def test_what_is_given_is_not_guessed() -> None:
    """A delimiter that is named is used, whatever the file looks like."""
    with pytest.raises(SettingError, match="has one column with the delimiter ';', and ',' in its header"):
        read("a,b\n1,2\n", FileLayout(delimiter=";"), Expected(UNKNOWN, {"a", "b"}))


def test_a_usual_layout_without_a_known_column_gives_way_to_what_the_file_looks_like() -> None:
    """A file of other columns is parted by its own delimiter, so that its columns can be named."""
    columns, _ = read("x,y\n1,2\n", expected=Expected(USUAL, {"a", "b"}))
    assert columns == {"x": ["1"], "y": ["2"]}


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (b"a,b\n1,2\n", "utf-8"),
        ("ä,ö\n".encode(), "utf-8"),
        ("ä,ö\n".encode("cp1252"), "cp1252"),
        ("ä,ö\n".encode("utf-16"), "utf-16"),
        (b"caf\xe9 only\n", "cp1252"),
    ],
)
def test_an_encoding_is_guessed_from_all_bytes(content: bytes, encoding: str) -> None:
    """Bytes beyond ASCII that are no UTF-8 are cp1252, those that are, UTF-8."""
    assert guess_encoding(content, "t.csv") == encoding


def test_one_bad_byte_is_named_rather_than_making_a_file_cp1252() -> None:
    """A file that is UTF-8 but for a byte is refused with the byte, its line, and what can be done."""
    content = "a,b\nMünchen,Köln\n".encode() + b"caf\xe9,1\n"
    found = r"t\.csv is UTF-8 but for 1 byte\(s\), the first of them byte 0xe9 in line 3"
    with pytest.raises(SettingError, match=rf"{found}: correct the file, or if it is cp1252: set --encoding cp1252\Z"):
        guess_encoding(content, "t.csv")


def test_many_remarks_are_counted() -> None:
    """Of a header of a thousand repeated names, twenty are named and the others counted."""
    _, source = read(",".join(["a"] * 1000) + "\n" + ",".join(["1"] * 1000) + "\n")
    remarks = remarks_of(source)
    assert len(remarks) == 21
    assert remarks[-1] == "and 979 more of the like"
