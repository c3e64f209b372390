"""A server in the test's own process, over real sockets, for which time passes only where the test says so."""

from __future__ import annotations

import asyncio
import gc
import socket
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest
from conftest import PATIENCE, Listening
from raw_http import Wire, eventually
from uvicorn import Config
from uvicorn.server import ServerState

from app.main import create_app
from app.predicting.calls import Call
from app.predicting.predictions import Predictions
from app.predicting.threads import Threads
from app.protocol import LimitedProtocol
from app.settings import Settings

T = TypeVar("T")
#: Time passes in steps of so many seconds, shorter than those in which the server looks at its connections.
STEP = 0.05


class Clock(asyncio.SelectorEventLoop):
    """An event loop for which no time passes by itself.

    Attributes
    ----------
    now
        Its time, in seconds.
    """

    def __init__(self) -> None:
        self.now = 1000.0
        super().__init__()

    def time(self) -> float:
        """Return the time."""
        return self.now


@dataclass
class Seen:
    """What a server has seen of its clients.

    Attributes
    ----------
    received
        Bytes that were parsed, over all connections.
    most_unsent
        Most bytes of replies that waited to be sent at a time, on one connection.
    """

    received: int = 0
    most_unsent: int = 0


@dataclass
class Clocked(Listening):
    """A server in this process.

    Attributes
    ----------
    clock
        The event loop that it runs in, in a thread.
    predictions
        What answers requests for predictions.
    state
        What uvicorn knows of its connections.
    seen
        What it has seen of its clients.
    """

    clock: Clock
    predictions: Predictions
    state: ServerState
    seen: Seen

    @property
    def connections(self) -> int:
        """Number of connections that are open."""
        return len(self.state.connections)

    def take(self, wire: Wire, data: bytes) -> Wire:
        """Send bytes, and wait until the server has parsed them."""
        expected = self.seen.received + len(data)
        wire.send(data)
        eventually(lambda: self.seen.received >= expected)
        return wire

    @property
    def unsent(self) -> int:
        """Bytes of replies that wait to be sent."""

        async def measure() -> int:
            return sum(connection.transport.get_write_buffer_size() for connection in self.state.connections)

        return self._run(measure())

    @property
    def is_reading(self) -> bool:
        """Whether nothing that is sent is left unread."""

        async def ask() -> bool:
            return all(connection.transport.is_reading() for connection in self.state.connections)

        return self._run(ask())

    def forward(self, seconds: float) -> None:
        """Let time pass; what is due meanwhile happens when it is due."""

        async def pass_time() -> None:
            for _ in range(round(seconds / STEP)):
                self.clock.now += STEP
                for _ in range(3):  # a timer, what it calls soon, and what that calls
                    await asyncio.sleep(0)

        self._run(pass_time())

    def tell_to_stop(self) -> None:
        """Tell the connections what uvicorn tells them on SIGTERM."""

        async def tell() -> None:
            for connection in list(self.state.connections):
                connection.shutdown()

        self._run(tell())

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.clock).result(PATIENCE)


StartClocked = Callable[..., Clocked]


def _watched(seen: Seen) -> type[LimitedProtocol]:
    """Return the protocol that serves, which counts besides."""

    class Watched(LimitedProtocol):
        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            seen.received += len(data)

        def on_response_complete(self) -> None:
            seen.most_unsent = max(seen.most_unsent, self.transport.get_write_buffer_size())
            super().on_response_complete()

    return Watched


async def _serve(settings: Settings, send_buffer: int | None, started: Future[Clocked], stopped: asyncio.Event) -> None:
    """Serve at a free port until told to stop."""
    clock = asyncio.get_running_loop()
    assert isinstance(clock, Clock)
    app = create_app(settings)
    config = Config(app, ws="none", lifespan="off", log_config=None, access_log=False, proxy_headers=False)
    seen, state = Seen(), ServerState()
    protocol = _watched(seen)
    async with app.router.lifespan_context(app) as app_state:
        options: dict[str, Any] = {"config": config, "server_state": state, "app_state": dict(app_state or {})}
        listener = await clock.create_server(lambda: protocol(**options), "127.0.0.1", 0, backlog=2048)
        (listening,) = listener.sockets
        if send_buffer is not None:  # connections get what the socket has that listens
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
        started.set_result(Clocked(listening.getsockname()[1], clock, app.state.predictions, state, seen))
        await stopped.wait()
        listener.close()
        for connection in list(state.connections):
            connection.transport.abort()
        for _ in range(3):
            await asyncio.sleep(0)
        for task in list(state.tasks):  # what a test left unanswered
            task.cancel()
        while state.connections or state.tasks:
            await asyncio.sleep(0)


@contextmanager
def _own_time(clock: Clock) -> Iterator[None]:
    """Let every room of the API read its time from a clock."""
    with pytest.MonkeyPatch.context() as patch:
        rooms = [module for name, module in list(sys.modules.items()) if name.startswith("app.")]
        for function in (time.perf_counter, time.monotonic):
            name = function.__name__
            for room in rooms:
                if getattr(room, name, None) is function:
                    patch.setattr(room, name, clock.time)
        yield


@contextmanager
def clocked_server(folder: Path, *, send_buffer: int | None = None, **given: Any) -> Iterator[Clocked]:
    """Run a server in a thread of this process.

    Parameters
    ----------
    folder
        Where its log is.
    send_buffer
        How many bytes of a reply the system takes that nobody reads; as many as it likes where left out.
    given
        Settings.
    """
    values: dict[str, Any] = {"access_log": False, "log_folder": folder / "log"} | given
    settings = Settings(**values)
    clock = Clock()
    started: Future[Clocked] = Future()
    stopped = asyncio.Event()

    def run() -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: clock) as runner:
                runner.run(_serve(settings, send_buffer, started, stopped))
        except BaseException as fault:
            if not started.done():
                started.set_exception(fault)
            raise

    interval = sys.getswitchinterval()
    thread = threading.Thread(target=run)
    server: Clocked | None = None
    with _own_time(clock):
        thread.start()
        try:
            server = started.result(PATIENCE)
            yield server
        finally:
            for client in () if server is None else server.clients:
                client.close()
            if not clock.is_closed():
                clock.call_soon_threadsafe(stopped.set)
            thread.join()
            sys.setswitchinterval(interval)
            gc.unfreeze()


@pytest.fixture
def clocked(tmp_path: Path) -> Iterator[StartClocked]:
    """Give a function that starts a server in this process, with settings."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(clocked_server(tmp_path, **options))


class Gate:
    """Keeps threads of a server from their work until it is opened.

    Attributes
    ----------
    holds_large
        Whether it keeps them from large requests as well, and not from explanations alone.
    reached
        Whether a thread stands before it.
    """

    def __init__(self) -> None:
        self.holds_large = True
        self.reached = threading.Event()
        self.opened = threading.Event()

    def open(self) -> None:
        """Let the work be done, now and from now on."""
        self.opened.set()

    def behind(self, work: Callable[[], None]) -> Callable[[], None]:
        """Return work that is done once the gate is open."""

        def wait_and_work() -> None:
            self.reached.set()
            self.opened.wait()
            work()

        return wait_and_work


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """Give a gate before all work that servers in this process leave to threads."""
    found = Gate()
    submit = Threads.submit

    def submit_behind(self: Threads, call: Call, work: Callable[[], None], *, explains: bool) -> None:
        is_held = explains or found.holds_large
        submit(self, call, found.behind(work) if is_held else work, explains=explains)

    monkeypatch.setattr(Threads, "submit", submit_behind)
    yield found
    found.open()
