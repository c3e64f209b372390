"""Find the match of a pattern without capturing groups: by splitting the text, or by a check for each answer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from classification_model.export.portable.characters import ANY, only, spell_set, spell_text, white_space
from classification_model.export.portable.shapes import Run, Shape, UntranslatableError, read_shape, spell_count
from classification_model.runtime.input.values import without_fraction

if TYPE_CHECKING:
    from collections.abc import Iterable

    from classification_model.export.portable.characters import Characters

#: Of a single character that is sought, every one of up to so many has a check of its own.
MOST_CHARACTERS = 64

_REST = f"{ANY}*"
_SEVERAL_WAYS = "its pattern can match in several ways"
_ANYWHERE = "its pattern is not anchored to the beginning of the text"
_WHOLE = re.compile(r"[+-]?\d+")


@dataclass(frozen=True)
class Split:
    """What is sought stands at the beginning of a text, up to a delimiter; there it can be cut out.

    Attributes
    ----------
    delimiter
        One character, which is not in it.
    found
        Regular expression of the texts in which it stands.
    has_spaces, has_fractions
        Whether white space may have to be stripped from its end, and whether it may be a number such as 3.0, which
        is spelled 3.
    """

    delimiter: str
    found: str
    has_spaces: bool
    has_fractions: bool


@dataclass(frozen=True)
class Checks:
    """For each text that may be sought, a regular expression of those in which it is what is found.

    Attributes
    ----------
    sought
        The run that is sought.
    opening, closing
        Regular expressions of what comes before it, and after it; nothing is said of what comes after a run that
        takes as many characters as there are when None.
    found
        Regular expression of the texts in which anything is found.
    """

    sought: Run
    opening: str
    closing: str | None
    found: str

    @property
    def every_text(self) -> tuple[str, ...] | None:
        """All texts that can be found; None when there are many."""
        characters = self.sought.characters & ~white_space()
        if self.sought.most != 1 or characters.sum() > MOST_CHARACTERS:
            return None
        return tuple(map(chr, characters.nonzero()[0].tolist()))

    def possible(self, texts: Iterable[str]) -> list[str]:
        """Return, sorted, those of some texts that can be found."""
        return sorted(text for text in set(texts) if self._can_be(text))

    def regex_of(self, text: str) -> str:
        """Return the regular expression of the texts in which this one is what is found."""
        run = self.sought
        spaces = "" if run.most == 1 else _optional(run.characters & white_space())
        has_fraction = run.most is None and _has_fractions(run) and _WHOLE.fullmatch(text)
        fraction = r"(?:\.0+)?" if has_fraction else ""
        closing = self.closing
        if closing is None:  # as many as possible were taken: the next character is none of them, or one too many
            closing = _REST if len(text) == run.most else _unless_of(run)
        return f"{self.opening}{spaces}{spell_text(text)}{fraction}{spaces}{closing}"

    def _can_be(self, text: str) -> bool:
        run = self.sought
        fits = run.least <= len(text) and (run.most is None or len(text) <= run.most)
        stays = bool(text) and text == without_fraction(text.strip())
        return fits and stays and all(run.characters[ord(character)] for character in text)


def plan_matching(pattern: str) -> Split | Checks:
    """Find out how to tell what a regular expression finds, stripped and spelled as a category.

    Raises
    ------
    UntranslatableError
        If there is no way that is exact.
    """
    shape = read_shape(pattern)
    _check_sought(shape.sought)
    split = _split(shape)
    if split is not None:
        return split
    return _anchored_checks(shape) if shape.anchored else _checks(shape)


def _check_sought(run: Run) -> None:
    """Refuse a run whose length depends on white space or on a fraction that is cut off."""
    spaces = (run.characters & white_space()).any()
    if run.most == 0 or not (run.characters & ~white_space()).any():
        msg = "its pattern matches white space only"
    elif spaces and (run.least > 1 or run.most not in {1, None}):
        msg = "its pattern limits the number of characters that may be white space"
    elif _has_fractions(run) and (run.least > 1 or run.most not in {1, 2, None}):
        msg = "its pattern limits the number of characters of a number"
    else:
        return
    raise UntranslatableError(msg)


def _split(shape: Shape) -> Split | None:
    """Such as ``^([^,]+),``."""
    run = shape.sought
    delimiter = _single(shape.after[0]) if shape.after else None
    if not shape.anchored or shape.before or run.most is not None or delimiter is None:
        return None
    if run.least > 1 or run.characters[ord(delimiter)]:
        return None
    return Split(
        delimiter=delimiter,
        found=_anything(run) + _closing(shape),
        has_spaces=bool((run.characters & white_space()).any()),
        has_fractions=_has_fractions(run),
    )


def _anchored_checks(shape: Shape) -> Checks:
    """Such as ``^No ([0-9]+)``: where it begins is certain, and so is where it ends."""
    run, before = shape.sought, list(shape.before)
    while before and _is_space(before[-1]):  # which of both takes white space is all the same, it is stripped
        before.pop()
    for place, earlier in enumerate(before):
        _check_end(earlier, [*shape.before[place + 1 :], run, *shape.after])
    opening = "".join(item.regex for item in shape.before)
    after = list(shape.after)
    while after and _is_space(after[0]) and run.most is None and (run.characters & white_space()).any():
        after.pop(0)
    if shape.ends or any(item.least for item in after):
        _check_end(run, after)
        return Checks(run, opening, _closing(shape), found=opening + _anything(run) + _closing(shape))
    if any(item.least for item in shape.after):
        raise UntranslatableError(_SEVERAL_WAYS)
    return Checks(run, opening, _REST if run.is_fixed else None, found=opening + _anything(run) + _REST)


def _checks(shape: Shape) -> Checks:
    """Such as ``[a-z]+`` or ``,([^.]+)[.]``: the first match is the first place at which one can begin."""
    run = shape.sought
    if not (shape.before or shape.after or shape.ends) and run.least == 1:
        opening = _optional(~run.characters)
        return Checks(run, opening, _REST if run.is_fixed else None, found=opening + _anything(run) + _REST)
    first = _single(shape.before[0]) if shape.before else None
    last = _single(shape.after[0]) if len(shape.after) == 1 and not shape.ends else None
    if first is None or last is None or first == last or not _is_all_but(run, last):
        raise UntranslatableError(_ANYWHERE)
    if any(not _is_space(item) or item.least or item.characters[ord(last)] for item in shape.before[1:]):
        raise UntranslatableError(_ANYWHERE)
    # No match begins at a first character that the last one follows at once, and at no other does one fail, unless
    # none comes after it either.
    skipped = f"(?:{spell_set(~only(first))}|{spell_text(first + last)})*"
    opening = skipped + "".join(item.regex for item in shape.before)
    return Checks(run, opening, _closing(shape), found=opening + _anything(run) + _closing(shape))


def _check_end(run: Run, following: list[Run]) -> None:
    """Refuse a run that may end in several places, since what follows may begin with its characters."""
    if run.is_fixed:
        return
    for item in following:
        if (run.characters & item.characters).any():
            raise UntranslatableError(_SEVERAL_WAYS)
        if item.least:
            return


def _closing(shape: Shape) -> str:
    return "".join(item.regex for item in shape.after) + (r"\n?" if shape.ends else _REST)


def _anything(run: Run) -> str:
    """Return the regular expression of a run that is more than white space."""
    spaces = run.characters & white_space()
    if not spaces.any():
        return spell_set(run.characters) + spell_count(max(run.least, 1), run.most)
    first = spell_set(run.characters & ~spaces)
    return first if run.most == 1 else f"{_optional(spaces)}{first}{_optional(run.characters)}"


def _unless_of(run: Run) -> str:
    """Return the regular expression of the end of a text, and of what does not begin with a run's characters."""
    others = ~run.characters
    return f"(?:{spell_set(others)}{_REST})?" if others.any() else ""


def _optional(characters: Characters) -> str:
    return f"{spell_set(characters)}*" if characters.any() else ""


def _single(run: Run) -> str | None:
    """Return the one character that a run is; None when it is more."""
    return chr(int(run.characters.argmax())) if run.is_fixed and run.least == 1 == run.characters.sum() else None


def _is_space(run: Run) -> bool:
    return not (run.characters & ~white_space()).any()


def _is_all_but(run: Run, character: str) -> bool:
    return run.least == 1 and run.most is None and not (run.characters ^ ~only(character)).any()


def _has_fractions(run: Run) -> bool:
    """Tell whether a run may be a number such as 3.0."""
    return bool(run.characters[ord(".")] and run.characters[ord("0")])
