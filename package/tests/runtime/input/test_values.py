"""One value of a table."""

import math
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from functools import partial
from string import ascii_uppercase
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pytest
from garbage import anything
from hypothesis import given, settings
from hypothesis import strategies as st

from classification_model.runtime.input.moments import read_moment, spell_moment
from classification_model.runtime.input.values import (
    UnreadableValue,
    is_missing,
    read_boolean,
    read_category,
    read_number,
    read_text,
    spell_key,
)

MARKS = frozenset({"na", "?"})
MILLIONS = 2_000_000
NOON = datetime(2020, 5, 1, 12, tzinfo=UTC)
FOR_EVER = datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
READERS: list[Callable[..., Any]] = [
    read_number,
    read_boolean,
    read_text,
    read_category,
    partial(read_moment, pattern=None),
    partial(read_moment, pattern="%d.%m.%Y"),
]
READER_NAMES = ["number", "boolean", "text", "category", "moment", "moment as written"]
MISSING = [
    None,
    math.nan,
    np.float32("nan"),
    pd.NA,
    pd.NaT,
    np.datetime64("NaT", "ns"),
    np.timedelta64("NaT", "ns"),
    Decimal("NaN"),
    Decimal("sNaN"),
]


@pytest.mark.parametrize("value", MISSING, ids=repr)
@pytest.mark.parametrize("read", READERS, ids=READER_NAMES)
def test_every_reader_reads_every_sign_of_absence_as_missing(read: Callable[..., Any], value: Any) -> None:
    """None, NaN, NaT and NA mean the same in a column of any kind."""
    assert is_missing(value)
    assert read(value, marks=frozenset()) is None


@pytest.mark.parametrize("text", ["", "  ", "\t\n", "NA", "na", " Na ", "?"])
@pytest.mark.parametrize("read", READERS, ids=READER_NAMES)
def test_every_reader_reads_marks_and_blanks_as_missing(read: Callable[..., Any], text: str) -> None:
    """A text that is blank or a mark of the column, in any case, is a missing value."""
    assert read(text, marks=MARKS) is None


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (3, 3.0),
        (2**53, 2.0**53),
        (np.int8(-3), -3.0),
        (np.float32(0.5), 0.5),
        (Decimal("1.25"), 1.25),
        (1e30, 1e30),
        (-0.0, 0.0),
        (" 28.5 ", 28.5),
        ("+7", 7.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("-1.5e-3", -0.0015),
        ("$1,200", 1200.0),
        ("-$1,234,567.50", -1234567.5),
        ("€ 5", 5.0),
        ("5 EUR", 5.0),
        ("95%", 95.0),
        ("95 %", 95.0),
        ("٣", 3.0),
    ],
    ids=repr,
)
def test_numbers_and_their_spellings_are_read(value: Any, number: float) -> None:
    """Numbers of Python, numpy and decimal are read, and texts that spell one with currency, commas or percent."""
    assert read_number(value, MARKS) == number


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (True, "type"),
        (np.True_, "type"),
        ("twelve", "type"),
        ("12,34", "type"),
        ("1 00", "type"),
        ("1_000", "type"),
        ("0x10", "type"),
        ("$", "type"),
        ("--1", "type"),
        ("nan(1)", "type"),
        ([1], "type"),
        ({"a": 1}, "type"),
        (b"1", "type"),
        (1j, "type"),
        (Fraction(1, 2), "type"),
        (date(2020, 1, 1), "type"),
        (np.timedelta64(5, "s"), "type"),
        (math.inf, "not_finite"),
        (np.float32("-inf"), "not_finite"),
        ("1e400", "not_finite"),
        ("9" * 1000, "not_finite"),
        (Decimal("-Infinity"), "not_finite"),
        (2**53 + 1, "too_large"),
        (-(2**53) - 1, "too_large"),
        (np.uint64(2**64 - 1), "too_large"),
        (10**5000, "too_large"),
        (1.1e30, "too_large"),
        ("-1e31", "too_large"),
    ],
    ids=lambda value: repr(value)[:20] if not isinstance(value, int) or value < 2**64 else "10**5000",
)
def test_what_is_no_usable_number_is_refused_with_its_code(value: Any, code: str) -> None:
    """Truth values, words, containers, infinities and numbers too large to compute with are no numbers."""
    with pytest.raises(UnreadableValue, match=r"^expected a .*number.*, found ") as caught:
        read_number(value, MARKS)
    assert caught.value.code == code


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    ["1" + " " * MILLIONS + "x", "1," * MILLIONS, "1" * MILLIONS + "x", "$" * MILLIONS],
    ids=["blanks", "commas", "digits", "signs"],
)
def test_long_hostile_texts_are_refused(text: str) -> None:
    """Millions of characters made to keep a regular expression busy are refused; backtracking would never end."""
    with pytest.raises(UnreadableValue, match="found text"):
        read_number(text, MARKS, len(text))
    with pytest.raises(UnreadableValue, match="expected at most 1000 characters, found more"):
        read_number(text, MARKS)


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e30, max_value=1e30))
def test_a_number_survives_being_written_as_text(number: float) -> None:
    """What repr writes of a number, the reader reads back exactly."""
    assert read_number(repr(number), MARKS) == number
    assert read_number(np.float64(number), MARKS) == number


