"""Infer whether a column holds dates or times, and how they are written."""

from __future__ import annotations

import itertools
import re
from functools import partial
from typing import TYPE_CHECKING

from classification_model.processing.kinds.distinct_values import DistinctValues, Readings
from classification_model.processing.kinds.inferred import MOST_MARKS, ONE_HOT_LIMIT, Guess
from classification_model.runtime.input.moments import read_moment, spell_moment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_DAYS = (
    "%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d", "%Y.%m.%d", "%d/%m/%y",
    "%m/%d/%y", "%d.%m.%y", "%d-%m-%y", "%m-%d-%y", "%d %b %Y", "%d-%b-%Y", "%d/%b/%Y", "%d-%b-%y", "%d %b %y",
    "%d%b%Y", "%d. %b %Y", "%d %B %Y", "%d. %B %Y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%B %d %Y", "%Y-%b-%d",
    "%a, %d %b %Y", "%A, %d %B %Y", "%A, %B %d, %Y", "%a %b %d %Y",
)  # fmt: skip
_TIMES = (
    "", " %H:%M:%S", " %H:%M", " %I:%M %p", " %I:%M:%S %p", " %I:%M%p", "T%H:%M:%S", "T%H:%M", " %H:%M:%S.%f",
    " %H:%M:%S %z", ", %H:%M", ", %I:%M %p",
)  # fmt: skip
_MONTHS = (
    "%Y-%m",
    "%Y/%m",
    "%m/%Y",
    "%m-%Y",
    "%m.%Y",
    "%b-%y",
    "%b %y",
    "%b-%Y",
    "%b %Y",
    "%B %Y",
    "%B-%y",
    "%y-%b",
    "%Y-%b",
)
_FORMATS = (
    None,
    *("".join(pair) for pair in itertools.product(_DAYS, _TIMES)),
    *_MONTHS,
    "%a %b %d %H:%M:%S %Y",  # as C writes it
)
_NAME = re.compile(
    r"(?i:date|time|stamp|epoch|created|updated|modified|unix|since|(^|[_\W])(ts|dt|at|on|day|born)($|[_\W]))"
    r"|[a-z](At|On|Ts)$"
)
_MONTH_NAME = re.compile(r"(?i)month|period|date|yyyymm|ym$")
_MONTH = "(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
_LIKE_A_DATE = re.compile(
    r"(?<![\d.])(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4}|\d\d?([-/])\d\d?\1\d\d|\d\d\.\d\d\.\d\d)"
    rf"(?![\d.])|(?<![a-z]){_MONTH}[a-z]*\.?[ ,/-]+\d|\d\W*{_MONTH}",
    re.IGNORECASE,
)
_ZEROS = re.compile(r"(?=.*\d)[0\s:./T-]+")
_DIGIT = re.compile(r"\d")
_DIGITS = re.compile(r"\d+")
#: Days that often stand for no date.
_SENTINELS = {"0001-01-01", "1899-12-30", "1900-01-01", "1970-01-01", "2099-12-31", "9999-12-31"}
_SAMPLE, _MOST_UNREAD = 60, 20
#: Characters of a date in words, and letters in it besides day, month and year, as of a weekday or a time zone.
_LONGEST, _MORE_LETTERS = 60, 15
#: Of milliseconds since 1970.
_MOST_DIGITS = 16
#: Seconds since 1970 of 2000-01-01 and of 2100-01-01, between which whole numbers may be moments.
_FIRST_EPOCH, _LAST_EPOCH = 946_684_800, 4_102_444_800
_FIRST_YEAR, _LAST_YEAR = 1900, 2100


def infer_dates(name: str, values: DistinctValues, marks: frozenset[str]) -> Guess | None:
    """Infer that a column holds dates or times; None if it does not.

    Parameters
    ----------
    name
        Name of the column, which tells whole numbers that are moments from quantities.
    values
        The column.
    marks
        Words, in lower case, that mean "missing".
    """
    texts = list(itertools.islice(values.texts, _SAMPLE))
    if texts and sum(_DIGIT.search(text) is not None for text in texts) * 2 < len(texts):
        return None
    for pattern in _FORMATS:
        guess = _guess(name, values, marks, pattern)
        if guess is not None:
            return guess
    return None


def infer_dates_of_digits(name: str, values: DistinctValues, marks: frozenset[str]) -> Guess | None:
    """Infer that a column of whole numbers holds dates such as 20190115, months such as 201901, or epochs."""
    numbers = [int(text) for text in values.counts if _DIGITS.fullmatch(text) and len(text) <= _MOST_DIGITS]
    dated = [number for number in numbers if number]  # 0 and 00000000 may be marks
    if not dated or len(numbers) < len(values.counts) - MOST_MARKS:
        return None
    low, high = min(dated), max(dated)
    for pattern, digits, is_named in (("%Y%m%d", 8, True), ("%Y%m", 6, bool(_MONTH_NAME.search(name)))):
        is_year = low // 10 ** (digits - 4) >= _FIRST_YEAR and high // 10 ** (digits - 4) <= _LAST_YEAR
        if is_year and is_named:
            guess = _guess(name, values, marks, pattern)
            if guess is not None:
                return guess
    for pattern, unit in (("unix_s", 1), ("unix_ms", 1000)):
        if _FIRST_EPOCH * unit <= low and high <= _LAST_EPOCH * unit and _NAME.search(name):
            guess = _guess(name, values, marks, pattern)
            if guess is not None:
                return guess
    return None


