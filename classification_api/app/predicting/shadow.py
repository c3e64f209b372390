"""Shadow mode: a challenger predicts the same rows in the background and is compared with the serving model."""

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

#: Most batches of rows in the queue; further ones are dropped.
MOST_OFFERS = 100
#: Rows predicted at a time; few, since requests wait for the interpreter lock meanwhile.
AT_ONCE = 64
#: Seconds to pause after each prediction, so that requests come first.
REST = 0.001
#: Seconds between attempts to load a challenger that cannot be loaded.
TRIED_EVERY = 30.0


class Shadow:
    """Predicts answered rows with another version, in its own thread, and counts how often both models agree.

    The thread predicts a few rows at a time and pauses in between. A lower priority in the system would be worse: the
    thread could be suspended while it holds the interpreter lock, and all requests would wait for it.

    Parameters
    ----------
    store
        Store that contains the challenger.
    version
        Version of the challenger.
    metrics
        Where rows are counted: agreeing, disagreeing, failed or dropped.
    """

    def __init__(self, store: StoreReader, version: str, metrics: Metrics) -> None:
        self._store = store
        self._version = version
        self._metrics = metrics
        self._waiting: Queue[tuple[Sequence[dict[str, Any]], Sequence[str], str]] = Queue(MOST_OFFERS)
        self._ended = Event()
        self._thread: Thread | None = None

    def start(self) -> None:
        """Start the thread."""
        self._ended.clear()
        self._thread = Thread(target=self._run, name="shadow", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop the thread after the rows that it is predicting; the queue is dropped."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def offer(self, rows: Sequence[dict[str, Any]], labels: Sequence[str], version: str) -> None:
        """Queue rows for the challenger without blocking; callable from any thread.

        Parameters
        ----------
        rows
            Values by column, as requested; do not modify them afterwards.
        labels
            Label answered for each row.
        version
            Version of the model that answered; if it is the challenger's, the rows are ignored.
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
        """Load the challenger, retrying until it succeeds; return None if stopped first."""
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
                logger.error("the shadow version %s cannot be loaded: %s", self._version, reason)
            self._ended.wait(TRIED_EVERY)
        return None

    def _compare(
        self, challenger: Predictor, rows: Sequence[dict[str, Any]], labels: Sequence[str], version: str
    ) -> None:
        try:
            predicted = challenger.predict(list(rows))["predictions"]
        except Exception:
            logger.exception("the shadow version %s failed to predict", self._version)
            self._metrics.shadowed(version, self._version, "failed", len(labels))
            return
        failed = predicted.count(None)
        agreed = sum(one == other for one, other in zip(predicted, labels, strict=True))
        counts = {"agree": agreed, "disagree": len(labels) - agreed - failed, "failed": failed}
        for outcome, count in counts.items():
            if count:
                self._metrics.shadowed(version, self._version, outcome, count)
