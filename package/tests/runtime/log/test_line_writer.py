"""The writer of sealed lines: on record before it returns, whatever happens to processes and disks."""

from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from classification_model.errors import LogUnavailableError
from classification_model.runtime.log.line_files import files_of, iter_records
from classification_model.runtime.log.prediction_log import PredictionLog
from classification_model.runtime.log.sealed_lines import LogFaults, seal
from classification_model.runtime.system import locks

COUNT = int(os.environ.get("LOG_RECORDS", "20000"))
PROCESSES = int(os.environ.get("LOG_PROCESSES", "4"))
WRITER = """
import sys
from pathlib import Path
import orjson
from classification_model.runtime.log.sealed_lines import seal
from classification_model.runtime.log.prediction_log import PredictionLog
folder, name, count, size, durability = sys.argv[1:]
writer = PredictionLog(Path(folder), file_size=int(size), durability=durability)
writer.open()
for number in range(int(count)):
    writer.append(seal(orjson.dumps({"name": name, "number": number})))
    if durability == "disk" or count == "1000000":
        print(number, flush=True)
writer.close()
"""


def line(number: int, text: str = "") -> bytes:
    """Return a line."""
    return seal(orjson.dumps({"number": number, "text": text}))


def numbers(folder: Path) -> list[int]:
    """Return the numbers that are on record, of which nothing may be wrong."""
    faults = LogFaults()
    found = [record["number"] for record in iter_records(folder, "predictions", ("number",), faults)]
    assert faults == LogFaults()
    return found


def start(folder: Path, name: str, count: int, size: int, durability: str = "os") -> subprocess.Popen[bytes]:
    """Start a process that writes."""
    arguments = [str(folder), name, str(count), str(size), durability]
    return subprocess.Popen([sys.executable, "-c", WRITER, *arguments], stdout=subprocess.PIPE)


def test_lines_come_back_in_order_across_rotations(tmp_path: Path) -> None:
    """Each file is closed once it has its size, and a line never stands in two."""
    writer = PredictionLog(tmp_path / "deep" / "log", file_size=200)
    writer.open()
    for number in range(50):
        writer.append(line(number) + line(number + 100))
    writer.close()
    folder = tmp_path / "deep" / "log"
    assert len(files_of(folder, "predictions")) > 10
    assert numbers(folder) == [number + more for number in range(50) for more in (0, 100)]


