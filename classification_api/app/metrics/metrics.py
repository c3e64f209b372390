"""Metrics for Prometheus: requests, predictions, the served model, reloads.

Counting adds to cells that were looked up once. A single process has its cells in a list. One of several workers has
them in a file of `app.metrics.files`, so that any worker can report the sums of all.
"""

from __future__ import annotations

import logging
import os
import time
import weakref
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from threading import Lock, Thread

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, Metric, ProcessCollector, generate_latest
from prometheus_client.registry import Collector

from app.metrics.cells import Cells, Family, Kept, MemoryCells
from app.metrics.files import FileCells
from app.metrics.folder import metrics_directory

__all__ = ["Metrics", "metrics_directory"]

logger = logging.getLogger(__name__)

_P = "classification_api_"
#: Upper bounds of the buckets of durations, in seconds.
BOUNDS = (
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
)  # fmt: skip
REQUESTS = Family("counter", _P + "requests", "Requests answered.", ("route", "status"))
DURATION = Family(
    "histogram", _P + "request_duration_seconds", "Seconds from the first byte to the answer.", ("route",), BOUNDS
)
ROWS = Family("counter", _P + "rows", "Rows in answered requests.", ("route",))
PREDICTIONS = Family("counter", _P + "predictions", "Rows predicted, by predicted label.", ("version", "label"))
RELOADS = Family("counter", _P + "reloads", "Attempts to load another version of the model.", ("outcome",))
LOG_FAILURES = Family("counter", _P + "log_failures", "Failed attempts to log predictions or labels.")
LOG_REPAIRS = Family("counter", _P + "log_repairs", "Repaired log lines that a killed process left torn.")
SHADOW = Family(
    "counter", _P + "shadow_predictions", "Rows offered to the shadow challenger, by whether both models agreed.",
    ("version", "challenger", "outcome"),
)  # fmt: skip
MODEL = Family("gauge", _P + "model_info", "Workers that serve this version of the model.", ("name", "version"))
IN_HAND = Family("gauge", _P + "requests_in_hand", "Prediction requests received and not yet answered.")

#: Seconds between updates of the requests in progress that other workers see.
REFRESHED_EVERY = 1.0
#: Number of labels from which counting them first is faster.
_MANY_LABELS = 24

#: Cells of the requests of a route, of their rows, of their seconds, and of the buckets.
_Route = tuple[Cells, int, Cells, int, Cells, int, tuple[int, ...]]


