"""Reading the log as frames: what was written is what is read, and what cannot be read is counted."""

from __future__ import annotations

import logging
import math
import multiprocessing
import os
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classification_model.errors import DataError
from classification_model.log_frames.log_frame import read_labels, read_log
from classification_model.log_frames.value_columns import ValueColumn
from classification_model.runtime.log.label_log import LabelLog
from classification_model.runtime.log.line_files import Kind, name_of
from classification_model.runtime.log.prediction_log import PredictionLog, PredictionRecords
from classification_model.runtime.log.sealed_lines import LogFaults, seal
from classification_model.runtime.model_folder.artifact import read_manifest
from classification_model.runtime.model_folder.manifest import Manifest

MOMENT = "2026-11-21T13:04:30.123Z"


@pytest.fixture(scope="module")
def manifest(model_folder: Path) -> Manifest:
    return read_manifest(model_folder)


def record(name: str, **members: Any) -> dict[str, Any]:
    """Make a record of a prediction."""
    made = {
        "prediction_id": name,
        "timestamp": MOMENT,
        "model": "colours",
        "version": "1.0.0",
        "index": None,
        "features": {"size": 0.5},
        "prediction": "red",
        "probabilities": {"blue": 0.25, "red": 0.75},
    }
    return made | members


def write(
    folder: Path, *records: dict[str, Any], process: int = 1, number: int = 1, kind: Kind = "predictions"
) -> Path:
    """Write the file of a process as the log does; return it."""
    folder.mkdir(exist_ok=True)
    path = folder / name_of(kind, f"2026112113043000000{process % 10}-{process}-0000000{process % 10}", number)
    path.write_bytes(b"".join(seal(orjson.dumps(one)) for one in records))
    return path


def same(left: Any, right: Any) -> bool:
    """Tell whether two JSON values are the same, of the same type; a missing one is None or NaN."""
    if isinstance(left, float) and isinstance(right, float) and math.isnan(left):
        return math.isnan(right)
    return type(left) is type(right) and bool(left == right)


def is_missing(value: Any) -> bool:
    """Tell None and NaN from other values."""
    return value is None or (isinstance(value, float) and math.isnan(value))


scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
    | st.sampled_from(["\n", "\x1b[31mred", "\u2028", '","crc":"00000000"}', "12", "", "\x00"])
)
values = scalars | st.lists(scalars, max_size=3)
rows = st.dictionaries(st.sampled_from(["a", "b", "\u2028\n", "features.c"]), values, max_size=4)
keys = st.none() | st.integers(-(2**63), 2**64 - 1) | st.text(st.characters(exclude_categories=["Cs"]), max_size=5)


