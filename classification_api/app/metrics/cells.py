"""Cells that hold the values of metrics, and their storage in a single process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Literal, Protocol

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.utils import floatToGoString

_write: Any = floatToGoString  # has no types


class Cells(Protocol):
    """Cells that are updated in place: a list, or a view of a file."""

    def __getitem__(self, place: int, /) -> float: ...

    def __setitem__(self, place: int, value: float, /) -> None: ...


@dataclass(frozen=True, slots=True)
class Family:
    """A metric with all its series.

    Attributes
    ----------
    kind
        Type in Prometheus.
    name
        Name without ``_total``.
    text
        HELP text.
    labels
        Names of the labels.
    bounds
        Upper bounds of a histogram's buckets; one more bucket counts larger values.
    """

    kind: Literal["counter", "gauge", "histogram"]
    name: str
    text: str
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()

    def edges(self) -> list[str]:
        """Return the bounds of a histogram's buckets as Prometheus writes them."""
        return [_write(bound) for bound in (*self.bounds, float("inf"))]


class Kept(Protocol):
    """Storage of cells."""

    def find(self, family: Family, labels: tuple[str, ...]) -> tuple[Cells, tuple[int, ...]]:
        """Return the cells of one series and its places in them; create the series if needed.

        A histogram has one place for the sum and one for each bucket, without the counts of lower buckets. Any other
        metric has one place.
        """

    def collect(self) -> Iterable[Metric]:
        """Return the metrics for a registry."""


class MemoryCells:
    """Cells in the memory of a single process."""

    def __init__(self) -> None:
        self._series: dict[Family, dict[tuple[str, ...], list[float]]] = {}

    def find(self, family: Family, labels: tuple[str, ...]) -> tuple[Cells, tuple[int, ...]]:
        """Return the cells of one series; see `Kept.find`."""
        count = 2 + len(family.bounds) if family.kind == "histogram" else 1
        cells = self._series.setdefault(family, {}).setdefault(labels, [0.0] * count)
        return cells, tuple(range(count))

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        for family, series in list(self._series.items()):
            if family.kind == "histogram":
                histogram = HistogramMetricFamily(family.name, family.text, labels=family.labels)
                for labels, (total, *counts) in list(series.items()):
                    buckets = list(zip(family.edges(), accumulate(counts), strict=True))
                    histogram.add_metric(labels, buckets, total)
                yield histogram
                continue
            kind = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
            metric = kind(family.name, family.text, labels=family.labels)
            for labels, (value,) in list(series.items()):
                metric.add_metric(labels, value)
            yield metric
