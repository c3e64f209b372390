"""Decide by the values of a table whether a comma or a point is the decimal sign of its numbers.

A single cell does not tell: 3,125 is three thousand or three and an eighth. Other cells of its column do, such as 0,5;
else those of other columns do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from classification_model.runtime.input.number_format import PLAIN, Decimal

if TYPE_CHECKING:
    from classification_model.processing.kinds.distinct_values import DistinctValues

_AROUND = re.compile(r"^[^\d.,+-]*+[+-]?|(?<=\d)[^\d.,'\u2019]++$")
_BLANKS = re.compile(r"(?<=\d)[ \u00a0\u2009\u202f'\u2019](?=\d{3}(?!\d))")


def _decisive(decimal: str, other: str) -> re.Pattern[str]:
    """Return what only a number with this decimal sign looks like."""
    d, o = re.escape(decimal), re.escape(other)
    digits = [
        rf"\d*{d}\d{{1,2}}",  # 1,5 and 1,25
        rf"\d*{d}\d{{4,}}",  # 1,2345
        rf"0{d}\d+",  # 0,512
        rf"\d{{4,}}{d}\d+",  # 1234,567
        rf"\d{{1,3}}(?:{o}\d{{3}})+{d}\d*",  # 1.234,56
        rf"[1-9]\d{{0,2}}(?:{o}\d{{3}}){{2,}}",  # 1.234.567
        rf"\d*{d}\d*[eE][+-]?\d+",
        rf"\d*{d}",  # 5,
    ]
    return re.compile("|".join(digits))


_DECISIVE: dict[Decimal, re.Pattern[str]] = {",": _decisive(",", "."), ".": _decisive(".", ",")}
#: Longer texts are no numbers of which the sign could be told.
_LONGEST = 40
_EITHER = re.compile(r"[1-9]\d{0,2}([.,])\d{3}")
_UNGROUPED = re.compile(r"[1-9]\d{3}")


@dataclass(frozen=True)
class Signs:
    """What a column shows of the decimal sign of its numbers.

    Attributes
    ----------
    shown
        For each decimal sign that a value shows without doubt, such a value.
    either
        For each sign that may be a decimal one or separate thousands, such a value.
    ungrouped
        Whether a whole number of four digits or more has no groups.
    """

    shown: dict[Decimal, str]
    either: dict[str, str]
    ungrouped: bool

    @classmethod
    def of(cls, values: DistinctValues) -> Signs:
        """Look at the distinct texts of a column."""
        shown: dict[Decimal, str] = {}
        either: dict[str, str] = {}
        ungrouped = False
        for text in sorted(text for text in values.texts if len(text) <= _LONGEST):
            if "," not in text and "." not in text:
                ungrouped = ungrouped or _UNGROUPED.search(text) is not None
                continue
            if "." in shown and "," not in text and text.count(".") == 1:
                continue  # nothing new
            bare = _BLANKS.sub("", _AROUND.sub("", PLAIN.strip(text)))
            for sign, pattern in _DECISIVE.items():
                if sign not in shown and pattern.fullmatch(bare):
                    shown[sign] = text
            if found := _EITHER.fullmatch(bare):
                either.setdefault(found[1], text)
        return cls(shown, either, ungrouped)


@dataclass(frozen=True)
class Decision:
    """The decimal sign of a column or a table.

    Attributes
    ----------
    decimal
        The sign; None where the evidence conflicts.
    reason
        Why; empty where there is no number in which it matters.
    is_sure
        Whether the values leave no doubt.
    """

    decimal: Decimal | None
    reason: str = ""
    is_sure: bool = True


def decide_for_table(columns: Iterable[Signs], given: Decimal | None, delimiter: str | None) -> Decision:
    """Decide the decimal sign of a table.

    Parameters
    ----------
    columns
        What the columns that hold numbers show.
    given
        The sign as the config says it; the values are not asked then.
    delimiter
        Delimiter of the file, if it has one.
    """
    if given is not None:
        return Decision(given, f"data.decimal is {given!r}")
    shown: dict[Decimal, str] = {}
    either: dict[str, str] = {}
    for signs in columns:
        if len(signs.shown) == 1:
            shown |= {sign: text for sign, text in signs.shown.items() if sign not in shown}
        either |= {sign: text for sign, text in signs.either.items() if sign not in either}
    if len(shown) == 2:
        return Decision(None, f"columns differ: {shown['.']} and {shown[',']}")
    if shown:
        ((sign, text),) = shown.items()
        return Decision(sign, f"as in {text}")
    if "," in either and delimiter == ";":
        return Decision(",", f"a file with semicolons, where {either[',']} is likely a fraction", is_sure=False)
    return Decision(".")


def decide_for_column(signs: Signs, table: Decision) -> Decision:
    """Decide the decimal sign of a column, by its own values or else by the table's."""
    if len(signs.shown) == 2:
        return Decision(None, f"numbers with both decimal signs, such as {signs.shown['.']} and {signs.shown[',']}")
    if signs.shown:
        ((sign, text),) = signs.shown.items()
        return Decision(sign, f"as in {text}")
    if len(signs.either) == 2:
        return Decision(None, f"both signs in numbers that tell no decimal one: {' and '.join(_sorted(signs))}")
    if not signs.either:
        return Decision(table.decimal or ".")
    ((either, text),) = signs.either.items()
    if table.reason and table.is_sure:
        if table.decimal is None:
            return Decision(None, f"{text} may be a fraction or not, and columns of this table differ in this")
        return Decision(table.decimal, f"{text} is read as in the rest of the table, {table.reason}", is_sure=False)
    if either == ".":
        return Decision(".", f"{text} is read as a fraction; if it is not, set decimal: ','", is_sure=False)
    if signs.ungrouped:
        return Decision(",", f"{text} is read as a fraction, next to whole numbers without groups", is_sure=False)
    if table.decimal == ",":
        return Decision(",", f"{text} is read as a fraction, as the file has semicolons", is_sure=False)
    return Decision(".", f"{text} is read with groups of thousands", is_sure=False)


def _sorted(signs: Signs) -> Sequence[str]:
    return [signs.either[sign] for sign in sorted(signs.either)]
