"""Read Parquet files in record batches, with dictionary-encoded texts as codes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet

from classification_model.errors import DataError
from classification_model.tables.formats import check_header, empty, first_sentence
from classification_model.tables.source import Batch, Piece

if TYPE_CHECKING:
    from classification_model.tables.reading.open_file import Opened

#: Rows of a batch, fewer where they are wide: of so many bytes.
ROWS, BYTES = 2**16, 2**25
#: Bytes of each column that are read ahead.
BUFFER = 2**18
#: A column of more bytes a value, but for its dictionary, is stored as texts rather than codes.
CODE_BYTES, DICTIONARY_BYTES = 3, 2**20


class ParquetSource:
    """A Parquet file.

    Parameters
    ----------
    file
        The file.
    rows
        Rows of a batch at most.

    Raises
    ------
    DataError
        If it is none, is not whole, or a column has no name or that of another.

    Attributes
    ----------
    name, types, size
        As `Source`; its unit is the row.
    metadata
        What the file says of itself.
    """

    def __init__(self, file: Opened, rows: int = ROWS) -> None:
        self.name = file.name
        try:
            if file.file.seek(0, os.SEEK_END) == 0:
                raise empty(file.name)
            handle = pa.PythonFile(file.file, mode="r")
            plain = pa.parquet.ParquetFile(handle)
            schema = plain.schema_arrow
            check_header(schema.names, file.name)
            coded = _coded_columns(plain.metadata)
            texts = [field.name for field in schema if pa.types.is_string(field.type) and field.name in coded]
            self._file = pa.parquet.ParquetFile(
                handle,
                metadata=plain.metadata,
                read_dictionary=texts,
                buffer_size=BUFFER,
                pre_buffer=False,
                page_checksum_verification=True,
            )
        except (pa.ArrowException, OSError, ValueError) as error:
            raise self._unreadable(error) from error
        self.types = {field.name: field.type for field in schema}
        self.size = plain.metadata.num_rows
        self.metadata: dict[bytes, bytes] = dict(schema.metadata or {})
        self._rows = max(min(rows, BYTES * self.size // max(_bytes_of(plain.metadata), 1)), 64)

    def _unreadable(self, error: Exception) -> DataError:
        return DataError(
            f"{self.name}: expected a Parquet file, found one that cannot be read: {first_sentence(error)}"
        )

    def pieces(self) -> Iterator[Piece]:
        """Yield the batches of the file."""
        try:
            for batch in self._file.iter_batches(self._rows, use_threads=False):
                yield Piece(partial(_load, batch), batch.num_rows)
        except (pa.ArrowException, OSError) as error:
            raise self._unreadable(error) from error


def _load(batch: pa.RecordBatch) -> Batch:
    return Batch(dict(zip(batch.schema.names, batch.columns, strict=True)), batch.num_rows)


def _coded_columns(metadata: Any) -> set[str]:
    """Return the paths of the columns whose values are stored as codes of a dictionary throughout."""
    coded = dict.fromkeys((metadata.schema.column(number).path for number in range(metadata.num_columns)), True)
    for group in map(metadata.row_group, range(metadata.num_row_groups)):
        for chunk in map(group.column, range(group.num_columns)):
            few = chunk.total_uncompressed_size <= CODE_BYTES * chunk.num_values + DICTIONARY_BYTES
            coded[chunk.path_in_schema] &= chunk.has_dictionary_page and few
    return {path for path, is_coded in coded.items() if is_coded}


def _bytes_of(metadata: Any) -> int:
    return sum(metadata.row_group(number).total_byte_size for number in range(metadata.num_row_groups))