@pytest.mark.parametrize(
    ("value", "truth"),
    [
        (True, 1.0),
        (np.False_, 0.0),
        (1, 1.0),
        (0.0, 0.0),
        (-0.0, 0.0),
        (np.uint8(1), 1.0),
        (Decimal("1.0"), 1.0),
        ("Yes", 1.0),
        (" no ", 0.0),
        ("T", 1.0),
        ("f", 0.0),
        ("1.0", 1.0),
        ("0", 0.0),
        ("TRUE", 1.0),
    ],
    ids=repr,
)
def test_truth_values_and_their_spellings_are_read(value: Any, truth: float) -> None:
    """True and false, 1 and 0, and the usual words in any case are truth values."""
    assert read_boolean(value, MARKS) == truth


@pytest.mark.parametrize(("words", "truth"), [("true t yes y 1", 1.0), ("false f no n 0", 0.0)])
def test_each_word_for_a_truth_value_is_read(words: str, truth: float) -> None:
    """The documentation lists them."""
    assert {read_boolean(word, MARKS) for word in words.split()} == {truth}


@pytest.mark.parametrize("value", [2, -1, 0.5, math.inf, 10**5000, "maybe", "10", "01", [True], b"1", 1j], ids=type)
def test_what_is_neither_true_nor_false_is_refused(value: Any) -> None:
    """A truth value is never guessed."""
    with pytest.raises(UnreadableValue, match="expected true or false") as caught:
        read_boolean(value, MARKS)
    assert caught.value.code == "type"


@pytest.mark.parametrize(
    "alike",
    [
        [3, 3.0, "3", "3.0", " 3 ", "3.00", np.int64(3), np.float32(3), Decimal("3.0")],
        [0, 0.0, -0.0, "0", Decimal(0)],
        [-3, -3.0, "-3", "-3.0"],
        [2**53 + 1, "9007199254740993", np.int64(2**53 + 1)],
        [0.1, "0.1", np.float64(0.1)],
        [True, np.True_, "true"],
    ],
    ids=repr,
)
def test_spellings_of_one_category_are_one_category(alike: list[Any]) -> None:
    """A category is the same whether it comes as a whole number, as a float, or as a text."""
    assert len({read_category(value, MARKS) for value in alike}) == 1


@pytest.mark.slow
@given(st.integers(-(2**53), 2**53))
def test_whole_numbers_are_one_category_in_all_types(number: int) -> None:
    """An id gives one category as int, float, text and numpy integer, so a gap in a pandas column changes nothing."""
    assert read_category(number, MARKS) == read_category(float(number), MARKS) == str(number)
    assert read_category(np.int64(number), MARKS) == read_category(f"{number}.0", MARKS) == str(number)


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ([7, 7.0, "7", " 7.0 ", np.int64(7), np.float32(7), Decimal(7)], "7"),
        ([None, math.nan, "", " "], None),
        ([UUID(int=1), str(UUID(int=1))], str(UUID(int=1))),
        ([10**30, str(10**30)], str(10**30)),
        (["a\x00"], "'a\\x00'"),
    ],
)
def test_one_key_is_spelled_alike_in_all_types(values: list[Any], key: str | None) -> None:
    """Also one that is no category; what UTF-8 cannot carry is spelled as Python does."""
    assert [spell_key(value) for value in values] == [key] * len(values)


