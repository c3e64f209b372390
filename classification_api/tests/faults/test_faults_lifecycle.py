"""Row 18 of docs/faults.md: a server that is told to stop answers what has come, and ends."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import pytest
from conftest import Server
from heavy_requests import EXPLAINED, LARGE, SLOW
from raw_http import (
    GOOD,
    HALF_HEAD,
    Wire,
    check_problem,
    chunked,
    descriptors,
    eventually,
    exchange,
    get,
    is_predicted,
    post,
    running,
)

pytestmark = pytest.mark.slow

OURS = ("-m", "app", "serve")
UVICORN = ("-m", "uvicorn", "app.main:app", "--http", "app.protocol:LimitedProtocol")
PAUSING, UNFILTERED = (
    (str(Path(__file__).parents[1] / f"{name}_server.py"), "serve") for name in ("pausing", "unfiltered")
)

Start = Callable[..., AbstractContextManager[Server]]


@pytest.fixture(params=[OURS, UVICORN], ids=["serve", "uvicorn"])
def start(request: pytest.FixtureRequest, tmp_path: Path) -> Start:
    """Give what starts a server in each way."""

    def run(*arguments: str, **variables: str) -> AbstractContextManager[Server]:
        return running(tmp_path, *request.param, *arguments, **variables)

    return run


@contextmanager
def frozen(server: Server) -> Iterator[None]:
    """Keep a server from running, as a machine does that has other work; what is sent meanwhile waits in sockets."""
    server.process.send_signal(signal.SIGSTOP)
    try:
        yield
        time.sleep(0.3)  # so that its timers are due before it reads
    finally:
        server.process.send_signal(signal.SIGCONT)


def tell_to_stop(server: Server) -> None:
    """Send SIGTERM."""
    server.process.send_signal(signal.SIGTERM)


def workers_of(server: Server) -> list[int]:
    """Return the process ids of the workers of a server."""
    pid = server.process.pid
    children = map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split())
    return [child for child in children if b"resource_tracker" not in Path(f"/proc/{child}/cmdline").read_bytes()]


def check_end(server: Server) -> None:
    """Wait for the end, which must be a good one."""
    code = server.process.wait(timeout=120)
    errors = server.errors.read_text(encoding="utf-8")
    assert code == 0, errors
    assert "Traceback" not in errors


def check_answers(wire: Wire, request: bytes, *, is_last: bool = True) -> None:
    """Read a good answer to each request that some bytes hold, and the end of the connection behind the last."""
    answers = [wire.answer() for _ in range(request.count(b" HTTP/1.1\r\n"))]
    assert {answer.status for answer in answers} == {200}
    assert wire.rest() == b""
    if is_last:
        assert answers[-1].headers["connection"] == "close"


def is_listening(server: Server) -> bool:
    """Tell whether a server takes connections."""
    try:
        server.connect().close()
    except ConnectionRefusedError:
        return False
    return True


@pytest.mark.faults
def test_row_18_requests_in_hand_are_answered(start: Start, record_property: Callable[[str, object], None]) -> None:
    """What had been sent when the signal came is answered, on whichever way, and then the connection ends."""
    requests = [post(), get(), post(LARGE), SLOW, post(path="/%70redict"), post(LARGE) + get() + post()]
    with start() as server, ExitStack() as stack:
        wires = [stack.enter_context(Wire(server)) for _ in requests]
        for wire in wires:
            assert wire.send(get("/health/live")).answer().status == 200
        for wire, request in zip(wires, requests, strict=True):
            wire.send(request)
        told = time.monotonic()
        tell_to_stop(server)
        for wire, request in zip(wires, requests, strict=True):
            check_answers(wire, request, is_last=False)
        check_end(server)
        seconds = time.monotonic() - told
    record_property("figures", f"SIGTERM with 8 requests in hand: all answered, ended after {seconds:.1f} s")


def test_row_18_what_waits_in_sockets_is_answered(start: Start) -> None:
    """What was sent before the signal is answered though the process had read none of it, on new connections too."""
    requests = [post(), get(), post(path="/%70redict"), post() + get() + post(), get() + post(), post(EXPLAINED)]
    with start() as server, ExitStack() as stack:
        old = [stack.enter_context(Wire(server)) for _ in requests]
        for wire in old[1:]:  # the first one never had a request
            assert wire.send(get("/health/live")).answer().status == 200
        with frozen(server):
            wires = [*old, *(stack.enter_context(Wire(server)) for _ in requests)]
            for wire, request in zip(wires, requests * 2, strict=True):
                wire.send(request)
            tell_to_stop(server)
        for wire, request in zip(wires, requests * 2, strict=True):
            check_answers(wire, request, is_last=False)  # it may answer them before it sees the signal
        check_end(server)


def test_row_18_what_waits_behind_a_request_in_hand_is_answered(start: Start) -> None:
    """A reply is the connection's last only where nothing was sent behind its request."""
    first = [SLOW + get(), post(LARGE) + post(), post(EXPLAINED, path="/%70redict?explain=true") + get()]
    behind = get() + post() + get("/model") + post(path="/%70redict")  # not read while two requests are in hand
    with start() as server, ExitStack() as stack:
        wires = [stack.enter_context(Wire(server)).send(request) for request in first]
        assert exchange(server, get()).status == 200
        for wire in wires:
            wire.send(behind)
        tell_to_stop(server)
        for wire, request in zip(wires, first, strict=True):
            check_answers(wire, request + behind, is_last=False)
        check_end(server)


