"""The access log: one line of JSON per request, written by a thread so that requests never wait for the reader.

A line is formatted when its request ends, in about a microsecond. Formatting thousands at once in the thread would
block the event loop, so the thread only joins and writes them.
"""

from __future__ import annotations

import errno
import os
import re
import select
import stat
import weakref
from collections import deque
from json.encoder import encode_basestring_ascii as quote
from threading import Event, Thread
from time import gmtime, strftime, time
from urllib.parse import quote as percent_encode

#: Most lines that wait to be written; further ones are dropped and counted.
MOST_LINES = 100_000
#: Seconds between writes.
WRITTEN_EVERY = 0.1
#: Seconds that `AccessLog.close` waits for a slow reader.
LONGEST_END = 1.0
#: Most characters of a text in a line.
LONGEST_TEXT = 200

#: Most bytes written at once, into a pipe and into a file. A pipe that workers share keeps so many together (PIPE_BUF).
_AT_ONCE, _IN_FILES = 4096, 2**20
#: Disk errors that may be temporary.
_PASSING = {errno.ENOSPC, errno.EDQUOT, errno.EIO}
_MOST_KNOWN = 1024
_UNPRINTABLE = re.compile(r"[^!-~]+")


class AccessLog:
    """Writes a line for each request, in order, until the reader closes the stream.

    Parameters
    ----------
    stream
        File descriptor to write to.
    enabled
        Whether to write lines.
    """

    def __init__(self, stream: int = 1, enabled: bool = True) -> None:
        self._stream = stream
        self._is_enabled = self._is_open = enabled
        self._lines: deque[str] = deque()
        self._refused, self._unwritten, self._told = 0, 0, 0
        self._is_torn = False
        self._millisecond, self._start = -1, ""
        self._middles: dict[tuple[str, str, str, int], str] = {}
        self._ends: dict[str | None, str] = {}
        self._thread: Thread | None = None
        self._closing = Event()
        _every.add(self)

    def add(  # noqa: PLR0917 - one call a request, where keywords cost
        self,
        request_id: bytes,
        client: str,
        method: str,
        path: str,
        status: int,
        seconds: float,
        rows: int = 0,
        version: str | None = None,
    ) -> None:
        """Add the line of a request that was just answered; all but printable ASCII is percent-encoded.

        Parameters
        ----------
        request_id
            Value of X-Request-ID.
        client
            Address of the client.
        method
            HTTP method.
        path
            Path of the URL; a query string is removed.
        status
            HTTP status.
        seconds
            Duration of the request.
        rows
            Number of rows predicted.
        version
            Version of the model that predicted them, or None.
        """
        if not self._is_open:
            return
        if len(self._lines) >= MOST_LINES:
            self._refused += 1
            return
        now = int(time() * 1000)
        if now != self._millisecond:
            self._start = f'{{"time":"{_rfc3339(now)}","request_id":'
            self._millisecond = now
        name = quote(request_id.decode("latin-1"))
        if len(name) > LONGEST_TEXT or "\\" in name or "\x7f" in name:
            name = _quoted(request_id.decode("latin-1"))
        middle = self._middles.get((client, method, path, status)) or self._middle(client, method, path, status)
        end = self._ends.get(version) or self._end(version)
        self._lines.append(f'{self._start}{name}{middle}{seconds * 1000:.3f},"rows":{rows}{end}')

    def start(self) -> None:
        """Start the thread."""
        if self._is_enabled and self._thread is None:
            self._is_open = True
            self._closing.clear()
            self._thread = Thread(target=self._write_on, name="access-log", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Write the waiting lines and stop; wait for a slow reader at most `LONGEST_END` seconds."""
        if self._is_open:
            self.start()
        self._is_open = False
        self._closing.set()
        if self._thread is not None:
            self._thread.join(LONGEST_END)
            if not self._thread.is_alive():
                self._thread = None

    def begin_again(self) -> None:
        """Start over in a forked process; the parent writes its own waiting lines."""
        self._lines.clear()
        self._refused, self._unwritten, self._told = 0, 0, 0
        self._closing = Event()
        was_started, self._thread = self._thread is not None, None
        if was_started and self._is_open:
            self.start()

    def _middle(self, client: str, method: str, path: str, status: int) -> str:
        """Return the part that many lines share, cached if it is short."""
        shown = _quoted(path.partition("?")[0])
        middle = (
            f',"client":{_quoted(client)},"method":{_quoted(method)},"path":{shown},"status":{status},"milliseconds":'
        )
        if len(self._middles) >= _MOST_KNOWN:
            self._middles.clear()
        if len(client) + len(method) + len(path) <= LONGEST_TEXT:
            self._middles[client, method, path, status] = middle
        return middle

    def _end(self, version: str | None) -> str:
        if len(self._ends) >= _MOST_KNOWN:
            self._ends.clear()
        end = self._ends[version] = f',"version":{"null" if version is None else _quoted(version)}}}\n'
        return end

    def _write_on(self) -> None:
        """Write waiting lines until the log is closed."""
        try:
            at_once = _IN_FILES if stat.S_ISREG(os.fstat(self._stream).st_mode) else _AT_ONCE
            while not self._closing.wait(WRITTEN_EVERY):
                self._write_gathered(at_once)
            self._write_gathered(at_once)
        except OSError:  # the reader has closed the stream
            self._is_open = False
            self._lines.clear()

    def _write_gathered(self, at_once: int) -> None:
        """Write the waiting lines, and the number of lines lost since the last report."""
        lines = self._lines
        waiting = len(lines)
        while waiting:
            block = [lines.popleft()]
            size = len(block[0])
            while len(block) < waiting and size + len(lines[0]) <= at_once:
                block.append(lines.popleft())
                size += len(block[-1])
            waiting -= len(block)
            if not self._write("".join(block)):
                self._unwritten += len(block)
        lost = self._refused + self._unwritten
        if lost > self._told:
            line = f'{{"time":"{_rfc3339(int(time() * 1000))}","lost_lines":{lost - self._told}}}\n'
            if self._write(line):
                self._told = lost

    def _write(self, text: str) -> bool:
        """Write whole lines, and return whether the disk had room for them."""
        left = memoryview(("\n" * self._is_torn + text).encode("ascii"))
        whole = len(left)
        while left:
            try:
                left = left[os.write(self._stream, left) :]
            except BlockingIOError:
                waiting = select.poll()
                waiting.register(self._stream, select.POLLOUT)
                waiting.poll()
            except OSError as error:
                if error.errno not in _PASSING:
                    raise
                self._is_torn = self._is_torn or len(left) < whole
                return False
        self._is_torn = False
        return True


def _quoted(text: str) -> str:
    """Return a text as JSON in printable ASCII, cut to `LONGEST_TEXT` characters."""
    encoded = _UNPRINTABLE.sub(lambda found: percent_encode(found[0], errors="replace"), text[:LONGEST_TEXT])
    return quote(encoded[:LONGEST_TEXT])


def _rfc3339(milliseconds: int) -> str:
    return f"{strftime('%Y-%m-%dT%H:%M:%S', gmtime(milliseconds // 1000))}.{milliseconds % 1000:03d}Z"


_every: weakref.WeakSet[AccessLog] = weakref.WeakSet()


def _after_fork() -> None:
    for log in list(_every):
        log.begin_again()


os.register_at_fork(after_in_child=_after_fork)
