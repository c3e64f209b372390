"""Write a table by a function of another package, which gets all rows, or none if one of them failed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any

import pyarrow as pa

from classification_model.errors import ClassificationModelError, DataError, InputError
from classification_model.tables.reading.open_file import reason_of
from classification_model.tables.services import sink_of
from classification_model.tables.writing.replacing import told
from classification_model.tables.writing.spelling import typed_batch

if TYPE_CHECKING:
    from classification_model.tables.locations import Location
    from classification_model.tables.services import WriteService
    from classification_model.tables.source import Batch
    from classification_model.tables.writing.output import Output


class ServiceOutput:
    """Rows that are kept in a file until the last one is there, and then given to a function.

    Parameters
    ----------
    location
        Where they go.
    write
        The function.
    schema
        Types of the columns.
    file
        What keeps them.
    """

    def __init__(self, location: Location, write: WriteService, schema: pa.Schema, file: IO[bytes]) -> None:
        self._location = location
        self._write = write
        self._schema = schema
        self._file = file
        self._kept = pa.ipc.new_stream(pa.PythonFile(file, mode="w"), schema)

    def render(self, batch: Batch) -> pa.RecordBatch:
        """Return the batch with the types of the stream."""
        return typed_batch(batch, self._schema)

    def write(self, rendered: pa.RecordBatch) -> None:
        """Keep the rows."""
        with told("the temporary file for the rows"):
            self._kept.write_batch(rendered)

    def finish(self) -> None:
        """Give all rows to the function.

        Raises
        ------
        DataError
            If it fails.
        """
        self._kept.close()
        self._file.flush()
        self._file.seek(0)
        rows = pa.ipc.open_stream(pa.PythonFile(self._file, mode="r"))
        try:
            self._write(rows, self._location.source)
        except ClassificationModelError:
            raise
        except Exception as error:  # noqa: BLE001 - of any library
            msg = f"{self._location.name} cannot be written: {reason_of(error, self._location.redact)}"
            raise DataError(msg) from None


@contextmanager
def opened_service_output(location: Location, types: Mapping[str, pa.DataType]) -> Iterator[Output]:
    """Open a registered service for the time of the block.

    Raises
    ------
    InputError
        If it is registered for reading alone.
    """
    write: Any = sink_of(location.scheme)
    if write is None:
        msg = f"{location.name}: {location.scheme}:// is registered for reading alone: register a sink too"
        raise InputError(msg)
    with TemporaryFile(prefix="rows-") as file:
        yield ServiceOutput(location, write, pa.schema(types.items()), file)
