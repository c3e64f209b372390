"""One line of JSON a request, whoever reads it and whatever clients send."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import PATIENCE
from hypothesis import given
from hypothesis import strategies as st

from app.logs import access_log
from app.logs.access_log import LONGEST_TEXT, AccessLog

ID = b"0190f3c2-7f3e-7000-8000-000000000000"
FIELDS = ["time", "request_id", "client", "method", "path", "status", "milliseconds", "rows", "version"]


@pytest.fixture(autouse=True)
def _no_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the end wait for what is written, however long this machine takes."""
    monkeypatch.setattr(access_log, "LONGEST_END", PATIENCE)


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """Make a pipe; what a test closed is left alone."""
    ends = os.pipe()
    yield ends
    for end in ends:
        try:
            os.close(end)
        except OSError as error:
            assert error.errno == errno.EBADF  # noqa: PT017


def written(path: Path, log: AccessLog) -> list[dict[str, Any]]:
    """Close a log, and return its lines."""
    log.close()
    lines = path.read_text(encoding="ascii").split("\n")
    assert lines.pop() == ""
    return [json.loads(line) for line in lines]


def open_log(path: Path) -> tuple[AccessLog, int]:
    """Return a log that writes a file, and its descriptor."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    return AccessLog(descriptor), descriptor


def add(log: AccessLog, number: int = 0, path: str = "/predict") -> None:
    log.add(ID, "127.0.0.1", "POST", path, 200, 0.0012345, number, "1.0.0")


def test_line_has_every_field_in_order(tmp_path: Path) -> None:
    """A line names the request, who asked, what for, how it went and which model answered."""
    log, stream = open_log(tmp_path / "log")
    add(log, 3)
    log.add(ID, "", "GET", "/health?key=secret", 503, 12.0)
    first, second = written(tmp_path / "log", log)
    os.close(stream)
    assert list(first) == list(second) == FIELDS
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first["time"])
    assert list(first.values())[1:] == [ID.decode(), "127.0.0.1", "POST", "/predict", 200, 1.234, 3, "1.0.0"]
    assert list(second.values())[1:] == [ID.decode(), "", "GET", "/health", 503, 12000.0, 0, None]


@pytest.mark.slow
@given(name=st.binary(), client=st.text(), method=st.text(), path=st.text(), version=st.text())
def test_one_line_a_request_whatever_clients_send(
    name: bytes, client: str, method: str, path: str, version: str
) -> None:
    """Newlines, ANSI codes, quotes, surrogates and long texts leave one line of short, printable ASCII."""
    log = AccessLog()
    for _ in range(2):  # the second time from memory
        log.add(name, client, method, path, 200, 0.1, 1, version)
    for line in log._lines:
        assert line.endswith("\n")
        assert line.isascii()
        assert line[:-1].isprintable()
        texts = [value for value in json.loads(line).values() if isinstance(value, str)]
        assert len(texts) == 6
        assert all(text.isprintable() and len(text) <= LONGEST_TEXT for text in texts)


def test_hostile_texts_are_percent_encoded(tmp_path: Path) -> None:
    """What could forge a line or steer a terminal is seen as its bytes."""
    log, stream = open_log(tmp_path / "log")
    log.add(b'a\n"\x7f', "\x9b31m", "G\u2028", '/\x1b[31m"\r\n{}é' + "x" * 9000, 404, 0.0)
    (line,) = written(tmp_path / "log", log)
    os.close(stream)
    assert line["request_id"] == 'a%0A"%7F'
    assert line["client"] == "%C2%9B31m"
    assert line["method"] == "G%E2%80%A8"
    assert line["path"].startswith('/%1B[31m"%0D%0A{}%C3%A9xxx')
    assert len(line["path"]) == LONGEST_TEXT


def test_many_paths_are_not_remembered_for_ever() -> None:
    """A client that asks for ever new paths does not fill the memory."""
    log = AccessLog()
    for number in range(5000):
        add(log, path=f"/{number}")
        add(log, path=f"/{number}" + "x" * 1000)
    assert len(log._middles) <= access_log._MOST_KNOWN
    assert max(len(key[2]) for key in log._middles) <= LONGEST_TEXT


def test_disabled_log_writes_nothing(tmp_path: Path) -> None:
    """Switched off, it neither gathers nor writes."""
    with (tmp_path / "log").open("wb") as file:
        log = AccessLog(file.fileno(), enabled=False)
        log.start()
        add(log)
        assert written(tmp_path / "log", log) == []


def test_lines_are_written_while_the_server_runs(pipe: tuple[int, int]) -> None:
    """A reader sees a line without waiting for the end, and every line in order."""
    reading, writing = pipe
    log = AccessLog(writing)
    log.start()
    with os.fdopen(os.dup(reading), encoding="ascii") as reader:
        add(log, 1)
        assert json.loads(reader.readline())["rows"] == 1
        for number in range(2000):
            add(log, number)
        assert [json.loads(reader.readline())["rows"] for _ in range(2000)] == list(range(2000))
    log.close()


def test_log_can_be_started_again(tmp_path: Path) -> None:
    """An app that is started a second time logs again."""
    log, stream = open_log(tmp_path / "log")
    for number in range(2):
        log.start()
        add(log, number)
        log.close()
    add(log, 2)
    assert [line["rows"] for line in written(tmp_path / "log", log)] == [0, 1]
    os.close(stream)


def test_reader_that_stands_still_holds_nobody_up(pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines beyond the limit are dropped, and their number is told when the reader goes on."""
    monkeypatch.setattr(access_log, "MOST_LINES", 1000)
    reading, writing = pipe
    log = AccessLog(writing)
    for number in range(1500):
        add(log, number)
    log.start()
    closing = threading.Thread(target=log.close)
    closing.start()
    with os.fdopen(os.dup(reading), encoding="ascii") as reader:
        rows = [json.loads(reader.readline()) for _ in range(1001)]
    closing.join()
    assert [line["rows"] for line in rows[:1000]] == list(range(1000))
    assert rows[1000]["lost_lines"] == 500


