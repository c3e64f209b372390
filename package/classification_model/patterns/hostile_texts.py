"""Generate texts on which a search for a regular expression may be slow.

A search is slow if it can match the same characters in several ways (by one repeat or the next, by an outer or an inner
one, or starting at each of them) and all of them fail. So each text has a beginning that leads the search to a repeat,
then characters that the repeat matches, many times, and an end at which the search fails.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable, Iterator
from itertools import islice, product
from typing import Any, NamedTuple, TypeVar

from classification_model.patterns.parsed import REPEATS, SETS, CharacterSet, inside, parse, sets_in, sre

_Value = TypeVar("_Value", bound=Hashable)

#: Texts of one pattern, of which most have a few hundred; texts that are made for them, some of them more than once.
MOST_TEXTS, MOST_MADE = 5000, 50_000
#: Lengths that a pattern itself names; of fewer characters none is slow.
MOST_LENGTHS, SHORTEST_TELLING = 24, 8
#: Characters more than it needs that an assertion without an upper bound is given: many small numbers divide it.
LOOKED_FURTHER = 60
#: Characters of which every pair is repeated; ways to go through a repeat or a pattern that are tried.
MOST_PAIRED, MOST_CHOICES = 8, 16

#: Characters of every sort, of which those are taken that a pattern tells from its own.
_SORTS = "a0 A_!,.-\n\té\N{ARABIC-INDIC DIGIT ONE}\N{SNOWMAN}\x01"


class HostileText(NamedTuple):
    """A text of any length.

    Attributes
    ----------
    beginning, repeated, end
        What it begins with, what follows again and again, at least one character, and what it ends with.
    """

    beginning: str
    repeated: str
    end: str


class _Repeat(NamedTuple):
    """A repeat: a text that brings a search to it, texts that it takes in a round, characters that it takes."""

    beginning: str
    rounds: list[str]
    characters: list[str]


class _Width(NamedTuple):
    """How many characters a part of a pattern takes, and whether an assertion looks for them."""

    characters: int
    is_looked_for: bool


def hostile_texts(pattern: str, longest: int) -> list[HostileText]:
    """Return texts on which a search for a regular expression may be slow, the most likely ones first.

    Parameters
    ----------
    pattern
        Regular expression as in `re`.
    longest
        Most characters of a text.

    Raises
    ------
    RecursionError
        If there are groups in groups, a hundred deep and more.
    """
    made = islice(_Survey(pattern, longest).texts(), MOST_MADE)
    return list(islice(_distinct(made), MOST_TEXTS))


def telling_lengths(pattern: str, longest: int) -> list[int]:
    """Return lengths at which a pattern may change its mind: what it bounds, and one character less and more.

    A pattern that looks ahead for 20 to 30 characters and the end is slow in texts of so many, and in no others.

    Parameters
    ----------
    pattern
        Regular expression as in `re`.
    longest
        Most characters of a text.

    Raises
    ------
    RecursionError
        If there are groups in groups, a hundred deep and more.
    """
    parsed = parse(pattern)
    widths = sorted(_widths(parsed, parsed.state.flags), key=lambda width: not width.is_looked_for)
    near = (width.characters + step for width in widths for step in (0, -1, 1))
    return sorted(islice(_distinct(length for length in near if SHORTEST_TELLING < length < longest), MOST_LENGTHS))


class _Survey:
    """What a pattern repeats, and which characters it tells from each other."""

    def __init__(self, pattern: str, longest: int) -> None:
        parsed = parse(pattern)
        flags = parsed.state.flags
        self._longest = longest
        self._groups: dict[int, str] = {}
        self._repeats: list[_Repeat] = []
        sets = sets_in(parsed, flags)
        sorts: dict[tuple[bool, ...], str] = {}
        for character in [*(one for each in sets for one in each.named()), *_SORTS]:
            sorts.setdefault(tuple(each.holds(character) for each in sets), character)
        self._characters = list(sorts.values())
        self._find_repeats(parsed, flags, "")
        self._whole = self._samples(parsed, flags)
        self._demanded = "".join(self._demands(parsed, flags))[:longest]

    def texts(self) -> Iterator[HostileText]:
        """Yield texts for each repeat, and of what may begin many attempts, in turn, so that each has its share."""
        ends = list(dict.fromkeys(["", *self._ends(), self._demanded]))
        return _in_turn([*(self._texts_of(repeat, ends) for repeat in self._repeats), self._attempts(ends)])

    def _texts_of(self, repeat: _Repeat, ends: list[str]) -> Iterator[HostileText]:
        """Yield texts that bring a search to a repeat, those with the fewest ends first."""
        every_end = ["", *self._characters, *(2 * character for character in self._characters)]
        again = [repeat.beginning + more for more in ("", *repeat.rounds[:2], *self._characters)]
        rounds = list(dict.fromkeys(filter(None, [*repeat.rounds, *repeat.characters, *again])))
        own = list(dict.fromkeys(["", repeat.beginning, repeat.beginning + self._demanded]))
        # What it begins with may be what another alternative fails at.
        others = [first + beginning for first in self._characters for beginning in own]
        yield from _made_of(own, rounds, ends)
        yield from _in_turn([_made_of(own, rounds, every_end), _made_of(others, rounds, ends)])

    def _attempts(self, ends: list[str]) -> Iterator[HostileText]:
        """Yield texts of what the whole pattern, or a single character of it, may begin with again and again."""
        nearly = [text[:-1] for text in self._whole]
        pairs = ["".join(pair) for pair in product(self._paired(), repeat=2)]
        beginnings = dict.fromkeys(["", *(repeat.beginning for repeat in self._repeats)])
        words = list(filter(None, [*self._characters, *self._whole, *nearly, *pairs]))
        yield from _made_of(list(beginnings), words, ends)

    def _ends(self) -> dict[str, None]:
        """Return for each repeat a character that it does not take, the same one as for another where there is one."""
        ends: dict[str, None] = {}
        for repeat in self._repeats:
            others = [character for character in self._characters if character not in repeat.characters]
            if ends.keys().isdisjoint(others):
                ends.update(dict.fromkeys(others[-1:]))
        return ends

    def _paired(self) -> list[str]:
        """Return the characters of repeats, then others, as many as may be paired."""
        taken = [character for repeat in self._repeats for character in repeat.characters]
        return list(dict.fromkeys([*taken, *self._characters]))[:MOST_PAIRED]

    def _find_repeats(self, nodes: Iterable[tuple[Any, Any]], flags: int, beginning: str) -> None:
        for node in nodes:
            operator, argument = node
            for within, inner_flags in inside(node, flags):
                if operator in REPEATS and argument[1] > 1:
                    sets = sets_in(within, inner_flags)
                    taken = [one for one in self._characters if any(each.holds(one) for each in sets)]
                    self._repeats.append(_Repeat(beginning, self._samples(within, inner_flags), taken))
                self._find_repeats(within, inner_flags, beginning)
            beginning = (beginning + self._sample(node, flags, 0))[: self._longest]

    def _demands(self, nodes: Iterable[tuple[Any, Any]], flags: int) -> Iterator[str]:
        """Yield what each assertion about the text that follows wants to find, as that a digit is somewhere in it."""
        for node in nodes:
            operator, argument = node
            for within, inner_flags in inside(node, flags):
                if operator is sre.ASSERT and argument[0] > 0:
                    yield "".join(self._sample(inner, inner_flags, 0) for inner in within)
                yield from self._demands(within, inner_flags)

    def _samples(self, nodes: Iterable[tuple[Any, Any]], flags: int) -> list[str]:
        """Return texts that a sequence matches, by the alternatives in it, with and without what is optional."""
        nodes = list(nodes)
        found = ("".join(self._sample(node, flags, choice) for node in nodes) for choice in range(MOST_CHOICES))
        return list(dict.fromkeys(found))

    def _sample(self, node: tuple[Any, Any], flags: int, choice: int) -> str:
        """Return a text that is matched: every other choice takes what is optional, every pair the next alternative."""
        operator, argument = node
        if operator in SETS:
            taken = CharacterSet(operator, argument, flags)
            return next((one for one in self._characters if taken.holds(one)), "")
        if operator is sre.GROUPREF:
            return self._groups.get(argument, "")
        if operator is sre.ASSERT_NOT or (operator is sre.ASSERT and argument[0] > 0):
            return ""
        ways = list(inside(node, flags))
        if not ways:
            return ""
        within, flags = ways[choice // 2 % len(ways)]
        text = "".join(self._sample(inner, flags, choice) for inner in within)[: self._longest]
        if operator is sre.SUBPATTERN:
            self._groups[argument[0]] = text
        if operator in REPEATS:
            rounds = min(max(int(argument[0]), choice % 2), self._longest)
            return (text * rounds)[: self._longest]
        return text


def _made_of(beginnings: list[str], repeated: list[str], ends: list[str]) -> Iterator[HostileText]:
    """Yield all texts of some beginnings, of what is repeated after them, and of ends."""
    return (HostileText(beginning, one, end) for one, end, beginning in product(repeated, ends, beginnings))


def _in_turn(sources: Iterable[Iterator[HostileText]]) -> Iterator[HostileText]:
    """Yield one of each source, then another one of each, until none has any left."""
    waiting = deque(sources)
    while waiting:
        source = waiting.popleft()
        for one in source:
            yield one
            waiting.append(source)
            break


def _distinct(values: Iterable[_Value]) -> Iterator[_Value]:
    """Yield each value where it comes for the first time, and take no more of them than are asked for."""
    seen: set[_Value] = set()
    for value in values:
        if value not in seen:
            seen.add(value)
            yield value


def _widths(nodes: Any, flags: int) -> Iterator[_Width]:
    """Yield how many characters the repeats and the assertions of a pattern take, at least and at most."""
    for node in nodes:
        operator, argument = node
        for within, inner_flags in inside(node, flags):
            fewest, most = within.getwidth()
            if operator in REPEATS:
                yield _Width(int(argument[1]) * most, is_looked_for=False)
                yield _Width(int(argument[0]) * fewest, is_looked_for=False)
            elif operator in (sre.ASSERT, sre.ASSERT_NOT):
                yield _Width(most if most < sre.MAXREPEAT else fewest + LOOKED_FURTHER, is_looked_for=True)
                yield _Width(fewest, is_looked_for=True)
            yield from _widths(within, inner_flags)
