"""Sizes, names and promises of the logs: each at its limit and beside it, and what waits for the disk."""

from __future__ import annotations

import errno
import inspect
import os
import re
import stat
import sys
from dataclasses import astuple
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pandas as pd
import pytest

from classification_model.errors import InputError, LogUnavailableError
from classification_model.predict import packaged_predictor
from classification_model.runtime.input.schema import InputSchema, SchemaField
from classification_model.runtime.log import decision_log, line_files, line_writer
from classification_model.runtime.log.decision_log import FILE, FORMER_FILE, append_decision, read_decisions
from classification_model.runtime.log.given_rows import given_rows
from classification_model.runtime.log.label_log import LabelLog, iter_labels
from classification_model.runtime.log.line_files import (
    TornTailError,
    append_whole,
    files_of,
    iter_records,
    name_of,
    open_to_read,
    repair,
)
from classification_model.runtime.log.prediction_log import PredictionLog, PredictionRecords, iter_predictions
from classification_model.runtime.log.sealed_lines import LineFault, LogFaults, salvage, seal, unseal

NOW = datetime(2026, 11, 21, 13, 4, 30, tzinfo=UTC)
LINE = seal(b'{"number": 1}')


def fail(*_: object, **__: object) -> Any:
    """Fail as a disk does."""
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def sizes(folder: Path) -> list[int]:
    """Return the sizes of the files of predictions."""
    return [file.path.stat().st_size for file in files_of(folder, "predictions")]


# Files of lines


@pytest.mark.parametrize("log", [PredictionLog, LabelLog])
def test_sizes_are_those_that_are_documented(log: type[PredictionLog | LabelLog], tmp_path: Path) -> None:
    """64 MiB a file and 8 GiB in all, with the operating system, unless another is asked for."""
    defaults = {name: given.default for name, given in inspect.signature(log).parameters.items() if name != "folder"}
    assert defaults == {"durability": "os", "file_size": 67_108_864, "kept_size": 8_589_934_592}
    writer = log(tmp_path / "a" / "b")
    assert (writer.durability, writer._file_size, writer._kept_size) == ("os", 67_108_864, 8_589_934_592)
    writer.append(LINE)  # which makes the folder
    writer.close()


@pytest.mark.parametrize(
    ("file_size", "files"), [(2 * len(LINE), [2 * len(LINE), 0]), (2 * len(LINE) + 1, [2 * len(LINE)])]
)
def test_a_file_that_has_its_size_is_the_last_but_one(file_size: int, files: list[int], tmp_path: Path) -> None:
    """The next one is begun at once."""
    with PredictionLog(tmp_path, file_size=file_size) as log:
        log.append(LINE)
        log.append(LINE)
        assert sizes(tmp_path) == files


@pytest.mark.parametrize(("kept", "left"), [(4, 4), (3, 3), (0, 0)])
def test_as_many_files_are_kept_as_fit(kept: int, left: int, tmp_path: Path) -> None:
    """Files that are exactly as large as may be kept stay; one byte less costs the oldest."""
    for _ in range(4):
        with PredictionLog(tmp_path) as log:
            log.append(LINE)
    log = PredictionLog(tmp_path, kept_size=kept * len(LINE))
    log.open()
    assert sizes(tmp_path) == [len(LINE)] * left + [0]
    log.close()
    if kept:
        log = PredictionLog(tmp_path, kept_size=kept * len(LINE) - 1)
        log.open()
        log.close()
        assert sizes(tmp_path) == [len(LINE)] * (left - 1)


def test_files_are_named_by_kind_process_and_number(tmp_path: Path) -> None:
    """The owner writes them and the group reads them."""
    with PredictionLog(tmp_path, file_size=1) as log:
        log.append(LINE)
        found = files_of(tmp_path, "predictions")
        assert [file.number for file in found] == [1, 2]
        (stream,) = {file.stream for file in found}
        assert re.fullmatch(rf"20\d{{18}}-{os.getpid()}-[0-9a-f]{{8}}", stream)
        assert [file.path.name for file in found] == [f"predictions-{stream}.00000{n}.jsonl" for n in (1, 2)]
        assert {stat.S_IMODE(file.path.stat().st_mode) for file in found} <= {0o640, 0o600}
    assert name_of("labels", stream, 1_234_567) == f"labels-{stream}.1234567.jsonl"
    assert files_of(tmp_path, "labels") == files_of(tmp_path / "nowhere", "labels") == []


