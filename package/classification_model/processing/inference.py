"""What kind of value each column of an unknown table holds."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from typing import Any

import pandas as pd

from classification_model.config.features import ColumnFeature
from classification_model.schema import DEFAULT_MISSING_VALUES
from classification_model.values import (
    FALSE_WORDS,
    TRUE_WORDS,
    UnreadableValue,
    is_missing,
    read_category,
    read_moment,
    read_number,
)

ONE_HOT_LIMIT = 20
#: Words among numbers are marks of missing values while they are this few: kinds, and share of the values.
MOST_MARKS, MARK_SHARE = 5, 0.1
#: A text, rather than a category: this share of distinct values, of this many words in the mean.
TEXT_SHARE, TEXT_WORDS = 0.5, 3.0
_ID_NAME = re.compile(r"(^|[_\W])(id|key|uuid|index|idx|rownum|row)$|^unnamed|Id$|ID$", re.IGNORECASE)
_DATE_FORMATS = (
    None,
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d.%m.%Y",
    "%d-%m-%Y",
    "%Y/%m/%d",
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y %H:%M",
    "%Y/%m/%d %H:%M:%S",
    "%d %b %Y",
    "%d %B %Y",
    "%b %d, %Y",
    "%B %d, %Y",
)


@dataclass(frozen=True)
class Inferred:
    """What was found out about a column.

    Attributes
    ----------
    name
        Name of the column.
    feature
        How to use it, or None where it cannot be a feature.
    reason
        Why, in a few words.
    identifies
        Whether its values tell every row from every other and look like an index.
    """

    name: str
    feature: ColumnFeature | None
    reason: str
    identifies: bool = False


@dataclass
class _Values:
    """Distinct values of a column, missing ones left out, with how often each occurs."""

    counts: Counter[Any] = field(default_factory=Counter)
    missing: int = 0

    @property
    def total(self) -> int:
        return sum(self.counts.values())


def infer_columns(table: pd.DataFrame, missing_values: Sequence[str] = DEFAULT_MISSING_VALUES) -> list[Inferred]:
    """Infer the kind of each column from its values.

    Parameters
    ----------
    table
        Raw values, as `sources.read_table` gives them.
    missing_values
        Texts, in lower case, that mean "missing".
    """
    marks = frozenset(missing_values)
    return [_infer(str(name), table[name].tolist(), marks) for name in table.columns]


def _infer(name: str, column: list[Any], marks: frozenset[str]) -> Inferred:
    values = _count(column, marks)
    distinct, total = len(values.counts), values.total
    if total == 0:
        return Inferred(name, None, "every value is missing")
    if distinct == 1 and values.missing == 0:
        return Inferred(name, None, "every value is the same")
    if distinct == total == len(column) > 1 and _looks_like_an_id(name, values):
        return Inferred(name, None, "it identifies rows", identifies=True)
    for infer in (_boolean, _datetime, _numeric):
        feature, reason = infer(values, marks)
        if feature is not None:
            return Inferred(name, feature, reason)
    words = sum(len(str(value).split()) * count for value, count in values.counts.items()) / total
    if distinct > ONE_HOT_LIMIT and distinct / total > TEXT_SHARE and words >= TEXT_WORDS:
        return Inferred(name, ColumnFeature(kind="text"), f"{distinct} texts of {words:.0f} words in the mean")
    if distinct == total == len(column) > ONE_HOT_LIMIT:
        return Inferred(name, None, "every value is another one", identifies=True)
    if distinct > ONE_HOT_LIMIT:
        return Inferred(name, ColumnFeature(kind="categorical", encode="target"), f"{distinct} categories")
    return Inferred(name, ColumnFeature(kind="categorical"), f"{distinct} categories")


def _count(column: list[Any], marks: frozenset[str]) -> _Values:
    values = _Values()
    for value in column:
        if isinstance(value, str):
            stripped = value.strip()
            if not stripped or stripped.lower() in marks:
                values.missing += 1
            else:
                values.counts[stripped] += 1
        elif is_missing(value):
            values.missing += 1
        else:
            try:
                values.counts[value] += 1
            except TypeError:
                values.counts[str(value)] += 1
    return values


def _looks_like_an_id(name: str, values: _Values) -> bool:
    if any(isinstance(value, float) and not value.is_integer() for value in values.counts):
        return False
    if _ID_NAME.search(name):
        return True
    numbers = [int(value) for value in values.counts if isinstance(value, (int, str)) and str(value).isdecimal()]
    return len(numbers) == len(values.counts) and sorted(numbers) == list(range(min(numbers), max(numbers) + 1))


def _boolean(values: _Values, _: frozenset[str]) -> tuple[ColumnFeature | None, str]:
    words = {str(value).lower() for value in values.counts}
    words = {word.removesuffix(".0") for word in words}
    if len(words) == 2 and words <= TRUE_WORDS | FALSE_WORDS and len(words & TRUE_WORDS) == 1:
        return ColumnFeature(kind="boolean"), " and ".join(sorted(words))
    return None, ""


def _datetime(values: _Values, marks: frozenset[str]) -> tuple[ColumnFeature | None, str]:
    if all(isinstance(value, (date, datetime)) for value in values.counts):
        return ColumnFeature(kind="datetime"), "dates"
    if not all(isinstance(value, str) and re.search(r"\d", value) for value in values.counts):
        return None, ""
    if all(str(value).replace(".", "").isdigit() for value in values.counts):
        return None, ""  # ISO 8601 reads 20240131 and 2024 as dates; numbers they are first
    for pattern in _DATE_FORMATS:
        if _reads_all(values, partial(read_moment, marks=marks, pattern=pattern)):
            if pattern is None:
                return ColumnFeature(kind="datetime"), "dates in ISO 8601"
            return ColumnFeature(kind="datetime", datetime_format=pattern), f"dates as {pattern}"
    return None, ""


def _reads_all(values: _Values, read: Callable[[Any], Any]) -> bool:
    try:
        for value in values.counts:
            read(value)
    except UnreadableValue:
        return False
    return True


def _numeric(values: _Values, marks: frozenset[str]) -> tuple[ColumnFeature | None, str]:
    words: Counter[str] = Counter()
    numbers = []
    for value, count in values.counts.items():
        try:
            numbers.append(read_number(value, marks))
        except UnreadableValue:
            words[str(value).lower()] += count
    if not numbers or len(words) > MOST_MARKS or sum(words.values()) > MARK_SHARE * values.total:
        return None, ""
    if words:
        listed = ", ".join(sorted(words))
        return ColumnFeature(kind="numeric", missing_values=tuple(sorted(words))), f"numbers, with few words: {listed}"
    return ColumnFeature(kind="numeric"), "numbers"


def infer_classes(column: pd.Series, missing_values: Sequence[str] = DEFAULT_MISSING_VALUES) -> dict[str, str]:
    """Infer the classes of a target: its values in order, each its own label.

    Numbers are ordered by size, of yes and no (or the like) the positive one comes last, all else is ordered
    by the alphabet.
    """
    marks = frozenset(missing_values)
    found = {read_category(value, marks) for value in column.drop_duplicates().tolist()}
    classes = sorted(value for value in found if value is not None)
    if len(classes) == 2 and {value.lower() for value in classes} <= TRUE_WORDS | FALSE_WORDS:
        classes.sort(key=lambda value: value.lower() in TRUE_WORDS)
    else:
        try:
            classes.sort(key=float)
        except ValueError:
            classes.sort()
    return {value: value for value in classes}
