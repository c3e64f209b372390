"""Read a value of a table as a number, a truth value, a category or a text; `moments` reads times.

Training and prediction read values with the same functions, so a cell means the same in both. Each function
returns None for a missing value and raises `UnreadableValue` for one that is not of its kind.
"""

from __future__ import annotations

import math
import re
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

import numpy as np

from classification_model.runtime.input.durations import seconds_of
from classification_model.runtime.input.number_format import PLAIN, NumberFormat, TextMarks

TRUE_WORDS = frozenset({"true", "t", "yes", "y", "on", "1"})
FALSE_WORDS = frozenset({"false", "f", "no", "n", "off", "0"})

LARGEST_EXACT_INTEGER = 2**53
#: Beyond it sums overflow, and the 32-bit numbers of tree estimators end.
LARGEST_NUMBER = 1e30
LARGEST_INTEGER_IN_TEXT = 2**64
#: Characters that a text may have.
LONGEST_TEXT = 10_000
#: Characters that a text may have which regular expressions read: one in which patterns or words are sought, a number
#: or a date. A config may say another limit, but for dates.
LONGEST_PARSED_TEXT = 1_000
#: Years that Python's dates can hold, and what is said of a date of another year.
YEARS = range(1, 10_000)
NO_DATE = ("not_a_date", "expected a date of the years 1 to 9999, found one before or after")

_WHOLE = re.compile(r"[+-]?\d++\.0++")
_UNPRINTABLE = re.compile("[\x00\ud800-\udfff]")


#: For values of which none stands for a missing one but the empty text.
NO_MARKS: frozenset[str] = frozenset()


class UnreadableValue(ValueError):  # noqa: N818 - a value, not a program, is at fault
    """A value is not of the kind it should be.

    Attributes
    ----------
    code
        Stable name of the fault.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def is_missing(value: Any) -> bool:
    """Tell whether a value stands for "nothing": None, NaN, and pandas' NA and NaT."""
    if value is None:
        return True
    if isinstance(value, (float, np.floating)):
        return math.isnan(value)
    if isinstance(value, (np.datetime64, np.timedelta64)):
        return bool(np.isnat(value))
    if isinstance(value, Decimal):
        return value.is_nan()
    return type(value).__name__ in {"NAType", "NaTType"}


def text_of(value: str, marks: frozenset[str]) -> str | None:
    """Strip a text; None when what is left is a mark of a missing value."""
    value = value.strip()
    return None if value.lower() in marks or not value else value


def check_length(text: str, longest: int) -> None:
    """Refuse a text of more characters than it may have."""
    if len(text) > longest:
        raise UnreadableValue("too_large", f"expected at most {longest} characters, found more")


def read_number(
    value: Any, marks: frozenset[str], longest: int = LONGEST_PARSED_TEXT, written: NumberFormat = PLAIN
) -> float | None:
    """Read a number of at most 1e30 in size.

    Parameters
    ----------
    value
        A number, or a text such as "28.5", "$1,200" and "95%".
    marks
        Words, in lower case, that mean "missing"; a word that spells a number stands for each spelling of that number.
    longest
        Maximum number of characters of a text.
    written
        How texts spell numbers.

    Raises
    ------
    UnreadableValue
        If it is no such number.
    """
    if isinstance(value, str):
        check_length(value, longest)
        text = text_of(value, marks)
        if text is None:
            return None
        number = written.read(text)
        if number is None:
            raise UnreadableValue("type", f"expected {written.description}, found text")
    elif is_missing(value):
        return None
    else:
        number = _number_of(value, written)
    if math.isnan(number) or (marks and number in written.numbers_among(marks)):
        return None
    if math.isinf(number):
        raise UnreadableValue("not_finite", "expected a finite number, found an infinite one")
    if abs(number) > LARGEST_NUMBER:
        raise UnreadableValue("too_large", "expected a number of at most 1e30 in size, found a larger one")
    return number


def _number_of(value: Any, written: NumberFormat) -> float:
    """Return the number that a value is which is no text."""
    if isinstance(value, (bool, np.bool_)):
        raise UnreadableValue("type", "expected a number, found a truth value")
    if is_whole(value):
        if abs(int(value)) > LARGEST_EXACT_INTEGER:
            raise UnreadableValue("too_large", "expected a whole number of at most 2**53 in size, found a larger one")
        return float(value)
    if isinstance(value, (float, np.floating, Decimal)):
        return float(value)
    if isinstance(value, (time, timedelta)) and written.spelling != "plain":
        return seconds_of(value)
    raise UnreadableValue("type", f"expected a number, found {type_name(value)}")