def test_files_sort_by_their_number(tmp_path: Path) -> None:
    """That is read as a number: beyond a million it has a digit more."""
    stream = "20200101000000000000-1-00000000"
    for number in (1_000_000, 2, 999_999):
        (tmp_path / name_of("labels", stream, number)).touch()
    (tmp_path / f"labels-{stream}.00001.jsonl").touch()
    (tmp_path / f"labels-{stream}.000001.jsonl.gz").touch()
    assert [file.number for file in files_of(tmp_path, "labels")] == [2, 999_999, 1_000_000]


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """When the log is opened, when it is checked, and when a line is written."""
    (tmp_path / "log").write_text("a file")
    log = PredictionLog(tmp_path / "log")
    expected = re.escape(f"the log in {tmp_path / 'log'} cannot be written: ")
    for use in (log.open, log.check, lambda: log.append(LINE)):
        with pytest.raises(LogUnavailableError, match=f"^{expected}(Not a directory|File exists)$"):
            use()


def test_an_error_without_words_of_the_system_is_told_in_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a library raises it."""

    def refuse(*_: object) -> None:
        raise OSError("no more of it")

    log = PredictionLog(tmp_path)
    monkeypatch.setattr(line_writer, "append_whole", refuse)
    with pytest.raises(LogUnavailableError, match=r"cannot be written: no more of it$"):
        log.append(LINE)
    monkeypatch.setattr(decision_log, "append_whole", refuse)
    with pytest.raises(LogUnavailableError, match=rf"logged in {FILE}: no more of it: free space in {tmp_path}, "):
        append_decision(tmp_path, "promotion", {})


@pytest.mark.parametrize("log", [PredictionLog, LabelLog])
def test_the_disk_is_tried_with_a_hidden_block_that_is_removed(
    log: type[PredictionLog | LabelLog], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no file of the log; each kind and each process has one of its own."""
    seen: list[tuple[Any, ...]] = []

    def noted(descriptor: int, lines: bytes, end: int, durability: str) -> None:
        hidden = [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]
        seen.append((hidden, lines, end, durability))
        append_whole(descriptor, lines, end, "os")

    monkeypatch.setattr(line_writer, "append_whole", noted)
    with log(tmp_path, durability="disk") as writer:
        writer.check()
        (file,) = tmp_path.iterdir()
        assert seen == [([f".{file.name.replace('.000001.', '.000000.')}"], bytes(4096), 0, "disk")]
        writer.check()
        assert list(tmp_path.iterdir()) == [file]


def test_a_file_whose_end_is_torn_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next line begins another one; where nothing stayed behind, the same file goes on."""
    with PredictionLog(tmp_path) as log:
        log.append(LINE)
        for error, files in ((OSError, 1), (TornTailError, 2)):
            with monkeypatch.context() as patch:
                patch.setattr(line_writer, "append_whole", lambda *_, error=error: _raise(error(errno.EIO, "torn")))
                with pytest.raises(LogUnavailableError, match="cannot be written: torn"):
                    log.append(LINE)
            log.append(LINE)
            assert len(sizes(tmp_path)) == files
    assert sizes(tmp_path) == [2 * len(LINE), len(LINE)]


def _raise(error: OSError) -> None:
    raise error


def test_what_can_be_neither_written_nor_taken_back_is_torn(tmp_path: Path) -> None:
    """The error keeps the reason for which it could not be written."""
    (tmp_path / "file").write_bytes(LINE)
    descriptor = os.open(tmp_path / "file", os.O_RDONLY)
    try:
        with pytest.raises(TornTailError) as caught:
            append_whole(descriptor, LINE, len(LINE), "os")
    finally:
        os.close(descriptor)
    assert (caught.value.errno, caught.value.strerror) == (errno.EBADF, os.strerror(errno.EBADF))


# What waits for the disk


@pytest.mark.skipif(not hasattr(os, "fdatasync"), reason="this system has no fdatasync")
def test_lines_wait_for_their_data_alone(tmp_path: Path) -> None:
    """Times of a file need not be on the disk: that takes half as long."""
    with PredictionLog(tmp_path, durability="disk") as log:
        log.append(LINE)
    assert line_files._sync is os.fdatasync


@pytest.mark.parametrize(("durability", "count"), [("os", 0), ("disk", 2)])
def test_lines_and_their_file_wait_for_the_disk_where_that_is_asked_for(
    durability: Any, count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder when a file is begun, the file at each line."""
    synced: list[object] = []
    monkeypatch.setattr(line_files, "_sync", synced.append)
    monkeypatch.setattr(line_writer, "sync_folder", synced.append)
    with PredictionLog(tmp_path, durability=durability) as log:
        log.append(LINE)
        assert len(synced) == count
        assert (tmp_path in synced) == (durability == "disk")


