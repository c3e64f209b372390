"""Several worker processes, and uvicorn's supervisor over them."""

from __future__ import annotations

import signal
import time
from types import FrameType

from uvicorn import Config
from uvicorn.supervisors.multiprocess import Multiprocess

from app.connections.listening import BEGUN, end_new_connections


class Workers(Multiprocess):
    """Supervises worker processes that share a listening socket, until the process is told to stop.

    Parameters
    ----------
    config
        How uvicorn serves, and the number of workers.
    """

    def __init__(self, config: Config) -> None:
        super().__init__(config, [config.bind_socket()])
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        """End new connections at once: a signal to the whole process group stops the workers at the same time."""
        end_new_connections(self.sockets)
        (self.handle_int if number == signal.SIGINT else self.handle_term)()

    def terminate_all(self) -> None:
        """Stop listening, then tell the workers to stop.

        Held open here, the socket would take connections that no worker is left to serve, and reset them at the end;
        so would the last worker between its last look at the socket and its end.
        """
        end_new_connections(self.sockets)
        time.sleep(BEGUN)  # what has begun is accepted by the workers
        for listening in self.sockets:
            listening.close()
        super().terminate_all()
