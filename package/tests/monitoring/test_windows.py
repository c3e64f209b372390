"""Windows of a log: every row in one of them, gaps named, odd spellings refused."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classification_model.errors import InputError
from classification_model.monitoring.windows import MOST_EMPTY, Window, cut, moment_of, read_window

MINUTE = 60_000_000
DAY = 24 * 60 * MINUTE
#: 2026-11-16, a Monday.
MONDAY = 20_773 * DAY

moments = st.lists(st.integers(-(10**15), 4 * 10**15), max_size=60).map(sorted)
windows = st.sampled_from(["1", "2", "7", "500", "1m", "30m", "12h", "1d", "7d", "3w", "999999999w"])


def cut_at(times: list[int], window: str) -> list[Window]:
    """Cut rows of some times."""
    return cut(np.array(times, dtype=np.int64), window)


@given(moments, windows)
def test_windows_partition_the_rows(times: list[int], window: str) -> None:
    """Each row is in exactly one window, in order, the last row included, and within the window's times."""
    found = cut_at(times, window)
    assert [row for one in found for row in range(one.start, one.stop)] == list(range(len(times)))
    for one in found:
        assert (one.empty > 0) == (one.start == one.stop)
        for row in range(one.start, one.stop):
            assert one.begin <= times[row] <= one.end


@given(moments, st.sampled_from(["1m", "30m", "12h", "7d"]))
def test_windows_of_time_leave_no_time_out(times: list[int], window: str) -> None:
    """Each window of time begins where the one before it ends, and empty ones are never many."""
    found = cut_at(times, window)
    assert all(one.end == after.begin for one, after in pairwise(found))
    assert len(found) <= max(1, len(times)) * (1 + MOST_EMPTY)


@pytest.mark.parametrize("rows", [1, 499, 500, 501, 1000, 1001])
def test_windows_of_a_number_of_rows_are_full_but_for_the_last(rows: int) -> None:
    """The last window holds what is left, be it one row."""
    sizes = [one.stop - one.start for one in cut_at(list(range(rows)), "500")]
    assert sizes == [500] * (rows // 500) + [rows % 500] * (rows % 500 > 0)


def test_no_rows_make_no_windows() -> None:
    """An empty log has no windows."""
    assert cut_at([], "500") == cut_at([], "12h") == []


def test_a_row_at_a_boundary_belongs_to_the_window_that_begins_there() -> None:
    """Windows hold their first moment and not their end."""
    found = cut_at([MONDAY - 1, MONDAY, MONDAY + DAY - 1, MONDAY + DAY], "1d")
    assert [(one.start, one.stop) for one in found] == [(0, 1), (1, 3), (3, 4)]


def test_weeks_begin_on_monday() -> None:
    """A week is from Monday to Monday in UTC, whatever the first row's time."""
    (one,) = cut_at([MONDAY + 3 * DAY], "1w")
    assert (one.begin, one.end) == (MONDAY, MONDAY + 7 * DAY)


def test_short_gaps_are_windows_and_long_ones_are_one() -> None:
    """A gap of some windows shows each, a gap of years of minutes shows one that says how many it stands for."""
    short = cut_at([MONDAY, MONDAY + 3 * MINUTE], "1m")
    assert [one.empty for one in short] == [0, 1, 1, 0]
    years = cut_at([MONDAY, MONDAY + 3650 * DAY], "1m")
    assert [one.empty for one in years] == [0, 3650 * 24 * 60 - 1, 0]


@pytest.mark.parametrize("window", ["", "0", "-5", "12 h", "1.5d", "5y", "h", "d7", "٣", "1234567890", "7d\n"])
def test_other_spellings_are_refused(window: str) -> None:
    """What is no window is an error that shows how one is spelt."""
    with pytest.raises(InputError, match=r"expected a window such as 500 \(predictions\), 30m, 12h, 7d or 2w, found"):
        read_window(window)


def test_moments_out_of_range_are_the_nearest_dates() -> None:
    """The end of a window of a million years is the last date that there is."""
    assert moment_of(MONDAY).isoformat() == "2026-11-16T00:00:00+00:00"
    assert moment_of(10**19).year == 9999
    assert moment_of(-(10**19)).year == 1
