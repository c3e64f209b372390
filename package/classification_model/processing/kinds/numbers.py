"""Infer whether a column holds numbers, and how they are written."""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from classification_model.processing.kinds.inferred import MOST_MARKS, ONE_HOT_LIMIT, Guess
from classification_model.runtime.input.number_format import PLAIN, Decimal, NumberFormat
from classification_model.runtime.input.values import UnreadableValue, read_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from classification_model.processing.kinds.decimal_signs import Decision
    from classification_model.processing.kinds.distinct_values import DistinctValues

#: Numbers that are neither marks nor beyond all measure.
_PLAIN, _SHORT = re.compile(r"-?[0-9]+(?:\.[0-9]+)?"), 30
_CODE, _WHOLE = re.compile(r"0\d+"), re.compile(r"\d+")
#: A number, then a unit of letters, degrees and the like.
_WITH_UNIT = re.compile(
    r"[+\-\u2212]?[\d.,][\d.,'\u2019 \u00a0\u202f]*?\s*"
    r"(?P<unit>[^\W\d_](?:[^\d.,;:|+<>]{0,18}[^\s\d.,;:|+<>])?|[°º\"']\w?)"
)
_LIMIT = re.compile(r"(?:<=|>=|[<>≤≥~]).+|.*\d\+", re.DOTALL)
#: Numbers that often stand for a missing one.
_SENTINELS = (-9999.0, -999.0, -99.0, -9.0, -1.0, 99.0, 999.0, 9999.0, 99999.0, 999999.0)
_FEW = 3
#: Distinct values that no number is read from; more are no few words, in whichever case.
_MOST_UNREAD = 20
#: Marks of credit and debit, which are signs rather than units.
_SIDES = {"CR", "DR", "C", "D", "S", "H"}
#: Share of the rows from which a number far away from all others is remarked, whichever it is.
_OFTEN = 0.01
#: Distinct values that tell whether a column holds numbers, and characters of a number with its unit.
_SAMPLE, _LONGEST = 50, 60
_SPELLED = {"clock": NumberFormat(spelling="clock"), "duration": NumberFormat(spelling="duration")}
_TIMES = {"clock": "times of day, read as seconds since midnight", "duration": "durations, read as seconds"}


def infer_numbers(
    values: DistinctValues, marks: frozenset[str], longest_text: int, sign: Decision, usual: str
) -> Guess | None:
    """Infer that a column holds numbers; None if it does not.

    Parameters
    ----------
    values
        The column.
    marks
        Words, in lower case, that mean "missing".
    longest_text
        Maximum number of characters of a number given as text.
    sign
        The decimal sign of the column.
    usual
        The decimal sign of the table.
    """
    if values.longest > longest_text:
        return None
    codes = [text for text in values.texts if _CODE.fullmatch(text)] if all(map(_WHOLE.fullmatch, values.texts)) else []
    if sign.decimal is None:
        return _of_unclear_sign(values, marks, longest_text, sign)
    for written in _formats(values, sign.decimal):
        readings = values.read_by(_reader(marks, longest_text, written), most_unread=_MOST_UNREAD)
        words = None if readings is None else values.are_marks(readings.unread)
        if readings is None or words is None or any(_says_something(word) for word in words):
            continue
        if codes and readings.read:
            what = f"codes, since {codes[0]} begins with a zero"
            return Guess(_CATEGORICAL, what, {"encode": "target"} if len(values.counts) > ONE_HOT_LIMIT else {})
        if written.censored and len(values.counts) - len(words) <= ONE_HOT_LIMIT:
            return None  # a category says more than the number in it
        currencies = sorted(_currencies(values))
        if len(currencies) > 1:
            return Guess(None, f"numbers of several kinds ({', '.join(currencies[:3])}): convert them to one")
        if (written.unit or "").upper() in _SIDES:
            return Guess(None, f"amounts marked {written.unit}: write those of one side with a minus, without the mark")
        guess = _guess(values, words, written, sign)
        if currencies:
            guess.remarks += _remark_on_partial(values, currencies[0])
        if sign.decimal != usual:
            guess.options["decimal"] = sign.decimal
        guess.read = readings.read
        guess.remarks += _sentinels(values, readings.read)
        return guess
    units = _units(values)
    if (
        len(units) > 1
        and len(values.counts) > ONE_HOT_LIMIT
        and values.rows_of(_with_unit(values)) > 0.9 * values.total
    ):
        named = ", ".join(list(units)[:3])
        return Guess(None, f"numbers with several units ({named}): convert them to one")
    return None


