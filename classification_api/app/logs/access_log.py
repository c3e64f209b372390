"""The access log: one line of JSON a request, written by a thread, so that nobody waits for who reads it.

The line is made where the request ends, a microsecond each time, as a thread that made thousands at once would keep the
event loop waiting; the thread only joins lines and writes them.
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

#: At most so many lines wait to be written.
MOST_LINES = 100_000
#: How long lines may wait before they are written, in seconds.
WRITTEN_EVERY = 0.1
#: How long the end waits for who reads the log, in seconds.
LONGEST_END = 1.0
#: No text of a line is longer.
LONGEST_TEXT = 200

#: So much is written at once: several workers may write into one pipe, which keeps so much together (PIPE_BUF).
_AT_ONCE, _IN_FILES = 4096, 2**20
#: Errors of a disk, which may have room again.
_PASSING = {errno.ENOSPC, errno.EDQUOT, errno.EIO}
_MOST_KNOWN = 1024
_UNPRINTABLE = re.compile(r"[^!-~]+")


class AccessLog:
    """Writes a line for each request, in the order in which they were added, until nobody reads any more.

    Parameters
    ----------
    stream
        Descriptor that lines are written to.
    enabled
        Whether any are.
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
        """Add the line of a request that was answered just now; what is not printable ASCII is percent-encoded.

        Parameters
        ----------
        request_id
            Its name.
        client
            Address of the peer.
        method
            Of HTTP.
        path
            What was asked for; what follows a question mark is left out.
        status
            Of HTTP.
        seconds
            What the answer took.
        rows
            How many rows it held.
        version
            Of the model that predicted them, if one did.
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
        """Begin to write."""
        if self._is_enabled and self._thread is None:
            self._is_open = True
            self._closing.clear()
            self._thread = Thread(target=self._write_on, name="access-log", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Write what has gathered and end; a reader that does not read is waited for a few seconds."""
        if self._is_open:
            self.start()
        self._is_open = False
        self._closing.set()
        if self._thread is not None:
            self._thread.join(LONGEST_END)
            if not self._thread.is_alive():
                self._thread = None

    def begin_again(self) -> None:
        """Begin anew in a process that was forked; what its parent gathered stays the parent's."""
        self._lines.clear()
        self._refused, self._unwritten, self._told = 0, 0, 0
        self._closing = Event()
        was_started, self._thread = self._thread is not None, None
        if was_started and self._is_open:
            self.start()

    def _middle(self, client: str, method: str, path: str, status: int) -> str:
        """Return what many lines have in common, remembered where it is short."""
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
        """Write what has gathered, again and again."""
        try:
            at_once = _IN_FILES if stat.S_ISREG(os.fstat(self._stream).st_mode) else _AT_ONCE
            while not self._closing.wait(WRITTEN_EVERY):
                self._write_gathered(at_once)
            self._write_gathered(at_once)
        except OSError:  # nobody reads any more
            self._is_open = False
            self._lines.clear()

    def _write_gathered(self, at_once: int) -> None:
        """Write the lines that have gathered by now, and how many there was no room for."""
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
        """Write whole lines, and tell whether a disk had room for them."""
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
    """Return a text as JSON, in printable ASCII and not too long."""
    encoded = _UNPRINTABLE.sub(lambda found: percent_encode(found[0], errors="replace"), text[:LONGEST_TEXT])
    return quote(encoded[:LONGEST_TEXT])


def _rfc3339(milliseconds: int) -> str:
    return f"{strftime('%Y-%m-%dT%H:%M:%S', gmtime(milliseconds // 1000))}.{milliseconds % 1000:03d}Z"


_every: weakref.WeakSet[AccessLog] = weakref.WeakSet()


def _after_fork() -> None:
    for log in list(_every):
        log.begin_again()


os.register_at_fork(after_in_child=_after_fork)
