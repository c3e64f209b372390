"""The command line with a pause between a server's last look at its listening socket and the end of that socket.

A busy machine may make one there, of microseconds, anywhere; worker processes import this file too.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

from uvicorn import Server

from app.cli import main
from app.connections import listening

take_waiting = listening._take_waiting


def take_waiting_and_pause(server: Server) -> Iterator[socket.socket]:
    """Accept what waits, and be kept from running for half a second."""
    yield from take_waiting(server)
    time.sleep(0.5)


listening._take_waiting = take_waiting_and_pause

if __name__ == "__main__":
    main()