def test_row_18_the_rest_of_a_request_counts_though_it_was_read_late(start: Start) -> None:
    """A process that was kept from running reads what has come before it says that nothing came in time."""
    requests = [(post(), 20), (post(LARGE), 100_000), (get(), -2), (post(path="/%70redict"), -5)]
    with start(LIMIT_RECEIVE_SECONDS="1") as server, ExitStack() as stack:
        wires = [stack.enter_context(Wire(server)).send(request[:half]) for request, half in requests]
        with frozen(server):
            for wire, (request, half) in zip(wires, requests, strict=True):
                wire.send(request[half:])
            time.sleep(1)  # the limit
        for wire in wires:
            assert wire.answer().status == 200


def test_row_18_half_a_request_is_waited_for(start: Start) -> None:
    """A request that had begun to come may come to its end, and is the connection's last."""
    requests = [
        (post(), 20),
        (post(), -5),
        (post(LARGE), 100_000),
        (chunked([GOOD[:9], GOOD[9:]]), -9),
        (get(), -2),
        (post(path="/%70redict"), -5),
        (post() + post(), -5),
        (post(LARGE) + post(path="/%70redict"), -5),
    ]
    with start() as server, ExitStack() as stack:
        wires = [stack.enter_context(Wire(server)) for _ in requests]
        for wire, (request, half) in zip(wires, requests, strict=True):
            wire.send(request[:half])
        assert exchange(server, get()).status == 200
        tell_to_stop(server)
        eventually(lambda: not is_listening(server))
        for wire, (request, half) in zip(wires, requests, strict=True):
            wire.send(request[half:])
        for wire, (request, _) in zip(wires, requests, strict=True):
            check_answers(wire, request)
        check_end(server)


def test_row_18_half_a_request_without_its_rest_is_refused(start: Start) -> None:
    """It is not waited for until the end of days, nor is a client that does not read."""
    with start(LIMIT_RECEIVE_SECONDS="2") as server, ExitStack() as stack:
        head, body, deaf = (stack.enter_context(Wire(server)) for _ in range(3))
        head.send(HALF_HEAD)
        body.send(post(LARGE)[:-5])
        deaf.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.send(get("/model") * 50)
        tell_to_stop(server)
        for wire in (head, body):
            check_problem(wire.answer(), 408, "receive_timeout")
        check_end(server)


