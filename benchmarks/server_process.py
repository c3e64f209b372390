"""A server as a process of its own: started, asked, paused while others are measured, stopped."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

#: Seconds that a server may take to its first answer, and to any other.
PATIENCE = 120


class ServerError(Exception):
    """A server did not start, or did not answer as it should."""


class ServerProcess:
    """A server and all processes that it starts.

    Parameters
    ----------
    command, environment
        What to run, and with which variables besides those that are there.
    folder
        Where to run; the server's output goes to ``output.log`` in it.
    cores
        Cores that it may use, as ``taskset`` takes them.
    port, path
        Where it will listen, and where rows are posted.

    Attributes
    ----------
    seconds_to_answer
        From the start of the process to the end of the first answer.
    """

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], *, folder: Path, cores: str, port: int, path: str
    ) -> None:
        self.port, self.path, self._log = port, path, folder / "output.log"
        self.seconds_to_answer = float("nan")
        with self._log.open("ab") as log:
            self._started = time.perf_counter()
            self._process = subprocess.Popen(  # noqa: S603 - the servers that are measured
                ["taskset", "--cpu-list", cores, *command],  # noqa: S607 - the system's
                cwd=folder,
                env=os.environ | environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Where rows are posted."""
        return f"http://127.0.0.1:{self.port}{self.path}"

    def wait_for_answer(self, body: bytes) -> Any:
        """Ask again and again until there is an answer, and return it.

        Raises
        ------
        ServerError
            If the process ends, or there is none in time.
        """
        refused: ServerError | None = None
        while time.perf_counter() - self._started < PATIENCE:
            if self._process.poll() is not None:
                msg = f"it ended with {self._process.returncode}: {self._last_words()}"
                raise ServerError(msg)
            try:
                answer = self.ask(body)
            except (OSError, http.client.HTTPException):
                time.sleep(0.005)
            except ServerError as error:  # some listen before they are ready
                refused = error
                time.sleep(0.05)
            else:
                self.seconds_to_answer = time.perf_counter() - self._started
                return answer
        raise refused or ServerError(f"no answer in {PATIENCE} s: {self._last_words()}")

    def ask(self, body: bytes) -> Any:
        """Post a body once.

        Raises
        ------
        ServerError
            If the answer is no success.
        OSError, http.client.HTTPException
            If there is none.
        """
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request("POST", self.path, body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        if response.status != 200:
            msg = f"it answered {response.status}: {content[:200].decode(errors='replace')}"
            raise ServerError(msg)
        return json.loads(content)

    def mebibytes(self) -> list[float]:
        """Return the resident memory of each process, the first one before those that it started."""
        return [size for pid in self._pids() if (size := _resident(pid)) is not None]

    def pause(self) -> None:
        """Stop all processes where they are, so that they take nothing from those that are measured."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let them go on."""
        self._signal(signal.SIGCONT)

    def stop(self) -> None:
        """End all processes."""
        if self._process.poll() is not None:
            return
        self.resume()
        pids = self._pids()
        self._process.terminate()
        try:
            self._process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for pid in pids[1:]:
            _kill(pid, signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        for pid in self._pids():
            _kill(pid, number)

    def _pids(self) -> list[int]:
        """Return the process and its descendants."""
        children: dict[int, list[int]] = {}
        for pid, parent in _parents():
            children.setdefault(parent, []).append(pid)
        found = [self._process.pid]
        for pid in found:
            found += children.get(pid, [])
        return found

    def _last_words(self) -> str:
        lines = [line.strip() for line in self._log.read_text(errors="replace").splitlines() if line.strip()]
        return lines[-1] if lines else "it said nothing"


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _parents() -> Iterator[tuple[int, int]]:
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            content = stat.read_text()
        except OSError:  # it has ended meanwhile
            continue
        yield int(stat.parent.name), int(content.rpartition(")")[2].split()[1])


def _resident(pid: int) -> float | None:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    return next((int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS")), None)


def _kill(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
