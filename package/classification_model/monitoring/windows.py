"""Cut the rows of a log into windows of a number of predictions or of a time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from classification_model.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: A run of more empty windows than this is one gap.
MOST_EMPTY = 10
_SPELLING = re.compile(r"([1-9][0-9]{0,8})([mhdw]?)", re.ASCII)
_MINUTES = {"m": 1, "h": 60, "d": 24 * 60, "w": 7 * 24 * 60}
_MINUTE = 60_000_000
_MOST_MINUTES = 10_000 * 366 * 24 * 60
#: A Monday, in microseconds since 1970: days, and weeks, begin where people expect them to.
_ORIGIN = 4 * 24 * 60 * _MINUTE
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Window:
    """Some rows that follow each other in time.

    Attributes
    ----------
    start, stop
        Number of the first row, and of the one after the last.
    begin, end
        Of windows of time, the first moment and the one after the last, in microseconds since 1970 UTC; of windows
        of a number of rows, the moments of the first and of the last row.
    empty
        Number of windows without rows that this one stands for; 0 where there are rows.
    """

    start: int
    stop: int
    begin: int
    end: int
    empty: int = 0


def cut(moments: NDArray[np.int64], window: str) -> list[Window]:
    """Cut rows into windows; each row is in exactly one, the last row included.

    Parameters
    ----------
    moments
        When each row was predicted, in microseconds since 1970 UTC, in order, shape (n_rows,).
    window
        Number of rows, such as ``500``, or span of time, such as ``30m``, ``12h``, ``7d`` or ``2w``. Spans begin at
        whole multiples from a Monday, UTC, so that a later report has the same ones.

    Returns
    -------
    list of Window
        In order. Spans without rows between others are there, a run of more than ten as one.

    Raises
    ------
    InputError
        If the window is spelt otherwise.
    """
    size, unit = read_window(window)
    rows = len(moments)
    if not rows:
        return []
    if not unit:
        starts = range(0, rows, size)
        return [
            Window(start, stop, int(moments[start]), int(moments[stop - 1]))
            for start in starts
            for stop in [min(start + size, rows)]
        ]
    span = span_of(size, unit)
    numbers, starts_of = np.unique((moments - _ORIGIN) // span, return_index=True)
    stops = np.append(starts_of[1:], rows)
    windows: list[Window] = []
    for number, start, stop in zip(numbers.tolist(), starts_of.tolist(), stops.tolist(), strict=True):
        if windows:
            windows += _between(windows[-1].end, _ORIGIN + number * span, span, start)
        begin = _ORIGIN + number * span
        windows.append(Window(start, stop, begin, begin + span))
    return windows


def _between(begin: int, end: int, span: int, row: int) -> list[Window]:
    """Return the empty windows from one moment to another, all in one where there are many."""
    count = (end - begin) // span
    if count > MOST_EMPTY:
        return [Window(row, row, begin, end, count)]
    return [Window(row, row, at, at + span, 1) for at in range(begin, end, span)]


def read_window(window: str) -> tuple[int, str]:
    """Return size and unit of a window; the unit of a number of rows is empty.

    Raises
    ------
    InputError
        If it is spelt otherwise.
    """
    match = _SPELLING.fullmatch(window)
    if match is None:
        msg = f"expected a window such as 500 (predictions), 30m, 12h, 7d or 2w, found {window[:60]!r}"
        raise InputError(msg)
    return int(match[1]), match[2]


def span_of(size: int, unit: str) -> int:
    """Return how long a window of time is, in microseconds; ten thousand years at most, which hold every date."""
    return min(size * _MINUTES[unit], _MOST_MINUTES) * _MINUTE


def moment_of(microseconds: int) -> datetime:
    """Return a moment as a datetime in UTC, the nearest that there is where it is out of the range of dates."""
    try:
        return _EPOCH + timedelta(microseconds=microseconds)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC) if microseconds > 0 else datetime.min.replace(tzinfo=UTC)
