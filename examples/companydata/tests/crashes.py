"""Kill, freeze and start a PostgreSQL."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psutil

from local_postgres import LocalPostgres

_STARTS = 100


def processes(postgres: LocalPostgres) -> list[psutil.Process]:
    """Return its first process, then those that this one started."""
    first = psutil.Process(int((postgres.data / "postmaster.pid").read_text().split()[0]))
    return [first, *first.children(recursive=True)]


def kill(postgres: LocalPostgres) -> None:
    """Kill it, as a power cut does: its first process, then the others, and wait until they are gone."""
    found = processes(postgres)
    for process in found:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(found)


def start_again(postgres: LocalPostgres) -> None:
    """Start it after it was killed; it recovers by itself.

    Raises
    ------
    RuntimeError
        If it does not start.
    """
    owner = postgres.data.stat().st_uid if os.geteuid() == 0 else None
    command: list[Any] = [postgres.server.bin_path / "pg_ctl", "start", "--wait", "--pgdata", postgres.data]
    command += ["--log", postgres.data / "log", "--options", f"-h '' -k {postgres.sockets}"]
    for _ in range(_STARTS):
        done = subprocess.run(command, check=False, stdout=subprocess.DEVNULL, user=owner)
        if done.returncode == 0:
            return
        time.sleep(0.2)
    raise RuntimeError((postgres.data / "log").read_text()[-2000:])


def freeze(postgres: LocalPostgres) -> Callable[[], None]:
    """Stop all processes of a server; return what lets them go on."""
    stopped = processes(postgres)

    def send(number: signal.Signals) -> None:
        for process in stopped:
            with suppress(psutil.NoSuchProcess):  # of a connection that was just closed
                process.send_signal(number)

    send(signal.SIGSTOP)
    return lambda: send(signal.SIGCONT)
