"""The supervisor of several worker processes."""

from __future__ import annotations

import signal
import time
from types import FrameType

from uvicorn.supervisors.multiprocess import Multiprocess

from app.connections.draining import STEP, Stage, SupervisedConfig
from app.connections.listening import BEGUN, end_new_connections


class Workers(Multiprocess):
    """Supervises worker processes that share a listening socket, until SIGINT or SIGTERM.

    Parameters
    ----------
    config
        uvicorn's configuration, with the number of workers.
    drain_seconds
        Seconds after SIGTERM in which the workers still accept requests.
    """

    def __init__(self, config: SupervisedConfig, drain_seconds: float = 0.0) -> None:
        super().__init__(config, [config.bind_socket()])
        self._stage = config.shared_stage
        self._drain_seconds = drain_seconds
        self._drained_at = 0.0
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        """Begin to drain, or drop new connection attempts at once: the signal may have stopped the workers too."""
        if number == signal.SIGTERM and self._drain_seconds:
            if self._stage.value == Stage.SERVING and not self.should_exit.is_set():
                self._drained_at = time.monotonic() + self._drain_seconds
                self._stage.value = Stage.DRAINING
        else:
            self._drained_at = 0.0
            end_new_connections(self.sockets)
        (self.handle_int if number == signal.SIGINT else self.handle_term)()

    def terminate_all(self) -> None:
        """Let the workers drain, stop listening, then stop the workers.

        While a process keeps the socket open, the system accepts connections on it. After the last worker has stopped
        accepting, nobody would serve them, and they would be reset when the socket closes.
        """
        is_draining = self._stage.value == Stage.DRAINING
        if is_draining:
            super().terminate_all()  # each serves until the stage is CLOSED
            while time.monotonic() < self._drained_at:
                time.sleep(STEP)
        end_new_connections(self.sockets)
        time.sleep(BEGUN)  # the workers accept connections whose handshake has begun
        for listening in self.sockets:
            listening.close()
        self._stage.value = Stage.CLOSED
        if not is_draining:
            super().terminate_all()