def test_texts_keep_their_fraction_and_lose_blanks_around() -> None:
    """A text, other than a category, is kept as it is, blanks around it apart."""
    assert read_text(" 3.0 ", MARKS) == "3.0"
    assert read_text("Zoë\u00a0", MARKS) == "Zoë"


@pytest.mark.parametrize(
    "value", [NOON.replace(tzinfo=None), pd.Timestamp("2020-05-01 12:00"), np.datetime64("2020-05-01T12")]
)
def test_a_moment_in_a_text_column_is_written_in_iso(value: Any) -> None:
    """A moment in a column of texts is spelled alike for Python, pandas and numpy."""
    assert read_text(value, MARKS) == "2020-05-01T12:00:00"


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("a\x00b", "text"),
        ("\ud800", "text"),
        ("x\udfffx", "text"),
        ("x" * 10_001, "too_large"),
        ("x" * 100_000, "too_large"),
        (2**64 + 1, "too_large"),
        (10**5000, "too_large"),
        ([], "type"),
        ({"a": "b"}, "type"),
        (b"abc", "type"),
        (object(), "type"),
    ],
    ids=lambda value: repr(type(value)),
)
@pytest.mark.parametrize("read", [read_text, read_category])
def test_what_is_no_usable_text_is_refused_with_its_code(read: Callable[..., Any], value: Any, code: str) -> None:
    """NUL, lone surrogates, giant texts and numbers, and containers are no texts."""
    with pytest.raises(UnreadableValue, match=r"^expected .*, found ") as caught:
        read(value, MARKS)
    assert caught.value.code == code


@pytest.mark.parametrize("read", [read_text, read_category])
def test_a_text_of_the_greatest_length_is_read_whole(read: Callable[..., Any]) -> None:
    """The limit of 10,000 characters, or of another number that is given, is itself allowed."""
    assert read("x" * 10_000, MARKS) == "x" * 10_000
    assert read("x" * 300, MARKS, 300) == "x" * 300
    with pytest.raises(UnreadableValue, match=r"^expected at most 300 characters, found more$"):
        read("x" * 301, MARKS, 300)


@pytest.mark.parametrize(
    "value",
    [
        NOON,
        NOON.replace(tzinfo=None),
        NOON.astimezone(timezone(timedelta(hours=-7))),
        NOON.isoformat(),
        "2020-05-01 12:00",
        "2020-05-01T14:00:00+02:00",
        "20200501T120000Z",
        pd.Timestamp(NOON),
        pd.Timestamp("2020-05-01 12:00"),
        pd.Timestamp("2020-05-01 21:00", tz="Asia/Tokyo"),
        np.datetime64("2020-05-01T12"),
        np.datetime64("2020-05-01T12:00:00.000000000"),
    ],
    ids=repr,
)
def test_one_moment_is_one_number_in_every_type_and_zone(value: Any) -> None:
    """A moment is the same number of seconds however it is written; without a zone it is in UTC."""
    assert read_moment(value, MARKS, None) == NOON.timestamp()


@pytest.mark.parametrize("value", [date(2020, 5, 1), "2020-05-01", np.datetime64("2020-05-01"), "2020-W18-5"], ids=repr)
def test_a_day_is_its_midnight(value: Any) -> None:
    """A date without a time is its first moment in UTC."""
    assert read_moment(value, MARKS, None) == datetime(2020, 5, 1, tzinfo=UTC).timestamp()


def test_dates_are_read_by_their_pattern_and_by_nothing_else() -> None:
    """A column with a pattern reads that pattern, and not ISO 8601 beside it."""
    assert read_moment("01.05.2020", MARKS, "%d.%m.%Y") == datetime(2020, 5, 1, tzinfo=UTC).timestamp()
    with pytest.raises(UnreadableValue, match=r"expected a date as %d\.%m\.%Y"):
        read_moment("2020-05-01", MARKS, "%d.%m.%Y")


@pytest.mark.parametrize("value", ["0001-01-01", "1066-10-14", "9999-12-31T23:59:59.999999", FOR_EVER, date.max])
def test_dates_of_all_years_are_read(value: Any) -> None:
    """The first and the last date that Python knows are dates like others, and can be spelled again."""
    seconds = read_moment(value, MARKS, None)
    assert seconds is not None
    assert spell_moment(seconds)[:4] == str(value)[:4]


