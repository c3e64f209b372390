"""The end of a connection whose client is refused: it is told why, and has time to read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

    from uvicorn.protocols.http.flow_control import FlowControl

    from app.connections.timeouts import Patience
    from app.problem_details import Problem

#: How long a refused client may go on sending before the connection is closed, in seconds: long enough for it to
#: read what it is told. One that sends without a pause is read from for as long as a request may take: closing earlier
#: could cost it the reply.
LINGER = 1.0


class Refusal:
    """Stands for a refused client, none of whose bytes are parsed any more.

    Parameters
    ----------
    problem
        What is wrong.

    Attributes
    ----------
    problem
        The same, until the client is told: the requests before it are answered first.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem: Problem | None = problem
        self._goes_on = False

    def hear(self) -> None:
        """Take note that the client goes on sending."""
        self._goes_on = True

    def linger(
        self,
        loop: asyncio.AbstractEventLoop,
        transport: asyncio.Transport,
        flow: FlowControl,
        patience: Patience,
    ) -> None:
        """Send nothing more, read for a while what the client still sends, and close the connection."""
        if transport.is_closing():
            return
        if transport.can_write_eof():
            transport.write_eof()
        flow.resume_reading()

        def end() -> None:
            if self._goes_on and not patience.is_over() and not transport.is_closing():
                self._goes_on = False
                loop.call_later(LINGER, end)
            else:
                transport.close()

        loop.call_later(LINGER, end)
