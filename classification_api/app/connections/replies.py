"""Encode replies as HTTP/1.1."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from app.predicting.calls import Reply

_CLOSE = b"connection: close\r\n"


@lru_cache(maxsize=64)
def _headers(*headers: tuple[bytes, bytes]) -> bytes:
    """Encode headers; cached, since the date changes only once a second."""
    return b"".join([b"%b: %b\r\n" % header for header in headers])


def written(reply: Reply, default_headers: Iterable[tuple[bytes, bytes]], *, keep_alive: bool) -> bytes:
    """Return the bytes of a reply.

    Parameters
    ----------
    default_headers
        Headers that the server adds to every reply, such as the date.
    keep_alive
        Whether the connection stays open.
    """
    head = b"%bcontent-type: %b\r\ncontent-length: %d\r\nx-request-id: %b\r\n" % (
        STATUS_LINE[reply.status],
        reply.media_type,
        len(reply.body),
        reply.request_id,
    )
    more = _headers(*default_headers)
    if reply.headers:
        more += _headers(*reply.headers)
    return b"%b%b%b\r\n%b" % (head, more, b"" if keep_alive else _CLOSE, reply.body)
