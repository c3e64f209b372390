"""Tables and queries of a database are sources like files: columns by name, part by part."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pyarrow as pa
import pytest
import sqlalchemy

from classification_model.errors import DataError
from classification_model.tables.reading.database import opened_database
from classification_model.tables.reading.open_table import read_rows


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Make a database with a table of parcels and an empty one."""
    connection = sqlite3.connect(tmp_path / "depot.db")
    connection.execute("CREATE TABLE parcels (number INTEGER, weight REAL, carrier TEXT, mixed, gap TEXT)")
    rows = [(number, number / 4, f"van {number}", number if number % 2 == 0 else "x", None) for number in range(25_000)]
    connection.executemany("INSERT INTO parcels VALUES (?, ?, ?, ?, ?)", rows)
    connection.execute("CREATE TABLE empty (a INTEGER, b TEXT)")
    connection.commit()
    connection.close()
    return f"sqlite:///{tmp_path / 'depot.db'}"


def test_a_table_is_read_part_by_part(url: str) -> None:
    """All rows come in order, in several pieces, with the types that their values have."""
    with opened_database(url, table="parcels") as table:
        expected = {"number": pa.int64(), "weight": pa.float64(), "carrier": pa.string(), "mixed": pa.string()}
        assert table.types == expected | {"gap": pa.null()}
        assert [piece.units for piece in table.pieces()] == [10_000, 10_000, 5_000]
    with opened_database(url, table="parcels") as table:
        rows = read_rows(table)
    assert (rows.count, rows.columns["number"]) == (25_000, list(range(25_000)))
    assert rows.columns["mixed"][:3] == [0, "x", 2]


def test_a_query_gives_the_columns_that_are_wanted(url: str) -> None:
    """Columns come in the order in which they are asked for; a colon in the query is no parameter."""
    query = "SELECT number, carrier, ':no' AS mark FROM parcels WHERE number < 2"
    with opened_database(url, query=query, columns=["mark", "number"]) as table:
        assert read_rows(table).columns == {"mark": [":no", ":no"], "number": [0, 1]}


@pytest.mark.parametrize("columns", [None, ["number"]])
def test_columns_of_one_name_are_refused(url: str, columns: list[str] | None) -> None:
    """A query that joins tables may give one name twice: nobody knows which of them is meant."""
    query = "SELECT number, weight AS number FROM parcels"
    with (
        pytest.raises(DataError, match=r"the query: the column 'number' is there twice"),
        opened_database(url, query=query, columns=columns),
    ):
        pass


def test_a_table_without_rows_has_columns(url: str) -> None:
    """Of an empty table the columns are known."""
    with opened_database(url, table="empty") as table:
        rows = read_rows(table)
    assert (rows.count, rows.columns) == (0, {"a": [], "b": []})


@pytest.mark.parametrize("options", [{"table": "parcels"}, {"query": "SELECT * FROM parcels"}])
def test_a_column_that_is_not_there_is_named(url: str, options: dict[str, str]) -> None:
    """The error names the column, and those that there are."""
    with (
        pytest.raises(DataError, match=r"has no column 'colour': expected one of 'number', 'weight', "),
        opened_database(url, columns=["number", "colour"], **options),
    ):
        pass


def test_a_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    """SQLite would make an empty file of it."""
    path = tmp_path / "depot.db"
    with (
        pytest.raises(DataError, match=r"the sqlite database '.*depot\.db' does not exist: expected a SQLite file"),
        opened_database(f"sqlite:///{path}", table="parcels"),
    ):
        pass
    assert not path.exists()


def test_what_fails_while_rows_are_read_is_told_without_the_query(url: str) -> None:
    """A fault of the database in the middle is a `DataError` that repeats neither SQL nor URL."""
    query = "SELECT CASE WHEN number = 24000 THEN abs(-9223372036854775808) ELSE number END AS secret FROM parcels"
    with pytest.raises(DataError, match=r"the sqlite database .* cannot be read: integer overflow$") as caught:  # noqa: SIM117
        with opened_database(url, query=query) as table:
            read_rows(table)
    assert "secret" not in str(caught.value)


def test_an_error_of_the_block_is_not_the_databases(url: str) -> None:
    """What the caller does with the rows fails as it would anywhere else."""
    with pytest.raises(UnicodeEncodeError), opened_database(url, table="parcels"):
        "\udc80".encode()


def test_an_error_of_a_driver_before_it_connects_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of any class, such as of missing credentials, is a `DataError` with its reason alone."""

    def fail(*_: object, **__: object) -> None:
        msg = "no credentials for s3cr3t\nread https://example.com"
        raise RuntimeError(msg)

    monkeypatch.setattr(sqlalchemy, "create_engine", fail)
    with (
        pytest.raises(DataError, match=r"the postgresql database 'd' cannot be reached: no credentials for \*\*\*$"),
        opened_database("postgresql://me:s3cr3t@host/d", table="parcels"),
    ):
        pass