def spellings_of(marks: frozenset[str]) -> frozenset[str]:
    """Return marks of missing values as categories are spelled: without a fraction of zeros."""
    return marks if isinstance(marks, TextMarks) else _spellings_of(marks)


@lru_cache(maxsize=1024)
def _spellings_of(marks: frozenset[str]) -> frozenset[str]:
    return marks | frozenset(without_fraction(mark) for mark in marks)


def read_boolean(value: Any, marks: frozenset[str]) -> float | None:
    """Read a truth value as 1.0 or 0.0: true and false, 1 and 0, and the words yes, no, t, f, y, n."""
    if is_missing(value):
        return None
    if isinstance(value, str):
        text = text_of(value, marks)
        if text is None:
            return None
        word = without_fraction(text.lower())
        if word in marks:
            return None
        if word in TRUE_WORDS or word in FALSE_WORDS:
            return float(word in TRUE_WORDS)
    elif isinstance(value, (float, Decimal, np.bool_, np.floating)) or is_whole(value):
        if marks and not isinstance(value, (bool, np.bool_)) and value in PLAIN.numbers_among(marks):
            return None
        if value in {0, 1}:
            return float(value)
    raise UnreadableValue("type", "expected true or false, found something else")


def read_text(value: Any, marks: frozenset[str], longest: int = LONGEST_TEXT) -> str | None:
    """Read a text; a number or truth value becomes the text that spells it."""
    if isinstance(value, str):
        text = value
    elif is_missing(value):
        return None
    elif isinstance(value, (bool, np.bool_)):
        text = str(bool(value)).lower()
    elif is_whole(value):
        if abs(int(value)) > LARGEST_INTEGER_IN_TEXT:
            raise UnreadableValue("too_large", "expected a whole number of at most 2**64 in size, found a larger one")
        text = str(int(value))
    elif isinstance(value, (float, np.floating, Decimal)):
        text = repr(float(value) + 0.0)  # so that -0.0 is 0.0
    elif isinstance(value, (datetime, date, np.datetime64)):
        text = date_of(value).isoformat()
    else:
        raise UnreadableValue("type", f"expected text, found {type_name(value)}")
    check_length(text, longest)
    if _UNPRINTABLE.search(text):
        raise UnreadableValue("text", "expected text that UTF-8 can carry, found a NUL or a lone surrogate")
    text_or_none = text_of(text, marks)
    if text_or_none is not None and marks and text_or_none[-1].isdecimal() and not isinstance(marks, TextMarks):
        return None if without_fraction(text_or_none.lower()) in spellings_of(marks) else text_or_none
    return text_or_none


def read_category(value: Any, marks: frozenset[str], longest: int = LONGEST_TEXT) -> str | None:
    """Read a category: a text in which 3, 3.0 and "3" are the same."""
    text = read_text(value, marks, longest)
    return None if text is None else without_fraction(text)


def spell_key(value: Any, marks: frozenset[str] = NO_MARKS) -> str | None:
    """Spell a value that names a row as `read_category` does; one of another kind, such as a UUID, as Python does."""
    try:
        return read_category(value, marks)
    except UnreadableValue:
        return repr(value) if isinstance(value, str) else str(value)


def without_fraction(text: str) -> str:
    """Spell a whole number without a fraction of zeros; any other text stays as it is."""
    return text.partition(".")[0] if text.endswith("0") and _WHOLE.fullmatch(text) else text


def date_of(value: date | np.datetime64) -> date:
    """Return a date or datetime whose year Python can hold; numpy and pandas know others."""
    if isinstance(value, np.datetime64):
        year = int(value.astype("datetime64[Y]").astype(np.int64)) + 1970
    else:
        year = value.year
    if year not in YEARS:
        raise UnreadableValue(*NO_DATE)
    return value.astype("datetime64[us]").item() if isinstance(value, np.datetime64) else value


def is_whole(value: Any) -> bool:
    """Tell an integer, truth values among them, from numpy's durations, which are integers to numpy."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, np.timedelta64)


def type_name(value: Any) -> str:
    """Name the type of a value for a message."""
    if isinstance(value, (date, np.datetime64)):
        return "a date"
    if isinstance(value, (timedelta, np.timedelta64)):
        return "a duration"
    names: dict[type, str] = {dict: "an object", list: "a list", tuple: "a list", str: "text"}
    return names.get(type(value), f"a value of type {type(value).__name__}")
