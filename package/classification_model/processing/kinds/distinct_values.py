"""The distinct values of a column, with how often each occurs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from classification_model.processing.kinds.inferred import (
    FEW_MARKS,
    FEW_MARKS_SHARE,
    MARK_SHARE,
    MOST_MARKS,
    ONE_HOT_LIMIT,
)
from classification_model.runtime.input.values import (
    LONGEST_TEXT,
    NO_MARKS,
    UnreadableValue,
    read_category,
    spellings_of,
)


@dataclass(frozen=True)
class Readings:
    """What a function has read of distinct values.

    Attributes
    ----------
    read
        What each value reads as.
    unread
        The values that it could not read.
    """

    read: dict[str, Any]
    unread: list[str]


@dataclass
class DistinctValues:
    """Distinct values of a column, by the category that each is, with how often it occurs; missing ones left out.

    Attributes
    ----------
    samples, counts
        The first value of each category, and how many there are.
    marks
        How many values are each word, in lower case, that means "missing".
    missing
        Number of missing values.
    longest
        Characters of the longest text as it was given, be it a missing value.
    """

    samples: dict[str, Any] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    marks: Counter[str] = field(default_factory=Counter)
    missing: int = 0
    longest: int = 0

    @classmethod
    def of(cls, column: list[Any], marks: frozenset[str]) -> DistinctValues:
        """Count the values of a column.

        Parameters
        ----------
        column
            Raw values.
        marks
            Words, in lower case, that mean "missing".

        Raises
        ------
        UnreadableValue
            If one is no single value that a feature can have.
        """
        values, spelled = cls(), spellings_of(marks)
        for value, count in _distinct(column):
            if type(value) is str and len(value) > values.longest:
                values.longest = len(value)
            text = _spell(value, marks, spelled)
            if text is not None:
                values.counts[text] += count
                values.samples.setdefault(text, value)
                continue
            values.missing += count
            word = read_category(value, NO_MARKS)
            if word is not None:
                values.marks[word] += count
        return values

    @property
    def total(self) -> int:
        """Number of values that are there."""
        return sum(self.counts.values())

    @property
    def all_differ(self) -> bool:
        """Whether no value is missing, and each is another one."""
        return len(self.counts) == self.total > 1 and not self.missing

    @property
    def texts(self) -> list[str]:
        """The distinct values that were given as text."""
        return [text for text, value in self.samples.items() if isinstance(value, str)]

    def rows_of(self, texts: Iterable[str]) -> int:
        """Return how many values some distinct ones are."""
        return sum(self.counts[text] for text in texts)

    def with_marks(self, words: Iterable[str]) -> DistinctValues:
        """Return the values with some words that mean "missing" taken for values."""
        wanted = {word.lower() for word in words}
        found = {word: count for word, count in self.marks.items() if word.lower() in wanted}
        return DistinctValues(
            samples=self.samples | {word: word for word in found},
            counts=self.counts + Counter(found),
            marks=self.marks - Counter(found),
            missing=self.missing - sum(found.values()),
            longest=self.longest,
        )

    def read_by(self, read: Callable[[Any], Any], most_unread: int | None = None) -> Readings | None:
        """Read each distinct value.

        Parameters
        ----------
        read
            Reads a value, or raises `UnreadableValue`.
        most_unread
            Number of values that may be unreadable; None is returned once there are more.
        """
        readings = Readings({}, [])
        for text, value in self.samples.items():
            try:
                readings.read[text] = read(value)
            except UnreadableValue:
                readings.unread.append(text)
                if most_unread is not None and len(readings.unread) > most_unread:
                    return None
        return readings

    def are_marks(self, unread: Iterable[str]) -> list[str] | None:
        """Return values as marks of missing ones, in lower case; None if they are too many, or no words."""
        unread = list(unread)
        words = {text.lower() for text in unread}
        is_single = len(words) <= FEW_MARKS and len(self.counts) - len(words) > ONE_HOT_LIMIT
        share = FEW_MARKS_SHARE if is_single else MARK_SHARE
        if len(words) > MOST_MARKS or self.rows_of(unread) > share * self.total:
            return None
        is_word = all(isinstance(self.samples[text], str) for text in unread)
        return sorted(words) if is_word else None


def _spell(value: Any, marks: frozenset[str], spelled_marks: frozenset[str]) -> str | None:
    """Spell a value as `read_category` does: a plain text without more ado."""
    if type(value) is str and value.isascii() and value.isprintable() and len(value) <= LONGEST_TEXT:
        text = value.strip()
        if text and text[-1] != "0" and text.lower() not in spelled_marks:  # a fraction of zeros is left out
            return text
    return read_category(value, marks)


def _distinct(column: list[Any]) -> Iterable[tuple[Any, int]]:
    if set(map(type, column)) <= {str, type(None)}:
        return Counter(column).items()
    try:
        counts = Counter(zip(map(type, column), column, strict=True))
    except TypeError:  # an unhashable value: a list or an object
        return [(value, 1) for value in column]
    return [(value, count) for (_, value), count in counts.items()]
