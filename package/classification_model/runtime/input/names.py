"""Compare the names of an input's columns with those of a schema: what is missing, what is unknown, what is near."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from classification_model.runtime.input.schema import InputSchema

#: Pairs of names that are compared for the hints of one input, so that a request cannot ask for a long search.
MOST_COMPARED = 300
#: Longest name of a request that is compared.
LONGEST_COMPARED = 40
#: Unknown columns of a table that are compared with those that are missing; a table of many more is another table.
MOST_MISSPELT = 20
#: How alike two names are at least, from 0 to 1.
_CUTOFF = 0.6
_LISTED = 8


def nearest_name(name: str, known: Collection[str]) -> str | None:
    """Return the known name that a misspelt one most likely means: the same letters and digits, or else nearly so."""
    bare = _bare(name)
    same = next((each for each in known if bare and _bare(each) == bare), None)
    return same or next(iter(difflib.get_close_matches(name, known, n=1, cutoff=_CUTOFF)), None)


def _bare(name: str) -> str:
    return "".join(filter(str.isalnum, name.casefold()))


class Hints:
    """Says which name of a schema an unknown one is near to, while that takes no time.

    Parameters
    ----------
    schema
        The schema.
    """

    def __init__(self, schema: InputSchema) -> None:
        self._known = schema.names
        self._left = MOST_COMPARED // max(len(self._known), 1)
        self._said: dict[str, str] = {}

    def of(self, name: str) -> str:
        """Return the end of a message on an unknown name: empty where no name is near."""
        if name not in self._said:
            if not self._left or len(name) > LONGEST_COMPARED:
                return ""
            self._left -= 1
            near = nearest_name(name, self._known)
            self._said[name] = "" if near is None else f": did you mean {near!r}?"
        return self._said[name]


@dataclass(frozen=True)
class HeaderFaults:
    """What is wrong with the columns of a table.

    Attributes
    ----------
    misspelt
        Unknown columns, each with the column that is missing and most likely meant.
    missing
        Further columns that a row must have.
    unknown
        Further columns that the schema does not know.
    twice
        Fields that are there under two of their names.
    """

    misspelt: tuple[tuple[str, str], ...] = ()
    missing: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    twice: tuple[str, ...] = ()

    def without_extra(self, required: Collection[str]) -> HeaderFaults:
        """Return what is wrong where unknown columns are accepted: what is required is missing, or there twice."""
        misspelt = tuple((found, meant) for found, meant in self.misspelt if meant in required)
        return HeaderFaults(misspelt, self.missing, (), self.twice)

    def sentences(self, *, remedy: str = "") -> list[str]:
        """Say what was expected and found, a sentence for each kind of fault.

        Parameters
        ----------
        remedy
            What else to do about unknown columns, beside removing them.
        """
        said = [f"expected the column {meant!r}, found {found!r}: rename it" for found, meant in self.misspelt]
        if self.missing:
            said.append(f"expected {_columns(self.missing)}, found no such column: add {_it(self.missing)}")
        if self.unknown:
            said.append(
                f"expected columns of the training table, found {_listed(self.unknown)}: remove {_it(self.unknown)}"
                f"{remedy}"
            )
        if self.twice:
            said.append(f"expected each column once, found {_listed(self.twice)} under two of its names: remove one")
        return said


def header_faults(schema: InputSchema, names: Iterable[str]) -> HeaderFaults:
    """Hold the columns of a table against a schema.

    An unknown column that is named much like a missing one is a misspelling of it, also where the missing column may
    be left out.

    Parameters
    ----------
    schema
        What a row may and must have.
    names
        Columns of the table.
    """
    names = list(names)
    known = schema.names
    counts = Counter(known[name] for name in names if known.get(name) is not None)
    absent = {field.name: field.nullable for field in schema.fields if field.name not in counts}
    misspelt: dict[str, str] = {}
    unknown: list[str] = []
    for number, name in enumerate(each for each in names if each not in known):
        left = [each for each in absent if each not in misspelt.values()] if number < MOST_MISSPELT else []
        near = nearest_name(name, left)
        if near is None:
            unknown.append(name)
        else:
            misspelt[name] = near
    return HeaderFaults(
        tuple(misspelt.items()),
        tuple(name for name, may_lack in absent.items() if not may_lack and name not in misspelt.values()),
        tuple(unknown),
        tuple(str(name) for name, count in counts.items() if count > 1),
    )


def _columns(names: Sequence[str]) -> str:
    return f"the column{'s' if len(names) > 1 else ''} {_listed(names)}"


def _it(names: Sequence[str]) -> str:
    return "them" if len(names) > 1 else "it"


def _listed(names: Sequence[str]) -> str:
    shown = [repr(name[:100].encode(errors="replace").decode()) for name in names[:_LISTED]]
    more = [f"{len(names) - _LISTED} more"] if len(names) > _LISTED else []
    parts = [*shown, *more]
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
