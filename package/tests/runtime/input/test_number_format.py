"""Texts read as numbers, by how the numbers of their column are written."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from classification_model.runtime.input.number_format import PLAIN, NumberFormat
from classification_model.runtime.input.values import read_number

COMMA = NumberFormat(decimal=",")


@pytest.mark.parametrize(
    ("text", "by_point", "by_comma"),
    [
        ("3,125", 3125.0, 3.125),
        ("0,512", None, 0.512),
        ("1,5", None, 1.5),
        ("12,34", None, 12.34),
        ("1.5", 1.5, None),
        ("0.512", 0.512, None),
        ("1.001", 1.001, 1001.0),
        ("1.234,56", None, 1234.56),
        ("1,234.56", 1234.56, None),
        ("1.234.567", None, 1234567.0),
        ("1,234,567", 1234567.0, None),
        ("1 234", 1234.0, 1234.0),
        ("1\N{NO-BREAK SPACE}234\N{NO-BREAK SPACE}567", 1234567.0, 1234567.0),
        ("1\N{NARROW NO-BREAK SPACE}234", 1234.0, 1234.0),
        ("1'234", 1234.0, 1234.0),
        ("1\N{RIGHT SINGLE QUOTATION MARK}234", 1234.0, 1234.0),
        ("1 234'567", None, None),
        ("1 23", None, None),
        ("12 3456", None, None),
        ("0 123", None, None),
        ("(123.00)", -123.0, None),
        ("(1.200,50)", None, -1200.5),
        ("($1,200)", -1200.0, -1.2),
        ("$(5)", -5.0, -5.0),
        ("5(6)", None, None),
        ("(-5)", None, None),
        ("1,462.54-", -1462.54, None),
        ("1.462,54 -", None, -1462.54),
        ("- 1462", -1462.0, -1462.0),
        ("--5", None, None),
        ("5--", None, None),
        ("\N{MINUS SIGN}5", -5.0, -5.0),
        ("US$ 1,234.00", 1234.0, None),
        ("\N{EURO SIGN}123,45", None, 123.45),
        ("123,45 \N{EURO SIGN}", None, 123.45),
        ("12,50 CHF", None, 12.5),
        ("-$5", -5.0, -5.0),
        ("$-5", -5.0, -5.0),
        ("95%", 95.0, 95.0),
        ("12 km", None, None),
        ("90+", None, None),
        ("<5", None, None),
        ("14:35", None, None),
        ("1e3", 1000.0, 1000.0),
        ("5.", 5.0, None),
        ("5,", None, 5.0),
        (".5", 0.5, None),
        (",5", None, 0.5),
        ("1,,5", None, None),
        ("", None, None),
        ("-", None, None),
    ],
)
def test_a_text_is_one_number_by_the_point_and_another_by_the_comma(
    text: str, by_point: float | None, by_comma: float | None
) -> None:
    """What stands in groups of three is told from a fraction by the format of the column, never by the cell."""
    assert (PLAIN.read(text), COMMA.read(text)) == (by_point, by_comma)


@pytest.mark.parametrize(
    ("written", "text", "number"),
    [
        ({"thousands": "none"}, "1,234", None),
        ({"thousands": "none"}, "1234.5", 1234.5),
        ({"thousands": "'"}, "1'234.5", 1234.5),
        ({"thousands": "'"}, "1 234.5", None),
        ({"thousands": "blank"}, "1 234", 1234.0),
        ({"thousands": "blank", "decimal": ","}, "1.234", None),
        ({"unit": "km"}, "12 km", 12.0),
        ({"unit": "km"}, "1,200.5KM", 1200.5),
        ({"unit": "km"}, "km 12", 12.0),
        ({"unit": "km"}, "12", 12.0),
        ({"unit": "km"}, "12 m", None),
        ({"unit": "km"}, "km", None),
        ({"unit": "m²", "decimal": ","}, "1.200,5 m²", 1200.5),
        ({"unit": "."}, "12", 12.0),
        ({"censored": True}, "90+", 90.0),
        ({"censored": True}, "> 90", 90.0),
        ({"censored": True}, "<0.5", 0.5),
        ({"censored": True}, "\N{GREATER-THAN OR EQUAL TO}1,000", 1000.0),
        ({"censored": True}, "<90+", None),
        ({"censored": True}, "+", None),
        ({"censored": True, "unit": "km"}, ">90 km", 90.0),
        ({"spelling": "clock"}, "14:35", 52500.0),
        ({"spelling": "clock"}, "9:05:30", 32730.0),
        ({"spelling": "clock"}, "12:00 am", 0.0),
        ({"spelling": "clock"}, "12:30 p.m.", 45000.0),
        ({"spelling": "clock"}, "18.00.00", 64800.0),
        ({"spelling": "clock"}, "18.00:00", None),
        ({"spelling": "clock"}, "24:00", None),
        ({"spelling": "clock"}, "13:00 PM", None),
        ({"spelling": "clock"}, "9:60", None),
        ({"spelling": "clock"}, "52500", 52500.0),
        ({"spelling": "duration"}, "2h 5m", 7500.0),
        ({"spelling": "duration"}, "2 hours 5 minutes", 7500.0),
        ({"spelling": "duration"}, "90 min", 5400.0),
        ({"spelling": "duration"}, "2.5h", 9000.0),
        ({"spelling": "duration"}, "PT2H5M", 7500.0),
        ({"spelling": "duration"}, "P1DT2H", 93600.0),
        ({"spelling": "duration"}, "26:30", 95400.0),
        ({"spelling": "duration"}, "1:02:03.5", 3723.5),
        ({"spelling": "duration"}, "2 days, 3:04:05", 183845.0),
        ({"spelling": "duration"}, "-1:30", -5400.0),
        ({"spelling": "duration"}, "-1 day, 22:00:00", -7200.0),
        ({"spelling": "duration"}, "-1 days +22:00:00", -7200.0),
        ({"spelling": "duration"}, "3900", 3900.0),
        ({"spelling": "duration"}, "1:75", None),
        ({"spelling": "duration"}, "P", None),
        ({"spelling": "duration"}, "", None),
    ],
)
def test_a_format_reads_what_it_says_and_no_more(written: dict[str, Any], text: str, number: float | None) -> None:
    """Separators, units, limits, times of day and durations are read where the format names them."""
    assert NumberFormat.model_validate(written).read(text) == number


def test_the_sign_of_thousands_is_no_decimal_sign() -> None:
    """A format in which one sign would mean both is refused."""
    with pytest.raises(ValidationError, match="another sign for thousands than the decimal sign"):
        NumberFormat(decimal=",", thousands=",")


@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(["", " km", "km"]))
def test_a_number_with_a_comma_is_the_one_with_a_point(number: float, unit: str) -> None:
    """Only the sign is another one."""
    written = NumberFormat(decimal=",", unit="km")
    assert written.read(repr(number).replace(".", ",") + unit) == number


@given(st.integers(-(10**15), 10**15), st.sampled_from([(".", ","), (",", "."), (".", " "), (",", "'")]))
def test_groups_of_thousands_are_read_by_every_separator(number: int, signs: tuple[str, str]) -> None:
    """A whole number in groups is the number, and so it is with a fraction."""
    decimal, thousands = signs
    named = "blank" if thousands == " " else thousands
    written = NumberFormat.model_validate({"decimal": decimal, "thousands": named})
    grouped = f"{number:,}".replace(",", thousands)
    assert written.read(grouped) == number
    assert written.read(f"{grouped}{decimal}25") == number + math.copysign(0.25, number or 1)


def test_a_refusal_says_how_numbers_are_written() -> None:
    """A message about a column with a decimal comma names the comma."""
    with pytest.raises(ValueError, match="expected a number with a decimal comma, found text"):
        read_number("1.5", frozenset(), written=COMMA)