def test_end_does_not_wait_for_ever(pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that never reads does not keep the server from ending."""
    monkeypatch.setattr(access_log, "LONGEST_END", 0.05)
    reading, writing = pipe
    log = AccessLog(writing)
    for number in range(5000):
        add(log, number)
    log.close()
    thread = log._thread
    assert thread is not None
    assert thread.is_alive()
    os.close(reading)
    thread.join()


@pytest.mark.parametrize("is_open", [False, True])
def test_stream_that_is_closed_ends_the_log_quietly(pipe: tuple[int, int], is_open: bool) -> None:
    """When nobody reads any more, nothing is raised, and nothing gathers."""
    reading, writing = pipe
    log = AccessLog(writing if is_open else 2**20)
    add(log)
    os.close(reading)
    log.start()
    assert log._thread is not None
    log._thread.join()
    add(log)
    assert not log._lines
    log.close()


def test_nonblocking_stream_gets_every_line(pipe: tuple[int, int]) -> None:
    """A stream that somebody made non-blocking is waited for."""
    reading, writing = pipe
    fcntl.fcntl(writing, fcntl.F_SETFL, fcntl.fcntl(writing, fcntl.F_GETFL) | os.O_NONBLOCK)
    log = AccessLog(writing)
    for number in range(3000):
        add(log, number)
    log.start()
    with os.fdopen(os.dup(reading), encoding="ascii") as reader:
        assert [json.loads(reader.readline())["rows"] for _ in range(3000)] == list(range(3000))
    log.close()


def test_full_disk_costs_lines_and_tears_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines that find no room are counted; a line that was cut short does not run into the next."""
    log, stream = open_log(tmp_path / "log")
    write, calls = os.write, iter(range(100))

    def fill(descriptor: int, content: memoryview) -> int:
        call = next(calls)
        if call == 0:
            return write(descriptor, content[:10])
        if call <= 2:
            raise OSError(errno.ENOSPC, "full")
        return write(descriptor, content)

    monkeypatch.setattr(os, "write", fill)
    add(log, 1)
    log._write_gathered(4096)
    add(log, 2)
    log.close()
    os.close(stream)
    torn, *lines = (tmp_path / "log").read_text(encoding="ascii").splitlines()
    assert torn == '{"time":"2'
    told, second = sorted(map(json.loads, lines), key=len)
    assert second["rows"] == 2
    assert told["lost_lines"] == 1


def test_workers_that_share_a_pipe_do_not_mix_their_lines(pipe: tuple[int, int]) -> None:
    """Four processes write into one pipe that is mostly full, and each line arrives whole."""
    reading, writing = pipe
    code = (
        "import sys; from app.logs import access_log; access_log.LONGEST_END = float(sys.argv[3])\n"
        "log = access_log.AccessLog(int(sys.argv[1])); log.start()\n"
        "for number in range(5000): log.add(b'%d' % number, sys.argv[2], 'GET', '/', 200, 0.1)\n"
        "log.close()"
    )
    workers = [
        subprocess.Popen([sys.executable, "-c", code, str(writing), str(worker), str(PATIENCE)], pass_fds=[writing])
        for worker in range(4)
    ]
    os.close(writing)
    with os.fdopen(os.dup(reading), encoding="ascii") as reader:
        lines = [json.loads(line) for line in reader]
    assert [worker.wait() for worker in workers] == [0] * 4
    for worker in range(4):
        mine = [int(line["request_id"]) for line in lines if line["client"] == str(worker)]
        assert mine == list(range(5000))


def test_forked_process_does_not_repeat_lines(tmp_path: Path) -> None:
    """A child that is forked writes its own lines alone."""
    code = (
        "import os, sys; from app.logs import access_log; access_log.LONGEST_END = float(sys.argv[1])\n"
        "log = access_log.AccessLog()\n"
        "log.add(b'parent', '', 'GET', '/', 200, 0.1)\n"
        "child = os.fork()\n"
        "if not child: log.add(b'child', '', 'GET', '/', 200, 0.1); log.close(); os._exit(0)\n"
        "os.waitpid(child, 0); log.close()"
    )
    command = [sys.executable, "-W", "ignore", "-c", code, str(PATIENCE)]
    ran = subprocess.run(command, capture_output=True, check=True)
    assert [json.loads(line)["request_id"] for line in ran.stdout.splitlines()] == ["child", "parent"]
