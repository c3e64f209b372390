"""Write labels and values of a table for a plot or a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_LONGEST_LABEL = 24


def short_label(label: str) -> str:
    """Return a label in one line, cut where it is long, as it may stand in a legend."""
    line = " ".join(label.split())
    cut = line if len(line) <= _LONGEST_LABEL else f"{line[: _LONGEST_LABEL - 3]}..."
    return f" {cut}" if cut.startswith("_") else cut  # a legend leaves out what begins with _


def short_labels(labels: Iterable[str]) -> tuple[str, ...]:
    """Return labels as `short_label` does."""
    return tuple(map(short_label, labels))