_CATEGORICAL = "categorical"


def _reader(marks: frozenset[str], longest: int, written: NumberFormat) -> Callable[[Any], float | None]:
    """Return what reads as `read_number` does, plain numbers at once."""
    if not written.is_python or written.numbers_among(marks):
        return partial(read_number, marks=marks, longest=longest, written=written)

    def read(value: Any) -> float | None:
        if type(value) is str and len(value) <= _SHORT and _PLAIN.fullmatch(value):
            return float(value)
        return read_number(value, marks, longest, written)

    return read


def may_be_numbers(values: DistinctValues, marks: frozenset[str]) -> bool:
    """Tell whether most of some distinct values are numbers with either decimal sign, maybe with a unit or a limit."""
    sample = list(values.samples.items())[:_SAMPLE]
    return sum(_may_be_number(text, value, marks) for text, value in sample) * 2 > len(sample)


def _may_be_number(text: str, value: Any, marks: frozenset[str]) -> bool:
    found = _WITH_UNIT.fullmatch(text) if len(text) <= _LONGEST else None
    unit = None if found is None else found["unit"]
    decimals: tuple[Decimal, ...] = (".", ",")
    for decimal in decimals:
        try:
            read_number(value, marks, written=_any_format(decimal, unit))
        except UnreadableValue:
            continue
        return True
    return False


@lru_cache(maxsize=64)
def _any_format(decimal: Decimal, unit: str | None) -> NumberFormat:
    return NumberFormat(decimal=decimal, censored=True, unit=unit)


def _of_unclear_sign(values: DistinctValues, marks: frozenset[str], longest_text: int, sign: Decision) -> Guess | None:
    """Say why a column of numbers is none: its decimal sign is not clear."""
    unread = set(values.counts)
    for decimal in (".", ","):
        written = NumberFormat(decimal=decimal)
        readings = values.read_by(partial(read_number, marks=marks, longest=longest_text, written=written))
        unread &= set() if readings is None else set(readings.unread)
    if values.are_marks(sorted(unread)) is None:
        return None
    return Guess(None, f"{sign.reason}: write all of them alike, or set features.<name>.decimal and what to drop")


def _formats(values: DistinctValues, decimal: str) -> Iterator[NumberFormat]:
    """Yield the formats that a column may have, the plainest first."""
    plain = NumberFormat.model_validate({"decimal": decimal})
    yield plain
    units = _units(values)
    is_usual = units.total() * 2 > values.total  # else it says something of a few values, as in 5more
    unit = next(iter(units)) if len(units) == 1 and is_usual else None
    is_censored = any(_LIMIT.fullmatch(text) for text in values.texts)
    if unit is not None:
        yield plain.model_copy(update={"unit": unit})
    if is_censored:
        yield plain.model_copy(update={"censored": True})
        if unit is not None:
            yield plain.model_copy(update={"unit": unit, "censored": True})


def _remark_on_partial(values: DistinctValues, sign: str) -> Iterator[str]:
    """Remark on a percent sign that some numbers lack: 45% and 0.45 may be the same."""
    bare = [text for text in values.texts if not NumberFormat.currencies(text)]
    if sign in {"%", "\N{PER MILLE SIGN}"} and bare:
        rows = values.rows_of(bare)
        yield f"{rows} row(s), such as {bare[0]}, have no {sign}, and are read as if they had: write all of them alike"


def _currencies(values: DistinctValues) -> set[str]:
    """Return the currency and percent signs of a column."""
    signs: set[str] = set()
    for text in values.texts:
        if not (text[0].isdecimal() and text[-1].isdecimal()):
            signs |= NumberFormat.currencies(text)
    return signs


def _says_something(word: str) -> bool:
    """Tell whether a word holds digits, and so is no mark of a missing value.

    A number beyond all, and an error of a spreadsheet such as ``#DIV/0!``, say nothing.
    """
    return re.search(r"\d", word) is not None and PLAIN.read(word) is None and not word.startswith("#")


