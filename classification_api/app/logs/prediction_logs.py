"""Log predictions and labels before their requests are answered; refuse the requests if that fails."""

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

#: Called with whether lines were logged.
Done = Callable[[bool], None]
#: Logs lines, then calls the function.
Write = Callable[[bytes, Done], None]


class PredictionLogs:
    """Writes the prediction log and the label log of one process.

    With the durability ``os``, a write takes microseconds and runs in the caller's thread. With ``disk``, another
    thread writes, and combines the lines that arrive while the disk is busy.

    Parameters
    ----------
    settings
        Folder, sizes and durability of the logs.
    metrics
        Where failures and repairs are counted.

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
        """Whether predictions are logged."""
        return self._predictions is not None

    def start(self, loop: AbstractEventLoop) -> None:
        """Open the logs and repair lines that a killed process left torn; a failure sets `is_failing`."""
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
        """Log predictions from the event loop's thread, without blocking it.

        Parameters
        ----------
        lines
            Encoded records.
        done
            Called in the event loop's thread, at once or later.
        """
        if self._waits and self._predictions is not None:
            self._waiting.append((lines, done))
            if not self._is_committing:
                self._commit()
            return
        self.write_now(lines, done)

    def write_now(self, lines: bytes, done: Done) -> None:
        """Log predictions from any thread; with the durability ``disk``, wait for the disk.

        Parameters
        ----------
        lines
            Encoded records.
        done
            Called in the same thread before this method returns.
        """
        try:
            self._append(lines)
        except Problem:
            done(False)
        else:
            done(True)

    def _commit(self) -> None:
        """Make the thread write the waiting lines."""
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
        """Log labels, each with the ID of its prediction.

        Raises
        ------
        Problem
            If they cannot be written, or there is no log.
        """
        if self._labels is None:
            remedy = "set LOG_FOLDER on the server"
            raise Problem("log_unavailable", "labels are not recorded, since logging is off", remedy=remedy)
        try:
            self._labels.add(labels, "feedback")
        except LogUnavailableError as error:
            raise self._fail(error) from error

    def check(self) -> None:
        """Check whether the log can be written again after a failure.

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
        """Count a failed write, and log the first one."""
        if not self.is_failing:
            logger.error("%s", error)
        self.is_failing = True
        self._metrics.log_failed()
        return unavailable()

    def close(self) -> None:
        """Close the files."""
        self._thread.shutdown()
        for log in (self._predictions, self._labels):
            if log is not None:
                log.close()


def unavailable() -> Problem:
    """Return the 503 for predictions or labels that cannot be logged."""
    detail = "predictions and labels cannot be logged, so requests are refused; the server's log says why"
    return Problem("log_unavailable", detail, headers=((b"retry-after", b"1"),))