def test_row_18_idle_connections_are_closed(start: Start) -> None:
    """Connections without a request end while one with half a request is still waited for."""
    with start() as server, ExitStack() as stack:
        fresh, used, refused, half = (stack.enter_context(Wire(server)) for _ in range(4))
        assert is_predicted(used.send(post()).answer())
        assert refused.send(b"GARBAGE\r\n\r\n").answer().status == 400
        half.send(HALF_HEAD)
        tell_to_stop(server)
        assert fresh.rest() == used.rest() == refused.rest() == b""
        assert half.send(post()[len(HALF_HEAD) :]).answer().status == 200
        check_end(server)


class Client(threading.Thread):
    """Asks without a pause until the server says that it ends, or listens no more.

    Parameters
    ----------
    server
        Whom.
    body
        What it sends, and the status of the answer that is owed to it.
    reconnects
        Whether each request has a connection of its own.
    """

    def __init__(self, server: Server, body: tuple[bytes, int], *, reconnects: bool) -> None:
        super().__init__()
        self._server = server
        self._body, self._status = body
        self._reconnects = reconnects
        self.answers = 0
        self.fault: BaseException | None = None
        self.start()

    def run(self) -> None:
        """Ask."""
        try:
            while self._ask_until_closed() and self._reconnects:
                pass
        except ConnectionRefusedError:
            assert self._reconnects
        except BaseException as fault:  # noqa: BLE001 - the test raises it
            self.fault = fault

    def _ask_until_closed(self) -> bool:
        with Wire(self._server) as wire:
            while True:
                answer = wire.send(post(self._body)).answer()
                assert answer.status == self._status
                self.answers += 1
                if self._reconnects or answer.headers.get("connection") == "close":
                    return True


@contextmanager
def busy_neighbours(server: Server) -> Iterator[None]:
    """Let two processes compute on the only core that a server may use."""
    core = min(os.sched_getaffinity(0))
    os.sched_setaffinity(server.process.pid, {core})
    for thread in Path(f"/proc/{server.process.pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), {core})
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2)]
    try:
        for process in busy:
            os.sched_setaffinity(process.pid, {core})
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(
    ("command", "is_slowed"),
    [(OURS, False), (OURS, True), (PAUSING, False)],
    ids=["alone", "beside busy neighbours", "pausing before it listens no more"],
)
@pytest.mark.parametrize("is_group", [False, True], ids=["the server told", "its workers told too"])
def test_row_18_no_request_of_busy_clients_is_lost(
    tmp_path: Path, command: tuple[str, ...], workers: int, is_slowed: bool, is_group: bool
) -> None:
    """Clients that ask without a pause have a reply to each request; new connections are served or refused."""
    with running(tmp_path, *command, "--workers", str(workers)) as server, ExitStack() as stack:
        if is_slowed:
            stack.enter_context(busy_neighbours(server))
        clients = [
            Client(server, body, reconnects=reconnects)
            for body in ((GOOD, 200), (b'{"inputs":[{"age":"old"}]}', 422), (b"{", 422), (EXPLAINED, 200))
            for reconnects in (True, False)
        ]
        eventually(lambda: all(client.answers > 5 or client.fault for client in clients))
        if is_group:  # as Ctrl-C on a terminal, and systemd, do
            for worker in workers_of(server):
                os.kill(worker, signal.SIGTERM)
        tell_to_stop(server)
        for _ in range(50):
            clients.append(Client(server, (GOOD, 200), reconnects=True))
            time.sleep(0.02)
        for client in clients:
            client.join()
        check_end(server)
    assert [client.fault for client in clients] == [None] * len(clients)


