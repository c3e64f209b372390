"""Read dates and times as seconds since 1970-01-01 UTC, and spell them."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

import numpy as np

from classification_model.runtime.input.number_format import TextMarks
from classification_model.runtime.input.values import (
    LARGEST_EXACT_INTEGER,
    LONGEST_PARSED_TEXT,
    NO_DATE,
    UnreadableValue,
    date_of,
    is_missing,
    is_whole,
    text_of,
    type_name,
)

#: The moments that Python's dates can hold, in seconds since 1970 UTC.
MOMENTS = (-62_135_596_800.0, 253_402_300_799.0)
#: Formats of moments that are numbers: how many of a unit make a second.
EPOCHS = {"unix_s": 1, "unix_ms": 1000}

_NAMED_ZONE = re.compile(r"(?<=[\dMm])\s*+(?:UTC|GMT|Z)$", re.IGNORECASE)
_ENDS_OF_ZONES = frozenset("CTZctz")
_DIGITS_ALONE = re.compile("(?:%[YymdHMSj])+")
_NUMBER = re.compile(r"[+-]?\d{1,16}(?:\.\d{0,9})?")


def read_moment(value: Any, marks: frozenset[str], pattern: str | None) -> float | None:
    """Read a date or time as seconds since 1970-01-01 UTC; times without a zone are UTC.

    Parameters
    ----------
    value
        A date, a datetime, or a text: ISO 8601, or as `pattern` says. ``UTC``, ``GMT`` or ``Z`` may follow it.
    marks
        Texts, in lower case, that mean "missing"; a text that spells a moment stands for each spelling of it.
    pattern
        A `datetime.datetime.strptime` format, ``unix_s`` or ``unix_ms`` (seconds or milliseconds since 1970), or None.
        By a format of digits alone, a whole number is read as its digits, such as 20190115 by ``%Y%m%d``.

    Raises
    ------
    UnreadableValue
        If it is no such moment.
    """
    seconds = _seconds(value, marks, pattern)
    return None if seconds is None or (marks and seconds in moments_among(marks, pattern)) else seconds


def takes_numbers(pattern: str | None) -> bool:
    """Tell whether a format reads numbers: of an epoch, or by digits alone, as 20190115 by ``%Y%m%d``."""
    return pattern is not None and (pattern in EPOCHS or _DIGITS_ALONE.fullmatch(pattern) is not None)


def _seconds(value: Any, marks: frozenset[str], pattern: str | None) -> float | None:
    if isinstance(value, str):
        text = text_of(value, marks)
        return None if text is None else _seconds_in(text, pattern)
    if is_missing(value):
        return None
    if isinstance(value, (date, np.datetime64)):
        return _since_1970(date_of(value))
    if takes_numbers(pattern) and not isinstance(value, (bool, np.bool_)):
        number = _whole_number(value, is_epoch=pattern in EPOCHS)
        if number is not None:
            return _seconds_in(number, pattern)
    raise UnreadableValue("type", f"expected a date, found {type_name(value)}")


def _whole_number(value: Any, *, is_epoch: bool) -> str | None:
    """Spell a number that stands for a moment."""
    if is_whole(value):
        return str(int(value)) if abs(int(value)) <= LARGEST_EXACT_INTEGER else None
    if not isinstance(value, (float, np.floating, Decimal)) or not math.isfinite(value):
        return None
    number = float(value)
    if number.is_integer() and abs(number) <= LARGEST_EXACT_INTEGER:
        return str(int(number))
    return f"{number:.6f}" if is_epoch and abs(number) <= LARGEST_EXACT_INTEGER else None


def _seconds_in(text: str, pattern: str | None) -> float:
    if len(text) > LONGEST_PARSED_TEXT:
        raise _fault(pattern)
    if pattern in EPOCHS:
        if not _NUMBER.fullmatch(text):
            raise _fault(pattern)
        return _in_range(float(text) / EPOCHS[pattern])
    if text.isdecimal() and takes_numbers(pattern):
        text = text.zfill(_width(str(pattern)))  # a number has lost the zeros that it began with
    bare = _NAMED_ZONE.sub("", text) if text[-1] in _ENDS_OF_ZONES else text
    try:
        moment = datetime.strptime(bare, pattern) if pattern else datetime.fromisoformat(bare)  # noqa: DTZ007
    except ValueError as error:
        if bare != text and pattern is not None:  # a format that itself ends in such letters
            return _by_its_format(text, pattern)
        raise _fault(pattern) from error
    return _since_1970(moment)


def _fault(pattern: str | None) -> UnreadableValue:
    return UnreadableValue("not_a_date", f"expected {describe_format(pattern)}")


def _width(pattern: str) -> int:
    """Return the number of digits that a format of digits alone has."""
    return sum({"Y": 4, "j": 3}.get(code, 2) for code in pattern.replace("%", ""))


def _by_its_format(text: str, pattern: str) -> float:
    try:
        return _since_1970(datetime.strptime(text, pattern))  # noqa: DTZ007
    except ValueError as error:
        raise _fault(pattern) from error


def describe_format(pattern: str | None) -> str:
    """Say in a message how a moment is written."""
    if pattern is None:
        return "a date as in ISO 8601"
    if pattern in EPOCHS:
        return f"{'seconds' if pattern == 'unix_s' else 'milliseconds'} since 1970"
    return f"a date as {pattern}"


def _since_1970(moment: date) -> float:
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day, tzinfo=UTC)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return _in_range(moment.timestamp())


def _in_range(seconds: float) -> float:
    if not MOMENTS[0] <= seconds <= MOMENTS[1] + 1:
        raise UnreadableValue(*NO_DATE)
    return min(seconds, MOMENTS[1])  # a fraction more would be rounded up to the year 10000


def moments_among(marks: frozenset[str], pattern: str | None) -> frozenset[float]:
    """Return the moments, in seconds since 1970 UTC, that some marks of missing values spell in a format."""
    return frozenset() if isinstance(marks, TextMarks) else _moments_among(marks, pattern)


@lru_cache(maxsize=1024)
def _moments_among(marks: frozenset[str], pattern: str | None) -> frozenset[float]:
    found = set()
    for mark in marks:
        try:
            found.add(_seconds_in(mark.upper(), pattern))
        except UnreadableValue:
            continue
    return frozenset(found)


def spell_moment(seconds: float, pattern: str | None = None) -> str:
    """Spell seconds since 1970-01-01 UTC: in ISO 8601, or by a format; see `read_moment`."""
    if pattern in EPOCHS:
        number = seconds * EPOCHS[pattern]
        return str(int(number)) if number.is_integer() else f"{number:.6f}"
    moment = datetime.fromtimestamp(seconds, UTC)
    if pattern is None:
        return moment.isoformat()
    # strftime writes the year 476, which is read as 0476 alone.
    years = {"%Y": f"{moment.year:04}", "%G": f"{moment.isocalendar().year:04}"}
    for code, year in years.items():
        pattern = pattern.replace(code, year)
    return moment.strftime(pattern)
