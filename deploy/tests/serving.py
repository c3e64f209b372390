"""The API as a process, started as a unit or a manifest says, and asked over HTTP."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

#: Seconds after which what a test waits for will not come.
PATIENCE = 60.0

#: Makes the first folder read-only, except for those that follow it up to `--`, and runs the rest there.
READ_ONLY = """
set -e
root=$1; shift
mount --bind "$root" "$root"
while test "$1" != --; do mount --bind "$1" "$1"; shift; done
mount -o remount,bind,ro "$root"
shift
cd "$root" # whose former folder is that below the mount
exec "$@"
"""


def confined(command: Sequence[str], place: Path, writable: Sequence[Path]) -> list[str]:
    """Return a command that runs another one, to which all of a folder is read-only but some folders in it."""
    return [
        *("unshare", "--map-root-user", "--mount", "sh", "-c", READ_ONLY, "sh"),
        *(str(place), *map(str, writable), "--", *command),
    ]


@dataclass
class Served:
    """A process that serves.

    Attributes
    ----------
    port
        Its port on loopback.
    process
        The process itself.
    output
        The file of what it prints.
    """

    port: int
    process: subprocess.Popen[bytes]
    output: Path

    def status(self, path: str, body: object = None) -> int:
        """Ask for a path, or send JSON to it, and return the status; 0 if nobody listens."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data)
        request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request) as answer:  # noqa: S310 - loopback
                return int(answer.status)
        except urllib.error.HTTPError as error:
            error.close()
            return error.code
        except (urllib.error.URLError, ConnectionError):
            return 0

    def wait(self, path: str, status: int) -> None:
        """Wait until a path has a status; fail if the process ends before, or if patience does."""
        given_up = time.monotonic() + PATIENCE
        while self.status(path) != status:
            said = self.output.read_text(encoding="utf-8")
            assert self.process.poll() is None, said
            assert time.monotonic() < given_up, said
            time.sleep(0.05)

    def stop(self, seconds: float) -> int:
        """Send SIGTERM, and return the exit code.

        Raises
        ------
        subprocess.TimeoutExpired
            If it still runs after these seconds.
        """
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)


def free_port() -> int:
    """Return a port on loopback that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def served(command: Sequence[str], environment: Mapping[str, str], place: Path, port: int) -> Iterator[Served]:
    """Run a command that serves at a port, in a folder; kill it in the end."""
    output = place.with_name("output")
    with output.open("wb") as file:
        process = subprocess.Popen(command, cwd=place, env=dict(environment), stdout=file, stderr=subprocess.STDOUT)
    try:
        yield Served(port, process, output)
    finally:
        process.kill()
        process.wait()