@pytest.mark.slow
@pytest.mark.faults
def test_row_23_several_processes_lose_nothing_at_a_tiny_size(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """Every record of every process is there, once."""
    processes = [start(tmp_path, str(name), COUNT, 20_000) for name in range(PROCESSES)]
    for process in processes:
        process.communicate()
        assert process.returncode == 0
    faults = LogFaults()
    found = Counter(
        (record["name"], record["number"]) for record in iter_records(tmp_path, "predictions", ("name",), faults)
    )
    assert faults == LogFaults()
    assert found == Counter((str(name), number) for name in range(PROCESSES) for number in range(COUNT))
    files = len(files_of(tmp_path, "predictions"))
    record_property("figures", f"{PROCESSES} processes, one log, {COUNT} records each, {files} files: 0 lost, 0 twice")


def _append_many(writer: PredictionLog, first: int) -> None:
    for number in range(first, first + 300):
        writer.append(line(number))


def test_threads_of_one_process_share_a_writer(tmp_path: Path) -> None:
    """Their lines do not mix."""
    writer = PredictionLog(tmp_path, file_size=5000)
    threads = [threading.Thread(target=_append_many, args=(writer, first)) for first in (0, 1000, 2000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.close()
    assert sorted(numbers(tmp_path)) == [first + n for first in (0, 1000, 2000) for n in range(300)]


@pytest.mark.slow
@pytest.mark.parametrize("durability", ["os", "disk"])
def test_row_20_what_was_appended_outlives_kill_9(tmp_path: Path, durability: str) -> None:
    """Everything that the process said it had written is there; at most one more line is."""
    for size in (300, 10**9):
        folder = tmp_path / str(size)
        process = start(folder, "x", 1_000_000, size, durability)
        assert process.stdout is not None
        said = [int(process.stdout.readline()) for _ in range(40)]
        process.send_signal(signal.SIGKILL)
        said += [int(number) for number in process.stdout.read().split(b"\n")[:-1]]
        process.wait()
        process.stdout.close()
        PredictionLog(folder).open()
        found = numbers(folder)
        assert found[: len(said)] == said
        assert len(found) <= len(said) + 1


STEPS = ("open", "close", "lock", "write")


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("when", ["before", "after"])
def test_row_24_a_kill_at_any_step_of_a_rotation_loses_nothing_and_reads_nothing_twice(
    tmp_path: Path, step: str, when: str
) -> None:
    """Whatever the process was doing when it was killed, the next one goes on."""
    program = f"""
import os, sys
from pathlib import Path
import classification_model.runtime.log.line_writer as module
from classification_model.runtime.log.prediction_log import PredictionLog
from classification_model.runtime.log.sealed_lines import seal
writer = PredictionLog(Path(sys.argv[1]), file_size=100)
writer.open()
place = module if {step!r} == "lock" else module.os
genuine = getattr(place, {step!r})
left = int(sys.argv[2])
def deadly(*arguments, **options):
    global left
    left -= 1
    if left == 0 and {when!r} == "before":
        os._exit(9)
    result = genuine(*arguments, **options)
    if left == 0:
        os._exit(9)
    return result
setattr(place, {step!r}, deadly)
for number in range(20):
    writer.append(seal(b'{{"number":%d}}' % number))
    os.write(1, b"%d\\n" % number) if {step!r} != "write" else sys.stderr.write(f"{{number}}\\n")
"""
    for left in range(1, 8):
        folder = tmp_path / str(left)
        done = subprocess.run([sys.executable, "-c", program, str(folder), str(left)], capture_output=True, check=False)
        assert done.returncode == 9, done.stderr
        said = [int(number) for number in (done.stdout + done.stderr).split()]
        writer = PredictionLog(folder)
        writer.open()
        writer.append(line(99))
        writer.close()
        found = numbers(folder)
        assert found[-1] == 99
        assert found[:-1] in (said, [*said, len(said)])


def test_row_21_a_torn_line_of_a_killed_process_is_repaired_when_another_one_begins(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The file and the byte are named; a file that a process still writes is left alone."""
    living = PredictionLog(tmp_path)
    living.open()
    living.append(line(1))
    [file] = files_of(tmp_path, "predictions")
    with file.path.open("ab") as torn:
        torn.write(b'{"numb')
    assert PredictionLog(tmp_path).open() == []
    living.close()
    other = PredictionLog(tmp_path)
    [done] = other.open()
    other.close()
    assert done == (file.path.name, len(line(1)), 6)
    assert f"{file.path.name} was repaired at byte {len(line(1))}: 6 bytes" in caplog.text
    assert numbers(tmp_path) == [1]


def test_row_25_a_full_disk_refuses_the_line_and_leaves_no_half_of_it(tmp_path: Path) -> None:
    """What comes when there is room again is on record."""
    writer = PredictionLog(tmp_path)
    writer.open()
    writer.append(line(1))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    former = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(line(1)) + 10, hard))
        for _ in range(3):
            with pytest.raises(LogUnavailableError, match="cannot be written: File too large"):
                writer.append(line(2))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, former)
    assert numbers(tmp_path) == [1]
    writer.append(line(3))
    writer.close()
    assert numbers(tmp_path) == [1, 3]


def test_row_25_a_device_without_space_is_an_error_and_no_loss(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's own full device stands for the disk; where the half line cannot be taken back, a new file begins."""
    writer = PredictionLog(tmp_path)
    writer.open()
    writer.append(line(1))
    full = os.open("/dev/full", os.O_WRONLY)
    genuine = os.write
    with monkeypatch.context() as patch:
        patch.setattr(
            "classification_model.runtime.log.line_writer.os.write", lambda _, content: genuine(full, content)
        )
        patch.setattr("classification_model.runtime.log.line_writer.os.ftruncate", lambda *_: genuine(full, b"x"))
        with pytest.raises(LogUnavailableError, match="No space left on device"):
            writer.append(line(2))
    os.close(full)
    writer.append(line(3))
    writer.close()
    assert numbers(tmp_path) == [1, 3]
    assert len(files_of(tmp_path, "predictions")) == 2


def test_a_folder_that_is_removed_meanwhile_is_made_anew(tmp_path: Path) -> None:
    """A line is never written into a file that nobody can find."""
    writer = PredictionLog(tmp_path / "log")
    writer.open()
    writer.append(line(1))
    for file in files_of(tmp_path / "log", "predictions"):
        file.path.unlink()
    (tmp_path / "log").rmdir()
    writer.append(line(2))
    writer.close()
    assert numbers(tmp_path / "log") == [2]


def test_row_25_a_folder_that_cannot_be_made_is_an_error_until_it_can(tmp_path: Path) -> None:
    """Neither a process that starts then, nor one that runs, needs to be started again."""
    blocked = tmp_path / "log"
    blocked.write_text("a file")
    writer = PredictionLog(blocked)
    for attempt in (writer.open, writer.check, lambda: writer.append(line(1))):
        with pytest.raises(LogUnavailableError, match=r"cannot be written: (File exists|Not a directory)"):
            attempt()
    blocked.unlink()
    writer.check()
    writer.append(line(2))
    writer.close()
    assert numbers(blocked) == [2]
    assert [path.name for path in blocked.iterdir()] == [file.path.name for file in files_of(blocked, "predictions")]


def test_the_oldest_files_are_removed_beyond_what_is_kept(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Each is named; one that a process writes stays, and so does every newer one."""
    living = PredictionLog(tmp_path)
    living.open()
    living.append(line(1000))
    writer = PredictionLog(tmp_path, file_size=100, kept_size=1000)
    for number in range(100):
        writer.append(line(number))
    writer.close()
    found = numbers(tmp_path)
    assert found[0] == 1000
    assert found[1:] == list(range(found[1], 100))
    assert sum(file.path.stat().st_size for file in files_of(tmp_path, "predictions")) <= 1000 + 2 * 100
    assert "the oldest file of the log, was removed" in caplog.text
    living.close()


def test_what_was_written_least_lately_is_removed_first(tmp_path: Path) -> None:
    """Of processes that write at once, neither keeps old records at the cost of the other's new ones."""
    writers = [PredictionLog(tmp_path, file_size=200, kept_size=4000) for _ in range(2)]
    for number in range(200):
        for place, writer in enumerate(writers):
            writer.append(line(number + 1000 * place))
    for writer in writers:
        writer.close()
    found = numbers(tmp_path)
    oldest = [min(number for number in found if number // 1000 == place) % 1000 for place in (0, 1)]
    assert abs(oldest[0] - oldest[1]) < 20
    assert min(oldest) > 100


def test_a_file_that_could_not_be_begun_stands_in_nobodys_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk failed while a file was begun, the next line begins another one."""
    writer = PredictionLog(tmp_path, durability="disk")
    with monkeypatch.context() as patch:
        patch.setattr("classification_model.runtime.log.line_writer.sync_folder", _fail)
        for attempt in (writer.open, lambda: writer.append(line(1)), writer.check):
            with pytest.raises(LogUnavailableError, match="Input/output error"):
                attempt()
        assert list(tmp_path.iterdir()) == []
    writer.check()
    writer.append(line(2))
    writer.close()
    assert numbers(tmp_path) == [2]


def test_a_file_that_was_taken_for_an_empty_one_is_begun_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between its creation and its lock, another process may remove it: nothing is written where nobody looks."""
    writer = PredictionLog(tmp_path)
    genuine = locks.lock

    def late(descriptor: int, *, wait: bool = True) -> bool:
        if len(list(tmp_path.iterdir())) == 1 and wait:
            monkeypatch.setattr("classification_model.runtime.log.line_writer.lock", genuine)
            PredictionLog(tmp_path).open()
        return genuine(descriptor, wait=wait)

    monkeypatch.setattr("classification_model.runtime.log.line_writer.lock", late)
    writer.append(line(1))
    writer.close()
    assert numbers(tmp_path) == [1]


def test_row_25_a_disk_that_takes_nothing_for_good_is_not_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where records wait for the disk, so does the check whether it takes any."""
    writer = PredictionLog(tmp_path, durability="disk")
    writer.open()
    with monkeypatch.context() as patch:
        patch.setattr("classification_model.runtime.log.line_files._sync", _fail)
        with pytest.raises(LogUnavailableError, match="Input/output error"):
            writer.append(line(1))
        with pytest.raises(LogUnavailableError, match="Input/output error"):
            writer.check()
    writer.check()
    writer.append(line(2))
    writer.close()
    assert numbers(tmp_path) == [2]


def _fail(_: object) -> None:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_a_process_that_wrote_nothing_leaves_no_file(tmp_path: Path) -> None:
    """Neither when it ends well, nor, once another one begins, when it was killed."""
    writer = PredictionLog(tmp_path)
    writer.open()
    writer.close()
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "predictions-20200101000000000000-1-00000000.000001.jsonl").touch()
    writer = PredictionLog(tmp_path)
    writer.open()
    assert len(files_of(tmp_path, "predictions")) == 1
    writer.close()


def test_a_forked_process_writes_a_file_of_its_own(tmp_path: Path) -> None:
    """What parent and child write does not mix."""
    writer = PredictionLog(tmp_path)
    writer.open()
    writer.append(line(1))
    child = os.fork()
    if child == 0:
        writer.append(line(2))
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    writer.append(line(3))
    writer.close()
    assert len(files_of(tmp_path, "predictions")) == 2
    assert sorted(numbers(tmp_path)) == [1, 2, 3]