def test_a_decision_waits_for_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its line and its folder."""
    synced: list[object] = []
    monkeypatch.setattr(line_files, "_sync", synced.append)
    monkeypatch.setattr(decision_log, "sync_folder", synced.append)
    append_decision(tmp_path, "promotion", {})
    assert len(synced) == 2
    assert synced[1] == tmp_path


@pytest.mark.parametrize("tail", [LINE[:-1], LINE[:-9]], ids=["line break", "torn"])
def test_a_repair_waits_for_the_disk(tail: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says where it began and how many bytes went."""
    path = tmp_path / "file"
    path.write_bytes(LINE + tail)
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    found = repair(path)
    assert len(synced) == 1
    removed = 0 if tail == LINE[:-1] else len(tail)
    assert found == (path.name, len(LINE), removed)
    what = f"{removed} bytes of a torn line removed" if removed else "a missing line break added"
    assert str(found) == f"file was repaired at byte {len(LINE)}: {what}"
    assert path.read_bytes() == LINE * (1 if removed else 2)
    assert repair(path) is None
    assert len(synced) == 1


# Reading


def test_a_file_that_cannot_be_opened_is_a_fault_with_its_reason(tmp_path: Path) -> None:
    """In the words of the system."""
    faults = LogFaults()
    assert open_to_read(tmp_path / "gone", faults) is None
    assert faults.unreadable == 1
    assert faults.places == [LineFault("gone", 0, "cannot be read: No such file or directory")]


def test_records_that_are_whole_lines_and_no_records_are_strange(tmp_path: Path) -> None:
    """No JSON, no object, or without one of the members."""
    stream = "20200101000000000000-1-00000000"
    good = seal(orjson.dumps({"a": 1, "b": None}))
    bad = [seal(b"{no json}"), seal(b"[1, 2]"), seal(orjson.dumps({"a": 1}))]
    (tmp_path / name_of("labels", stream, 1)).write_bytes(b"".join([*bad, good]))
    faults = LogFaults()
    assert [record["a"] for record in iter_records(tmp_path, "labels", ("a", "b"), faults)] == [1]
    assert (faults.strange, faults.damaged, faults.torn) == (3, 0, 0)


@pytest.mark.parametrize("read", [iter_predictions, iter_labels])
def test_faults_need_not_be_counted(read: Any, tmp_path: Path) -> None:
    """A log is read without a counter too, and by one that counts each kind."""
    with PredictionLog(tmp_path) as log, LabelLog(tmp_path) as labels:
        log.append(seal(orjson.dumps(dict.fromkeys(("prediction_id", "timestamp", "model", "version"), "a"))))
        log.append(LINE[:-3] + b"\n")
        labels.append(LINE)
        labels.append(LINE[:-3] + b"\n")
        assert list(read(tmp_path)) == []
        faults = LogFaults()
        assert list(read(tmp_path, faults)) == []
        assert (faults.strange, faults.damaged) == (1, 1)


@pytest.mark.parametrize("body", [b'{"a":1', b"{", b'{"a":"\\n"'])
def test_a_seal_has_its_own_length(body: bytes) -> None:
    """Eighteen bytes and the end of the line; nothing but a seal is no content."""
    line = seal(body + b"}")
    assert len(line) == len(body) + len(b',"crc":"') + 8 + len(b'"}\n')
    assert unseal(line) == body + b"}"
    assert unseal(seal(b"}")) is None


