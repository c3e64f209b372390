"""Go on serving for a while after SIGTERM, and say that the server is not ready.

A load balancer sends requests to a server until it has seen that this one is not ready. Until then they are answered as
before.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from enum import IntEnum
from multiprocessing import get_context
from time import monotonic
from typing import TYPE_CHECKING, Any

from uvicorn import Config, Server

if TYPE_CHECKING:
    from collections.abc import Callable

#: Seconds that a worker which is told to stop waits to hear from its supervisor whether the server drains.
HEARD_WITHIN = 5.0

#: Seconds after the end of draining within which the supervisor ends listening, or is taken for dead.
CLOSED_WITHIN = 5.0

#: Seconds between looks at what ends draining; uvicorn's own step.
STEP = 0.1

logger = logging.getLogger("uvicorn.error")


class Stage(IntEnum):
    """What a supervisor tells its workers."""

    SERVING = 0
    DRAINING = 1
    CLOSED = 2


class SupervisedConfig(Config):
    """uvicorn's configuration of several workers, which share what their supervisor tells them.

    Attributes
    ----------
    shared_stage
        Its ``value`` is a `Stage`. It has no lock, so that a signal handler can set it.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.shared_stage = get_context("spawn").RawValue("b", Stage.SERVING)  # the context of uvicorn's workers


class Draining:
    """The time between SIGTERM and the end of listening.

    Parameters
    ----------
    seconds
        How long it is; 0 for none.

    Attributes
    ----------
    has_begun
        Whether the server is to be called not ready.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.has_begun = False

    async def wait(self, server: Server) -> None:
        """Wait until a server that was told to stop may stop listening; SIGINT ends the wait at once.

        A worker waits until its supervisor has ended listening for all. It does not drain if it alone is told to stop,
        since the others go on.
        """
        told = server._captured_signals  # it does not say otherwise which signal came
        if not self._seconds or signal.SIGTERM not in told or signal.SIGINT in told:
            return
        ends = monotonic() + self._seconds
        stage = server.config.shared_stage if isinstance(server.config, SupervisedConfig) else None
        if stage is not None:
            await _serve_until(server, monotonic() + HEARD_WITHIN, lambda: stage.value != Stage.SERVING)
            if stage.value != Stage.DRAINING:
                return
            ends += CLOSED_WITHIN
        self.has_begun = True
        logger.info("Draining: not ready, and serving for %g more seconds", self._seconds)
        await _serve_until(server, ends, lambda: stage is not None and stage.value == Stage.CLOSED)
        server.force_exit = False  # a SIGINT has ended the drain; requests in progress finish, unless another one comes


async def _serve_until(server: Server, deadline: float, is_over: Callable[[], bool]) -> None:
    """Let the server serve until a deadline, a condition or SIGINT."""
    counter = 0
    while (left := deadline - monotonic()) > 0 and not server.force_exit and not is_over():
        await asyncio.sleep(min(STEP, left))
        counter += 1
        await server.on_tick(counter)  # keeps the header Date right
