"""A real MLflow server on loopback, one that never answers, and a proxy that breaks what passes through it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

#: Seconds within which the server must answer; on a busy machine it takes half a minute.
PATIENCE = 180
#: In addresses with a user and a password, which no message may repeat.
PASSWORD = "s3cr3t-and-long"  # noqa: S105 - the server asks for none


@dataclass(frozen=True)
class MlflowServer:
    """A running server.

    Attributes
    ----------
    url
        Its address.
    artifacts
        The folder of its artifacts.
    """

    url: str
    artifacts: Path

    def client(self) -> MlflowClient:
        """Return a client of it; importing MLflow warns of its own libraries."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from mlflow import MlflowClient  # noqa: PLC0415 - as above

        return MlflowClient(self.url, self.url)

    def runs(self, name: str) -> list[Run]:
        """Return the runs of an experiment, the newest first; none if it does not exist."""
        client = self.client()
        experiment = client.get_experiment_by_name(name)
        return [] if experiment is None else list(client.search_runs([experiment.experiment_id]))

    def champion(self, name: str) -> str | None:
        """Return our version of the registered version with the alias champion."""
        aliases = self.client().get_registered_model(name).aliases
        if "champion" not in aliases:
            return None
        return str(self.client().get_model_version(name, aliases["champion"]).tags["version"])

    def folder_of(self, name: str, number: str) -> Path:
        """Return where the artifacts of a registered version lie."""
        uri = self.client().get_model_version_download_uri(name, number)
        return self.artifacts / uri.removeprefix("mlflow-artifacts:/")


@contextmanager
def running_mlflow(folder: Path) -> Iterator[MlflowServer]:
    """Start a server whose files are in an empty folder."""
    port, artifacts = free_port(), folder / "artifacts"
    line = [
        *(sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
        *("--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination", str(artifacts)),
    ]
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")} | quiet
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(line, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True)
        try:
            _wait_until_it_answers(server, f"http://127.0.0.1:{port}/health", folder / "server.log")
            yield MlflowServer(f"http://127.0.0.1:{port}", artifacts)
        finally:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()


def _wait_until_it_answers(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - its own address
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.2)
    msg = f"the MLflow server did not start: {log.read_text(errors='replace')[-2000:]}"
    raise AssertionError(msg)


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def silent_server() -> Iterator[str]:
    """Accept connections and never answer; give the address."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


Change = Callable[[str, str, bytes], bytes | None]


@contextmanager
def proxy(server: MlflowServer, change: Change) -> Iterator[str]:
    """Pass requests on to a server; give the address.

    Parameters
    ----------
    change
        Given method, path and the answer's body, it returns the body to send, or None for an error 500.
    """

    class Handler(BaseHTTPRequestHandler):
        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0)) or None
            kept = {name: value for name, value in self.headers.items() if name.lower() in {"content-type", "accept"}}
            request = urllib.request.Request(server.url + self.path, body, kept, method=self.command)  # noqa: S310
            try:
                with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310 - the tests' server
                    status, content = answer.status, answer.read()
            except urllib.error.HTTPError as error:
                status, content = error.code, error.read()
            changed = change(self.command, self.path, content)
            self.send_response(500 if changed is None else status)
            self.send_header("content-length", str(len(changed or b"")))
            self.send_header("content-type", "application/json")
            self.end_headers()
            self.wfile.write(changed or b"")

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _pass_on  # noqa: N815 - names of http.server

        def log_message(self, *_: Any) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.server_port}"
        finally:
            listening.shutdown()
            thread.join()