@pytest.mark.parametrize("workers", [1, 2])
def test_row_18_clients_that_wait_are_served_where_no_filter_can_be_attached(tmp_path: Path, workers: int) -> None:
    """Whoever was connected before the end is answered; the log says what may happen to those that come in it."""
    with running(tmp_path, *UNFILTERED, "--workers", str(workers)) as server, ExitStack() as stack:
        stopped = [server.process.pid, *workers_of(server)]
        for process in stopped:
            os.kill(process, signal.SIGSTOP)
        wires = [stack.enter_context(Wire(server)).send(post()) for _ in range(6)]
        for process in stopped:
            os.kill(process, signal.SIGTERM)
            os.kill(process, signal.SIGCONT)
        assert all(is_predicted(wire.answer()) for wire in wires)
        check_end(server)
        assert "connections opened during shutdown may be reset" in server.errors.read_text(encoding="utf-8")


@pytest.fixture
def certificate(tmp_path: Path) -> list[str]:
    """Make a certificate for loopback; give uvicorn's options for it."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    openssl = shutil.which("openssl")
    assert openssl is not None, "openssl is not installed"
    command = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    files = ["-keyout", str(key), "-out", str(certificate), "-days", "2", "-subj", "/CN=127.0.0.1"]
    subprocess.run([*command, *files], check=True, capture_output=True)
    return ["--ssl-keyfile", str(key), "--ssl-certfile", str(certificate), "--timeout-graceful-shutdown", "20"]


def test_row_18_a_bad_handshake_at_the_end_keeps_nobody_from_an_answer(tmp_path: Path, certificate: list[str]) -> None:
    """Of clients that wait to be accepted, one speaks no TLS and one is silent: the third is answered all the same."""
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    with running(tmp_path, *UVICORN, *certificate, scheme="https") as server, ExitStack() as stack:
        with frozen(server):
            plain, _silent, good = (stack.enter_context(server.connect()) for _ in range(3))
            plain.sendall(post())
            shaken = threading.Thread(target=lambda: answers.append(_ask_over(trusting, good)))
            answers: list[bytes] = []
            shaken.start()
            tell_to_stop(server)
        shaken.join()
        assert answers[0].startswith(b"HTTP/1.1 200 OK\r\n")
        plain.close()
        check_end(server)


def _ask_over(context: ssl.SSLContext, connection: socket.socket) -> bytes:
    with context.wrap_socket(connection) as secure:
        secure.sendall(post())
        return secure.recv(2**16)


def test_row_18_a_server_without_a_descriptor_left_ends_well(start: Start) -> None:
    """Where connections use up what the system gives, the end is as good: what is in hand is answered."""
    with start() as server, Wire(server) as half, ExitStack() as stack:
        half.send(post()[:-5])
        assert exchange(server, get()).status == 200
        most = descriptors(server) + 20
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (most, most))
        for _ in range(60):
            stack.enter_context(Wire(server))
        eventually(lambda: descriptors(server) >= most)
        tell_to_stop(server)
        eventually(lambda: not is_listening(server))
        assert half.send(post()[-5:]).answer().status == 200
        check_end(server)


def test_row_18_every_worker_ends(start: Start) -> None:
    """Several workers answer what they have in hand, and all are gone with the first process."""
    with start("--workers", "2") as server, ExitStack() as stack:
        wires = [stack.enter_context(Wire(server)) for _ in range(6)]
        for wire in wires:
            assert wire.send(get("/health/live")).answer().status == 200
            wire.send(SLOW)
        tell_to_stop(server)
        assert {wire.answer().status for wire in wires} == {200}
        check_end(server)
        with pytest.raises(ConnectionError):
            server.connect()


def test_a_websocket_is_refused_where_the_server_speaks_it(tmp_path: Path) -> None:
    """No route is a WebSocket's, and the connection that asked for one is closed like any other."""
    head = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    head += "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    with running(tmp_path, *UVICORN, "--ws", "websockets-sansio") as server:
        for path in ("/predict", "/health", "/nothing"):
            with Wire(server) as wire:
                assert wire.send(get(path, head)).answer().status in {403, 404}
        with Wire(server) as wire:
            assert is_predicted(wire.send(post()).answer())
            assert wire.send(get("/predict", head)).answer().status in {403, 404}
        assert is_predicted(exchange(server, post()))
        assert "Traceback" not in server.errors.read_text(encoding="utf-8")