# Decisions


@pytest.mark.parametrize("more", [0, 1])
def test_a_log_of_decisions_may_reach_its_size(more: int, tmp_path: Path) -> None:
    """The entry that would bring it beyond begins another file; the default is 16 MiB."""
    append_decision(tmp_path, "promotion", {"version": "1"}, now=NOW)
    size = (tmp_path / FILE).stat().st_size
    append_decision(tmp_path, "promotion", {"version": "2"}, now=NOW, file_size=2 * size - more)
    assert (tmp_path / FORMER_FILE).exists() == bool(more)
    assert [entry["content"]["version"] for entry in read_decisions(tmp_path)] == ["1", "2"]
    assert inspect.signature(append_decision).parameters["file_size"].default == 16_777_216


@pytest.mark.parametrize("kind", ["retrain-check", "comparison", "promotion", "rollback", "retraining"])
def test_each_kind_of_decision_is_taken(kind: Any, tmp_path: Path) -> None:
    """And read as such, from a folder that is named by a text too."""
    entry = append_decision(tmp_path, kind, {"model": "m"}, now=NOW)
    assert read_decisions(str(tmp_path)) == [entry]
    assert decision_log.last_decision(tmp_path, "m") == entry
    assert (decision_log.last_retraining(tmp_path, "m") == NOW) == (kind == "retraining")
    assert decision_log.last_retraining(tmp_path, "other") is None


def test_the_newest_retraining_counts_though_the_clock_was_set_back(tmp_path: Path) -> None:
    """Whatever the order of the log."""
    for moment in (NOW, NOW.replace(year=2025)):
        append_decision(tmp_path, "retraining", {"model": "m"}, now=moment)
    assert decision_log.last_retraining(tmp_path, "m") == NOW


def test_decisions_that_cannot_be_read_say_why(tmp_path: Path) -> None:
    """In the words of the system."""
    (tmp_path / FILE).mkdir()
    with pytest.raises(LogUnavailableError, match=rf"^{FILE} cannot be read: "):
        read_decisions(tmp_path)
    (tmp_path / "file").touch()
    for read in (read_decisions, lambda folder: decision_log.last_decision(folder, "m")):
        with pytest.raises(LogUnavailableError, match=rf"^{FILE} cannot be read: Not a directory$"):
            read(tmp_path / "file")


@pytest.mark.parametrize("missing", ["kind", "timestamp", "content"])
def test_an_entry_without_one_of_its_members_is_strange(missing: str, tmp_path: Path) -> None:
    """So is one whose content is no object, and a line that is no JSON."""
    entry: dict[str, Any] = append_decision(tmp_path, "promotion", {"model": "m"}, now=NOW)  # type: ignore[assignment]
    others = [{name: member for name, member in entry.items() if name != missing}, entry | {"content": []}, [1]]
    with (tmp_path / FILE).open("ab") as file:
        file.write(b"".join([seal(orjson.dumps(other)) for other in others] + [seal(b"{no json}")]))
    faults = LogFaults()
    assert read_decisions(tmp_path, faults) == [entry]
    assert (faults.strange, faults.damaged) == (4, 0)
    assert decision_log.last_decision(tmp_path, "m") == entry


# Predictions


def test_a_frame_with_a_name_twice_has_no_features() -> None:
    """A number is the text that spells it."""
    schema = InputSchema(fields=(SchemaField(name="1", kind="numeric", nullable=True),))
    with pytest.raises(InputError, match="the frame has the column '1' twice"):
        given_rows(schema, pd.DataFrame([[1, 2]], columns=[1, "1"]), [0])