def _read_time(value: Any, marks: frozenset[str], longest: int, written: NumberFormat) -> float | None:
    """Read a time of day or a duration; a plain number among them leaves open what it counts."""
    if isinstance(value, str) and PLAIN.read(value.strip()) is not None:
        raise UnreadableValue("type", "expected a time, found a plain number")
    return read_number(value, marks, longest, written)


def infer_times(values: DistinctValues, marks: frozenset[str], longest_text: int) -> Guess | None:
    """Infer that a column holds times of day or durations; None if it does not."""
    if values.longest > longest_text:
        return None
    for spelling in ("clock", "duration"):
        read = partial(_read_time, marks=marks, longest=longest_text, written=_SPELLED[spelling])
        readings = values.read_by(read, most_unread=MOST_MARKS)
        words = None if readings is None else values.are_marks(readings.unread)
        if readings is None or words is None or any(_says_something(word) for word in words):
            continue
        if len(values.counts) > len(words):
            guess = Guess("numeric", _TIMES[spelling], {"number_format": spelling}, read=readings.read)
            if words:
                guess.options["missing_values"] = words
            if spelling == "duration" and any(re.fullmatch(r"\d+:\d+", text) for text in values.texts):
                guess.remarks.append("1:30 is read as an hour and a half, not as a minute and a half")
            return guess
    return None


def _with_unit(values: DistinctValues) -> list[str]:
    return [text for text in values.texts if len(text) <= _LONGEST and _WITH_UNIT.fullmatch(text)]


def _units(values: DistinctValues) -> Counter[str]:
    """Count the units that follow numbers which cannot be read without one, the most frequent first."""
    units: Counter[str] = Counter()
    spelled: dict[str, str] = {}
    for text in _with_unit(values):
        found = _WITH_UNIT.fullmatch(text)
        if found is not None and PLAIN.read(text) is None and NumberFormat(decimal=",").read(text) is None:
            unit = spelled.setdefault(found["unit"].lower(), found["unit"])
            units[unit] += values.counts[text]
    return Counter(dict(units.most_common()))


def _guess(values: DistinctValues, words: Sequence[str], written: NumberFormat, sign: Decision) -> Guess:
    guess = Guess("numeric", "numbers")
    if words:
        guess.options["missing_values"] = list(words)
        guess.reason += f", and a few words: {', '.join(words)}"
    if sign.reason and (sign.decimal == "," or not sign.is_sure):
        guess.reason += f" with a decimal {'comma' if sign.decimal == ',' else 'point'}"
        guess.reason += f", {sign.reason}" if sign.reason.startswith("as in") else ""
        guess.remarks += [] if sign.is_sure or not sign.reason else [sign.reason]
    if written.unit is not None:
        guess.options["unit"] = written.unit
        guess.reason += f" in {written.unit}"
    if written.censored:
        limits = [text for text in values.texts if _LIMIT.fullmatch(text)]
        guess.options["censored"] = True
        rows = values.rows_of(limits)
        guess.remarks.append(f"{limits[0]} and the like, in {rows} row(s), is read as the number in it")
    return guess


def _sentinels(values: DistinctValues, read: Mapping[str, float | None]) -> Iterator[str]:
    """Remark on numbers at the end of the range that often stand for a missing one."""
    counts: Counter[float] = Counter()
    for text, number in read.items():
        if number is not None:
            counts[number] += values.counts[text]
    if len(counts) <= _FEW:
        return
    ordered = sorted(counts)
    for number, next_one in (ordered[:2], ordered[:-3:-1]):
        is_apart = next_one >= 0 > number if number < 0 else number > 2 * max(next_one, 1)
        others = ordered[-1] - ordered[1] if number == ordered[0] else ordered[-2] - ordered[0]
        is_far = abs(number - next_one) > 2 * others and counts[number] >= _OFTEN * values.total
        is_odd = (number in _SENTINELS and is_apart) or (number.is_integer() and is_far)
        if is_odd and counts[number] >= 2:
            yield (
                f"{number:g} in {counts[number]} row(s), apart from all others: if it stands for a missing value, list "
                f"'{number:g}' under missing_values"
            )
