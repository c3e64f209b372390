"""Tables that come as a stream of Arrow batches: from PostgreSQL, and from services of other packages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

import pyarrow as pa

from classification_model.errors import DataError
from classification_model.tables.formats import check_header, check_wanted
from classification_model.tables.source import Batch, Piece, Values


class ArrowSource:
    """The rows of a stream of Arrow batches.

    Parameters
    ----------
    name
        What it is called, for messages.
    reader
        The batches.
    failed
        Makes the error of a stream that breaks off.
    columns
        Columns that are wanted; all when None.
    decimals
        Columns of texts that spell numbers of any length.

    Raises
    ------
    DataError
        If a column is missing, has no name or that of another.

    Attributes
    ----------
    name, types, size
        As `Source`; how many rows there are is not known.
    """

    def __init__(
        self,
        name: str,
        reader: pa.RecordBatchReader,
        failed: Callable[[Exception], DataError],
        *,
        columns: Sequence[str] | None = None,
        decimals: frozenset[str] = frozenset(),
    ) -> None:
        self.name = name
        self.size = None
        self._reader = reader
        self._decimals = decimals
        self._failed = failed
        found = reader.schema.names
        check_wanted(columns or (), found, name)
        self._columns = list(columns) if columns is not None else found
        check_header([each for each in found if each in self._columns], name)
        self.types: Mapping[str, pa.DataType] = {
            each: pa.float64() if each in decimals else _plain_type(reader.schema.field(each).type)
            for each in self._columns
        }

    def pieces(self) -> Iterator[Piece]:
        """Yield the batches."""
        while (batch := self._next()) is not None:
            yield Piece(partial(self._load, batch), batch.num_rows)

    def _next(self) -> pa.RecordBatch | None:
        try:
            return self._reader.read_next_batch()
        except StopIteration:
            return None
        except Exception as error:  # noqa: BLE001 - of any library
            raise self._failed(error) from None

    def _load(self, batch: pa.RecordBatch) -> Batch:
        return Batch({name: self._values(name, batch.column(name)) for name in self._columns}, batch.num_rows)

    def _values(self, name: str, values: pa.Array) -> Values:
        if isinstance(values, pa.ExtensionArray):
            values = values.storage
        if name in self._decimals:
            found: list[Any] = [None if text is None else Decimal(text) for text in values.to_pylist()]
            return found
        kind = self.types[name]
        return values if values.type.equals(kind) else values.cast(kind)


def _plain_type(kind: pa.DataType) -> pa.DataType:
    """Return the type that the rest of the package reads: views are texts."""
    if isinstance(kind, pa.BaseExtensionType):
        kind = kind.storage_type
    return pa.large_string() if pa.types.is_string_view(kind) else kind
