"""Servers that tests talk to over sockets."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import hypothesis
import pytest
from classification_model.runtime.model_folder.packaged import packaged_model

from app.keys import hash_key

pytest_plugins = ["clocked"]  # fixtures of servers in this process

#: Longest wait for what takes a moment, in seconds. It is no limit that anything is owed in: where all is well nothing
#: waits so long, and where something hangs it is told.
PATIENCE = 120.0
#: Settings of servers of the tests: their time limits are no matter of how fast this machine is. Tests of time limits
#: run on a clock of their own, see `clocked`.
NO_HURRY = {"LIMIT_RECEIVE_SECONDS": "600", "LIMIT_KEEP_ALIVE_SECONDS": "3600"}
# An example takes as long as it takes, also where the environment has CI, which brings another profile.
hypothesis.settings.register_profile(
    "any machine", hypothesis.settings(), deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("any machine")

#: A row of the packaged problem.
ROW = {
    "pclass": 3,
    "name": "Palsson, Master. Gosta Leonard",
    "sex": "male",
    "age": 2,
    "sibsp": 3,
    "parch": 1,
    "ticket": "349909",
    "fare": 21.075,
    "cabin": None,
    "embarked": "S",
}


@dataclass
class Listening:
    """A server.

    Attributes
    ----------
    port
        It listens there, on loopback.
    scheme
        How it is spoken to.
    """

    port: int
    scheme: str = field(default="http", kw_only=True)
    clients: list[httpx.Client] = field(default_factory=list, kw_only=True)

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"{self.scheme}://127.0.0.1:{self.port}"

    @property
    def client(self) -> httpx.Client:
        """A client of it, made once."""
        if not self.clients:
            self.clients.append(httpx.Client(base_url=self.url, timeout=PATIENCE))
        return self.clients[0]

    def post(self, path: str = "/predict", **options: Any) -> httpx.Response:
        """Post to a path; a good row where nothing else is given."""
        if not options.keys() & {"json", "content", "data"}:
            options["json"] = {"inputs": [ROW]}
        return self.client.post(path, **options)

    def connect(self) -> socket.socket:
        """Open a connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)


@dataclass
class Server(Listening):
    """A server process of its own.

    Attributes
    ----------
    process
        The process.
    output, errors
        Files of its standard output and standard error.
    """

    process: subprocess.Popen[bytes]
    output: Path
    errors: Path

    @property
    def log_folder(self) -> Path:
        """Folder of its prediction log, unless it was told another one."""
        return self.output.parent / "log"

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Tell it to stop; return its exit code."""
        for client in self.clients:
            client.close()
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(timeout=PATIENCE)

    def wait(self) -> None:
        """Wait until it answers."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                httpx.get(self.url + "/health/live", timeout=PATIENCE, verify=False)  # noqa: S501 - its own certificate
            except httpx.TransportError:
                assert self.process.poll() is None, self.errors.read_text(encoding="utf-8")
                assert time.monotonic() < deadline, "the server did not answer in time"
                time.sleep(0.02)
            else:
                return


Serve = Callable[..., Server]


@contextmanager
def reserved_port() -> Iterator[int]:
    """Give a port for a server, which nobody else is given meanwhile, however long the server takes to start."""
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        chosen.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # so that the server may bind it as well
        yield chosen.getsockname()[1]


@contextmanager
def serving(folder: Path) -> Iterator[Serve]:
    """Give a function that starts servers, with arguments of ``serve`` and variables of the environment."""
    started: list[Server] = []
    ports = ExitStack()

    def serve(*arguments: str, **variables: str) -> Server:
        port = ports.enter_context(reserved_port())
        output, errors = folder / f"output-{port}", folder / f"errors-{port}"
        command = [sys.executable, "-m", "app", "serve", *arguments, "--port", str(port)]
        environment = os.environ | NO_HURRY | {"LOG_FOLDER": str(folder / "log")} | variables
        with output.open("wb") as out, errors.open("wb") as err:
            # In a session of its own, so that its workers can be ended with it.
            process = subprocess.Popen(command, env=environment, stdout=out, stderr=err, start_new_session=True)
        server = Server(port, process, output, errors)
        started.append(server)
        server.wait()
        return server

    try:
        yield serve
    finally:
        for server in started:
            for client in server.clients:
                client.close()
            with suppress(ProcessLookupError):
                os.killpg(server.process.pid, signal.SIGKILL)
            server.process.wait()
        ports.close()


@pytest.fixture(scope="module", autouse=True)
def full_speed(request: pytest.FixtureRequest) -> Iterator[None]:
    """Keep coverage out of the servers that faults are provoked in: it would slow what has a deadline."""
    with pytest.MonkeyPatch.context() as patch:
        if request.path.parent.name == "faults":
            patch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
        yield


@pytest.fixture(scope="session", autouse=True)
def model_folder() -> Path:
    """Return the folder of the packaged model, which training has made."""
    folder = packaged_model()
    assert folder.is_dir(), "train first: tox -e train in package/"
    return folder


@pytest.fixture(autouse=True)
def log_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder that predictions of a test are logged in."""
    folder = tmp_path / "log"
    monkeypatch.setenv("LOG_FOLDER", str(folder))
    return folder


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Give a function that starts servers of a test's own."""
    with serving(tmp_path) as start:
        yield start


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Give a server with the settings that it has without any, but for `NO_HURRY`, for tests that leave it as it is."""
    with serving(tmp_path_factory.mktemp("server")) as start:
        yield start()


KEY = "a key of the tests"


@pytest.fixture(scope="session")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Give a server that asks for `KEY`, for tests that leave it as it is."""
    with serving(tmp_path_factory.mktemp("locked")) as start:
        yield start(API_KEY_HASHES=hash_key(KEY.encode()))


@pytest.fixture
def is_measured(request: pytest.FixtureRequest) -> bool:
    """Tell whether figures are asked for, as `make faults` does, or a test is to show the same in less time."""
    return bool(request.config.getoption("markexpr") == "faults")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what the tests measured."""
    reports = [report for report in terminalreporter.getreports("passed") if report.when == "call"]
    figures = [str(value) for report in reports for name, value in report.user_properties if name == "figures"]
    if figures:
        terminalreporter.section("figures")
        for line in sorted(figures):
            terminalreporter.write_line(line)