@pytest.mark.parametrize(
    "value",
    [
        pd.Timestamp(np.datetime64(10**12, "s")),
        pd.Timestamp(np.datetime64(-(10**12), "s")),
        np.datetime64(10**16, "Y"),
        np.datetime64("-0044-03-15"),
        np.datetime64("10000-01-01"),
        "0001-01-01T00:00+14:00",
        FOR_EVER.replace(tzinfo=timezone(timedelta(hours=-14))),
    ],
    ids=repr,
)
def test_dates_beyond_the_calendar_are_refused(value: Any) -> None:
    """A date before the year 1 or after 9999 is refused, not wrapped around."""
    with pytest.raises(UnreadableValue, match="expected a date of the years 1 to 9999") as caught:
        read_moment(value, MARKS, None)
    assert caught.value.code == "not_a_date"


@pytest.mark.parametrize(
    "value",
    ["2020-02-30", "yesterday", "12:00", "\ud800", "\x00", "9" * 100_000, 20200501, 1.5e9, True, [2020], b"2020"],
)
def test_what_is_no_date_is_refused(value: Any) -> None:
    """Days that never were, words, and bare numbers are no dates."""
    with pytest.raises(UnreadableValue, match=r"^expected a date"):
        read_moment(value, MARKS, None)


@given(st.datetimes(timezones=st.timezones(), allow_imaginary=False))
def test_a_moment_survives_being_written_in_iso(moment: datetime) -> None:
    """What isoformat writes of a moment in any zone, the reader reads as that moment."""
    assert answer_or_refusal(read_moment, moment.isoformat(), pattern=None) == answer_or_refusal(
        read_moment, moment, pattern=None
    )


def answer_or_refusal(read: Callable[..., Any], value: Any, **more: Any) -> Any:
    """Give what a reader returns, or the code and text of its refusal."""
    try:
        return read(value, marks=MARKS, **more)
    except UnreadableValue as error:
        return error.code, str(error)


@pytest.mark.slow
@settings(max_examples=500)
@given(anything)
def test_any_value_is_read_or_refused(value: Any) -> None:
    """Whatever a cell holds, a reader returns a finite number, a clean text or nothing, or raises its one error."""
    for read in READERS:
        answer = answer_or_refusal(read, value)
        assert answer is None or isinstance(answer, (float, str, tuple))
        if isinstance(answer, float):
            assert math.isfinite(answer)
        elif isinstance(answer, str):
            assert "\x00" not in answer.encode().decode()
        elif isinstance(answer, tuple):
            assert answer[0] in {"type", "text", "too_large", "not_finite", "not_a_date"}


@given(st.text(ascii_uppercase, min_size=12, max_size=40) | st.integers(10**16))
def test_a_refusal_never_repeats_the_value(value: Any) -> None:
    """An error says what was expected and of what kind the value was, and never holds the value."""
    for read in READERS:
        for disguise in (value, [value], {str(value): value}, str(value).encode()):
            answer = answer_or_refusal(read, disguise)
            assert not isinstance(answer, tuple) or str(value) not in answer[1]


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ({}, "an object"),
        ([1], "a list"),
        ((1,), "a list"),
        (timedelta(1), "a duration"),
        (np.timedelta64(1, "s"), "a duration"),
        (Fraction(1, 2), "a value of type Fraction"),
    ],
)
@pytest.mark.parametrize(
    ("read", "expected"),
    [(read_number, "a number"), (read_text, "text"), (partial(read_moment, pattern=None), "a date")],
)
def test_a_value_of_another_type_is_named_by_its_type(
    read: Callable[..., Any], expected: str, value: Any, found: str
) -> None:
    """Types of JSON have the names that JSON has for them."""
    with pytest.raises(UnreadableValue, match=f"^expected {expected}, found {found}$") as caught:
        read(value, MARKS)
    assert caught.value.code == "type"


def test_a_moment_is_spelled_as_it_is_read() -> None:
    """`strftime` leaves the zeros of early years out, which reading asks for."""
    moment = datetime(476, 9, 4, tzinfo=UTC).timestamp()
    assert spell_moment(moment) == "0476-09-04T00:00:00+00:00"
    assert spell_moment(moment, "%d.%m.%Y") == "04.09.0476"
    assert spell_moment(moment, "%G week %V") == "0476 week 36"


