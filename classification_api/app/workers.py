"""The supervisor of several worker processes."""

from __future__ import annotations

import signal
import time
from types import FrameType

from uvicorn import Config
from uvicorn.supervisors.multiprocess import Multiprocess

from app.connections.listening import BEGUN, end_new_connections


class Workers(Multiprocess):
    """Supervises worker processes that share a listening socket, until SIGINT or SIGTERM.

    Parameters
    ----------
    config
        uvicorn's configuration, with the number of workers.
    """

    def __init__(self, config: Config) -> None:
        super().__init__(config, [config.bind_socket()])
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        """Drop new connection attempts at once, since a signal to the process group also stops the workers."""
        end_new_connections(self.sockets)
        (self.handle_int if number == signal.SIGINT else self.handle_term)()

    def terminate_all(self) -> None:
        """Stop listening, then stop the workers.

        While a process keeps the socket open, the system accepts connections on it. After the last worker has stopped
        accepting, nobody would serve them, and they would be reset when the socket closes.
        """
        end_new_connections(self.sockets)
        time.sleep(BEGUN)  # the workers accept connections whose handshake has begun
        for listening in self.sockets:
            listening.close()
        super().terminate_all()
