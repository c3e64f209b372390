"""Regular expressions of a plain shape: runs of characters, one of which is sought."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from classification_model.export.portable.characters import Characters, matched_by, only, spell_set
from classification_model.patterns.parsed import CATEGORIES, parse, sre

#: RE2 counts no further.
MOST_REPEATS = 1000

_BEGINNINGS = [(sre.AT, sre.AT_BEGINNING), (sre.AT, sre.AT_BEGINNING_STRING)]
_HARMLESS = re.UNICODE | re.VERBOSE  # the default, and one that only changes how a pattern is written


class UntranslatableError(Exception):
    """A derivation has no exact form in ONNX; the message says why."""


@dataclass(frozen=True)
class Run:
    """So many characters of a set, as many as possible.

    Attributes
    ----------
    characters
        The set.
    least, most
        How many; no limit above when None.
    """

    characters: Characters
    least: int = 1
    most: int | None = 1

    @property
    def is_fixed(self) -> bool:
        """Whether its length is known."""
        return self.least == self.most

    @property
    def regex(self) -> str:
        """The run as RE2 reads it."""
        return spell_set(self.characters) + spell_count(self.least, self.most)


@dataclass(frozen=True)
class Shape:
    """A regular expression as runs of characters.

    Attributes
    ----------
    anchored, ends
        Whether it begins at the beginning of a text and ends at its end.
    before, sought, after
        The run that is sought, which is the first group or, without groups, all there is, and those around it.
    """

    anchored: bool
    before: tuple[Run, ...]
    sought: Run
    after: tuple[Run, ...]
    ends: bool


def read_shape(pattern: str) -> Shape:
    """Read a regular expression of `re`.

    Raises
    ------
    UntranslatableError
        If it is more than runs of characters.
    """
    parsed = parse(pattern)
    if parsed.state.flags & ~_HARMLESS:
        msg = "its pattern sets flags"
        raise UntranslatableError(msg)
    items = _flatten(list(parsed), in_group=parsed.state.groups == 1)
    anchored = bool(items) and items[0][0] in _BEGINNINGS
    ends = len(items) > 1 and items[-1][0] == (sre.AT, sre.AT_END)
    items = items[anchored : len(items) - ends]
    places = [place for place, (_, in_group) in enumerate(items) if in_group]
    if len(places) != 1:
        msg = "its pattern captures more than one run of characters" if places else "its pattern captures nothing"
        raise UntranslatableError(msg)
    runs = _without_laziness([_read_run(*item) for item, _ in items], ends=ends)
    (place,) = places
    return Shape(anchored, tuple(runs[:place]), runs[place], tuple(runs[place + 1 :]), ends)


def spell_count(least: int, most: int | None) -> str:
    """Write how often something is repeated, for RE2."""
    plain = {(1, 1): "", (0, 1): "?", (0, None): "*", (1, None): "+"}
    limit = "" if most is None else str(most)
    return plain.get((least, most), f"{{{least},{limit}}}")


def _flatten(items: list[Any], *, in_group: bool) -> list[tuple[Any, bool]]:
    """Take groups apart, and tell of each item whether it is in the first group."""
    flat: list[tuple[Any, bool]] = []
    for operator, argument in items:
        if operator is not sre.SUBPATTERN:
            flat.append(((operator, argument), in_group))
            continue
        number, added, removed, inside = argument
        if added or removed:
            msg = "its pattern sets flags"
            raise UntranslatableError(msg)
        flat += _flatten(list(inside), in_group=in_group or number == 1)
    return flat


def _read_run(operator: Any, argument: Any) -> tuple[Run, bool]:
    """Read a run, and whether it is as short as possible."""
    if operator in (sre.MAX_REPEAT, sre.MIN_REPEAT):
        least, most, inside = argument
        if len(inside) == 1:
            run = Run(_read_set(*inside[0]), int(least), None if most == sre.MAXREPEAT else int(most))
            if max(run.least, run.most or 0) > MOST_REPEATS:
                msg = "its pattern has a repeat count that RE2 does not support"
                raise UntranslatableError(msg)
            return run, operator is sre.MIN_REPEAT and not run.is_fixed
    return Run(_read_set(operator, argument)), False


def _read_set(operator: Any, argument: Any) -> Characters:
    if operator is sre.LITERAL:
        return only(chr(argument))
    if operator is sre.NOT_LITERAL:
        return ~only(chr(argument))
    if operator is sre.ANY:
        return ~only("\n")
    if operator is sre.IN:
        return _read_class(argument)
    msg = f"its pattern has more than runs of characters ({str(operator).lower()})"
    raise UntranslatableError(msg)


def _read_class(parts: list[tuple[Any, Any]]) -> Characters:
    characters = only("").copy()
    negated = False
    for operator, argument in parts:
        if operator is sre.NEGATE:
            negated = True
        elif operator is sre.LITERAL:
            characters[argument] = True
        elif operator is sre.RANGE:
            characters[argument[0] : argument[1] + 1] = True
        elif operator is sre.CATEGORY and argument in CATEGORIES:
            characters |= matched_by(CATEGORIES[argument])
        else:
            msg = f"its pattern has an unsupported character set ({str(operator).lower()})"
            raise UntranslatableError(msg)
    characters = ~characters if negated else characters
    if not characters.any():
        msg = "its pattern has an empty character set"
        raise UntranslatableError(msg)
    return characters


def _without_laziness(runs: list[tuple[Run, bool]], *, ends: bool) -> list[Run]:
    """Say of a run as short as possible what it is: before a last character, one that does not reach it."""
    plain = []
    last = runs[-1][0]
    for place, (run, lazy) in enumerate(runs):
        shorter = run.characters & ~last.characters if lazy else run.characters
        is_before_last = place == len(runs) - 2 and last.least == 1 and last.is_fixed and not ends
        if lazy and (run.least or not is_before_last or not shorter.any()):
            msg = "its pattern has a lazy repeat"
            raise UntranslatableError(msg)
        plain.append(replace(run, characters=shorter))
    return plain
