"""The end of listening: connections that the system has accepted, and uvicorn has not, are served too.

A client may have connected and sent its request while the process was busy or stopped. Closing the listening socket
resets such connections, so what waits there is taken first.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import threading
from collections.abc import Iterator
from functools import partial

from uvicorn import Server

#: How long a connection that was taken at the end has for its TLS handshake, in seconds.
HANDSHAKE = 1.0

logger = logging.getLogger(__name__)


def serve_waiting_connections(loop: asyncio.AbstractEventLoop) -> None:
    """Let uvicorn's server that runs in an event loop serve the connections that wait when it stops listening.

    Does nothing where uvicorn does not handle signals, as in a thread.
    """
    server = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)  # uvicorn hands it to an application nowhere
    if not isinstance(server, Server):
        if threading.current_thread() is threading.main_thread():
            logger.warning("uvicorn does not handle SIGTERM: connections that wait when listening ends are reset")
        return
    shut_down = server.shutdown

    async def serve_waiting_and_shut_down(sockets: list[socket.socket] | None = None) -> None:
        try:
            await _serve_waiting(loop, server)
        except OSError as error:
            logger.warning("connections that waited when listening ended may be reset: %s", error)
        await shut_down(sockets)

    server.shutdown = serve_waiting_and_shut_down  # type: ignore[method-assign] # it has no hook for that


async def _serve_waiting(loop: asyncio.AbstractEventLoop, server: Server) -> None:
    """Take the connections that wait, end listening, and serve them; a bad handshake is its client's matter."""
    waiting = list(_take_waiting(server))
    for listener in server.servers:
        listener.close()
    protocol, ssl = partial(_protocol, server), server.config.ssl
    served = [loop.create_task(loop.connect_accepted_socket(protocol, each, ssl=ssl)) for each in waiting]
    if served:
        _, late = await asyncio.wait(served, timeout=HANDSHAKE)
        for task in late:
            task.cancel()
        await asyncio.gather(*served, return_exceptions=True)


def _take_waiting(server: Server) -> Iterator[socket.socket]:
    """Accept what waits at the listening sockets, which do not block."""
    for listener in server.servers:
        for listening in listener.sockets:
            same = socket.socket(fileno=listening.fileno())  # which may be of the event loop's own kind
            try:
                yield from _accept_all(same)
            finally:
                same.detach()


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
