"""The logs of predictions and of labels: written before they are answered, or the answer is that they could not be."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from classification_model.errors import LogUnavailableError
from classification_model.runtime.log.label_log import LabelLog
from classification_model.runtime.log.prediction_log import PredictionLog

from app.problem_details import Problem

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Future

    from app.metrics import Metrics
    from app.settings import Settings

logger = logging.getLogger(__name__)

#: Told whether lines are on record, once that is known.
Done = Callable[[bool], None]
#: Puts lines on record.
Write = Callable[[bytes, Done], None]


class PredictionLogs:
    """Writes the prediction log and the label log of one process.

    With the durability ``os`` a write takes microseconds and happens where it is asked for. With ``disk`` a thread
    does it; what comes while the disk is busy goes there together.

    Parameters
    ----------
    settings
        Where the logs are, and how durable.
    metrics
        Where it is counted what fails, and what was repaired.

    Attributes
    ----------
    is_failing
        Whether the last attempt to write failed.
    """

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._metrics = metrics
        self._waits = settings.log_durability == "disk"
        self.is_failing = False
        self._predictions: PredictionLog | None = None
        self._labels: LabelLog | None = None
        if settings.log_folder is not None:
            sizes = {"file_size": int(settings.log_file_size), "kept_size": int(settings.log_kept_size)}
            self._predictions = PredictionLog(settings.log_folder, durability=settings.log_durability, **sizes)
            self._labels = LabelLog(settings.log_folder, durability=settings.log_durability, **sizes)
        self._waiting: list[tuple[bytes, Done]] = []
        self._is_committing = False

    @property
    def are_kept(self) -> bool:
        """Whether there is a log at all."""
        return self._predictions is not None

    def start(self, loop: AbstractEventLoop) -> None:
        """Begin to write, after what a killed process left behind was repaired; a failure is told by `is_failing`."""
        self._loop = loop
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="prediction-log")
        for log in (self._predictions, self._labels):
            if log is not None:
                try:
                    self._metrics.log_repaired(len(log.open()))
                except LogUnavailableError as error:
                    self._fail(error)

    def _append(self, lines: bytes) -> None:
        if self._predictions is not None:
            try:
                self._predictions.append(lines)
            except LogUnavailableError as error:
                raise self._fail(error) from error
            self.is_failing = False

    def write_then(self, lines: bytes, done: Done) -> None:
        """Put predictions on record in the thread of the event loop, which does not wait for the disk.

        Parameters
        ----------
        lines
            Their records.
        done
            Called in the thread of the event loop, at once or later.
        """
        if self._waits and self._predictions is not None:
            self._waiting.append((lines, done))
            if not self._is_committing:
                self._commit()
            return
        self.write_now(lines, done)

    def write_now(self, lines: bytes, done: Done) -> None:
        """Put predictions on record in any thread, which waits for the disk where that is asked for.

        Parameters
        ----------
        lines
            Their records.
        done
            Called in the same thread, at once.
        """
        try:
            self._append(lines)
        except Problem:
            done(False)
        else:
            done(True)

    def _commit(self) -> None:
        """Let the thread write what has gathered."""
        self._is_committing = True
        taken, self._waiting = self._waiting, []
        future = self._loop.run_in_executor(self._thread, self._append, b"".join(lines for lines, _ in taken))
        future.add_done_callback(partial(self._committed, taken))

    def _committed(self, taken: list[tuple[bytes, Done]], future: Future[None]) -> None:
        is_recorded = future.exception() is None
        for _, done in taken:
            done(is_recorded)
        if self._waiting:
            self._commit()
        else:
            self._is_committing = False

    def add_labels(self, labels: Sequence[tuple[str, str]]) -> None:
        """Put labels on record, each with the name of its prediction.

        Raises
        ------
        Problem
            If they cannot be written, or there is no log.
        """
        if self._labels is None:
            remedy = "set LOG_FOLDER"
            raise Problem("log_unavailable", "expected a log to put labels into, there is none", remedy=remedy)
        try:
            self._labels.add(labels, "feedback")
        except LogUnavailableError as error:
            raise self._fail(error) from error

    def check(self) -> None:
        """Try whether the log can be written again, where it could not.

        Raises
        ------
        Problem
            If it cannot.
        """
        if self.is_failing and self._predictions is not None:
            try:
                self._predictions.check()
            except LogUnavailableError as error:
                raise unavailable() from error
            self.is_failing = False

    def _fail(self, error: LogUnavailableError) -> Problem:
        """Say once, and count each time, that the log cannot be written."""
        if not self.is_failing:
            logger.error("%s", error)
        self.is_failing = True
        self._metrics.log_failed()
        return unavailable()

    def close(self) -> None:
        """End the files."""
        self._thread.shutdown()
        for log in (self._predictions, self._labels):
            if log is not None:
                log.close()


def unavailable() -> Problem:
    """Return what a client is told whose predictions or labels cannot be put on record."""
    detail = "the log cannot be written, and nothing is answered that is not on record; the server's log says why"
    return Problem("log_unavailable", detail, headers=((b"retry-after", b"1"),))
