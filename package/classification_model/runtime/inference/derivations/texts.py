"""Categories, flags and numbers derived from a text."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from classification_model.runtime.input.values import (
    LONGEST_TEXT,
    NO_MARKS,
    UnreadableValue,
    read_category,
    read_number,
    without_fraction,
)


def pattern_finder(pattern: str, *, as_number: bool) -> Callable[[str], str | float | None]:
    """Return the function that finds the first match of a regular expression: its first group, or all of it.

    Parameters
    ----------
    pattern
        Regular expression as in `re`.
    as_number
        Read the match as a number.

    Returns
    -------
    callable
        Takes a text; gives a category, or a number. None for no match, an empty or an unreadable one.
    """
    compiled = re.compile(pattern)
    search, group = compiled.search, 1 if compiled.groups else 0

    def find(text: str) -> str | None:
        match = search(text)
        found = match and match[group]
        return (without_fraction(found.strip()) or None) if found else None

    def find_number(text: str) -> float | None:
        try:
            return read_number(find(text), NO_MARKS, LONGEST_TEXT)
        except UnreadableValue:
            return None

    return find_number if as_number else find


def word_finder(words: Sequence[str]) -> Callable[[str], float]:
    """Return the function that tells, as 1.0 or 0.0, whether a text contains one of some whole words."""
    search = re.compile(whole_words(words), re.IGNORECASE).search
    return lambda text: 1.0 if search(text) else 0.0


def whole_words(words: Sequence[str]) -> str:
    """Return a regular expression that finds one of the words where it is not part of a longer one."""
    return r"(?<!\w)(?:" + "|".join(re.escape(word) for word in words) + r")(?!\w)"


def combine(texts: Sequence[str]) -> str | None:
    """Put texts side by side as one category, ``|`` between them; an empty one is missing, None when all are."""
    combined = "|".join(texts)
    return combined if len(combined) >= len(texts) else None  # of empty ones there are but the bars


@lru_cache(maxsize=2**14)
def spell(number: float) -> str:
    """Spell a number as a category: 3.0 is "3"; NaN is an empty text."""
    return read_category(number, NO_MARKS) or ""
