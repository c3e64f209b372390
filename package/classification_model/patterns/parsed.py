"""Parse regular expressions with the parser of `re`: nodes, their children, and character sets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

# The parser of `re`, private but unchanged since Python 3.11: what a pattern means is read from where it is defined.
from re import _constants as sre  # type: ignore[attr-defined]  # typeshed leaves it out
from re import _parser  # type: ignore[attr-defined]  # the same
from typing import Any

__all__ = ["CATEGORIES", "REPEATS", "SETS", "CharacterSet", "inside", "parse", "sets_in", "sre"]

REPEATS = (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT)
SETS = (sre.LITERAL, sre.NOT_LITERAL, sre.ANY, sre.IN)
#: How a pattern spells each category of characters.
CATEGORIES = {
    sre.CATEGORY_DIGIT: r"\d",
    sre.CATEGORY_NOT_DIGIT: r"\D",
    sre.CATEGORY_SPACE: r"\s",
    sre.CATEGORY_NOT_SPACE: r"\S",
    sre.CATEGORY_WORD: r"\w",
    sre.CATEGORY_NOT_WORD: r"\W",
}


def parse(pattern: str) -> Any:
    """Return the nodes of a pattern, pairs of an operator and its argument.

    Raises
    ------
    RecursionError
        If there are groups in groups, a hundred deep and more.
    """
    return _parser.parse(pattern)


@dataclass(frozen=True)
class CharacterSet:
    """The characters that one place of a pattern takes, as the parser of `re` has them."""

    operator: Any
    argument: Any
    flags: int

    def holds(self, character: str) -> bool:
        """Tell whether a character is in it."""
        same = {character, character.lower(), character.upper()} if self.flags & re.IGNORECASE else {character}
        if self.operator is sre.ANY:
            return character != "\n" or bool(self.flags & re.DOTALL)
        if self.operator is not sre.IN:
            return any(ord(one) == self.argument for one in same if len(one) == 1) == (self.operator is sre.LITERAL)
        is_negated = self.argument[0][0] is sre.NEGATE
        return any(self._has(part, one) for part in self.argument for one in same if len(one) == 1) != is_negated

    def _has(self, part: tuple[Any, Any], character: str) -> bool:
        operator, argument = part
        if operator is sre.LITERAL:
            return bool(ord(character) == argument)
        if operator is sre.RANGE:
            return bool(argument[0] <= ord(character) <= argument[1])
        return operator is sre.CATEGORY and bool(re.match(CATEGORIES[argument], character, self.flags & re.ASCII))

    def named(self) -> list[str]:
        """Return the characters that are written in it."""
        parts = self.argument if self.operator is sre.IN else [(self.operator, self.argument)]
        found = []
        for operator, argument in parts:
            if operator in (sre.LITERAL, sre.NOT_LITERAL):
                found.append(chr(argument))
            elif operator is sre.RANGE:
                found += map(chr, argument)
        return found


def inside(node: tuple[Any, Any], flags: int) -> Iterator[tuple[Any, int]]:
    """Yield the sequences inside of a node, of which a branch has several, with the flags that hold there."""
    operator, argument = node
    if operator in REPEATS:
        yield argument[2], flags
    elif operator is sre.SUBPATTERN:
        yield argument[3], (flags | argument[1]) & ~argument[2]
    elif operator is sre.ATOMIC_GROUP:
        yield argument, flags
    elif operator in (sre.ASSERT, sre.ASSERT_NOT):
        yield argument[1], flags
    elif operator in (sre.BRANCH, sre.GROUPREF_EXISTS):
        for branch in argument[1] if operator is sre.BRANCH else argument[1:]:
            if branch is not None:
                yield branch, flags


def sets_in(nodes: Iterable[tuple[Any, Any]], flags: int) -> list[CharacterSet]:
    """Return the different sets of characters in a sequence and all that is inside of it."""
    found: dict[str, CharacterSet] = {}
    for node in nodes:
        own = [CharacterSet(*node, flags)] if node[0] in SETS else []
        for each in [*own, *(inner for within in inside(node, flags) for inner in sets_in(*within))]:
            found.setdefault(repr(each), each)
    return list(found.values())
