"""Frames read from and written to tables: values, types, and what cannot be read or written."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sql
from pandas.testing import assert_frame_equal

import classification_model as cm
from classification_model.errors import DataError, InputError, MissingExtraError
from classification_model.tables.reading import database

FRAME = pd.DataFrame(
    {
        "whole": [1, 2, 3],
        "number": [0.5, None, 1e300],
        "text": ["a", None, 'b,"c"\nd'],
        "truth": [True, False, True],
        "moment": [pd.Timestamp(2024, 1, 1, 12, tz="UTC"), None, pd.Timestamp(2024, 2, 29, tz="UTC")],
    }
)
FORMATS = ["csv", "tsv", "parquet", "json", "jsonl"]


@pytest.mark.parametrize("suffix", FORMATS)
def test_what_was_written_is_read(suffix: str, tmp_path: Path) -> None:
    """Values come back in each format, with their types where it has types or they can be told from texts."""
    path = tmp_path / f"table.{suffix}"
    assert cm.write_table(FRAME, path) == 3
    found = cm.read_table(path)
    assert_frame_equal(found, cm.read_table(str(path)))
    assert_frame_equal(found.drop(columns="moment"), FRAME.drop(columns="moment"), check_dtype=False)
    assert pd.to_datetime(found["moment"], utc=True).tolist()[0] == datetime(2024, 1, 1, 12, tzinfo=UTC)
    assert found["whole"].dtype == np.int64
    assert found["number"].dtype == np.float64


@pytest.mark.parametrize("suffix", FORMATS)
def test_columns_are_chosen_in_their_order(suffix: str, tmp_path: Path) -> None:
    """One that is not there is an error with those that there are."""
    path = str(tmp_path / f"table.{suffix}")
    cm.write_table(FRAME, path)
    assert list(cm.read_table(path, columns=["text", "whole"])) == ["text", "whole"]
    with pytest.raises(DataError, match=r"has no column 'txt': expected one of 'whole', "):
        cm.read_table(path, columns=["txt"])


def test_texts_of_a_csv_file_are_what_they_spell(tmp_path: Path) -> None:
    """All of a column or none: a number with a leading zero is a name, and an empty text is missing."""
    (tmp_path / "t.csv").write_text(
        "zip,whole,number,truth,day,moment,mixed,gap\n"
        "01234,1,1.5,true,2024-02-29,2024-01-01 12:00:00,1,\n"
        ",,1e3,false,,,x,\n"
    )
    found = cm.read_table(str(tmp_path / "t.csv"))
    assert found["zip"].tolist()[0] == "01234"
    assert found["whole"].isna().tolist() == [False, True]
    assert found["number"].tolist() == [1.5, 1000.0]
    assert found["truth"].tolist() == [True, False]
    assert found["day"].tolist()[0] == date(2024, 2, 29)
    assert found["moment"].tolist()[0] == pd.Timestamp(2024, 1, 1, 12)
    assert found["mixed"].tolist() == ["1", "x"]
    assert found["gap"].isna().all()


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_table_without_rows_keeps_its_columns(suffix: str, tmp_path: Path) -> None:
    """Where the format can say so."""
    path = str(tmp_path / f"table.{suffix}")
    assert cm.write_table(FRAME[:0], path) == 0
    if suffix in {"csv", "tsv", "parquet"}:
        assert list(cm.read_table(path)) == list(FRAME)


def test_values_of_several_types_are_refused_and_leave_the_former_file(tmp_path: Path) -> None:
    """The column is named; nothing is written."""
    path = str(tmp_path / "t.parquet")
    cm.write_table(FRAME, path)
    with pytest.raises(DataError, match="column 'a': expected values of one type, found several: "):
        cm.write_table(pd.DataFrame({"a": [1, "x", []]}), path)
    with pytest.raises(DataError, match="the frame: expected each column name once, found 'a' twice"):
        cm.write_table(pd.DataFrame([[1, 2]], columns=["a", "a"]), path)
    assert len(cm.read_table(path)) == 3
    assert [each.name for each in tmp_path.iterdir()] == ["t.parquet"]


@pytest.mark.parametrize(
    ("target", "error", "reason"),
    [
        ("t.xlsx", DataError, r"t\.xlsx: expected a file to write that ends in \.csv or \.parquet, "),
        ("no/such/folder/t.csv", DataError, "cannot be written: No such file or directory"),
        ("nosuch://t", InputError, r"nothing opens a URL that begins with nosuch://"),
        ("sqlite:///t.db", InputError, "expected the URL of a sqlite database with the table at its end"),
        ("sqlite:///none.db#t", DataError, "the sqlite database 'none.db' does not exist: expected a SQLite file"),
    ],
)
def test_what_cannot_be_written_is_told(
    target: str, error: type[Exception], reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one line."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=reason):
        cm.write_table(FRAME, target)


def test_a_table_of_sqlite_is_written_as_a_whole(tmp_path: Path) -> None:
    """Made, replaced, added to; rows that it refuses leave it as it was."""
    path = tmp_path / "depot.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE parcels (key INTEGER PRIMARY KEY, name TEXT)")
    url = f"sqlite:///{path}#parcels"
    cm.write_table(pd.DataFrame({"key": [2, 1], "name": ["b", "'); --"]}), url)
    assert cm.read_table(url)["key"].tolist() == [1, 2]
    cm.write_table(pd.DataFrame({"key": [3], "name": ["c"]}), url)
    assert cm.write_table(pd.DataFrame({"key": [4], "name": ["d"]}), url, mode="append") == 1
    with pytest.raises(DataError, match=r"the sqlite database .* cannot be written: UNIQUE constraint failed"):
        cm.write_table(pd.DataFrame({"key": [5, 5], "name": ["e", "f"]}), url)
    assert cm.read_table(url)["key"].tolist() == [3, 4]
    decimals = f"sqlite:///{path}#decimals"
    cm.write_table(pd.DataFrame({"price": [Decimal("7.25"), None]}), decimals)
    assert cm.read_table(decimals)["price"].tolist()[0] == 7.25
    new = f"sqlite:///{path}#new"
    cm.write_table(FRAME, new)
    assert cm.read_table(new)["number"].isna().tolist() == [False, True, False]


def test_a_missing_driver_is_told_by_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says what to install."""

    def missing(*_: Any, **__: Any) -> Any:
        raise ModuleNotFoundError(name="sqlalchemy_bigquery")

    monkeypatch.setattr("sqlalchemy.create_engine", missing)
    with pytest.raises(
        MissingExtraError, match=r"a database of bigquery needs sqlalchemy_bigquery, which .*\[bigquery\]"
    ):
        cm.read_table("bigquery://project/dataset#table")


