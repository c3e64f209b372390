"""Read a value of a table as a number, a truth value, a category, a text or a time.

Training and prediction read values with the same functions, so a cell means the same in both. Each function
returns None for a missing value and raises `UnreadableValue` for one that is not of its kind.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np

TRUE_WORDS = frozenset({"true", "t", "yes", "y", "1"})
FALSE_WORDS = frozenset({"false", "f", "no", "n", "0"})

LARGEST_EXACT_INTEGER = 2**53
#: Beyond it sums overflow, and the 32-bit numbers of tree estimators end.
LARGEST_NUMBER = 1e30
LARGEST_INTEGER_IN_TEXT = 2**64
#: Characters that a text may have.
LONGEST_TEXT = 10_000
#: Characters that a text may have which regular expressions read: one in which patterns or words are sought, a number
#: or a date. A config may say another limit, but for dates.
LONGEST_PARSED_TEXT = 1_000
#: Years that Python's dates can hold, and the moments in them, in seconds since 1970 UTC.
YEARS = range(1, 10_000)
MOMENTS = (-62_135_596_800.0, 253_402_300_799.0)

# What is taken is not given back (++, *+): a long text that is no number in the end is read once.
_NUMBER = re.compile(r"[+-]?(?:\d++(?:\.\d*+)?|\.\d++)(?:[eE][+-]?\d++)?")
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d++)?")
_MONEY = re.compile(r"^([+-]?)\s*+(?:[$£€¥₹]|USD|EUR|GBP)\s*+|(?<!\s)\s*+(?:[$£€¥₹%]|USD|EUR|GBP)$")
_WHOLE = re.compile(r"[+-]?\d++\.0++")
_NO_DATE = ("not_a_date", "expected a date of the years 1 to 9999, found one before or after")
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


def _check_length(text: str, longest: int) -> None:
    if len(text) > longest:
        raise UnreadableValue("too_large", f"expected at most {longest} characters, found more")


def read_number(value: Any, marks: frozenset[str], longest: int = LONGEST_PARSED_TEXT) -> float | None:
    """Read a number of at most 1e30 in size; texts such as "28.5", "$1,200" and "95%" are numbers."""
    if is_missing(value):
        return None
    if isinstance(value, (bool, np.bool_)):
        raise UnreadableValue("type", "expected a number, found a truth value")
    if isinstance(value, str):
        _check_length(value, longest)
        text = text_of(value, marks)
        if text is None:
            return None
        number = _number_in(text)
        if number is None:
            raise UnreadableValue("type", "expected a number, found text")
    elif _is_whole(value):
        if abs(int(value)) > LARGEST_EXACT_INTEGER:
            raise UnreadableValue("too_large", "expected a whole number of at most 2**53 in size, found a larger one")
        number = float(value)
    elif isinstance(value, (float, np.floating, Decimal)):
        number = float(value)
    else:
        raise UnreadableValue("type", f"expected a number, found {_type_name(value)}")
    if math.isnan(number):
        return None
    if math.isinf(number):
        raise UnreadableValue("not_finite", "expected a finite number, found an infinite one")
    if abs(number) > LARGEST_NUMBER:
        raise UnreadableValue("too_large", "expected a number of at most 1e30 in size, found a larger one")
    return number


def _number_in(text: str) -> float | None:
    if _NUMBER.fullmatch(text):
        return float(text)
    bare = _MONEY.sub(r"\1", _MONEY.sub(r"\1", text))
    if _GROUPED.fullmatch(bare):
        bare = bare.replace(",", "")
    return float(bare) if _NUMBER.fullmatch(bare) else None


def read_boolean(value: Any, marks: frozenset[str]) -> float | None:
    """Read a truth value as 1.0 or 0.0: true and false, 1 and 0, and the words yes, no, t, f, y, n."""
    if is_missing(value):
        return None
    if isinstance(value, str):
        text = text_of(value, marks)
        if text is None:
            return None
        word = without_fraction(text.lower())
        if word in TRUE_WORDS or word in FALSE_WORDS:
            return float(word in TRUE_WORDS)
    elif (isinstance(value, (float, Decimal, np.bool_, np.floating)) or _is_whole(value)) and value in {0, 1}:
        return float(value)
    raise UnreadableValue("type", "expected true or false, found something else")


def read_text(value: Any, marks: frozenset[str], longest: int = LONGEST_TEXT) -> str | None:
    """Read a text; a number or truth value becomes the text that spells it."""
    if is_missing(value):
        return None
    if isinstance(value, str):
        text = value
    elif isinstance(value, (bool, np.bool_)):
        text = str(bool(value)).lower()
    elif _is_whole(value):
        if abs(int(value)) > LARGEST_INTEGER_IN_TEXT:
            raise UnreadableValue("too_large", "expected a whole number of at most 2**64 in size, found a larger one")
        text = str(int(value))
    elif isinstance(value, (float, np.floating, Decimal)):
        text = repr(float(value) + 0.0)  # so that -0.0 is 0.0
    elif isinstance(value, (datetime, date, np.datetime64)):
        text = _date_of(value).isoformat()
    else:
        raise UnreadableValue("type", f"expected text, found {_type_name(value)}")
    _check_length(text, longest)
    if _UNPRINTABLE.search(text):
        raise UnreadableValue("text", "expected text that UTF-8 can carry, found a NUL or a lone surrogate")
    return text_of(text, marks)


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


def read_moment(value: Any, marks: frozenset[str], pattern: str | None) -> float | None:
    """Read a date or time as seconds since 1970-01-01 UTC; times without a zone are UTC.

    Parameters
    ----------
    value
        A date, a datetime, or a text: ISO 8601, or as `pattern` says.
    marks
        Texts, in lower case, that mean "missing".
    pattern
        A `datetime.datetime.strptime` format, or None.
    """
    if is_missing(value):
        return None
    moment: date
    if isinstance(value, str):
        text = text_of(value, marks)
        if text is None:
            return None
        fault = UnreadableValue("not_a_date", f"expected a date as {pattern or 'in ISO 8601'}")
        if len(text) > LONGEST_PARSED_TEXT:
            raise fault
        try:
            moment = datetime.strptime(text, pattern) if pattern else datetime.fromisoformat(text)  # noqa: DTZ007
        except ValueError as error:
            raise fault from error
    elif isinstance(value, (date, np.datetime64)):
        moment = _date_of(value)
    else:
        raise UnreadableValue("type", f"expected a date, found {_type_name(value)}")
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day, tzinfo=UTC)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    seconds = moment.timestamp()
    if not MOMENTS[0] <= seconds <= MOMENTS[1] + 1:
        raise UnreadableValue(*_NO_DATE)
    return min(seconds, MOMENTS[1])  # a fraction more would be rounded up to the year 10000


def _date_of(value: date | np.datetime64) -> date:
    """Return a date or datetime whose year Python can hold; numpy and pandas know others."""
    if isinstance(value, np.datetime64):
        year = int(value.astype("datetime64[Y]").astype(np.int64)) + 1970
    else:
        year = value.year
    if year not in YEARS:
        raise UnreadableValue(*_NO_DATE)
    return value.astype("datetime64[us]").item() if isinstance(value, np.datetime64) else value


def spell_moment(seconds: float, pattern: str | None = None) -> str:
    """Spell seconds since 1970-01-01 UTC: in ISO 8601, or as a `datetime.datetime.strftime` format says."""
    moment = datetime.fromtimestamp(seconds, UTC)
    if pattern is None:
        return moment.isoformat()
    # strftime writes the year 476, which is read as 0476 alone.
    years = {"%Y": f"{moment.year:04}", "%G": f"{moment.isocalendar().year:04}"}
    for code, year in years.items():
        pattern = pattern.replace(code, year)
    return moment.strftime(pattern)


def _is_whole(value: Any) -> bool:
    """Tell an integer, truth values among them, from numpy's durations, which are integers to numpy."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, np.timedelta64)


def _type_name(value: Any) -> str:
    if isinstance(value, (date, np.datetime64)):
        return "a date"
    if isinstance(value, (timedelta, np.timedelta64)):
        return "a duration"
    names: dict[type, str] = {dict: "an object", list: "a list", tuple: "a list", str: "text"}
    return names.get(type(value), f"a value of type {type(value).__name__}")
