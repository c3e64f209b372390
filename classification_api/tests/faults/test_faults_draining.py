"""DRAIN_SECONDS: a server that is told to stop goes on serving, not ready, until a load balancer has seen it."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from itertools import cycle
from pathlib import Path

import classification_model
import pytest
from classification_model.runtime.model_folder.packaged import package_version
from conftest import Server
from other_versions import make_version
from raw_http import Wire, check_problem, eventually, exchange, get, is_predicted, post, running
from test_faults_lifecycle import OURS, UVICORN, Client, check_end, tell_to_stop, workers_of

pytestmark = pytest.mark.slow

TWO_WORKERS = (*OURS, "--workers", "2")
WAYS = pytest.mark.parametrize("command", [OURS, TWO_WORKERS, UVICORN], ids=["serve", "two workers", "uvicorn"])
#: Longer than any test: its end must come from elsewhere.
LONG = "1800"


def ready(server: Server) -> int:
    """Return the status of a health check on a connection of its own."""
    return exchange(server, get("/health/ready")).status


@WAYS
def test_a_draining_server_is_not_ready_and_answers(command: tuple[str, ...], tmp_path: Path) -> None:
    """After SIGTERM each worker answers health checks of balancers with 503, and all else as before, until SIGINT."""
    with running(tmp_path, *command, DRAIN_SECONDS=LONG) as server, Wire(server) as kept:
        assert ready(server) == 200
        assert is_predicted(kept.send(post()).answer())
        tell_to_stop(server)
        eventually(lambda: all(ready(server) == 503 for _ in range(20)))  # every worker, as good as surely
        for _ in range(20):
            assert is_predicted(exchange(server, post()))
        answer = kept.send(post()).answer()
        assert is_predicted(answer)
        assert "connection" not in answer.headers
        check_problem(exchange(server, get("/health/ready")), 503, "overloaded")
        statuses = {path: exchange(server, get(path)).status for path in ("/v2/health/ready", "/ping", "/health/live")}
        assert statuses == {"/v2/health/ready": 503, "/ping": 503, "/health/live": 200}
        assert b'"not_ready"' in exchange(server, get("/health")).body
        assert server.process.poll() is None
        server.process.send_signal(signal.SIGINT)
        server.process.wait(timeout=120)


@WAYS
def test_a_request_in_progress_outlives_the_sigint_that_ends_a_drain(command: tuple[str, ...], tmp_path: Path) -> None:
    """SIGINT ends the drain alone: what has begun to arrive is answered."""
    with running(tmp_path, *command, DRAIN_SECONDS=LONG) as server, Wire(server) as begun, Wire(server) as kept:
        assert is_predicted(kept.send(post()).answer())
        tell_to_stop(server)
        eventually(lambda: all(ready(server) == 503 for _ in range(20)))
        begun.send(post()[:-10])
        time.sleep(0.5)  # it has arrived
        server.process.send_signal(signal.SIGINT)
        eventually(lambda: not is_listening(server))
        assert is_predicted(begun.send(post()[-10:]).answer())
        server.process.wait(timeout=120)


def is_listening(server: Server) -> bool:
    """Tell whether a connection is accepted."""
    try:
        server.connect().close()
    except OSError:
        return False
    return True


@WAYS
def test_sigint_ends_a_server_without_draining(command: tuple[str, ...], tmp_path: Path) -> None:
    """Who presses Ctrl-C does not wait."""
    with running(tmp_path, *command, DRAIN_SECONDS=LONG) as server:
        server.process.send_signal(signal.SIGINT)
        server.process.wait(timeout=120)
        assert "Draining" not in server.errors.read_text(encoding="utf-8")


@pytest.mark.parametrize("is_group", [False, True], ids=["the server told", "its workers told too"])
@WAYS
def test_no_request_is_lost_while_a_server_drains_and_ends(
    command: tuple[str, ...], is_group: bool, tmp_path: Path
) -> None:
    """Clients that ask without a pause have a reply to each request, and the end comes no earlier than it may."""
    with running(tmp_path, *command, DRAIN_SECONDS="2") as server:
        body = (post().partition(b"\r\n\r\n")[2], 200)
        clients = [Client(server, body, reconnects=reconnects) for reconnects in (True, True, False)]
        eventually(lambda: all(client.answers > 5 or client.fault for client in clients))
        if is_group:  # as systemd does
            for worker in workers_of(server):
                os.kill(worker, signal.SIGTERM)
        told = time.monotonic()
        tell_to_stop(server)
        eventually(lambda: ready(server) == 503)
        before = [client.answers for client in clients]
        eventually(lambda: all(client.answers > 5 + old for client, old in zip(clients, before, strict=True)))
        for client in clients:
            client.join()
        assert time.monotonic() - told >= 2
        check_end(server)
    assert [client.fault for client in clients] == [None] * len(clients)


def test_one_worker_that_is_told_to_stop_does_not_make_the_server_unready(tmp_path: Path) -> None:
    """It is replaced, and no health check fails meanwhile."""
    with running(tmp_path, *TWO_WORKERS, DRAIN_SECONDS="1") as server:
        first, other = workers_of(server)
        os.kill(first, signal.SIGTERM)

        def is_replaced() -> bool:
            assert ready(server) == 200
            return first not in workers_of(server) and len(workers_of(server)) == 2

        eventually(is_replaced)
        assert other in workers_of(server)


class Balancer:
    """Sends requests to servers in turn, and looks now and then which of them are ready."""

    #: Requests between two looks.
    LOOKED_EVERY = 20

    def __init__(self) -> None:
        self.servers: list[Server] = []
        self.versions: list[str] = []
        self.faults: list[str] = []
        self.is_over = False
        self._threads = [threading.Thread(target=self._run) for _ in range(3)]

    def start(self) -> None:
        """Start its clients."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Wait for the last answers."""
        self.is_over = True
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while not self.is_over:
            turns = cycle([server for server in tuple(self.servers) if self._is_ready(server)])
            for server, _ in zip(turns, range(self.LOOKED_EVERY), strict=False):
                try:
                    answer = exchange(server, post())
                    assert is_predicted(answer), answer
                except (OSError, AssertionError) as fault:
                    self.faults.append(repr(fault))
                else:
                    self.versions.append(answer.content["version"])

    @staticmethod
    def _is_ready(server: Server) -> bool:
        try:
            return ready(server) == 200
        except (OSError, AssertionError):
            return False


