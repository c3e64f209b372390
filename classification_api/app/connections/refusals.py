"""Close the connection of a refused client, with time to read the reply."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

    from uvicorn.protocols.http.flow_control import FlowControl

    from app.connections.timeouts import Patience
    from app.problem_details import Problem

#: Seconds between checks whether a refused client still sends: time to read the reply. The connection is closed when it
#: has stopped, or when it has taken as long as a request may: closing earlier could lose the reply.
LINGER = 1.0


class Refusal:
    """State of a connection that was refused; further bytes are not parsed.

    Parameters
    ----------
    problem
        Error to send.

    Attributes
    ----------
    problem
        Error yet to be sent, after the replies to earlier requests; None once it was sent.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem: Problem | None = problem
        self._goes_on = False

    def hear(self) -> None:
        """Record that the client is still sending."""
        self._goes_on = True

    def linger(
        self,
        loop: asyncio.AbstractEventLoop,
        transport: asyncio.Transport,
        flow: FlowControl,
        patience: Patience,
    ) -> None:
        """End the sending side, discard what the client still sends, and close the connection after a while."""
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
