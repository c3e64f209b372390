"""Translate Python's regular expressions to RE2 if both match the same texts of printable ASCII."""

from __future__ import annotations

import re
from collections.abc import Sequence

#: Name of the group that holds what is found.
FOUND = "found"

_ESCAPED = r"\\(?:[sdwSDW]|[ -/:-@\[-^`{-~])"
_CLASS = rf"\[\^?(?:{_ESCAPED}|[ -Z^-~])+\]"
_TOKEN = re.compile(
    rf"(?P<atom>(?:{_ESCAPED}|{_CLASS}|[^\[\]\\(){{}}*+?|^$\x00-\x1f\x7f-\U0010ffff])"
    r"(?:(?:[*+?]|\{\d{1,3}(?:,\d{0,3})?\})\??)?)"
    r"|(?P<mark>[|^$)]|\\[bB])|(?P<open>\((?:\?:)?)"
)
#: Two of a kind may become operators of sets in Python's classes.
_OPERATORS = ("--", "&&", "||", "~~")


def translate(pattern: str) -> str | None:
    """Return an expression whose group `FOUND` is the first group of a Python expression, or all of its match.

    Only what is written and matched alike in both is translated: letters, classes, alternatives, anchors, groups that
    are not repeated, and repetitions, greedy or not. None for everything else.
    """
    parts, place, has_group = [], 0, False
    while place < len(pattern):
        token = _TOKEN.match(pattern, place)
        if token is None or (token[0].startswith("[") and any(pair in token[0] for pair in _OPERATORS)):
            return None
        part = token[0]
        if token["open"]:
            part = f"(?P<{FOUND}>" if part == "(" and not has_group else "(?:"
            has_group = has_group or token[0] == "("
        parts.append(part)
        place = token.end()
    return "".join(parts) if has_group else f"(?P<{FOUND}>{pattern})"


def translate_words(words: Sequence[str]) -> str | None:
    """Return an expression that finds one of some words where it is not part of a longer one; None where it cannot."""
    if not all(word and word.isascii() and word.isprintable() for word in words):
        return None
    return r"(?:^|\W)(?:" + "|".join(re.escape(word) for word in words) + r")(?:\W|$)"
