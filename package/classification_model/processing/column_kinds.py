"""Infer the kind of each column of an unknown table."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Any

import pandas as pd

from classification_model.config.features import ColumnFeature
from classification_model.errors import DataError
from classification_model.runtime.input.schema import DEFAULT_MISSING_VALUES, SchemaField
from classification_model.runtime.input.values import (
    FALSE_WORDS,
    LONGEST_PARSED_TEXT,
    LONGEST_TEXT,
    TRUE_WORDS,
    UnreadableValue,
    is_missing,
    read_category,
    read_moment,
    read_number,
)

ONE_HOT_LIMIT = 20
#: Words among numbers or dates are marks of missing values while they are this few: kinds, and share of the values.
MOST_MARKS, MARK_SHARE = 5, 0.1
#: A text, rather than a category: this share of distinct values, of this many words in the mean.
TEXT_SHARE, TEXT_WORDS = 0.5, 3.0
#: A column is as good as constant when fewer rows than this, and than this share, differ from the rest: all of them
#: may be held out.
LEAST_VARIED, LEAST_VARIED_SHARE = 4, 0.05
_ID_NAME = re.compile(r"(?i:(^|[_\W])(id|key|uuid|guid|index|idx|rownum|row)$|^unnamed)|[a-z]I[dD]$")
_DATE_FORMATS = (
    None,
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d.%m.%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%Y/%m/%d",
    "%Y-%m-%d",
    "%d/%m/%y",
    "%m/%d/%y",
    "%d.%m.%y",
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y %H:%M",
    "%d.%m.%Y %H:%M",
    "%d/%m/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M:%S",
    "%d.%m.%Y %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d %H:%M:%S",
    "%d %b %Y",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%d %B %Y",
    "%b %d, %Y",
    "%B %d, %Y",
)


@dataclass(frozen=True)
class Inferred:
    """The inferred kind of a column.

    Attributes
    ----------
    name
        Name of the column.
    feature
        Config of the column as a feature; None if it cannot be one.
    reason
        Reason for the kind, or why the column cannot be a feature.
    identifies
        Whether the column looks like an index: a different value in every row.
    """

    name: str
    feature: ColumnFeature | None
    reason: str
    identifies: bool = False


@dataclass
class _Values:
    """Distinct values of a column, by the category that each is, with how often it occurs; missing ones left out.

    Attributes
    ----------
    samples, counts
        The first value of each category, and how many there are.
    missing
        Number of missing values.
    longest
        Characters of the longest text as it was given, be it a missing value.
    """

    samples: dict[str, Any] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    missing: int = 0
    longest: int = 0

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def all_differ(self) -> bool:
        return len(self.counts) == self.total > 1 and not self.missing


def infer_columns(
    table: pd.DataFrame,
    missing_values: Sequence[str] = DEFAULT_MISSING_VALUES,
    longest_text: int = LONGEST_PARSED_TEXT,
) -> list[Inferred]:
    """Infer the kind of each column from its values.

    Parameters
    ----------
    table
        Raw values, as `raw_tables.parse_table` returns them.
    missing_values
        Texts that mean "missing", in any case.
    longest_text
        Maximum number of characters of a number given as text.

    Returns
    -------
    list of Inferred
        One for each column, in order.
    """
    marks = frozenset(word.lower() for word in missing_values)
    return [_infer(str(name), table[name].tolist(), marks, longest_text) for name in table.columns]


def _infer(name: str, column: list[Any], marks: frozenset[str], longest_text: int) -> Inferred:
    try:
        values = _count(column, marks)
    except UnreadableValue as error:
        return Inferred(name, None, f"its values are of no known kind: {error}")
    if values.total == 0:
        return Inferred(name, None, "every value is missing")
    if any(isinstance(value, (float, Decimal)) and math.isinf(value) for value in values.samples.values()):
        return Inferred(name, None, "it holds infinite numbers")
    feature, reason = _feature(values, marks, longest_text)
    if values.all_differ and _looks_like_an_id(name, values, feature):
        return Inferred(name, None, "it identifies rows", identifies=True)
    if feature is None:
        return Inferred(name, None, reason, identifies=values.all_differ)
    same = _same(values, feature, marks)
    return Inferred(name, feature, reason) if same is None else Inferred(name, None, same)


def _count(column: list[Any], marks: frozenset[str]) -> _Values:
    """Count the values of a column.

    Raises
    ------
    UnreadableValue
        If one is no single value that a feature can have.
    """
    values = _Values()
    memory: dict[tuple[type, Any], str | None] = {}
    for value in column:
        key = (type(value), None if is_missing(value) else value)
        try:
            text = memory[key] if key in memory else memory.setdefault(key, read_category(value, marks))
        except TypeError:  # an unhashable value: a list or an object
            text = read_category(value, marks)
        if isinstance(value, str):
            values.longest = max(values.longest, len(value))
        if text is None:
            values.missing += 1
        else:
            values.counts[text] += 1
            values.samples.setdefault(text, value)
    return values


def _feature(values: _Values, marks: frozenset[str], longest_text: int) -> tuple[ColumnFeature | None, str]:
    for infer in (_boolean, partial(_numeric, longest_text=longest_text), _datetime):
        feature, reason = infer(values, marks)
        if feature is not None:
            return feature, reason
    distinct = len(values.counts)
    words = sum(len(text.split()) * count for text, count in values.counts.items()) / values.total
    if distinct > ONE_HOT_LIMIT and distinct / values.total > TEXT_SHARE and words >= TEXT_WORDS:
        return ColumnFeature(kind="text"), f"{distinct} texts of {words:.0f} words on average"
    if values.all_differ and distinct > ONE_HOT_LIMIT:
        return None, "every value is different"
    if distinct > ONE_HOT_LIMIT:
        return ColumnFeature(kind="categorical", encode="target"), f"{distinct} categories"
    return ColumnFeature(kind="categorical"), f"{distinct} categories"


def _looks_like_an_id(name: str, values: _Values, feature: ColumnFeature | None) -> bool:
    """Tell whether values that all differ name rows: whole numbers without a gap, or codes in a column called so."""
    if feature is not None and feature.kind == "datetime":
        return False
    texts = list(values.counts)
    if feature is None or feature.kind != "numeric":
        return bool(_ID_NAME.search(name))
    numbers = [int(text) for text in texts if re.fullmatch(r"[0-9]{1,20}", text)]
    if len(numbers) < len(texts):
        return False
    return bool(_ID_NAME.search(name)) or max(numbers) - min(numbers) + 1 == len(set(numbers))


def _boolean(values: _Values, _: frozenset[str]) -> tuple[ColumnFeature | None, str]:
    words = {text.lower() for text in values.counts}
    if len(words) == 2 and words <= TRUE_WORDS | FALSE_WORDS and len(words & TRUE_WORDS) == 1:
        return ColumnFeature(kind="boolean"), " and ".join(sorted(words))
    return None, ""


def _numeric(values: _Values, marks: frozenset[str], *, longest_text: int) -> tuple[ColumnFeature | None, str]:
    words = _words_among(values, partial(read_number, marks=marks, longest=longest_text))
    if words is None or values.longest > longest_text:
        return None, ""
    return _with_marks(ColumnFeature(kind="numeric"), "numbers", words)


def _datetime(values: _Values, marks: frozenset[str]) -> tuple[ColumnFeature | None, str]:
    for pattern in _DATE_FORMATS:
        words = _words_among(values, partial(read_moment, marks=marks, pattern=pattern))
        if words is None or any(re.search(r"\d", word) for word in words):
            continue
        if pattern is None:
            typed = not any(isinstance(value, str) for value in values.samples.values())
            return _with_marks(ColumnFeature(kind="datetime"), "dates" if typed else "dates in ISO 8601", words)
        return _with_marks(ColumnFeature(kind="datetime", datetime_format=pattern), f"dates as {pattern}", words)
    return None, ""


def _words_among(values: _Values, read: Callable[[Any], Any]) -> list[str] | None:
    """Return the words among values that `read` can read, or None when they are no few words."""
    words: Counter[str] = Counter()
    for text, value in values.samples.items():
        try:
            read(value)
        except UnreadableValue:
            words[text.lower()] += values.counts[text]
            if not isinstance(value, str) or len(words) > MOST_MARKS:
                return None
    return None if sum(words.values()) > MARK_SHARE * values.total else sorted(words)


def _with_marks(feature: ColumnFeature, reason: str, words: list[str]) -> tuple[ColumnFeature, str]:
    if not words:
        return feature, reason
    options = feature.model_dump(exclude_unset=True) | {"missing_values": words}
    return ColumnFeature(**options), f"{reason}, and a few words: {', '.join(words)}"


def _same(values: _Values, feature: ColumnFeature, marks: frozenset[str]) -> str | None:
    """Say that a column is constant, or as good as that, once its values are read."""
    missing_values = (*marks, *feature.missing_values)
    reader = SchemaField(
        name="",
        kind=feature.kind,
        nullable=True,
        missing_values=missing_values,
        datetime_format=feature.datetime_format,
        longest_text=LONGEST_TEXT,
    ).reader()
    counts: Counter[Any] = Counter({None: values.missing})
    for text, value in values.samples.items():
        counts[reader(value)] += values.counts[text]
    (commonest, count), rows = counts.most_common(1)[0], counts.total()
    others = rows - count
    if others >= max(1, min(LEAST_VARIED, LEAST_VARIED_SHARE * rows)):
        return None
    what = "missing" if commonest is None else "the same"
    return f"all values but {others} are {what}" if others else f"every value is {what}"


def infer_classes(column: pd.Series, missing_values: Sequence[str] = DEFAULT_MISSING_VALUES) -> dict[str, str]:
    """Infer the classes of a target: its distinct values, each as its own label.

    Numbers are ordered by size. Of two truth values, such as yes and no, the true one comes last. Other values are
    ordered alphabetically.

    Raises
    ------
    DataError
        If a value cannot be a class, such as a list.
    """
    try:
        found = _count(column.tolist(), frozenset(word.lower() for word in missing_values)).counts
    except UnreadableValue as error:
        msg = f"column {column.name!r}, the target, has a value that cannot be a class: {error}"
        raise DataError(msg) from error
    classes = sorted(found)
    if len(classes) == 2 and {value.lower() for value in classes} <= TRUE_WORDS | FALSE_WORDS:
        classes.sort(key=lambda value: value.lower() in TRUE_WORDS)
    else:
        try:
            classes.sort(key=float)
        except ValueError:
            classes.sort()
    return {value: value for value in classes}
