"""What a source of rows gives: pieces of a file that threads turn into batches of columns."""

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
    """A table in a file."""

    @property
    def name(self) -> str:
        """Name of the file."""

    @property
    def types(self) -> Mapping[str, pa.DataType]:
        """The type that each column of the file has in a file of types."""

    @property
    def size(self) -> int | None:
        """Size of the file in units of its own; None where it is not known."""

    def pieces(self) -> Iterator[Piece]:
        """Yield the parts of the file in order, once."""