def remark_on_epochs(values: DistinctValues) -> Iterator[str]:
    """Remark on whole numbers that may be moments, though the column's name does not say so."""
    if len(values.counts) <= ONE_HOT_LIMIT or not all(_DIGITS.fullmatch(text) for text in values.counts):
        return
    low, high = min(map(int, values.counts)), max(map(int, values.counts))
    for pattern, unit in (("unix_s", 1), ("unix_ms", 1000)):
        if _FIRST_EPOCH * unit <= low and high <= 2 * 10**9 * unit:
            what = "seconds" if unit == 1 else "milliseconds"
            yield f"if these are {what} since 1970, set kind: datetime and datetime_format: {pattern}"


def unread_dates(values: DistinctValues) -> str | None:
    """Say that a column of texts looks like dates which no one format reads; None if it does not."""
    alike = [text for text in values.texts if _is_like_a_date(text)]
    if len(alike) < 3 or values.rows_of(alike) < 0.8 * values.total:
        return None
    shapes: dict[str, str] = {}
    for text in alike:
        shapes.setdefault(re.sub(r"[a-z]+", "a", re.sub(r"\d", "9", text.lower())), text)
    found = " and ".join(list(shapes.values())[:2])
    remedy = "write them alike, best as 2019-03-25T14:05, or set kind: datetime and datetime_format"
    return f"dates that no format known here reads, such as {found}: {remedy}"


def _is_like_a_date(text: str) -> bool:
    """Tell a text that is little more than a date from one in which a date occurs."""
    found = _LIKE_A_DATE.search(text) if len(text) <= _LONGEST else None
    return (
        found is not None and len(re.sub(r"[\W\d]", "", text[: found.start()] + text[found.end() :])) <= _MORE_LETTERS
    )


def _read_as(values: DistinctValues, marks: frozenset[str], pattern: str | None) -> tuple[Readings, list[str]] | None:
    """Read the values by a format: what was read, and the words among them. None if they are none of its dates."""
    read = partial(read_moment, marks=marks, pattern=pattern)
    sample = DistinctValues(dict(itertools.islice(values.samples.items(), _SAMPLE)))
    if sample.read_by(read, most_unread=max(2, len(sample.samples) // 4)) is None:
        return None
    readings = values.read_by(read, most_unread=_MOST_UNREAD)
    words = None if readings is None else values.are_marks(readings.unread)
    if readings is None or words is None or not readings.read:
        return None
    is_none = any(re.search(r"\d", word) and not _ZEROS.fullmatch(word) for word in words)
    return None if is_none else (readings, words)


def _guess(name: str, values: DistinctValues, marks: frozenset[str], pattern: str | None) -> Guess | None:
    found = _read_as(values, marks, pattern)
    if found is None:
        return None
    readings, words = found
    guess = Guess("datetime", "dates", read=readings.read)
    if pattern is None:
        guess.reason = "dates in ISO 8601" if values.texts else "dates"
    elif pattern.startswith("unix"):
        unit = "seconds" if pattern == "unix_s" else "milliseconds"
        guess.reason = f"{unit} since 1970, by the name {name!r} and the size of the numbers"
        guess.options["datetime_format"] = pattern
    else:
        guess.reason = f"dates as {pattern}"
        guess.options["datetime_format"] = pattern
        if pattern == "%Y%m%d":
            guess.remarks.append("whole numbers of eight digits, each of them a date")
    if words:
        guess.options["missing_values"] = words
        guess.reason += f", and a few words: {', '.join(words)}"
    other = None if pattern is None else _other_order(pattern)
    if other is not None and _read_as(values, marks, other) is not None:
        guess.remarks.append(
            f"no value tells whether the day or the month comes first: read as {pattern}; set {other} for the other"
        )
    guess.remarks += _sentinels(values, readings.read)
    if pattern is not None and "%y" in pattern:
        guess.remarks.append("years of two digits: 69 to 99 are 1969 to 1999, 00 to 68 are 2000 to 2068")
    return guess


def _sentinels(values: DistinctValues, read: Mapping[str, float | None]) -> Iterator[str]:
    """Remark on the first or the last date where it is one that often stands for a missing one."""
    dated = {text: moment for text, moment in read.items() if moment is not None}
    if len(dated) <= 2:
        return
    for text in (min(dated, key=dated.__getitem__), max(dated, key=dated.__getitem__)):
        day = spell_moment(dated[text])[:10]
        if day in _SENTINELS and values.counts[text] >= 2:
            count = values.counts[text]
            yield f"{text} in {count} row(s): if it stands for a missing value, list '{text}' under missing_values"


def _other_order(pattern: str) -> str | None:
    """Return the format with day and month the other way round."""
    for one, two in (("%d", "%m"), ("%m", "%d")):
        found = re.match(rf"{one}([/.-]){two}", pattern)
        if found:
            return f"{two}{found[1]}{one}{pattern[found.end() :]}"
    return None
