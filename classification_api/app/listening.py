"""The end of listening: connections that the system has accepted, and uvicorn has not, are served too.

A client may have connected and sent its request while the process was busy or stopped. Closing the listening socket
resets such connections, so what waits there is taken first.
"""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING

from uvicorn import Server

if TYPE_CHECKING:
    import asyncio


def serve_waiting_connections(loop: asyncio.AbstractEventLoop) -> None:
    """Let uvicorn's server that runs in an event loop serve the connections that wait when it stops listening.

    Does nothing where uvicorn does not handle signals, as in a thread.
    """
    server = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)  # uvicorn hands it to an application nowhere
    if not isinstance(server, Server):
        return
    shut_down = server.shutdown

    async def take_waiting_and_shut_down(sockets: list[socket.socket] | None = None) -> None:
        waiting = list(_take_waiting(server))
        for listener in server.servers:
            listener.close()
        for connection in waiting:
            await loop.connect_accepted_socket(lambda: _protocol(server), connection, ssl=server.config.ssl)
        await shut_down(sockets)

    server.shutdown = take_waiting_and_shut_down  # type: ignore[method-assign] # it has no hook for that


def _take_waiting(server: Server) -> Iterator[socket.socket]:
    """Accept what waits at the listening sockets, which do not block."""
    for listener in server.servers:
        for listening in listener.sockets:
            with socket.socket(fileno=os.dup(listening.fileno())) as same:
                yield from _accept_all(same)


def _accept_all(listening: socket.socket) -> Iterator[socket.socket]:
    while True:
        try:
            connection, _ = listening.accept()
        except ConnectionAbortedError:
            continue
        except OSError:  # none waits, or no descriptor is left
            return
        connection.setblocking(False)
        yield connection


def _protocol(server: Server) -> asyncio.Protocol:
    """Make what talks to one client, as uvicorn does."""
    protocol: asyncio.Protocol = server.config.http_protocol_class(  # type: ignore[call-arg]
        config=server.config, server_state=server.server_state, app_state=server.lifespan.state
    )
    return protocol
