"""Requests to services on this machine."""

from __future__ import annotations

import http.client
import json
import random
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from story import expect

#: Seconds for an answer, and for a port on which something begins to listen.
PATIENCE = 60
#: Ports below those that Linux gives to connections and to servers that ask for any.
NOT_GIVEN = range(20000, 32000)


class Reply(NamedTuple):
    """An answer: its status, media type, and content."""

    status: int
    kind: str
    content: bytes

    def json(self) -> Any:
        """Return what the JSON of the answer holds."""
        return json.loads(self.content)


def ask(
    port: int,
    path: str,
    body: object = None,
    *,
    headers: Mapping[str, str] | None = None,
    expected: int | None = 200,
) -> Reply:
    """Send a GET, or a POST if there is a body; the status must be the expected one, if one is."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        content = None if body is None else json.dumps(body)
        method = "GET" if body is None else "POST"
        connection.request(method, path, content, {"content-type": "application/json", **(headers or {})})
        response = connection.getresponse()
        reply = Reply(response.status, response.headers.get_content_type(), response.read())
    finally:
        connection.close()
    if expected is not None:
        expect(reply.status == expected, f"{expected} of {path}", f"{reply.status}: {reply.content[:500]!r}")
    return reply


def wait_for(port: int, path: str, expected: int = 200, *, patience: float = PATIENCE) -> float:
    """Ask until the answer has the expected status; return the seconds that it took."""
    start = time.monotonic()
    while True:
        try:
            if ask(port, path, expected=None).status == expected:
                return time.monotonic() - start
        except (OSError, http.client.HTTPException):
            pass
        expect(time.monotonic() < start + patience, f"{expected} of {path} within {patience:g} s", "none")
        time.sleep(0.02)


def free_ports(count: int) -> list[int]:
    """Return ports of this machine on which nobody listens, and which it gives to no connection meanwhile."""
    found: set[int] = set()
    while len(found) < count:
        port = random.choice(NOT_GIVEN)  # noqa: S311 - no secret
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            found.add(port)
    return list(found)
