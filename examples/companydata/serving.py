"""The API as the command that serves it, for the time of a block."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

#: Seconds for the first answer.
_PATIENCE = 120


def command(name: str) -> str:
    """Return where a program of this Python's environment is."""
    return str(Path(sys.executable).with_name(name))


@contextmanager
def served(store: Path, log: Path) -> Iterator[int]:
    """Serve the current version of a store; give the port.

    Raises
    ------
    RuntimeError
        If it does not become ready.
    """
    with socket.socket() as chosen:  # kept, so that nobody else is given the port meanwhile
        chosen.bind(("127.0.0.1", 0))
        chosen.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        port = chosen.getsockname()[1]
        variables = {"MODEL_STORE": str(store), "LOG_FOLDER": str(log), "ACCESS_LOG": "false"}
        program = [command("classification-api"), "serve", "--port", str(port)]
        process = subprocess.Popen(program, env=os.environ | variables)  # noqa: S603 - the project's own
        try:
            _wait(port, process)
            yield port
        finally:
            process.terminate()
            process.wait()


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + _PATIENCE
    while process.poll() is None and time.monotonic() < end:
        try:
            if ask(port, "GET", "/health/ready")[0] == 200:
                return
        except OSError:
            pass
        time.sleep(0.05)
    msg = f"the API did not become ready: exit code {process.poll()}"
    raise RuntimeError(msg)


def ask(port: int, method: str, path: str, body: Mapping[str, Any] | None = None) -> tuple[int, Any]:
    """Ask the API; return the status and what the JSON of its answer holds."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)
    try:
        content = None if body is None else json.dumps(body)
        connection.request(method, path, content, {"content-type": "application/json"})
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()
