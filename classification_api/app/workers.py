"""Several worker processes, and uvicorn's supervisor over them."""

from __future__ import annotations

from uvicorn import Config
from uvicorn.supervisors.multiprocess import Multiprocess


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

        Held open here, the socket would take connections that no worker is left to serve, and reset them at the end.
        """
        for listening in self.sockets:
            listening.close()
        super().terminate_all()
