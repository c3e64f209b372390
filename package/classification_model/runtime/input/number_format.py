"""How the numbers of a column are written, and the reading of a text by it."""

from __future__ import annotations

import math
import re
from functools import cached_property
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from classification_model.runtime.input.durations import read_clock, read_duration

Decimal = Literal[".", ","]
Thousands = Literal[",", ".", "blank", "'", "none"]
Spelling = Literal["plain", "clock", "duration"]

#: What separates groups of digits; a blank may be a no-break or thin one, an apostrophe a typeset one.
_SEPARATORS = {",": ",", ".": r"\.", "blank": "[ \u00a0\u2009\u202f]", "'": "['\u2019]"}
_MINUS = str.maketrans({"\u2212": "-", "\u2013": "-"})
_CODES = (
    "AED ARS AUD BRL CAD CHF CLP CNY COP CZK DKK EUR GBP HKD HUF IDR ILS INR JPY KRW MXN MYR NOK NZD PHP PLN RON RUB "
    "SAR SEK SGD THB TRY TWD UAH USD VND ZAR"
)
_CURRENCY = rf"(?:(?:US|CA|AU|NZ|HK|S|R|A|C)?\$|[£€¥₹₩₽₺₫฿₪¢%‰]|{'|'.join(_CODES.split())}|kr\.?|zł|Fr\.?)"
# What is taken is not given back (++, *+): a long text that is no number in the end is read once.
_BEFORE = re.compile(rf"([+-]?)\s*+{_CURRENCY}\s*+")
_AFTER = re.compile(rf"(?<!\s)\s*+{_CURRENCY}$")
_ACCOUNTED = re.compile(r"([^()\d]*+)\(([^()+-]++)\)([^()\d]*+)")
_SIGN_APART = re.compile(r"^([+-])\s++")
_LIMIT = re.compile(r"(?:<=|>=|[<>≤≥~]|(?P<plus>(?=.*\+$)))\s*+", re.DOTALL)
_PLAIN = re.compile(r"[+-]?(?:\d++(?:\.\d*+)?|\.\d++)(?:[eE][+-]?\d++)?")


class TextMarks(frozenset[str]):
    """Marks of missing values that stand for their texts alone, as in models of the first release."""


class NumberFormat(BaseModel):
    """How the numbers of a column are written where they are texts; numbers of JSON and Parquet need no format.

    Attributes
    ----------
    decimal
        Decimal sign: ``.`` or ``,``.
    thousands
        What separates groups of three digits: ``,``, ``.``, ``blank``, ``'`` or ``none``. By default whichever of comma
        and point is not the decimal sign, a blank or an apostrophe.
    unit
        A unit before or after each number, such as ``km``, in any case; a number may lack it.
    censored
        Whether limits such as ``90+``, ``>90`` and ``<0.5`` are read as the number in them.
    spelling
        ``plain``, ``clock`` (a time of day, such as ``14:35``, in seconds since midnight) or ``duration`` (such as
        ``2h 5m`` or ``1:02:03``, in seconds). A plain number is a number of seconds then.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    decimal: Decimal = "."
    thousands: Thousands | None = None
    unit: str | None = Field(None, min_length=1)
    censored: bool = False
    spelling: Spelling = "plain"

    @model_validator(mode="after")
    def _signs_differ(self) -> Self:
        if self.thousands == self.decimal:
            msg = "another sign for thousands than the decimal sign"
            raise ValueError(msg)
        return self

    @cached_property
    def _number(self) -> re.Pattern[str]:
        """A number with its groups: a group never follows a zero at the beginning, as 0,512 is a fraction."""
        if self.thousands is None:
            separators = [sign for sign in _SEPARATORS if sign != self.decimal]
        else:
            separators = [self.thousands] if self.thousands != "none" else []
        sign = re.escape(self.decimal)
        whole = r"\d++"
        if separators:
            either = "|".join(_SEPARATORS[separator] for separator in separators)
            whole = rf"(?!0)\d{{1,3}}({either})\d{{3}}(?:\1\d{{3}})*+(?!\d)|\d++"
        return re.compile(rf"[+-]?(?:(?:{whole})(?:{sign}\d*+)?|{sign}\d++)(?:[eE][+-]?\d++)?")

    @cached_property
    def _unit(self) -> re.Pattern[str]:
        unit = re.escape(self.unit or "")
        return re.compile(rf"^([+-]?)\s*+{unit}\s*+|(?<!\s)\s*+{unit}$", re.IGNORECASE)

    @property
    def is_python(self) -> bool:
        """Whether a number that is written as Python writes it, without groups or signs around it, means the same."""
        return self.decimal == "." and self.spelling == "plain"

    @staticmethod
    def currencies(text: str) -> set[str]:
        """Return the currency and percent signs before or after the digits of a text."""
        found = (_BEFORE.match(text), _AFTER.search(text))
        return {re.sub(r"[\s+-]", "", match[0]).upper() for match in found if match is not None}

    @property
    def description(self) -> str:
        """What a message expects."""
        if self.spelling != "plain":
            return "a time of day, such as 14:35" if self.spelling == "clock" else "a duration, such as 2h 5m"
        return "a number" if self.decimal == "." else "a number with a decimal comma"

    @cached_property
    def _read_marks(self) -> dict[frozenset[str], frozenset[float]]:
        return {}

    def numbers_among(self, marks: frozenset[str]) -> frozenset[float]:
        """Return the numbers that some marks of missing values spell."""
        if isinstance(marks, TextMarks):
            return frozenset()
        known = self._read_marks.get(marks)
        if known is None:
            numbers = (self.read(mark) for mark in marks)
            known = frozenset(number for number in numbers if number is not None and math.isfinite(number))
            self._read_marks[marks] = known
        return known

    def read(self, text: str) -> float | None:
        """Return the number that a text spells; None where it spells none."""
        if (self.decimal == "." or self.spelling != "plain") and _PLAIN.fullmatch(text):
            return float(text)
        if self.spelling != "plain":
            return read_clock(text) if self.spelling == "clock" else read_duration(text)
        bare = self.strip(text)
        number = self._number.fullmatch(bare)
        if number is None:
            return None
        if self.decimal == ".":
            return float(_digits(bare, "."))
        return float(_digits(bare, ",").replace(",", "."))

    def strip(self, text: str) -> str:
        """Return a text without what may stand around its digits: currency, unit, limit, the brackets of a debt."""
        text = text.translate(_MINUS)
        sign = ""
        if text.endswith("-") and text[0].isdecimal():
            text, sign = text[:-1].rstrip(), "-"  # as bank statements have it
        if "(" in text and (debt := _ACCOUNTED.fullmatch(text)):
            text, sign = "".join(debt.groups()).strip(), "-"
        if self.censored and (limit := _LIMIT.match(text)):
            text = text[limit.end() :].removesuffix("+" if limit["plus"] is not None else "").rstrip()
        text = _AFTER.sub("", _BEFORE.sub(r"\1", text, count=1) if _BEFORE.match(text) else text)
        if self.unit is not None:
            text = self._unit.sub(r"\1", text)
        return sign + _SIGN_APART.sub(r"\1", text)


def _digits(text: str, decimal: str) -> str:
    """Leave out of a number whatever separates its groups."""
    return re.sub(rf"[^\d{decimal}eE+-]", "", text)


#: Numbers as Python writes them, with groups of thousands separated by commas, blanks or apostrophes.
PLAIN = NumberFormat()
