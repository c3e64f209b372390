"""A request for predictions and its reply, whichever way they travel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from classification_model.runtime.system.identifiers import uuid7s

if TYPE_CHECKING:
    from app.dialects import Dialect, Written


class Reply(NamedTuple):
    """What is sent back.

    Attributes
    ----------
    status
        Of HTTP.
    body, media_type
        Its bytes, and what they are.
    headers
        Further headers.
    request_id
        Name of the request, for the header X-Request-ID.
    """

    status: int
    body: bytes
    media_type: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    request_id: bytes


class Route(NamedTuple):
    """Where predictions are asked for.

    Attributes
    ----------
    path
        As metrics and access lines name it.
    dialect
        How requests and answers are written there.
    name, version
        The model that the URL speaks of; None where it speaks of none.
    """

    path: str
    dialect: Dialect
    name: str | None = None
    version: str | None = None


class Call:
    """A request that has arrived whole.

    Parameters
    ----------
    route
        Where it was sent to.
    headers
        Names in lower case, with their values.
    query
        What stands behind the question mark of its URL.
    body
        All of it.
    client
        Address of the peer.
    began
        When its first byte came, as of `time.perf_counter`, in seconds.
    send
        Takes the reply, once, in the thread of the event loop.

    Attributes
    ----------
    request_id
        Its name; empty until it is known that the client gave one, or that none is needed before the answer.
    is_answered
        Whether it has its reply; there is no second one.
    is_gone
        Whether the client has left, so that work which has not begun may be left out.
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
        """Return its name, which is made now where the client gave none."""
        if not self.request_id:
            self.request_id = uuid7s(1)[0].encode()
        return self.request_id


class Finish(Protocol):
    """Takes what a request comes to, once it is known."""

    def __call__(self, call: Call, outcome: Written | Exception, rows: int = 0, version: str | None = None) -> None:
        """Finish a request.

        Parameters
        ----------
        call
            The request.
        outcome
            Its answer; what is wrong with it, a `Problem`; or what broke.
        rows
            How many rows were predicted.
        version
            Of the model that predicted them.
        """
