"""Moments in every format, by their digits and as epochs."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from classification_model.runtime.input.moments import read_moment, spell_moment
from classification_model.runtime.input.values import NO_MARKS, UnreadableValue

DAY = datetime(2019, 3, 25, tzinfo=UTC).timestamp()
AFTERNOON = datetime(2019, 3, 25, 14, 5, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("value", "pattern", "seconds"),
    [
        ("2019-03-25", None, DAY),
        ("2019-03-25T14:05Z", None, AFTERNOON),
        ("2019-03-25 14:05 UTC", None, AFTERNOON),
        ("2019-03-25 14:05:00GMT", None, AFTERNOON),
        ("2019-03-25T15:05+01:00", None, AFTERNOON),
        ("2019-3-25", "%Y-%m-%d", DAY),
        ("25-03-2019 14:05", "%d-%m-%Y %H:%M", AFTERNOON),
        ("3/25/2019 2:05 PM", "%m/%d/%Y %I:%M %p", AFTERNOON),
        ("3/25/2019 2:05 PM UTC", "%m/%d/%Y %I:%M %p", AFTERNOON),
        ("25 Mar 2019", "%d %b %Y", DAY),
        ("March 25, 2019", "%B %d, %Y", DAY),
        ("Mar-19", "%b-%y", datetime(2019, 3, 1, tzinfo=UTC).timestamp()),
        ("25.03.69", "%d.%m.%y", datetime(1969, 3, 25, tzinfo=UTC).timestamp()),
        ("25.03.68", "%d.%m.%y", datetime(2068, 3, 25, tzinfo=UTC).timestamp()),
        ("2019-03-25T14:05:00Z", "%Y-%m-%dT%H:%M:%SZ", AFTERNOON),
        ("20190325", "%Y%m%d", DAY),
        (20190325, "%Y%m%d", DAY),
        (20190325.0, "%Y%m%d", DAY),
        (1032019, "%d%m%Y", datetime(2019, 3, 1, tzinfo=UTC).timestamp()),
        ("1032019", "%d%m%Y", datetime(2019, 3, 1, tzinfo=UTC).timestamp()),
        (90115, "%y%m%d", datetime(2009, 1, 15, tzinfo=UTC).timestamp()),
        (np.int64(20190325), "%Y%m%d", DAY),
        (int(AFTERNOON), "unix_s", AFTERNOON),
        (AFTERNOON + 0.5, "unix_s", AFTERNOON + 0.5),
        (str(int(AFTERNOON)), "unix_s", AFTERNOON),
        (f"{int(AFTERNOON)}.0", "unix_s", AFTERNOON),
        (int(AFTERNOON * 1000), "unix_ms", AFTERNOON),
        ("-1000", "unix_ms", -1.0),
        (datetime(2019, 3, 25, tzinfo=UTC), "unix_s", DAY),
    ],
)
def test_a_moment_is_read_by_its_format(value: Any, pattern: str | None, seconds: float) -> None:
    """Named zones, unpadded and named months, halves of the day, digits and epochs."""
    assert read_moment(value, NO_MARKS, pattern) == seconds


@pytest.mark.parametrize(
    ("value", "pattern", "message"),
    [
        ("25.13.2019", "%d.%m.%Y", "expected a date as %d.%m.%Y"),
        (20190325, None, "expected a date, found a value of type int"),
        (20190325, "%d.%m.%Y", "expected a date, found a value of type int"),
        (20191325, "%Y%m%d", "expected a date as %Y%m%d"),
        (201903250, "%Y%m%d", "expected a date as %Y%m%d"),
        (20190325.5, "%Y%m%d", "expected a date, found a value of type float"),
        (True, "unix_s", "expected a date, found a value of type bool"),
        ("today", "unix_s", "expected seconds since 1970"),
        ("1e9", "unix_s", "expected seconds since 1970"),
        (10**15, "unix_s", "expected a date of the years 1 to 9999"),
        (2**60, "unix_ms", "expected a date, found a value of type int"),
        (float("inf"), "unix_s", "expected a date, found a value of type float"),
        ("2019-03-25 14:05 CET", None, "expected a date as in ISO 8601"),
        ("UTC", None, "expected a date as in ISO 8601"),
    ],
)
def test_what_is_no_moment_is_refused(value: Any, pattern: str | None, message: str) -> None:
    """The message says what was expected."""
    with pytest.raises(UnreadableValue, match="^" + message.replace(".", r"\.")):
        read_moment(value, NO_MARKS, pattern)


@pytest.mark.parametrize(
    ("marks", "value", "pattern"),
    [
        ({"1900-01-01"}, "1900-01-01T00:00", None),
        ({"1900-01-01"}, datetime(1900, 1, 1, tzinfo=UTC), None),
        ({"01.01.1900"}, "1.1.1900", "%d.%m.%Y"),
        ({"0"}, 0, "unix_s"),
        ({"0"}, "0.0", "unix_s"),
        ({"19000101"}, 19000101, "%Y%m%d"),
        ({"0000-00-00"}, "0000-00-00", None),
        ({"1-jan-1900"}, "01-JAN-1900", "%d-%b-%Y"),
    ],
)
def test_a_mark_stands_for_its_moment(marks: set[str], value: Any, pattern: str | None) -> None:
    """However the moment is spelled, and whether it comes as text or not."""
    assert read_moment(value, frozenset(marks), pattern) is None
    assert (
        read_moment("2019-03-25" if pattern is None else spell_moment(DAY, pattern), frozenset(marks), pattern) == DAY
    )


@pytest.mark.parametrize("pattern", ["unix_s", "unix_ms", "%Y%m%d", "%b-%y", "%d-%m-%Y %I:%M %p", None])
def test_what_is_spelled_is_read_again(pattern: str | None) -> None:
    """A moment that the format can say comes back."""
    moment = datetime(2019, 3, 1, tzinfo=UTC).timestamp()
    assert read_moment(spell_moment(moment, pattern), NO_MARKS, pattern) == moment


def test_an_epoch_keeps_its_fraction() -> None:
    """Half a second is spelled and read."""
    assert read_moment(spell_moment(1.5, "unix_s"), NO_MARKS, "unix_s") == 1.5
    assert spell_moment(1.5, "unix_ms") == "1500"
