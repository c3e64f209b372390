"""A challenger in the shadow: it predicts the rows that were answered, unseen, and is compared with who answered."""

from __future__ import annotations

import logging
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from classification_model.errors import ClassificationModelError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from classification_model.predict import Predictor
    from classification_model.runtime.store.reader import StoreReader

    from app.metrics import Metrics

logger = logging.getLogger(__name__)

#: At most so many offers wait, each with the rows of a request or of a few; what comes then is dropped.
MOST_OFFERS = 100
#: Rows that are predicted at a time: Python runs one thread at a time, and requests are not to wait for long.
AT_ONCE = 64
#: How long the thread rests after each time, in seconds, so that requests come first.
REST = 0.001
#: How long a challenger that cannot be loaded is left alone, in seconds.
TRIED_EVERY = 30.0


class Shadow:
    """Lets a version of the store predict what was answered, in a thread of its own, and counts how often both agree.

    A lower priority in the system would do harm: the thread could be kept waiting while it holds Python's lock, and
    requests with it. So it does little at a time and rests in between.

    Parameters
    ----------
    store
        Where the challenger is.
    version
        Which one it is.
    metrics
        Where it is counted how often both agree, and what was dropped.
    """

    def __init__(self, store: StoreReader, version: str, metrics: Metrics) -> None:
        self._store = store
        self._version = version
        self._metrics = metrics
        self._waiting: Queue[tuple[Sequence[dict[str, Any]], Sequence[str], str]] = Queue(MOST_OFFERS)
        self._ended = Event()
        self._thread: Thread | None = None

    def start(self) -> None:
        """Begin to predict."""
        self._ended.clear()
        self._thread = Thread(target=self._run, name="shadow", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End without predicting what waits; what is being predicted is waited for."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def offer(self, rows: Sequence[dict[str, Any]], labels: Sequence[str], version: str) -> None:
        """Let the challenger predict rows, when there is time; from any thread, and never waiting.

        Parameters
        ----------
        rows
            Values by column, as they were asked for; they must not change any more.
        labels
            What was answered, a label a row.
        version
            Of the model that answered. The challenger itself is not compared with itself.
        """
        if version == self._version:
            return
        try:
            self._waiting.put_nowait((rows, labels, version))
        except Full:
            self._metrics.shadowed(version, self._version, "dropped", len(labels))

    def _run(self) -> None:
        challenger = self._load()
        while challenger is not None and not self._ended.is_set():
            try:
                rows, labels, version = self._waiting.get(timeout=0.2)
            except Empty:
                continue
            for start in range(0, len(rows), AT_ONCE):
                part = slice(start, start + AT_ONCE)
                self._compare(challenger, rows[part], labels[part], version)
                if self._ended.wait(REST):
                    return

    def _load(self) -> Predictor | None:
        """Return the challenger, tried until it can be loaded; None where the end came first."""
        told = ""
        while not self._ended.is_set():
            try:
                return self._store.load(self._version)
            except ClassificationModelError as error:
                reason = str(error)
            except Exception as error:  # noqa: BLE001 - whatever breaks, requests are answered
                reason = type(error).__name__
            if reason != told:
                told = reason
                logger.error("version %s cannot be compared in the shadow: %s", self._version, reason)
            self._ended.wait(TRIED_EVERY)
        return None

    def _compare(
        self, challenger: Predictor, rows: Sequence[dict[str, Any]], labels: Sequence[str], version: str
    ) -> None:
        try:
            predicted = challenger.predict(list(rows))["predictions"]
        except Exception:
            logger.exception("version %s failed in the shadow", self._version)
            self._metrics.shadowed(version, self._version, "failed", len(labels))
            return
        failed = predicted.count(None)
        agreed = sum(one == other for one, other in zip(predicted, labels, strict=True))
        counts = {"agree": agreed, "disagree": len(labels) - agreed - failed, "failed": failed}
        for outcome, count in counts.items():
            if count:
                self._metrics.shadowed(version, self._version, outcome, count)