def _offset(seconds: float) -> timezone:
    return timezone(timedelta(seconds=seconds))


FIRST, LAST = datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59)  # noqa: DTZ001 - a zone is given below


@pytest.mark.parametrize(
    ("moment", "seconds"),
    [
        (FIRST.replace(tzinfo=UTC), -62_135_596_800.0),
        (FIRST.replace(tzinfo=_offset(-1)), -62_135_596_799.0),
        (LAST.replace(tzinfo=UTC), 253_402_300_799.0),
        (LAST.replace(tzinfo=_offset(1)), 253_402_300_798.0),
        (LAST.replace(tzinfo=_offset(-1)), 253_402_300_799.0),
        (LAST.replace(microsecond=999_999, tzinfo=UTC), 253_402_300_799.0),
    ],
)
def test_the_first_and_the_last_second_of_the_calendar_are_read(moment: datetime, seconds: float) -> None:
    """In years 1 and 9999 of UTC; a fraction of the last second is cut."""
    assert read_moment(moment, MARKS, None) == seconds
    assert spell_moment(seconds)[:4] in {"0001", "9999"}


@pytest.mark.parametrize("moment", [FIRST.replace(tzinfo=_offset(1)), LAST.replace(tzinfo=_offset(-2))])
def test_a_second_beyond_the_calendar_is_refused(moment: datetime) -> None:
    """The year counts in UTC, in which moments are spelled."""
    with pytest.raises(UnreadableValue, match=r"^expected a date of the years 1 to 9999, found one before or after$"):
        read_moment(moment, MARKS, None)


@pytest.mark.parametrize("year", [0, 1, 9999, 10_000])
def test_years_of_numpy_are_those_of_python(year: int) -> None:
    """1 to 9999, in any column that takes dates."""
    moment = np.datetime64(year - 1970, "Y")
    if year in {1, 9999}:
        assert read_moment(moment, MARKS, None) == datetime(year, 1, 1, tzinfo=UTC).timestamp()
        assert read_text(moment, MARKS) == f"{year:04}-01-01T00:00:00"
        return
    for read in (partial(read_moment, pattern=None), read_text):
        with pytest.raises(UnreadableValue, match="of the years 1 to 9999") as caught:
            read(moment, MARKS)
        assert caught.value.code == "not_a_date"


@pytest.mark.parametrize(
    ("read", "largest", "beyond"),
    [
        (read_number, 2**53, 2**53 + 1),
        (read_number, -(2**53), -(2**53) - 1),
        (read_number, 1e30, math.nextafter(1e30, math.inf)),
        (read_number, -1e30, math.nextafter(-1e30, -math.inf)),
        (read_number, " " * 999 + "1", " " * 1000 + "1"),
        (partial(read_number, longest=100), "1." + "0" * 98, "1." + "0" * 99),
        (read_text, 2**64, 2**64 + 1),
        (read_text, -(2**64), -(2**64) - 1),
        (read_text, "x" * 10_000, "x" * 10_001),
        (read_category, 2**64, 2**64 + 1),
    ],
)
def test_the_largest_value_is_read_and_the_next_one_is_refused(
    read: Callable[..., Any], largest: Any, beyond: Any
) -> None:
    """Of each kind, with the same code."""
    assert read(largest, MARKS) is not None
    with pytest.raises(UnreadableValue, match=r"^expected .*at most ") as caught:
        read(beyond, MARKS)
    assert caught.value.code == "too_large"


def test_a_date_of_a_thousand_characters_is_still_parsed() -> None:
    """Spaces around it do not count; with one character more it is refused, unread."""
    text, pattern = "x" * 990 + "2020-05-01", "x" * 990 + "%Y-%m-%d"
    assert len(text) == 1000
    assert read_moment(f" {text} ", MARKS, pattern) == datetime(2020, 5, 1, tzinfo=UTC).timestamp()
    with pytest.raises(UnreadableValue, match=r"^expected a date as x+%Y-%m-%d$") as caught:
        read_moment("x" + text, MARKS, "x" + pattern)
    assert caught.value.code == "not_a_date"
    with pytest.raises(UnreadableValue, match=r"^expected a date as in ISO 8601$"):
        read_moment("soon", MARKS, None)