def test_a_row_that_names_fields_alone_is_logged_as_it_is(
    model_folder: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its members are not looked at one by one; those of another row are."""
    manifest = packaged_predictor().manifest
    records = PredictionRecords(manifest)
    shares = [dict.fromkeys(manifest.classes, 0.5)]
    asked: list[object] = []

    def fields_of(row: object) -> dict[str, int]:
        asked.append(row)
        return {"a": 1}

    monkeypatch.setattr(records, "_fields_of", fields_of)
    name = manifest.input_schema.fields[0].name
    for row, features in (({name: 1}, {name: 1}), ({}, {}), ({name: 1, "unknown": 2}, {"a": 1})):
        content = unseal(records.encode(["id"], [row], None, ["x"], shares))
        assert content is not None
        assert orjson.loads(content)["features"] == features
    assert asked == [{name: 1, "unknown": 2}]


def test_a_model_that_masks_nothing_logs_all_its_fields(model_folder: object) -> None:
    """Its manifest need not say so."""
    manifest = packaged_predictor().manifest.model_copy(update={"monitoring": {}})
    assert PredictionRecords(manifest).masked == frozenset()


@pytest.mark.parametrize(("more", "is_found"), [(0, True), (1, False)])
def test_the_last_decision_is_in_the_newest_two_mebibytes(more: int, is_found: bool, tmp_path: Path) -> None:
    """One whose line begins a byte before them is not sought."""
    entry = append_decision(tmp_path, "promotion", {"model": "m"}, now=NOW)
    rest = 2_097_152 - (tmp_path / FILE).stat().st_size + more
    with (tmp_path / FILE).open("ab") as file:
        file.write(b"x" * (rest - 1) + b"\n")
    assert decision_log.last_decision(tmp_path, "m") == (entry if is_found else None)


def test_an_empty_file_of_decisions_is_not_put_away(tmp_path: Path) -> None:
    """An entry that is larger than a file may be has one of its own, and those before stay until then."""
    append_decision(tmp_path, "promotion", {"text": "x" * 100}, file_size=10)
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


@pytest.mark.skipif(sys.platform != "linux", reason="descriptors are counted by Linux's /proc")
def test_a_log_of_decisions_leaves_no_descriptor_open(tmp_path: Path) -> None:
    """Neither of the file in use nor of the one that was full."""
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        append_decision(tmp_path, "promotion", {"model": "m"}, file_size=10)
        assert len(read_decisions(tmp_path)) in {1, 2}
        assert decision_log.last_decision(tmp_path, "m") is not None
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_file_that_was_renamed_is_known_by_its_name(tmp_path: Path) -> None:
    """A writer that waited for its lock asks for it again."""
    path = tmp_path / FILE
    path.touch()
    descriptor = os.open(path, os.O_RDONLY)
    try:
        assert decision_log._is_named(descriptor, path)
        path.rename(tmp_path / FORMER_FILE)
        assert not decision_log._is_named(descriptor, path)
        path.touch()
        assert not decision_log._is_named(descriptor, path)
        assert decision_log._is_named(descriptor, tmp_path / FORMER_FILE)
    finally:
        os.close(descriptor)


# Faults


def test_faults_are_counted_from_none() -> None:
    """Of every kind, and those of all files together."""
    assert astuple(LogFaults()) == (0, 0, 0, 0, 0, 0, [])
    assert LogFaults().places is not LogFaults().places


def test_faults_of_several_lines_add_up() -> None:
    """Each stands with the byte at which it begins in its file."""
    faults = LogFaults()
    for number in range(2):
        assert salvage(LINE[:-4], "a", 100 * number, faults) == []
        assert salvage(LINE[:-4] + b"\n", "b", 100 * number, faults) == []
        assert salvage(LINE[:-1] + b"x" + LINE, "c", 100 * number, faults) == [unseal(LINE)] * 2
        assert salvage(LINE[:-1] + b"x", "d", 100 * number, faults) == [unseal(LINE)]
        assert salvage(LINE[:-1] + b"x" + LINE[:-4], "e", 100 * number, faults) == [unseal(LINE)]
        assert (faults.torn, faults.damaged) == (2 * number + 2, 3 * number + 3)
    ends = len(LINE) - 1
    line_break = "a damaged line break; the line itself is intact"
    assert faults.places == [
        LineFault(file, offset + begin, reason)
        for offset in (0, 100)
        for file, begin, reason in [
            ("a", 0, "a line without an end"),
            ("b", 0, "a damaged line"),
            ("c", ends, line_break),
            ("d", ends, line_break),
            ("e", len(LINE), "a line without an end"),
        ]
    ]