@pytest.mark.slow
@given(st.lists(st.tuples(rows, keys), max_size=12))
def test_what_was_written_is_what_is_read(
    tmp_path_factory: pytest.TempPathFactory, written: list[tuple[dict[str, Any], Any]]
) -> None:
    """Raw values and keys of any type, side by side in a column, come back as they were; a missing one is missing."""
    folder = tmp_path_factory.mktemp("log")
    records = [record(str(n), features=row, index=key) for n, (row, key) in enumerate(written)]
    write(folder, *records[: len(records) // 2])
    write(folder, *records[len(records) // 2 :], number=2)
    faults = LogFaults()
    frame = read_log(folder, faults)
    assert faults == LogFaults()
    assert frame["prediction_id"].tolist() == [one["prediction_id"] for one in records]
    assert all(map(same, frame["index"].tolist(), [key for _, key in written]))
    names = dict.fromkeys(name for row, _ in written for name in row)
    assert {str(name) for name in frame if str(name).startswith("features.")} == {f"features.{name}" for name in names}
    for name in names:
        for value, (row, _) in zip(frame[f"features.{name}"].tolist(), written, strict=True):
            assert is_missing(value) if row.get(name) is None else same(value, row[name])


@given(st.lists(st.lists(scalars, min_size=1, max_size=4), max_size=5), st.randoms())
def test_a_column_gives_its_rows_in_any_order(parts: list[list[Any]], random: Any) -> None:
    """Values that came part by part, with rows between that no part covers, are given in the order asked for."""
    column, expected = ValueColumn(), list[Any]()
    for part in parts:
        column.add(len(expected), part)
        expected += [*part, None]
    order = list(range(len(expected)))
    random.shuffle(order)
    found = column.finish(np.array(order, dtype=np.int64), len(expected)).tolist()
    for value, row in zip(found, order, strict=True):
        assert is_missing(value) if expected[row] is None else same(value, expected[row])


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (["a", None], "str"),
        ([0.5, None], "float64"),
        ([1, 2], "int64"),
        ([1, None], "object"),
        ([1, 0.5], "object"),
        ([1, "1"], "object"),
        ([1, True], "object"),
        ([2**64 - 1], "object"),
        ([[1], [2]], "object"),
        ([None], "object"),
    ],
)
def test_a_column_of_one_type_has_it_and_any_other_holds_objects(values: list[Any], dtype: str, tmp_path: Path) -> None:
    """12 and "12" stay apart, and an integer never becomes a float for a gap beside it."""
    write(tmp_path, *(record(str(n), features={"x": value}) for n, value in enumerate(values)))
    assert read_log(tmp_path)["features.x"].dtype == dtype


def _log_some(folder: Path, manifest: Manifest, number: int) -> None:
    log = PredictionLog(folder, file_size=2000)
    log.open()
    records = PredictionRecords(manifest)
    for count in range(50):
        row = {"sex": "male", "age": float("nan"), "name": f"\x1b[31m\n\u2028 {count}", "unknown": 1}
        log.append(records.encode([f"{number}-{count}"], [row], [count], ["died"], [{"died": 0.75, "survived": 0.25}]))
    log.close()


@pytest.mark.slow
def test_the_files_of_several_processes_are_one_log(tmp_path: Path, manifest: Manifest) -> None:
    """What four processes log at once, over many small files, is all there, once, in order of time."""
    folder = tmp_path / "log"
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_log_some, args=(folder, manifest, number)) for number in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert len(list(folder.iterdir())) > 8
    faults = LogFaults()
    frame = read_log(folder, faults)
    assert faults == LogFaults()
    assert sorted(frame["prediction_id"]) == sorted(f"{p}-{count}" for p in range(4) for count in range(50))
    assert frame["timestamp"].is_monotonic_increasing
    assert frame["timestamp"].dtype == "datetime64[us, UTC]"
    assert "features.unknown" not in frame
    assert frame["features.age"].isna().all()
    assert {text.partition(" ")[0] for text in frame["features.name"]} == {"\x1b[31m\n\u2028"}
    assert frame[["model", "version", "prediction"]].drop_duplicates().values.tolist() == [
        [manifest.name, manifest.version, "died"]
    ]


def test_predictions_of_other_problems_and_versions_stand_beside_each_other(tmp_path: Path) -> None:
    """Features and labels that a record does not have are missing in its row."""
    write(tmp_path, record("a"), record("b", version="2.0.0", features={"weight": 3}))
    write(tmp_path, record("c", model="ships", features={"mast": "oak"}, probabilities={"sinks": 1}), process=2)
    frame = read_log(tmp_path).set_index("prediction_id")
    assert frame["features.size"].isna().tolist() == [False, True, True]
    assert frame["features.weight"].tolist() == [None, 3, None]
    assert frame["probabilities.sinks"].isna().tolist() == [True, True, False]
    assert frame["probabilities.sinks"].dtype == frame["probabilities.red"].dtype == np.float64


def test_rows_and_columns_can_be_chosen(tmp_path: Path) -> None:
    """A version, a time and columns can be asked for alone."""
    later = "2026-11-21T14:00:00.000Z"
    write(tmp_path, record("a"), record("b", version="2.0.0"), record("c", version="2.0.0", timestamp=later))
    assert read_log(tmp_path, version="2.0.0")["prediction_id"].tolist() == ["b", "c"]
    since = datetime.fromisoformat("2026-11-21T15:00:00+01:00")
    assert read_log(tmp_path, since=since)["prediction_id"].tolist() == ["c"]
    chosen = read_log(tmp_path, columns={"index", "features.size"})
    assert list(chosen) == ["index", "features.size"]
    assert len(chosen) == 3


def test_rows_of_one_time_stay_in_the_order_of_the_files(tmp_path: Path) -> None:
    """The oldest row is the first, whichever file it is in; of rows of one time, the first in the files is."""
    write(tmp_path, record("c", timestamp="2026-11-21T14:00:00Z"), record("d"))
    write(tmp_path, record("e"), record("a", timestamp="2026-11-21T12:00:00.000001Z"), process=2)
    faults = LogFaults()
    assert read_log(tmp_path, faults)["prediction_id"].tolist() == ["a", "d", "e", "c"]
    assert faults.backwards == 2


def test_a_clock_set_back_between_two_files_is_counted(tmp_path: Path) -> None:
    """A process whose second file begins before its first one ended has gone back in time; two processes have not."""
    write(tmp_path, record("a", timestamp="2026-11-21T14:00:00Z"))
    write(tmp_path, record("b"), number=2)
    write(tmp_path, record("c", timestamp="2026-11-21T12:00:00Z"), process=2)
    faults = LogFaults()
    read_log(tmp_path, faults)
    assert faults.backwards == 1


def test_a_prediction_that_is_there_twice_counts_once(tmp_path: Path) -> None:
    """Of records with one id, in one file or in several, the first is read and the others are counted."""
    write(tmp_path, record("a", prediction="red"), record("b"), record("a", prediction="blue"))
    write(tmp_path, record("b"), record("c"), process=2)
    faults = LogFaults()
    frame = read_log(tmp_path, faults)
    assert frame["prediction_id"].tolist() == ["a", "b", "c"]
    assert frame["prediction"].tolist() == ["red", "red", "red"]
    assert faults.duplicates == 2


STRANGE: dict[str, Any] = {
    "a list": [1, 2],
    "a text": "prediction_id",
    "without a member": {"prediction_id": "x"},
    "an id that is a number": record("x") | {"prediction_id": 7},
    "a key that is true": record("x", index=True),
    "features as a list": record("x", features=[1]),
    "a probability as text": record("x", probabilities={"red": "0.5"}),
    "a probability of null": record("x", probabilities={"red": None}),
    "no time": record("x", timestamp="yesterday"),
    "a time without a zone": record("x", timestamp="2026-11-21T13:04:30"),
}


@pytest.mark.parametrize("strange", STRANGE.values(), ids=STRANGE)
def test_a_sealed_line_that_is_no_prediction_is_counted(strange: Any, tmp_path: Path) -> None:
    """A line that is whole and holds something else is left out, and the lines around it are read."""
    write(tmp_path, *(record(str(number)) for number in range(20)), strange, record("last"))
    faults = LogFaults()
    assert len(read_log(tmp_path, faults)) == 21
    assert faults == LogFaults(strange=1)


def test_torn_and_damaged_lines_are_told_with_their_place(tmp_path: Path) -> None:
    """A flipped byte costs its line alone, a cut end the last one; both are told by file and offset."""
    path = write(tmp_path, *(record(str(number)) for number in range(2000)))
    content = bytearray(path.read_bytes())
    lines = bytes(content).splitlines(keepends=True)
    content[sum(map(len, lines[:1500])) + 40] ^= 1
    path.write_bytes(content[:-30])
    faults = LogFaults()
    frame = read_log(tmp_path, faults)
    assert set(frame["prediction_id"]) == {str(number) for number in range(1999)} - {"1500"}
    assert (faults.damaged, faults.torn) == (1, 1)
    assert [(place.file, place.offset) for place in faults.places] == [
        (path.name, sum(map(len, lines[:1500]))),
        (path.name, sum(map(len, lines[:1999]))),
    ]


def test_faults_that_nobody_asks_for_are_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Without a place to count them, faults are warnings."""
    path = write(tmp_path, record("a"), record("b"))
    path.write_bytes(path.read_bytes()[:-5])
    with caplog.at_level(logging.WARNING):
        assert len(read_log(tmp_path)) == 1
    assert "1 lines without an end" in caplog.text
    assert f"{path.name}, byte " in caplog.text


def test_an_empty_folder_is_an_empty_log(tmp_path: Path) -> None:
    """Before the first prediction there are the columns that every log has, and no row."""
    frame = read_log(tmp_path)
    assert list(frame) == ["prediction_id", "timestamp", "model", "version", "index", "prediction"]
    assert len(frame) == 0
    assert frame["timestamp"].dtype == "datetime64[us, UTC]"
    assert len(read_labels(tmp_path)) == 0
    assert list(read_labels(tmp_path)) == ["prediction_id", "timestamp", "label", "source"]


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """A wrong path is told, rather than taken for a log without predictions."""
    for path in (tmp_path / "missing", write(tmp_path / "log", record("a"))):
        with pytest.raises(DataError, match=r"^expected a log folder, found no folder "):
            read_log(path)


def test_what_is_no_file_of_the_log_is_left_alone(tmp_path: Path) -> None:
    """A folder, a link or a pipe in place of a file is counted and not followed; other names are ignored."""
    path = write(tmp_path, record("a"))
    outside = tmp_path / "outside.jsonl"
    outside.write_bytes(path.read_bytes().replace(b'"a"', b'"b"'))
    (tmp_path / path.name.replace("000001", "000002")).mkdir()
    (tmp_path / path.name.replace("000001", "000003")).symlink_to(outside)
    os.mkfifo(tmp_path / path.name.replace("000001", "000004"))
    faults = LogFaults()
    assert read_log(tmp_path, faults)["prediction_id"].tolist() == ["a"]
    assert faults.unreadable == 3
    assert len(faults.places) == 3


def test_labels_are_read_in_order_of_time(tmp_path: Path) -> None:
    """Labels that two processes put on record are one table, all of them kept."""
    for source in ("feedback", "table.csv"):
        log = LabelLog(tmp_path)
        log.add([("a", "red"), ("b", "blue\n\u2028")], source)
        log.close()
    frame = read_labels(tmp_path)
    assert frame["prediction_id"].tolist() == ["a", "b", "a", "b"]
    assert frame["label"].tolist() == ["red", "blue\n\u2028"] * 2
    assert frame["source"].tolist() == ["feedback"] * 2 + ["table.csv"] * 2
    assert frame["timestamp"].is_monotonic_increasing
    pd.testing.assert_index_equal(frame.index, pd.RangeIndex(4))
