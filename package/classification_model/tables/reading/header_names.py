"""Names of columns from a header as it stands: numbered where one is missing or there twice."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from classification_model.tables.formats import check_header

#: What a column without a name is called, with its position from 1.
UNNAMED = "unnamed_{}"


@dataclass(frozen=True)
class Header:
    """The columns of a table.

    Attributes
    ----------
    names
        A name for each, no two alike.
    unnamed
        Positions, from 0, of those that have no name in the file.
    repeated
        For each of those whose name another has, a sentence about it.
    """

    names: tuple[str, ...]
    unnamed: tuple[int, ...] = ()
    repeated: tuple[str, ...] = ()

    def remarks(self, empty: Collection[int] = ()) -> list[str]:
        """Say what was done about names that are missing or repeated; columns at positions `empty` are left out."""
        found = [
            f"column {place + 1} has no name and no value: left out"
            if place in empty
            else f"column {place + 1} has no name: read as {self.names[place]!r}"
            for place in self.unnamed
        ]
        return [*found, *self.repeated]


def read_header(cells: Sequence[str], source: str) -> Header:
    """Give every column a name: by its position where there is none, with a number where another has it.

    A column called ``name`` for the second time is ``name_2``, or the next number that is free.

    Parameters
    ----------
    cells
        The header as it stands.
    source
        Name of the file, for messages.

    Raises
    ------
    DataError
        If no column has a name.
    """
    if not any(cell.strip() for cell in cells):
        check_header(cells, source)
    taken = {cell for cell in cells if cell.strip()}
    seen: dict[str, int] = {}
    counts: dict[str, int] = {}
    names, unnamed, repeated = [], [], []
    for place, cell in enumerate(cells):
        if not cell.strip():
            name = _free(UNNAMED.format(place + 1), taken, counts)
            unnamed.append(place)
        elif cell in seen:
            name = _free(cell, taken, counts)
            repeated.append(f"column {place + 1} is called {cell!r} as column {seen[cell] + 1} is: read as {name!r}")
        else:
            name, seen[cell] = cell, place
        taken.add(name)
        names.append(name)
    return Header(tuple(names), tuple(unnamed), tuple(repeated))


def _free(name: str, taken: set[str], counts: dict[str, int]) -> str:
    """Return a name with the lowest number, from 2, that nothing else has; one that is free stays as it is."""
    found = name
    while found in taken:
        counts[name] = counts.get(name, 1) + 1
        found = f"{name}_{counts[name]}"
    return found
