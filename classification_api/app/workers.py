"""Several worker processes, and uvicorn's supervisor over them."""

from __future__ import annotations

import logging

from uvicorn import Config
from uvicorn.supervisors.multiprocess import Multiprocess

from app.connections.listening import end_new_connections

logger = logging.getLogger(__name__)


class Workers(Multiprocess):
    """Supervises worker processes that share a listening socket, until the process is told to stop.

    Parameters
    ----------
    config
        How uvicorn serves, and the number of workers.
    """

    def __init__(self, config: Config) -> None:
        super().__init__(config, [config.bind_socket()])

    def terminate_all(self) -> None:
        """Stop listening, then tell the workers to stop.

        Held open here, the socket would take connections that no worker is left to serve, and reset them at the end;
        so would the last worker between its last look at the socket and its end.
        """
        for listening in self.sockets:
            try:
                end_new_connections(listening)
            except OSError as error:
                logger.warning("connections that come when listening ends may be reset: %s", error)
            listening.close()
        super().terminate_all()
