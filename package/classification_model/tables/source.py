"""A source of rows: a file or a query in pieces, which threads turn into batches of columns.

To add a file format, give it a suffix in `formats`, a source in `reading/`, and a case in `reading.open_table`. URLs
are opened by `reading.open_file`. To add a source that is not a file, follow `reading.database`, which
`reading.open_source` opens. `writing.outputs` writes the same formats.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import pyarrow as pa

#: A column: of one type, or a list of values of several, as JSON has them.
Values: TypeAlias = pa.Array | list[Any]


@dataclass(frozen=True)
class Batch:
    """Some rows.

    Attributes
    ----------
    columns
        Values of each column.
    count
        Number of rows.
    """

    columns: Mapping[str, Values]
    count: int


@dataclass(frozen=True)
class Piece:
    """A part of a file.

    Attributes
    ----------
    load
        Reads its rows; may run on any thread.
    units
        How much of the file it is, in the unit of `Source.size`.
    """

    load: Callable[[], Batch]
    units: int


class Source(Protocol):
    """A table: a file, or the rows of a query."""

    @property
    def name(self) -> str:
        """What it is called, for messages."""

    @property
    def types(self) -> Mapping[str, pa.DataType]:
        """The type that each column has in a file of types."""

    @property
    def size(self) -> int | None:
        """How much there is, in units of its own; None where it is not known."""

    def pieces(self) -> Iterator[Piece]:
        """Yield the parts in order, once."""
