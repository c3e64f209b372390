"""Write the character sets of Python's `re` for RE2, which defines words, white space and cases otherwise."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from functools import cache

import numpy as np
from numpy.typing import NDArray

#: For each code point whether it belongs to the set.
Characters = NDArray[np.bool_]

_COUNT = sys.maxunicode + 1
_SURROGATES = slice(0xD800, 0xE000)  # no text that was read holds one

#: What RE2 calls any character at all.
ANY = "(?s:.)"


@cache
def matched_by(pattern: str, flags: int = 0) -> Characters:
    """Return the characters that a regular expression for one character matches in Python."""
    found = np.zeros(_COUNT, dtype=bool)
    for run in re.finditer(f"(?:{pattern})+", _all_characters(), flags):
        found[run.start() : run.end()] = True
    found.flags.writeable = False
    return found


def only(characters: Iterable[str]) -> Characters:
    """Return the set of some characters."""
    found = np.zeros(_COUNT, dtype=bool)
    found[[ord(character) for character in characters]] = True
    return found


def white_space() -> Characters:
    """Return what `str.strip` strips, which is what `re` calls white space."""
    return matched_by(r"\s")


def spell_set(characters: Characters) -> str:
    """Write a set for RE2, one that is not empty."""
    if characters.sum() == 1:
        return spell_text(chr(int(characters.argmax())))
    lacks, has = ~characters, characters.copy()
    lacks[_SURROGATES] = has[_SURROGATES] = False
    if not lacks.any():
        return ANY
    inside, outside = _ranges(has), _ranges(lacks)
    return f"[{inside}]" if len(inside) <= len(outside) else f"[^{outside}]"


def spell_text(text: str) -> str:
    """Write a text for RE2, to be matched as it is."""
    return "".join(
        character if character.isascii() and character.isalnum() else f"\\x{{{ord(character):x}}}" for character in text
    )


def spell_text_of_any_case(text: str) -> str:
    """Write a text for RE2, to be matched as Python does when it ignores case."""
    return "".join(spell_set(matched_by(re.escape(character), re.IGNORECASE)) for character in text)


def _ranges(characters: Characters) -> str:
    edges = np.flatnonzero(np.diff(characters, prepend=False, append=False)).tolist()
    pairs = zip(edges[::2], edges[1::2], strict=True)
    return "".join(
        f"\\x{{{first:x}}}" if first == end - 1 else f"\\x{{{first:x}}}-\\x{{{end - 1:x}}}" for first, end in pairs
    )


@cache
def _all_characters() -> str:
    return "".join(map(chr, range(_COUNT)))