def make_release(folder: Path, version: str) -> Path:
    """Make a release of the package with a model of that version in it; give what has to be on PYTHONPATH."""
    package = folder / "release" / "classification_model"
    source = Path(classification_model.__file__).parent
    shutil.copytree(source, package, ignore=shutil.ignore_patterns("trained_models", "__pycache__"))
    (package / "VERSION").write_text(f"{version}\n", encoding="utf-8")
    made = make_version(folder, version, 0.5)
    shutil.move(made, package / "trained_models" / f"classification_model_output_v{version}")
    return package.parent


@pytest.mark.parametrize("command", [OURS, TWO_WORKERS], ids=["one worker", "two workers"])
def test_a_new_release_takes_over_without_a_failed_request(command: tuple[str, ...], tmp_path: Path) -> None:
    """A second process serves the new package and model; the first is drained; no request of a balancer fails."""
    old_version, new_version = package_version(), "9.9.9"
    path = os.pathsep.join([str(make_release(tmp_path, new_version)), os.environ.get("PYTHONPATH", "")])
    variables = {"DRAIN_SECONDS": "10", "LOG_FOLDER": str(tmp_path / "log")}
    balancer = Balancer()
    with running(tmp_path, *command, **variables) as old:
        balancer.servers.append(old)
        balancer.start()
        try:
            eventually(lambda: len(balancer.versions) > 50)
            with running(tmp_path, *command, PYTHONPATH=path, **variables) as new:
                eventually(lambda: ready(new) == 200)
                balancer.servers.append(new)
                eventually(lambda: new_version in balancer.versions)
                tell_to_stop(old)
                check_end(old)
                after = len(balancer.versions)
                eventually(lambda: len(balancer.versions) > after + 50)
                balancer.stop()
        finally:
            balancer.stop()
    assert balancer.faults == []
    assert {*balancer.versions[:50]} == {old_version}
    assert {*balancer.versions[after:]} == {new_version}
