"""HTTP written by hand: requests that no client library sends, and the replies to them."""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from conftest import PATIENCE, ROW, Listening, Server, reserved_port

GOOD = json.dumps({"inputs": [ROW]}).encode()
JSON = "Content-Type: application/json\r\n"
HALF_HEAD = b"POST /predict HTTP/1.1\r\nHost: t\r\nContent-Ty"
#: What a reply to bad input never holds.
SECRETS = (b"Traceback", b"site-packages", b".py", b"/work", b"/usr", b"/home", b"/tmp", b"Palsson")


@dataclass(frozen=True)
class Answer:
    """A reply as it stood on the wire."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def content(self) -> Any:
        """Its body, parsed."""
        return json.loads(self.body)


class Wire:
    """One connection to a server.

    Parameters
    ----------
    server
        To whom.
    """

    def __init__(self, server: Listening) -> None:
        self.socket = server.connect()
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._left = b""

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> Wire:
        """Send bytes."""
        self.socket.sendall(data)
        return self

    def is_answered(self) -> bool:
        """Tell whether something of a reply has come that was not read."""
        waiting = select.poll()
        waiting.register(self.socket, select.POLLIN)
        return bool(self._left or waiting.poll(0))

    def answer(self, *, has_body: bool = True) -> Answer:
        """Read one reply."""
        while b"\r\n\r\n" not in self._left:
            self._more()
        head, _, self._left = self._left.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        size = int(headers.get("content-length", "0")) if has_body else 0
        while len(self._left) < size:
            self._more()
        body, self._left = self._left[:size], self._left[size:]
        return Answer(int(first.split(" ")[1]), headers, body)

    def _more(self) -> None:
        more = self.socket.recv(2**16)
        assert more, f"the connection ended after {self._left[:200]!r}"
        self._left += more

    def read(self, size: int) -> None:
        """Read so many bytes of a reply and no more; `answer` reads the others."""
        while size:
            more = self.socket.recv(size)
            assert more, f"the connection ended after {self._left[:200]!r}"
            self._left += more
            size -= len(more)

    def rest(self) -> bytes:
        """Read until the server closes the connection, and return what is left."""
        with suppress(ConnectionResetError):
            while more := self.socket.recv(2**16):
                self._left += more
        left, self._left = self._left, b""
        return left


def post(body: bytes = GOOD, head: str = "", path: str = "/predict") -> bytes:
    """Return the bytes of a request for predictions, with further lines of its head."""
    length = f"Content-Length: {len(body)}\r\n"
    return f"POST {path} HTTP/1.1\r\nHost: t\r\n{JSON}{head}{length}\r\n".encode() + body


def get(path: str = "/health", head: str = "", method: str = "GET") -> bytes:
    """Return the bytes of a request without a body."""
    return f"{method} {path} HTTP/1.1\r\nHost: t\r\n{head}\r\n".encode()


def chunked(chunks: Iterable[bytes], head: str = "", trailers: bytes = b"") -> bytes:
    """Return the bytes of a request for predictions whose body comes in chunks."""
    start = f"POST /predict HTTP/1.1\r\nHost: t\r\n{JSON}{head}Transfer-Encoding: chunked\r\n\r\n".encode()
    return start + b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n" + trailers + b"\r\n"


def exchange(server: Listening, data: bytes) -> Answer:
    """Send bytes over a connection of their own, and return the first reply."""
    with Wire(server) as wire:
        return wire.send(data).answer()


def is_predicted(answer: Answer) -> bool:
    """Tell whether a reply is that to the good row."""
    return answer.status == 200 and len(answer.content["predictions"]) == 1


def check_problem(answer: Answer | httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Hold the reply to a bad request against what is owed, and return its content."""
    if isinstance(answer, httpx.Response):
        answer = Answer(answer.status_code, dict(answer.headers), answer.content)
    assert answer.status == status, answer.body[:500]
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(answer.body) <= 4096
    assert not [secret for secret in SECRETS if secret in answer.body]
    content: dict[str, Any] = answer.content
    assert content["code"] == code
    assert content["status"] == status
    assert content["request_id"] == answer.headers["x-request-id"]
    assert content["detail"].isascii()
    assert "\n" not in content["detail"]
    assert len(content.get("errors", [])) <= 20
    return content


def essence(server: Listening) -> Any:
    """Ask for the good row; return what each answer to it must be, without the names of requests and predictions."""
    content = server.post().json()
    return content["predictions"], content["probabilities"], content["version"], content["warnings"]


@contextmanager
def unharmed(server: Listening) -> Iterator[None]:
    """See that the same good request gets the same answer afterwards, from the same process."""
    before = essence(server)
    yield
    if not isinstance(server, Server):  # one of this process
        assert essence(server) == before
        return
    assert server.process.poll() is None
    assert essence(server) == before
    errors = server.errors.read_text(encoding="utf-8")
    assert "Traceback" not in errors, errors[-2000:]


def memory(server: Server, kind: str = "VmRSS") -> int:
    """Return the resident memory of a server, in bytes: what it is, or as ``VmHWM`` the most that it was."""
    lines = Path(f"/proc/{server.process.pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{kind}:"))


def descriptors(server: Server) -> int:
    """Return the number of descriptors that a server has open."""
    return len(list(Path(f"/proc/{server.process.pid}/fd").iterdir()))


def gauge(server: Listening, name: str = "classification_api_requests_in_hand") -> float | None:
    """Return the value of a metric without labels; None where there is no such metric."""
    lines = server.client.get("/metrics").text.splitlines()
    return next((float(line.split()[1]) for line in lines if line.startswith(f"{name} ")), None)


@contextmanager
def running(folder: Path, *command: str, scheme: str = "http", **variables: str) -> Iterator[Server]:
    """Run Python with a command of its own that serves; host and port are added to it."""
    with reserved_port() as port:
        output, errors = folder / f"output-{port}", folder / f"errors-{port}"
        whole = [sys.executable, *command, "--host", "127.0.0.1", "--port", str(port)]
        with output.open("wb") as out, errors.open("wb") as err:
            process = subprocess.Popen(whole, env=os.environ | variables, stdout=out, stderr=err)
        server = Server(port, process, output, errors, scheme=scheme)
        try:
            server.wait()
            yield server
        finally:
            server.stop()


def eventually(condition: Callable[[], Any]) -> Any:
    """Wait until a condition holds, however busy the machine is, and return what it gave."""
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.002)
    return found
