"""Shipping a log: every record arrives once with the values of the log, at each kind of target."""

from __future__ import annotations

import logging
import os
import re
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import psycopg
import pytest
import s3fs
from commands import Command
from postgres import table_url
from shipped import (
    Arrived,
    age,
    in_database,
    in_folder,
    in_log,
    parquet_files,
    prediction_line,
    write_predictions,
)

from classification_model.errors import DataError, InputError
from classification_model.runtime.log.label_log import LabelLog
from classification_model.runtime.log.line_files import files_of
from classification_model.runtime.log.prediction_log import PredictionLog
from classification_model.shipping import only_shipper, parquet_folders
from classification_model.shipping.databases import DatabaseTarget
from classification_model.shipping.parquet_folders import ParquetFolder
from classification_model.shipping.parts import parts_of
from classification_model.shipping.shipper import SETTLED_SECONDS, Shipped, settled_files, ship
from classification_model.shipping.targets import target_of


class Place(NamedTuple):
    """A target, and what reads it."""

    url: str
    arrived: Arrived

    def rows(self, kind: str = "predictions") -> list[Any]:
        """Return what has arrived."""
        return self.arrived(self.url, kind)


@pytest.fixture
def bucket(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Make a bucket; give the URL of a folder in it."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    s3fs.S3FileSystem.clear_instance_cache()
    system = s3fs.S3FileSystem()
    if system.exists("logs"):
        system.rm("logs", recursive=True)
    system.mkdir("logs")
    return "s3://logs/titanic"


def sqlite_url(tmp_path: Path) -> str:
    """Make a SQLite file; give the URL of a table in it."""
    with closing(sqlite3.connect(tmp_path / "log.db")) as database:
        database.executescript("CREATE TABLE other (a)")
    return f"sqlite:///{tmp_path / 'log.db'}#predictions"


def place_of(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Return a target where nothing was shipped yet."""
    if kind == "sqlite":
        return Place(sqlite_url(tmp_path), in_database)
    if kind == "postgresql":
        request.getfixturevalue("database")
        return Place(table_url(request.getfixturevalue("postgres"), "predictions"), in_database)
    return Place(request.getfixturevalue("bucket") if kind == "s3" else f"{tmp_path / 'copy'}/", in_folder)


@pytest.fixture(params=["sqlite", "postgresql", "folder", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Give a target of each kind."""
    return place_of(request.param, request, tmp_path)


@pytest.fixture(params=["sqlite", "postgresql"])
def tables(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Give a database of each kind."""
    return place_of(request.param, request, tmp_path)


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what was logged by the package."""
    return [record.message for record in caplog.records if record.name.startswith("classification_model")]


def ship_now(log: Path, url: str) -> Shipped:
    """Ship a log that nobody writes to."""
    age(log)
    return ship(log, target_of(url))


def test_every_record_arrives_once(tmp_path: Path, place: Place) -> None:
    """With all values of the log, from the files of all processes; a second run adds what is new alone."""
    log = tmp_path / "log"
    names = write_predictions(log, 50) + write_predictions(log, 30)
    with LabelLog(log) as labels:
        labels.add([(name, "red") for name in names[:20]], source="feedback")
    assert ship_now(log, place.url) == (80, 20)
    assert ship_now(log, place.url) == (0, 0)
    with PredictionLog(log) as writer:
        write_predictions(log, 5, writer=writer)
        assert ship_now(log, place.url) == (5, 0)
        write_predictions(log, 9, writer=writer, other={"deep": [1, None]})
        with LabelLog(log) as labels:
            labels.add([(names[0], "blue")], source="table")
        assert ship_now(log, place.url) == (9, 1)
    assert place.rows() == in_log(log)
    assert place.rows("labels") == in_log(log, "labels")


def test_files_of_a_log_that_were_rotated_or_deleted_are_followed(
    tmp_path: Path, place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    """A deleted file that was shipped is nothing to speak of; what is in the files after it arrives."""
    log = tmp_path / "log"
    with PredictionLog(log, file_size=2000) as writer:
        names = write_predictions(log, 40, writer=writer)
        ship_now(log, place.url)
        files_of(log, "predictions")[0].path.unlink()
        names += write_predictions(log, 40, writer=writer)
        assert ship_now(log, place.url) == (40, 0)
    assert sorted(names) == [row[0] for row in place.rows()]
    assert not told(caplog)


def test_small_parts_arrive_in_order(tmp_path: Path, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is larger than a part is shipped in several, and an error between them repeats and loses nothing."""
    monkeypatch.setattr("classification_model.shipping.parts.read_complete_lines.__defaults__", (3000,))
    for target in (DatabaseTarget, ParquetFolder):
        monkeypatch.setattr(target, "most_rows", 20)
    log = tmp_path / "log"
    write_predictions(log, 200)
    written: list[Any] = []

    def fail_at_third(part: Any) -> None:
        written.append(part)
        if len(written) == 3:
            msg = "no space"
            raise DataError(msg)

    with monkeypatch.context() as patch:
        patch.setattr("classification_model.shipping.databases.OpenDatabase._insert", _after(fail_at_third))
        real = ParquetFolder._put

        def put(self: ParquetFolder, *given: Any) -> None:
            fail_at_third(given)
            real(self, *given)

        patch.setattr(ParquetFolder, "_put", put)
        with pytest.raises(DataError, match="no space"):
            ship_now(log, place.url)
    if place.arrived is in_folder:
        assert 0 < len(place.rows()) < 100
    ship_now(log, place.url)
    assert place.rows() == in_log(log)


def _after(check: Callable[[Any], None]) -> Any:
    from classification_model.shipping.databases import OpenDatabase  # noqa: PLC0415 - before it is patched

    real = OpenDatabase._insert

    def insert(self: Any, part: Any) -> None:
        real(self, part)
        check(part)

    return insert


def test_torn_and_damaged_lines_are_left_out(tmp_path: Path, place: Place, caplog: pytest.LogCaptureFixture) -> None:
    """A damaged line is told, once; a line without its end arrives when it is complete."""
    log = tmp_path / "log"
    write_predictions(log, 20)
    path = files_of(log, "predictions")[0].path
    lines = path.read_bytes().splitlines(keepends=True)
    lines[4] = lines[4].replace(b"red", b"rot")
    lines.insert(7, b'{"not":"a prediction"}\n')
    path.write_bytes(b"".join(lines)[:-10])
    assert ship_now(log, place.url) == (18, 0)
    (message,) = told(caplog)
    assert message.startswith(f"{path.name}: 2 damaged lines: left out; ")
    assert f"byte {sum(map(len, lines[:4]))}: a damaged line" in message
    caplog.clear()
    path.write_bytes(b"".join(lines))
    assert ship_now(log, place.url) == (1, 0)
    assert not told(caplog)
    assert place.rows() == in_log(log)


def test_damaged_lines_alone_do_not_stop_a_file(tmp_path: Path, place: Place) -> None:
    """Lines after a part without any record arrive."""
    log = tmp_path / "log"
    write_predictions(log, 1)
    path = files_of(log, "predictions")[0].path
    good = path.read_bytes()
    path.write_bytes(b"x" * 100 + b"\n")
    assert ship_now(log, place.url) == (0, 0)
    path.write_bytes(b"x" * 100 + b"\n" + good)
    assert ship_now(log, place.url) == (1, 0)
    assert place.rows() == in_log(log)


def test_records_of_several_days_are_in_the_folders_of_their_days(tmp_path: Path) -> None:
    """Also where those of two days alternate at midnight, and where the run ends between the two days."""
    log, url = tmp_path / "log", f"{tmp_path / 'copy'}/"
    days = ["2026-11-28T23:59:59.999Z"] * 40 + ["2026-11-29T00:00:00.000Z"] * 3
    days += ["2026-11-28T23:59:59.998Z", *["2026-11-29T12:00:00.000Z"] * 50]
    with PredictionLog(log) as writer:
        writer.append(b"".join(prediction_line(f"p{n:03}", n, day) for n, day in enumerate(days)))
    with pytest.MonkeyPatch.context() as patch:
        put, done = ParquetFolder._put, []

        def fail_at_second(self: ParquetFolder, *given: Any) -> None:
            done.append(given)
            if len(done) == 2:
                raise OSError(28, "No space left on device")
            put(self, *given)

        patch.setattr(ParquetFolder, "_put", fail_at_second)
        with pytest.raises(DataError, match=r"the folder .* cannot be written: No space left on device$"):
            ship_now(log, url)
    assert len(in_folder(url)) == 40
    ship_now(log, url)
    assert in_folder(url) == in_log(log)
    assert len([*parquet_files(url)]) == 4


def test_a_name_says_what_a_file_holds(tmp_path: Path) -> None:
    """The log's file, and its bytes from the first to the last; no other file is left."""
    log, url = tmp_path / "log", f"{tmp_path / 'copy'}/"
    write_predictions(log, 20, timestamp="2026-11-29T12:00:00.000Z")
    ship_now(log, url)
    path = files_of(log, "predictions")[0].path
    found = [str(file.relative_to(tmp_path / "copy")) for file in (tmp_path / "copy").rglob("*") if file.is_file()]
    assert found == [f"predictions/date=2026-11-29/{path.stem}.0-{path.stat().st_size}.parquet"]


def test_what_a_killed_process_began_is_removed_after_an_hour(tmp_path: Path) -> None:
    """A younger one may be in work; a file of another name is somebody else's."""
    log, url = tmp_path / "log", f"{tmp_path / 'copy'}/"
    write_predictions(log, 8)
    ship_now(log, url)
    (whole,) = (tmp_path / "copy").rglob("*.parquet")
    old, young, other = (whole.with_name(f".{name}.new") for name in (f"{whole.name}.7-0a", f"{whole.name}.8-0a", "x"))
    for path in (old, young, other):
        path.touch()
    for path in (old, other):
        os.utime(path, (0, 0))
    ship_now(log, url)
    assert sorted(whole.parent.iterdir()) == sorted([young, other, whole])


def test_a_store_without_atomic_writes_gets_files_under_another_name_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What readers find by the suffix is there as a whole."""
    monkeypatch.setattr(parquet_folders, "_OBJECT_STORES", frozenset[str]())
    log, url = tmp_path / "log", f"memory://{tmp_path.name}"
    write_predictions(log, 20)
    moved: list[str] = []
    target = target_of(url)
    assert isinstance(target, ParquetFolder)
    move = target._system.mv

    def note(_: Any, *names: str) -> None:
        moved.append(names[0])
        move(*names)

    monkeypatch.setattr(type(target._system), "mv", note)
    age(log)
    ship(log, target)
    assert [name.rpartition("/")[2][0] + name.rpartition(".")[2] for name in moved] == [".new"]
    assert in_folder(url) == in_log(log)


@pytest.mark.slow
def test_duckdb_reads_the_files(tmp_path: Path) -> None:
    """With the day as a column, and JSON as JSON."""
    log, url = tmp_path / "log", f"{tmp_path / 'copy'}/"
    write_predictions(log, 20, timestamp="2026-11-29T12:00:00.000Z")
    ship_now(log, url)
    files = f"{url}predictions/*/*.parquet"
    query = (
        "SELECT date, count(*), any_value(features->>'$.size'), min(epoch_ms(timestamp)) "
        "FROM read_parquet(?, hive_partitioning = true) GROUP BY date"
    )
    noon = datetime(2026, 11, 29, 12, tzinfo=UTC)
    found = duckdb.execute(query, [files]).fetchall()
    assert found == [(noon.date(), 20, "0.30000000000000004", int(noon.timestamp() * 1000))]


def test_a_table_of_other_types_is_filled(tmp_path: Path, postgres: str, database: psycopg.Connection[Any]) -> None:
    """One that was made beforehand, in a schema, with more columns: PostgreSQL reads UUIDs and JSON from the texts."""
    database.execute("CREATE SCHEMA audit")
    database.execute(
        "CREATE TABLE audit.made (arrived timestamptz DEFAULT now(), prediction_id uuid PRIMARY KEY, "
        '"timestamp" timestamptz, model text, version text, features json, probabilities jsonb, prediction text, '
        '"index" text)'
    )
    log = tmp_path / "log"
    (name,) = write_predictions(log, 1)
    ship_now(log, table_url(postgres, "audit.made"))
    query = "SELECT prediction_id::text, arrived IS NOT NULL, probabilities->'blue', \"index\" FROM audit.made"
    assert database.execute(query).fetchall() == [(name, True, 2 / 3, "7")]
    shipped = database.execute("SELECT file, shipped FROM audit.made_shipped").fetchall()
    path = files_of(log, "predictions")[0].path
    assert shipped == [(path.name, path.stat().st_size)]
    assert database.execute("SELECT count(*) FROM audit.made_labels").fetchall() == [(0,)]


def test_a_table_without_the_columns_is_named(tmp_path: Path) -> None:
    """A table that is something else is refused before anything is written."""
    log = tmp_path / "log"
    write_predictions(log, 1)
    with pytest.raises(DataError, match=r"the table 'other' lacks .*'?prediction_id|prediction_id"):
        ship_now(log, sqlite_url(tmp_path).replace("#predictions", "#other"))


def test_the_character_0_of_a_key_does_not_stop_the_rest(
    tmp_path: Path, postgres: str, database: psycopg.Connection[Any]
) -> None:
    """PostgreSQL has no such character; it becomes the replacement character."""
    log = tmp_path / "log"
    with PredictionLog(log) as writer:
        writer.append(prediction_line("p0", "a\0b") + prediction_line("p1", "c"))
    ship_now(log, table_url(postgres, "predictions"))
    query = 'SELECT "index" FROM predictions ORDER BY prediction_id'
    assert database.execute(query).fetchall() == [("a\ufffdb",), ("c",)]


def test_a_position_that_another_process_moved_is_not_moved_again(tmp_path: Path, tables: Place) -> None:
    """Where locks do not hold, as between hosts, a database refuses the second of two equal parts."""
    log = tmp_path / "log"
    write_predictions(log, 20)
    file = files_of(log, "predictions")[0]
    size = file.path.stat().st_size
    for end in (size // 2, size):
        with target_of(tables.url).opened() as one, target_of(tables.url).opened() as other:
            start = one.positions.get(file.path.name, 0)
            (part,) = parts_of(file, "predictions", start, end, 1000)
            one.write(part)
            with pytest.raises(DataError, match=r"another process has shipped predictions-\S+ to the table"):
                other.write(part)
    assert tables.rows() == in_log(log)


def test_lines_that_a_writer_takes_back_do_not_arrive(tmp_path: Path) -> None:
    """A file that was written just now is looked at again after a moment, and the smaller size counts."""
    log, url = tmp_path / "log", f"{tmp_path / 'copy'}/"
    names = write_predictions(log, 8)
    path = files_of(log, "predictions")[0].path
    size = path.stat().st_size
    with path.open("ab") as file:
        file.write(prediction_line("unanswered") + b"{")
    waited: list[float] = []

    def take_back(seconds: float) -> None:
        waited.append(seconds)
        os.truncate(path, size)

    assert ship(log, target_of(url), wait=take_back) == (8, 0)
    assert waited == [SETTLED_SECONDS]
    assert [row[0] for row in in_folder(url)] == sorted(names)
    age(log)
    settled_files(log, pytest.fail)  # type: ignore[arg-type] # nobody waits for a log that is at rest


def test_files_removed_before_they_were_shipped_are_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """By name: a file that was seen, and one before the files that are there. How much they held is not known."""
    log, url = tmp_path / "log", f"{tmp_path / 'copy'}/"
    with PredictionLog(log, file_size=2000) as writer:
        write_predictions(log, 40, writer=writer)
        first, second, third, *_ = (file.path for file in files_of(log, "predictions"))
        first.unlink()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ParquetFolder, "_list", lambda _: (_ for _ in ()).throw(DataError("no way there")))
            with pytest.raises(DataError, match="no way there"):
                ship_now(log, url)
        third.unlink()
        ship_now(log, url)
        lost = " was removed before all of it was shipped; how many records it held is not known"
        assert sorted(told(caplog)) == [f"{first.name}{lost}", f"{third.name}{lost}"]
        caplog.clear()
        second.unlink()
        write_predictions(log, 20, writer=writer)
        ship_now(log, url)
    assert not told(caplog)
    rest = in_log(log)
    assert {row[0] for row in rest} < {row[0] for row in in_folder(url)}


def test_a_file_of_which_a_part_was_shipped_and_the_rest_removed_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Also if it was the last one of its process."""
    log, url = tmp_path / "log", f"{tmp_path / 'copy'}/"
    write_predictions(log, 8)
    ship_now(log, url)
    path = files_of(log, "predictions")[0].path
    with path.open("ab") as file:
        file.write(prediction_line("lost"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ParquetFolder, "_put", lambda *_: (_ for _ in ()).throw(DataError("no way there")))
        with pytest.raises(DataError, match="no way there"):
            ship_now(log, url)
    path.unlink()
    ship_now(log, url)
    assert [message.split()[0] for message in told(caplog)] == [path.name]


def test_a_file_that_cannot_be_read_is_an_error_after_the_others_were_shipped(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A link in place of a file is not followed."""
    log, url = tmp_path / "log", f"{tmp_path / 'copy'}/"
    write_predictions(log, 8)
    write_predictions(log, 8)
    first, second = (file.path for file in files_of(log, "predictions"))
    first.rename(tmp_path / "elsewhere")
    first.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DataError, match=rf"{first.name} cannot be read: correct the permissions and ship again"):
        ship(log, target_of(url))
    assert len(in_folder(url)) == 8
    assert [message.partition(":")[0] for message in told(caplog)] == [f"{first.name} cannot be read"]
    assert second.exists()


def test_a_second_shipper_to_the_same_target_ends_with_2(tmp_path: Path, command: Command) -> None:
    """And says why; a shipper to another target runs beside it."""
    log = tmp_path / "log"
    write_predictions(log, 8)
    age(log)
    with only_shipper.only_shipper(log, target_of(f"{tmp_path / 'copy'}/")):
        done = command("log", "ship", "--log", log, "--to", f"{tmp_path / 'copy'}/")
        assert done.code == 2
        assert re.fullmatch(r"error: another process is shipping the log in .* to the folder .*\n", done.err)
        done = command("log", "ship", "--log", log, "--to", f"{tmp_path / 'other'}/")
        assert (done.code, done.err) == (0, "")
    assert done.out == f"shipped 8 predictions and 0 labels to the folder {tmp_path / 'other'}/\n"


def test_a_folder_that_may_only_be_read_is_locked_itself(open_folder: Path, as_nobody: Callable[[], None]) -> None:
    """The log arrives, a second shipper is refused, and nothing is written to the folder."""
    log, url = open_folder / "log", f"{open_folder / 'copy'}/"
    write_predictions(log, 8)
    age(log)
    (open_folder / "copy").mkdir()
    (open_folder / "copy").chmod(0o777)
    files_of(log, "predictions")[0].path.chmod(0o644)
    log.chmod(0o555)
    before = sorted(log.iterdir())
    target = target_of(url)
    as_nobody()
    assert ship(log, target) == (8, 0)
    with only_shipper.only_shipper(log, target), pytest.raises(DataError, match="another process is shipping"):
        ship(log, target)
    assert sorted(log.iterdir()) == before


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Make a folder that every user can reach; those of pytest are root's alone."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def as_nobody() -> Iterator[Callable[[], None]]:
    """Give up the rights of root, under which no permission is ever denied."""
    before = os.geteuid()
    yield lambda: os.seteuid(65534) if before == 0 else None
    os.seteuid(before)


def test_a_lock_file_that_was_cut_short_is_nothing(tmp_path: Path) -> None:
    """What a killed shipper left of it does not stop the next one."""
    log, url = tmp_path / "log", f"{tmp_path / 'copy'}/"
    write_predictions(log, 8)
    ship_now(log, url)
    (lock,) = log.glob(".shipping-*.lock")
    for content in (b"", b'{"sizes":{"a', b"[]", b'{"sizes":[],"told":[]}'):
        lock.write_bytes(content)
        assert ship_now(log, url) == (0, 0)


WRONG = {
    "postgresql://host/name?query=SELECT 1": "expected the URL of a table to ship to, with #table at its end",
    "postgresql://host/name": "with the table at its end, as #table",
    "copy.parquet": "or a folder for Parquet files, with / at its end, found copy.parquet",
    "s3://bucket/copy.csv": "or a folder for Parquet files, with / at its end, found s3://bucket/copy.csv",
    "-": "or a folder for Parquet files, with / at its end, found -",
    "teleport://there/": "nothing opens a URL that begins with teleport://",
    "bigquery://project/set#table": "expected a database with transactions",
}


@pytest.mark.parametrize("url", WRONG)
def test_what_nothing_can_be_shipped_to_is_refused(url: str) -> None:
    """With what was expected."""
    with pytest.raises(InputError, match=WRONG[url]):
        target_of(url)


def test_a_log_or_a_database_that_is_not_there_is_named(tmp_path: Path) -> None:
    """Neither is made."""
    with pytest.raises(DataError, match=r"expected a log folder, found no folder .*none"):
        ship(tmp_path / "none", target_of(f"{tmp_path / 'copy'}/"))
    (tmp_path / "log").mkdir()
    with pytest.raises(DataError, match=r"log\.db' does not exist: expected a SQLite file"):
        ship(tmp_path / "log", target_of(f"sqlite:///{tmp_path / 'log.db'}#predictions"))
    assert sorted(path.name[:10] for path in tmp_path.rglob("*")) == [".shipping-", "log"]


def test_an_outage_is_told_once_and_caught_up(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """With longer and longer pauses, up to a minute; then all records arrive."""
    log, url = tmp_path / "log", f"{tmp_path / 'copy'}/"
    write_predictions(log, 8)
    age(log)
    waited: list[float] = []
    put = ParquetFolder._put

    def fail(*_: Any) -> None:
        raise OSError(5, "Input/output error")

    with pytest.MonkeyPatch.context() as patch, caplog.at_level(logging.WARNING):
        patch.setattr(ParquetFolder, "_put", fail)

        def wait(seconds: float) -> None:
            waited.append(seconds)
            if len(waited) == 8:
                patch.setattr(ParquetFolder, "_put", put)

        shipped = ship(log, target_of(url), follow=5, wait=wait, is_ending=lambda: len(waited) == 10)
    assert shipped == (8, 0)
    assert waited == [1, 2, 4, 8, 16, 32, 60, 60, 5, 5]
    assert len(told(caplog)) == 2
    assert told(caplog)[0].endswith("cannot be written: Input/output error: trying again until it succeeds")
    assert told(caplog)[1].endswith("is reached again, and has all records of the log")
    assert in_folder(url) == in_log(log)
