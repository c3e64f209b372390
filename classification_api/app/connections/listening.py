"""Stop listening without resetting the connections in the socket's backlog.

A client may have connected and sent its request while the process was busy or suspended. Closing the listening socket
resets such a connection. So new connection attempts are dropped first, then the backlog is accepted, then the socket is
closed. A client whose attempt was dropped is refused when its system retries.
"""

from __future__ import annotations

import asyncio
import ctypes
import logging
import signal
import socket
import struct
import sys
import threading
from collections.abc import Iterable, Iterator
from functools import partial

from uvicorn import Server

from app.connections.draining import Draining

#: Seconds for the TLS handshake of a connection accepted during shutdown.
HANDSHAKE = 1.0

#: Seconds for TCP handshakes that have begun to complete: one round trip.
BEGUN = 0.1

#: Linux's number of this socket option, which the module `socket` does not define.
SO_ATTACH_FILTER = 26

#: A packet filter of four instructions (Linux's `struct sock_filter`): drop packets that request a connection, which
#: have the flag SYN (2) in byte 13 of the TCP header, and pass all others.
NO_NEW_CONNECTION = b"".join(
    struct.pack("=HBBI", *instruction)
    for instruction in (
        (0x30, 0, 0, 13),  # load byte 13
        (0x45, 0, 1, 2),  # go on if it has bit 2, else skip one
        (0x06, 0, 0, 0),  # drop
        (0x06, 0, 0, 0xFFFFFFFF),  # pass
    )
)

logger = logging.getLogger(__name__)


def serve_waiting_connections(loop: asyncio.AbstractEventLoop, draining: Draining | None = None) -> None:
    """Make uvicorn drain when it is told to stop, then serve the connections that wait in the backlog.

    Does nothing if uvicorn does not handle signals, as in a thread.
    """
    server = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)  # an application gets no other reference to it
    if not isinstance(server, Server):
        if threading.current_thread() is threading.main_thread():
            logger.warning("uvicorn does not handle SIGTERM: connections waiting at shutdown are reset")
        return
    shut_down = server.shutdown

    async def serve_waiting_and_shut_down(sockets: list[socket.socket] | None = None) -> None:
        if draining is not None:
            await draining.wait(server)
        if sockets is None and server.config.fd is None:  # otherwise other processes may go on listening
            end_new_connections(_listening(server))
            await asyncio.sleep(BEGUN)
        try:
            await _serve_waiting(loop, server)
        except OSError as error:
            logger.warning("connections waiting at shutdown may be reset: %s", error)
        await shut_down(sockets)

    server.shutdown = serve_waiting_and_shut_down  # type: ignore[method-assign] # it has no hook for that


def end_new_connections(sockets: Iterable[socket.socket]) -> None:
    """Drop new connection attempts at listening sockets, in all processes that share them.

    Works for TCP on Linux, and does nothing elsewhere. A failure is logged, since a late connection may then be reset.
    """
    if sys.platform != "linux":
        return
    program = ctypes.create_string_buffer(NO_NEW_CONNECTION, len(NO_NEW_CONNECTION))
    described = struct.pack("@HP", len(NO_NEW_CONNECTION) // 8, ctypes.addressof(program))
    for listening in sockets:
        if listening.family in {socket.AF_INET, socket.AF_INET6}:
            try:
                listening.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, described)
            except OSError as error:
                logger.warning("connections opened during shutdown may be reset: %s", error)


async def _serve_waiting(loop: asyncio.AbstractEventLoop, server: Server) -> None:
    """Accept the waiting connections, stop listening, and serve them; failed TLS handshakes are ignored."""
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
    """Accept the connections that wait at the listening sockets, which are non-blocking."""
    for listening in _listening(server):
        yield from _accept_all(listening)


def _listening(server: Server) -> Iterator[socket.socket]:
    for listener in server.servers:
        for each in listener.sockets:
            same = socket.socket(fileno=each.fileno())  # the event loop may wrap its sockets in another class
            try:
                yield same
            finally:
                same.detach()


def _accept_all(listening: socket.socket) -> Iterator[socket.socket]:
    while True:
        try:
            connection, _ = listening.accept()
        except ConnectionAbortedError:
            continue
        except OSError:  # no connection waits, or no descriptor is left
            return
        connection.setblocking(False)
        yield connection


def _protocol(server: Server) -> asyncio.Protocol:
    """Create the protocol of one connection, as uvicorn does."""
    protocol: asyncio.Protocol = server.config.http_protocol_class(  # type: ignore[call-arg]
        config=server.config, server_state=server.server_state, app_state=server.lifespan.state
    )
    return protocol
