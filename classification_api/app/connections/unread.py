"""What has arrived for a connection and was not read yet."""

from __future__ import annotations

import fcntl
import termios
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

_ZERO = bytes(4)


def has_unread(transport: asyncio.BaseTransport) -> bool:
    """Tell whether bytes from the client wait in the system's buffer, as they do where a process had to wait itself."""
    connection = transport.get_extra_info("socket")
    if connection is None or connection.fileno() < 0:
        return False
    return fcntl.ioctl(connection.fileno(), termios.FIONREAD, _ZERO) != _ZERO
