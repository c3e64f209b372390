"""Serve a model from a program such as a notebook, by the API in a process of its own."""

from __future__ import annotations

import atexit
import html
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from http import HTTPStatus
from importlib import metadata
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self

from classification_model.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Callable

_API = "classification-api"
_PROGRAM = "classification_model.classifier.served_process"
_ADDRESS = re.compile(r"running on (http://\S+)")
#: Bytes of what a server says at its start that are looked at.
_MOST_READ = 2**16
#: Seconds in which a server must be ready, and in which it must have stopped before it is killed.
_START_SECONDS, _STOP_SECONDS = 60.0, 20.0


class Server:
    """A model that is being served.

    Use it in a ``with`` block, or call `stop`; it also ends with the program.

    Attributes
    ----------
    url
        Address of the API, such as ``http://127.0.0.1:8002``; its documentation is at ``/docs``.
    """

    def __init__(self, url: str, process: subprocess.Popen[bytes], folder: tempfile.TemporaryDirectory[str]) -> None:
        self.url = url
        self._process = process
        self._folder = folder

    def stop(self) -> None:
        """Stop the server once the requests in progress are answered."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()
        atexit.unregister(self.stop)
        self._folder.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        state = "running" if self._process.poll() is None else "stopped"
        return f"<Server {self.url}, {state}>"

    def _repr_html_(self) -> str:
        address = html.escape(self.url)
        return f'<p>The model is served at <a href="{address}/docs">{address}</a>.</p>'


def start_server(save: Callable[[Path], Any], port: int, log_folder: Path | None) -> Server:
    """Write a model to a temporary folder and serve it; see `Classifier.serve`.

    Parameters
    ----------
    save
        Writes the model folder.
    port
        Port on localhost, 0 for a free one.
    log_folder
        Folder for the prediction log; None to log nothing.
    """
    try:
        metadata.distribution(_API)
    except metadata.PackageNotFoundError as error:
        msg = f"serving needs {_API}, which is not installed: install it beside this package, as its README says"
        raise MissingExtraError(msg) from error
    folder = tempfile.TemporaryDirectory(prefix="served-model-")
    try:
        model = Path(folder.name) / "model"
        save(model)
        with tempfile.TemporaryFile() as said:
            process = _start(folder.name, model, port, log_folder, said)
            server = Server("", process, folder)
            atexit.register(server.stop)
            try:
                server.url = _wait_until_ready(process, said)
            except BaseException:
                server.stop()
                raise
    except BaseException:
        folder.cleanup()
        raise
    return server


def _start(folder: str, model: Path, port: int, log_folder: Path | None, said: IO[bytes]) -> subprocess.Popen[bytes]:
    settings = {"LOG_FOLDER": "off" if log_folder is None else str(log_folder.resolve())}
    return subprocess.Popen(  # noqa: S603 - the project's own program
        [sys.executable, "-m", _PROGRAM, folder, str(model), str(port)],
        env={**os.environ, **settings},
        stdin=subprocess.PIPE,  # whose end tells it that this program has ended
        stdout=subprocess.DEVNULL,
        stderr=said,
        start_new_session=True,  # so that an interrupted cell of a notebook does not interrupt it
    )


def _wait_until_ready(process: subprocess.Popen[bytes], said: IO[bytes]) -> str:
    """Return the address of a server once it is ready.

    Raises
    ------
    InputError
        If it ends or takes too long, with what it said last.
    """
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        found = _ADDRESS.search(_read(said))
        if found is not None and _is_ready(found[1]):
            return found[1]
        time.sleep(0.05)
    lines = _read(said).strip().splitlines()
    msg = f"the server did not start: {lines[-1] if lines else 'it said nothing'}"
    raise InputError(msg)


def _read(said: IO[bytes]) -> str:
    return os.pread(said.fileno(), _MOST_READ, 0).decode(errors="replace")


def _is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health/ready", timeout=5) as answer:  # noqa: S310 - its own address
            return bool(answer.status == HTTPStatus.OK)
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        return False
