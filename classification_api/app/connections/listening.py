"""The end of listening: connections that the system has accepted, and uvicorn has not, are served too.

A client may have connected and sent its request while the process was busy or stopped. Closing the listening socket
resets such connections. So no new connection begins any more, then what waits is taken, then the socket is closed:
who asks for a connection in between is refused as soon as its system asks again.
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

#: How long a connection that was taken at the end has for its TLS handshake, in seconds.
HANDSHAKE = 1.0

#: How long connections that had begun have until they are established, in seconds: a round trip.
BEGUN = 0.1

#: Linux's number of the option, which the module `socket` does not name.
SO_ATTACH_FILTER = 26

#: A packet filter of four instructions (Linux's `struct sock_filter`): drop what asks for a new connection, which has
#: the flag SYN (2) in byte 13 of its TCP header; let everything else pass.
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
        if sockets is None and server.config.fd is None:  # else others may go on listening there
            end_new_connections(_listening(server))
            await asyncio.sleep(BEGUN)
        try:
            await _serve_waiting(loop, server)
        except OSError as error:
            logger.warning("connections that waited when listening ended may be reset: %s", error)
        await shut_down(sockets)

    server.shutdown = serve_waiting_and_shut_down  # type: ignore[method-assign] # it has no hook for that


def end_new_connections(sockets: Iterable[socket.socket]) -> None:
    """Let no new connection begin at sockets, in any process that shares them.

    Does nothing but for TCP on Linux. Where the system refuses, that is logged: a connection that comes at the very end
    may be reset there.
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
                logger.warning("connections that come when listening ends may be reset: %s", error)


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
    for listening in _listening(server):
        yield from _accept_all(listening)


def _listening(server: Server) -> Iterator[socket.socket]:
    for listener in server.servers:
        for each in listener.sockets:
            same = socket.socket(fileno=each.fileno())  # which may be of the event loop's own kind
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
