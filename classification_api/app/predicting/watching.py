"""Watch the model store: load and verify a new version, then serve it."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from time import monotonic
from typing import TYPE_CHECKING

from app.served_models import Fault

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from watchfiles.main import FileChange

    from app.predicting.predictions import Predictions
    from app.served_models import ServingModel

logger = logging.getLogger(__name__)

#: Seconds between checks of the store when no change is reported.
LOOKED_EVERY = 3.0
#: Milliseconds within which changes count as one: without further changes, and at most.
STEP = 50
LONGEST_STEP = 200
#: Milliseconds between polls of a file system that does not report changes.
POLLED_EVERY = 1000
#: Seconds before a failed version is retried if nothing changes: at first, and at most; the wait doubles each time.
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0


class Watching:
    """Follows the current version of a store; the old model serves until the new one is verified.

    Parameters
    ----------
    predictions
        Given each new model, or why it cannot be served.
    """

    def __init__(self, predictions: Predictions) -> None:
        self._predictions = predictions
        self._models = models = predictions.models
        self._metrics = predictions.metrics
        self._polling = predictions.settings.model_store_polling
        self._stopped = asyncio.Event()
        self._failed: tuple[str | None] | None = None if models.fault is None else (models.fault.version,)
        self._wait = FIRST_WAIT
        self._again_at = 0.0

    async def run(self) -> None:
        """Watch until `stop`."""
        store = self._models.store
        if store is None:
            return
        async with aclosing(self._changes(store.folder)) as changes:
            async for is_change in changes:
                if self._stopped.is_set():
                    return
                try:
                    await self._look(is_change=is_change)
                except Exception:  # whatever breaks, the store is checked again
                    logger.exception("the model store could not be checked")

    def stop(self) -> None:
        """Make `run` return."""
        self._stopped.set()

    async def _changes(self, folder: Path) -> AsyncGenerator[bool]:
        """Yield whether a folder has changed, at least every few seconds; it may not exist yet."""
        told = ""
        while not self._stopped.is_set():
            try:
                async with aclosing(self._awatch(folder)) as watched:
                    async for changes in watched:
                        yield bool(changes)
            except (OSError, RuntimeError) as error:  # the folder is missing, or the system has no watches left
                if told != str(error):
                    told = str(error)
                    logger.warning("the model store is checked every %g s, not watched: %s", LOOKED_EVERY, error)
            if await self._is_stopped_within(LOOKED_EVERY):
                return
            yield False

    def _awatch(self, folder: Path) -> AsyncGenerator[set[FileChange]]:
        from watchfiles import awatch  # noqa: PLC0415 - the import takes 50 ms, and only a store needs it

        return awatch(
            folder,
            watch_filter=None,
            debounce=LONGEST_STEP,
            step=STEP,
            stop_event=self._stopped,
            rust_timeout=int(LOOKED_EVERY * 1000),
            yield_on_timeout=True,
            force_polling=self._polling,
            poll_delay_ms=POLLED_EVERY,
            recursive=not self._polling,  # polling each file of a network volume would take long
        )

    async def _is_stopped_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._stopped.wait(), seconds)
        except TimeoutError:
            return False
        return True

    async def _look(self, *, is_change: bool) -> None:
        """Load and serve the store's current version, unless it serves already; retry a failed one now and then."""
        wanted = await asyncio.to_thread(self._models.wanted)
        serving = self._models.current
        if serving is not None and serving.version == wanted:
            lost = await asyncio.to_thread(self._models.lost, serving.version)
            if lost is None:
                self._settle()
            else:
                self._predictions.use(lost)
            return
        key = (None if isinstance(wanted, Fault) else wanted,)
        if key == self._failed and not is_change and monotonic() < self._again_at:
            return
        if isinstance(wanted, Fault):
            outcome: ServingModel | Fault = wanted
        else:
            outcome = await asyncio.to_thread(self._models.load, wanted)
            self._metrics.reloaded("failed" if isinstance(outcome, Fault) else "ok")
        self._predictions.use(outcome)
        if isinstance(outcome, Fault):
            self._put_off(key)
        else:
            self._settle()
            logger.info("serving version %s", outcome.version)

    def _settle(self) -> None:
        """Clear the record of a failure: the current version serves."""
        self._models.fault = None
        self._failed, self._wait = None, FIRST_WAIT

    def _put_off(self, key: tuple[str | None]) -> None:
        """Schedule the next attempt at a failed version; double the wait each time."""
        self._wait = min(2 * self._wait, LONGEST_WAIT) if key == self._failed else FIRST_WAIT
        self._failed = key
        self._again_at = monotonic() + self._wait
