"""What a writer of lines holds and says: one lock, no descriptor too many, and a warning for what it could not do."""

from __future__ import annotations

import fcntl
import inspect
import os
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from classification_model.errors import LogUnavailableError
from classification_model.runtime.log import line_writer
from classification_model.runtime.log.line_files import files_of, name_of, open_to_read, read_blocks, repair
from classification_model.runtime.log.prediction_log import PredictionLog
from classification_model.runtime.log.sealed_lines import LogFaults, seal

LINE = seal(b'{"number": 1}')
STREAM = "20200101000000000000-1-00000000"
LOGGER = "classification_model.runtime.log.line_writer"


def is_locked(path: Path) -> bool:
    """Tell whether somebody writes a file."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def descriptors() -> int:
    """Count the open files of this process."""
    return len(list(Path("/proc/self/fd").iterdir()))


def locked(folder: Path) -> list[bool]:
    """Tell of each file of predictions whether somebody writes it."""
    return [is_locked(file.path) for file in files_of(folder, "predictions")]


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what was logged since it was asked last, all by the writer."""
    assert {record.name for record in caplog.records} <= {LOGGER}
    found = [record.getMessage() for record in caplog.records]
    caplog.clear()
    return found


def test_the_file_in_use_is_locked_and_no_other(tmp_path: Path) -> None:
    """From its beginning to its end, so that other processes leave it alone, and may remove those before it."""
    log = PredictionLog(tmp_path, file_size=1)
    log.open()
    assert locked(tmp_path) == [True]
    log.append(LINE)
    log.append(LINE)
    assert locked(tmp_path) == [False, False, True]
    log.close()
    assert locked(tmp_path) == [False, False]
    log = PredictionLog(tmp_path)
    log.append(LINE)
    assert locked(tmp_path) == [False, False, True]
    log.close()
    assert locked(tmp_path) == [False] * 3


@pytest.mark.skipif(sys.platform != "linux", reason="descriptors are counted by Linux's /proc")
def test_no_descriptor_is_left_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither of files that were left, nor of those that were looked at, repaired or could not be begun."""
    before = descriptors()
    (tmp_path / name_of("predictions", STREAM, 1)).write_bytes(LINE[:-3])
    (tmp_path / name_of("predictions", STREAM, 2)).touch()
    for _ in range(3):
        log = PredictionLog(tmp_path, file_size=1, kept_size=len(LINE), durability="disk")
        log.open()
        log.append(LINE)
        log.check()
        assert descriptors() == before + 1
        log.close()
    assert descriptors() == before
    path = tmp_path / name_of("predictions", STREAM, 3)
    path.write_bytes(LINE)
    assert repair(path) is None
    monkeypatch.setattr(line_writer, "sync_folder", _fail)
    names = sorted(tmp_path.iterdir())
    log = PredictionLog(tmp_path, durability="disk")
    with pytest.raises(LogUnavailableError, match="no more of it"):
        log.open()
    assert descriptors() == before
    assert sorted(tmp_path.iterdir()) == names


def _fail(*_: object) -> None:
    raise OSError("no more of it")


def test_a_file_is_named_by_the_moment_of_utc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of machines in several zones sort by their time."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        with PredictionLog(tmp_path) as log:
            log.append(LINE)
    finally:
        monkeypatch.undo()
        time.tzset()
    (file,) = files_of(tmp_path, "predictions")
    began = datetime.strptime(file.stream[:20], "%Y%m%d%H%M%S%f").replace(tzinfo=UTC)
    assert abs(datetime.now(UTC) - began) < timedelta(hours=1)


def test_what_a_writer_repairs_or_cannot_repair_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the name of the file; a whole file is not."""
    torn, whole = (tmp_path / name_of("predictions", STREAM, number) for number in (1, 2))
    torn.write_bytes(LINE[:-3])
    whole.write_bytes(LINE)
    with PredictionLog(tmp_path) as log:
        (done,) = log.open()
        assert said(caplog) == [str(done)]
        assert str(done).startswith(f"{torn.name} was repaired at byte 0: ")
        assert log.open() == []
        assert said(caplog) == []
        monkeypatch.setattr(line_writer, "repair", _fail)
        assert log.open() == []
        assert [text for text in said(caplog) if whole.name in text] == [
            f"{whole.name} cannot be repaired: no more of it"
        ]


def test_a_next_file_that_cannot_be_begun_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line is on record all the same, and the next one goes to the same file."""
    with PredictionLog(tmp_path, file_size=1) as log:
        with monkeypatch.context() as patch:
            log.open()
            patch.setattr(log, "_create", _fail)
            log.append(LINE)
            assert said(caplog) == ["the log cannot begin its next file: no more of it"]
            log.append(LINE)
        assert [file.path.stat().st_size for file in files_of(tmp_path, "predictions")] == [2 * len(LINE)]


def test_files_that_are_removed_are_logged_and_those_that_cannot_be_are_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A link, a file in use, and one that the system does not remove stay."""
    old = [tmp_path / name_of("predictions", STREAM, number) for number in (1, 2, 3)]
    old[0].symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere").write_bytes(LINE)
    for path in old[1:]:
        path.write_bytes(LINE)
    descriptor = os.open(old[1], os.O_RDWR)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        with monkeypatch.context() as patch:
            patch.setattr(Path, "unlink", _fail)
            log = PredictionLog(tmp_path, kept_size=0)
            log.append(LINE)
        assert not [text for text in said(caplog) if "was removed" in text]
        assert all(path.is_symlink() or path.exists() for path in old)
        log.close()
        with PredictionLog(tmp_path, kept_size=0) as other:
            other.append(LINE)
            removed = [text for text in said(caplog) if "the oldest file of the log, was removed" in text]
            assert len(removed) == 2
            assert removed[0] == f"{old[2].name}, the oldest file of the log, was removed: the limit is 0 bytes"
    finally:
        os.close(descriptor)
    assert [path.is_symlink() or path.exists() for path in old] == [True, True, False]


def test_a_file_of_the_parent_is_not_closed_by_a_child(tmp_path: Path) -> None:
    """Nor removed, though it is empty; one that somebody removed meanwhile is no fault."""
    log = PredictionLog(tmp_path)
    log.open()
    log._process = -1
    log.close()
    assert locked(tmp_path) == [True]
    log._process = os.getpid()
    log.close()
    log.close()
    assert locked(tmp_path) == []
    log = PredictionLog(tmp_path)
    log.open()
    files_of(tmp_path, "predictions")[0].path.unlink()
    log.close()
    assert log._descriptor is None


def test_each_file_that_cannot_be_opened_is_counted(tmp_path: Path) -> None:
    """Lines are read in blocks of 64 KiB."""
    faults = LogFaults()
    for number in (1, 2, 3):
        assert open_to_read(tmp_path / "gone", faults) is None
        assert faults.unreadable == number
    assert list(read_blocks(tmp_path / "gone", faults)) == []
    assert faults.unreadable == 4
    assert inspect.signature(read_blocks).parameters["size"].default == 65_536
