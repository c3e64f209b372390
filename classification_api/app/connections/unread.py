"""Bytes that a connection has received and this process has not read."""

from __future__ import annotations

import fcntl
import termios
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

_ZERO = bytes(4)


def has_unread(transport: asyncio.BaseTransport) -> bool:
    """Return whether unread bytes wait in the socket's receive buffer, as after a delay of this process."""
    connection = transport.get_extra_info("socket")
    if connection is None or connection.fileno() < 0:
        return False
    return fcntl.ioctl(connection.fileno(), termios.FIONREAD, _ZERO) != _ZERO