class Metrics:
    """Counts of one app; every method may be called from any thread.

    Parameters
    ----------
    directory
        Folder that the workers share, from `metrics_directory`; None if the process is the only one.
    """

    def __init__(self, directory: Path | None = None) -> None:
        self._directory = directory
        self._watched: Callable[[], int] | None = None
        self._model: tuple[str, str] | None = None
        self._begin()
        _every.add(self)

    def _begin(self) -> None:
        """Set up the cells of this process."""
        self._lock = Lock()
        self._routes: dict[tuple[str, int], _Route] = {}
        self._labels: dict[str, dict[str, tuple[Cells, int]]] = {}
        self._kept: Kept = MemoryCells()
        self._registry = CollectorRegistry()
        if self._directory is not None:
            try:
                self._kept = FileCells(self._directory)
            except OSError as error:
                logger.warning("metrics show only this worker, the shared folder fails: %s", error.strerror)
        if isinstance(self._kept, MemoryCells):
            ProcessCollector(registry=self._registry)
        self._registry.register(_Collector(self._kept))
        if self._model is not None:
            self._set(MODEL, self._model, 1.0)
        if self._watched is not None:
            self._refresh_in_hand()

    def begin_again(self) -> None:
        """Set up a forked process; files stay the parent's."""
        if isinstance(self._kept, FileCells):
            self._kept.close()
            self._begin()
        else:
            self._lock = Lock()

    def answered(self, route: str, status: int, seconds: float, rows: int = 0) -> None:
        """Count a request that was answered.

        Parameters
        ----------
        route
            Path template, never the path itself, so that there are few series.
        status
            HTTP status.
        seconds
            Duration of the request.
        rows
            Number of rows in it.
        """
        known = self._routes.get((route, status)) or self._meet_route(route, status)
        requests, request, counts, row, durations, total, buckets = known
        bucket = buckets[bisect_left(BOUNDS, seconds)]
        with self._lock:
            requests[request] += 1.0
            durations[total] += seconds
            durations[bucket] += 1.0
            if rows:
                counts[row] += rows

    def predicted(self, version: str, labels: Sequence[str]) -> None:
        """Count the predictions of a batch.

        Parameters
        ----------
        version
            Version of the model.
        labels
            Predicted label of each row.
        """
        known = self._labels.get(version)
        if known is None:
            known = self._labels.setdefault(version, {})
        if len(labels) < _MANY_LABELS:
            found = [known.get(label) or self._meet_label(version, label) for label in labels]
            with self._lock:
                for cells, place in found:
                    cells[place] += 1.0
            return
        for label, count in Counter(labels).items():
            cells, place = known.get(label) or self._meet_label(version, label)
            with self._lock:
                cells[place] += count

    def model_loaded(self, name: str, version: str) -> None:
        """Record the model that this process serves from now on.

        Parameters
        ----------
        name, version
            Name of the problem, and version of its model.
        """
        if self._model is not None:
            self._set(MODEL, self._model, 0.0)
        self._model = (name, version)
        self._set(MODEL, self._model, 1.0)

    def reloaded(self, outcome: str) -> None:
        """Count an attempt to load another version of the model.

        Parameters
        ----------
        outcome
            "ok" or "failed".
        """
        self._count(RELOADS, (outcome,))

    def log_failed(self) -> None:
        """Count a failed attempt to write a log."""
        self._count(LOG_FAILURES)

    def log_repaired(self, count: int) -> None:
        """Count torn lines that were repaired."""
        self._count(LOG_REPAIRS, by=count)

    def shadowed(self, version: str, challenger: str, outcome: str, count: int) -> None:
        """Count rows that were offered to a shadow challenger.

        Parameters
        ----------
        version, challenger
            Version of the model that answered, and of the challenger.
        outcome
            "agree", "disagree", "failed" if the challenger has no prediction, or "dropped" if its queue was full.
        count
            Number of rows.
        """
        self._count(SHADOW, (version, challenger, outcome), by=count)

    def _count(self, family: Family, labels: tuple[str, ...] = (), by: float = 1.0) -> None:
        cells, places = self._find(family, labels)
        with self._lock:
            cells[places[0]] += by

    def watch_in_hand(self, function: Callable[[], int]) -> None:
        """Show the number of requests in progress; that of other workers may be a second old.

        Parameters
        ----------
        function
            Returns the number; called by other threads.
        """
        is_first = self._watched is None
        self._watched = function
        self._show_in_hand()
        if is_first:
            self._refresh_in_hand()

    def render(self) -> tuple[bytes, bytes]:
        """Return the metrics of all workers for Prometheus: body and content type."""
        self._show_in_hand()
        return generate_latest(self._registry), CONTENT_TYPE_PLAIN_0_0_4.encode()

    def _show_in_hand(self) -> None:
        if self._watched is not None:
            self._set(IN_HAND, (), float(self._watched()))

    def _refresh_in_hand(self) -> None:
        """Start a thread that shows the number to other workers."""
        if isinstance(self._kept, FileCells):
            Thread(target=_refresh, args=(weakref.ref(self),), name="metrics-in-hand", daemon=True).start()

    def _set(self, family: Family, labels: tuple[str, ...], value: float) -> None:
        cells, places = self._find(family, labels)
        cells[places[0]] = value

    def _find(self, family: Family, labels: tuple[str, ...]) -> tuple[Cells, tuple[int, ...]]:
        """Return the cells of one series; create it if needed."""
        # A lone surrogate in a label would make every scrape fail.
        clean = tuple([label.encode("utf-8", "replace").decode() for label in labels])
        with self._lock:
            return self._kept.find(family, clean)

    def _meet_route(self, route: str, status: int) -> _Route:
        requests, (request,) = self._find(REQUESTS, (route, str(status)))
        counts, (row,) = self._find(ROWS, (route,))
        durations, (total, *buckets) = self._find(DURATION, (route,))
        known = requests, request, counts, row, durations, total, tuple(buckets)
        self._routes[route, status] = known
        return known

    def _meet_label(self, version: str, label: str) -> tuple[Cells, int]:
        cells, (place,) = self._find(PREDICTIONS, (version, label))
        self._labels[version][label] = cells, place
        return cells, place


class _Collector(Collector):
    """Passes the stored metrics to a registry."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics, without model versions that no worker serves any more."""
        for metric in self._kept.collect():
            if metric.name == MODEL.name:
                metric.samples = [sample for sample in metric.samples if sample.value]
            yield metric


def _refresh(which: weakref.ref[Metrics]) -> None:
    """Update the number of requests in progress regularly, while the metrics exist."""
    while (metrics := which()) is not None:
        metrics._show_in_hand()
        del metrics
        time.sleep(REFRESHED_EVERY)


_every: weakref.WeakSet[Metrics] = weakref.WeakSet()


def _after_fork() -> None:
    for metrics in list(_every):
        metrics.begin_again()


os.register_at_fork(after_in_child=_after_fork)