def test_the_query_of_a_table_of_bigquery_is_its_own_sql() -> None:
    """Compiled by its dialect; it was not run against the service."""
    dialect = sql.make_url("bigquery://project/dataset").get_dialect()()
    table = database.Table("dataset", "passengers", ("name", "age"), ())
    compiled = " ".join(str(table.select().compile(dialect=dialect)).split())
    assert compiled == "SELECT `passengers`.`name`, `passengers`.`age` FROM `dataset`.`passengers`"


def test_moments_are_kept_in_utc_by_sqlite(tmp_path: Path) -> None:
    """It has no time zones."""
    (tmp_path / "t.db").touch()
    url = f"sqlite:///{tmp_path / 't.db'}#t"
    cm.write_table(pd.DataFrame({"at": [pd.Timestamp("2020-01-01 00:30", tz="Europe/Berlin")]}), url)
    assert str(cm.read_table(url)["at"].iloc[0]).startswith("2019-12-31 23:30")


def test_a_failed_write_leaves_no_table_in_sqlite(tmp_path: Path) -> None:
    """A table that was made for the rows goes with them."""
    (tmp_path / "t.db").touch()
    url = f"sqlite:///{tmp_path / 't.db'}#t"
    with pytest.raises(DataError, match=r"cannot be written: .*too large"):
        cm.write_table(pd.DataFrame({"a": np.array([2**64 - 1], dtype=np.uint64)}), url)
    with pytest.raises(DataError, match="has no table 't': it has no tables"):
        cm.read_table(url)


def test_integers_stay_integers(tmp_path: Path) -> None:
    """Beside missing ones, and with more digits than a double holds; parts of other types are numbers together."""
    big = 2**53 + 1
    cm.write_table(pd.DataFrame({"key": pd.array([big, None], dtype="Int64")}), str(tmp_path / "t.parquet"))
    assert cm.read_table(str(tmp_path / "t.parquet"))["key"].tolist()[0] == big
    (tmp_path / "t.csv").write_text("key\n12345678901234567890\n12345678901234567891\n")
    assert cm.read_table(str(tmp_path / "t.csv"))["key"].nunique() == 2
    with closing(sqlite3.connect(tmp_path / "t.db")) as connection, connection:
        connection.execute("CREATE TABLE t (a)")
        connection.executemany("INSERT INTO t VALUES (?)", [(1,)] * 10_000 + [(2.5,)])
    found = cm.read_table(f"sqlite:///{tmp_path / 't.db'}#t")["a"]
    assert found.dtype == np.float64
    assert found.iloc[-1] == 2.5


def test_an_index_of_pandas_is_a_column(tmp_path: Path) -> None:
    """The file holds it as one."""
    pd.DataFrame({"pid": [7], "v": [1]}).set_index("pid").to_parquet(tmp_path / "t.parquet")
    assert set(cm.read_table(str(tmp_path / "t.parquet"))) == {"pid", "v"}


@pytest.mark.parametrize(
    ("frame", "target", "error", "reason"),
    [
        (FRAME, "https://example.com/t.csv", InputError, "expected a place to write to, found a web server"),
        (FRAME[[]], "t.csv", DataError, "expected a frame with columns to write, found none"),
    ],
)
def test_what_cannot_be_a_table_is_refused(
    frame: pd.DataFrame, target: str, error: type[Exception], reason: str
) -> None:
    """Before anything is sent."""
    with pytest.raises(error, match=reason):
        cm.write_table(frame, target)


def test_a_url_of_a_file_is_the_file(tmp_path: Path) -> None:
    """Written under a temporary name, like any other."""
    cm.write_table(FRAME, f"file://{tmp_path}/t.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]
    assert len(cm.read_table(f"file://{tmp_path}/t.csv")) == 3
