"""A prediction request and its reply, the same on the fast path and through ASGI."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from classification_model.runtime.system.identifiers import uuid7s

if TYPE_CHECKING:
    from app.dialects import Dialect, Written


class Reply(NamedTuple):
    """The reply to a prediction request.

    Attributes
    ----------
    status
        HTTP status.
    body, media_type
        Body, and its content type.
    headers
        Additional headers.
    request_id
        Value of the header X-Request-ID.
    """

    status: int
    body: bytes
    media_type: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    request_id: bytes


class Route(NamedTuple):
    """A route for predictions.

    Attributes
    ----------
    path
        Path template, as shown in metrics and the access log.
    dialect
        Format of requests and answers.
    name, version
        Model name and version in the URL; None if absent.
    """

    path: str
    dialect: Dialect
    name: str | None = None
    version: str | None = None


class Call:
    """A prediction request.

    Parameters
    ----------
    route
        Route of the request.
    headers
        Names in lower case, with their values.
    query
        Query string of the URL.
    body
        The whole body.
    client
        Address of the client.
    began
        Time at which the first byte arrived, in seconds of `time.perf_counter`.
    send
        Called once with the reply, in the event loop's thread.

    Attributes
    ----------
    request_id
        Value for X-Request-ID; empty until the client's is accepted or a new one is made.
    is_answered
        Whether the reply was sent.
    is_gone
        Whether the client has disconnected, so that work not yet started can be skipped.
    """

    __slots__ = ("began", "body", "client", "headers", "is_answered", "is_gone", "query", "request_id", "route", "send")

    def __init__(  # noqa: PLR0917 - what a request is made of
        self,
        route: Route,
        headers: Sequence[tuple[bytes, bytes]],
        query: bytes,
        body: bytes,
        client: str,
        began: float,
        send: Callable[[Reply], None],
    ) -> None:
        self.route = route
        self.headers = headers
        self.query = query
        self.body = body
        self.client = client
        self.began = began
        self.send = send
        self.request_id = b""
        self.is_answered = False
        self.is_gone = False

    def name(self) -> bytes:
        """Return the request ID; make one if there is none."""
        if not self.request_id:
            self.request_id = uuid7s(1)[0].encode()
        return self.request_id


class Finish(Protocol):
    """Called with the outcome of a request."""

    def __call__(self, call: Call, outcome: Written | Exception, rows: int = 0, version: str | None = None) -> None:
        """Finish a request.

        Parameters
        ----------
        outcome
            The answer, a `Problem`, or another exception, which is answered with 500.
        rows
            Number of rows predicted.
        version
            Version of the model that predicted them.
        """
