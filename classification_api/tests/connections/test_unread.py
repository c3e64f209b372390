"""Bytes that have arrived and were not read, as the system counts them."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from app.connections.unread import has_unread


class Transport(asyncio.BaseTransport):
    """A transport of a socket."""

    def __init__(self, connection: Any) -> None:
        super().__init__({"socket": connection})


def test_bytes_that_wait_in_a_socket_are_unread() -> None:
    """Until they are read; of a socket that is closed, nothing is."""
    ours, theirs = socket.socketpair()
    with theirs:
        transport = Transport(ours)
        assert not has_unread(transport)
        theirs.sendall(b"x" * 256)
        assert has_unread(transport)
        assert ours.recv(255) == b"x" * 255
        assert has_unread(transport)
        ours.recv(1)
        assert not has_unread(transport)
        theirs.sendall(b"x")
        ours.close()
        assert not has_unread(transport)


@pytest.mark.parametrize("transport", [Transport(None), asyncio.BaseTransport()])
def test_what_is_no_socket_has_nothing_unread(transport: asyncio.BaseTransport) -> None:
    """As in tests, or of another kind of loop."""
    assert not has_unread(transport)
