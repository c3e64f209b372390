"""Write columns in a file format: several threads render batches, one thread writes them in order."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet

from classification_model.errors import InputError, require_extra
from classification_model.tables.formats import output_format_of
from classification_model.tables.locations import Location, locate
from classification_model.tables.writing.delimited import as_delimited, header_line
from classification_model.tables.writing.json_rows import as_json_lines, as_json_list
from classification_model.tables.writing.replacing import Sink, replacing, standard_output, uploading
from classification_model.tables.writing.services import opened_service_output
from classification_model.tables.writing.spelling import typed_batch

if TYPE_CHECKING:
    from classification_model.tables.source import Batch
    from classification_model.tables.writing.output import Mode, Output

#: Rows of a group in a Parquet file, at least.
GROUP = 2**18
_COMMA = b",\n"


class DelimitedOutput:
    """A CSV or TSV file.

    Parameters
    ----------
    sink
        Where it is written.
    names
        Its columns.
    delimiter
        A comma or a tab.
    """

    def __init__(self, sink: Sink, names: Collection[str], delimiter: str) -> None:
        self._sink = sink
        self._delimiter = delimiter
        self._header: pa.Buffer | None = header_line(names, delimiter)

    def render(self, batch: Batch) -> pa.Buffer:
        """Return the lines of a batch."""
        return as_delimited(batch.columns, self._delimiter)

    def write(self, rendered: pa.Buffer) -> None:
        """Write the lines, the header before the first ones: of what cannot be read, not even that is predicted."""
        if self._header is not None:
            self._sink.write(self._header)
            self._header = None
        self._sink.write(rendered)

    def finish(self) -> None:
        """End the file, which is whole with its last line."""
        self.write(pa.py_buffer(b""))
        self._sink.settle()


class JsonLinesOutput:
    """A file of one object a line.

    Parameters
    ----------
    sink
        Where it is written.
    """

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def render(self, batch: Batch) -> pa.Buffer:
        """Return the lines of a batch."""
        return as_json_lines(batch.columns)

    def write(self, rendered: pa.Buffer) -> None:
        """Write the lines."""
        self._sink.write(rendered)

    def finish(self) -> None:
        """End the file, which is whole with its last line."""
        self._sink.settle()


class JsonOutput:
    """A JSON list of objects.

    Parameters
    ----------
    sink
        Where it is written.
    """

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._between = b"[\n"

    def render(self, batch: Batch) -> pa.Buffer:
        """Return the objects of a batch."""
        return as_json_list(batch.columns)

    def write(self, rendered: pa.Buffer) -> None:
        """Write the objects, but for the comma and the line end after the last one."""
        if rendered.size:
            self._sink.write(self._between)
            self._sink.write(rendered.slice(0, rendered.size - len(_COMMA)))
            self._between = _COMMA

    def finish(self) -> None:
        """Close the list."""
        self._sink.write(b"\n]\n" if self._between == _COMMA else b"[]\n")
        self._sink.settle()


class ParquetOutput:
    """A Parquet file.

    Parameters
    ----------
    sink
        Where it is written.
    types
        Type of each column.
    varied
        Columns whose values hardly occur twice.
    metadata
        What the file says of itself.
    """

    def __init__(
        self, sink: Sink, types: Mapping[str, pa.DataType], varied: Collection[str], metadata: Mapping[str, str]
    ) -> None:
        self._sink = sink
        self._schema = pa.schema(types.items(), metadata=metadata)
        coded = [name for name in types if name not in varied]
        bounded = [name for name, kind in types.items() if not pa.types.is_string(kind)]  # of texts they take a while
        self._file = pa.parquet.ParquetWriter(
            pa.PythonFile(sink, mode="w"), self._schema, use_dictionary=coded, write_statistics=bounded
        )
        self._waiting: list[pa.RecordBatch] = []

    def render(self, batch: Batch) -> pa.RecordBatch:
        """Return the batch with the types of the file."""
        return typed_batch(batch, self._schema)

    def write(self, rendered: pa.RecordBatch) -> None:
        """Write groups of rows."""
        self._waiting.append(rendered)
        if sum(batch.num_rows for batch in self._waiting) >= GROUP:
            self._write_group()

    def finish(self) -> None:
        """Write the last group and the footer."""
        self._write_group()
        self._file.close()
        self._sink.settle()

    def _write_group(self) -> None:
        table = pa.Table.from_batches(self._waiting, self._schema)
        self._waiting = []
        if table.num_rows:
            self._file.write_table(table)


@contextmanager
def opened_output(
    target: str,
    types: Mapping[str, pa.DataType],
    *,
    varied: Collection[str] = (),
    metadata: Mapping[str, str] | None = None,
    mode: Mode = "replace",
) -> Iterator[Output]:
    """Open an output by its name; `Output.finish` ends it, the end of the block puts it in its place.

    Parameters
    ----------
    target
        A path, ``-`` for CSV on standard output, or a URL; see `locations.locate`.
    types
        Its columns, with their types where the format has some.
    varied, metadata
        As for `ParquetOutput`.
    mode
        Whether the rows take the place of those of a table of a database, or are added to them. A file is replaced.

    Raises
    ------
    DataError
        If it cannot be written.
    InputError
        If nothing writes such a URL, or rows cannot be added there.
    """
    location = locate(target)
    if mode == "append" and location.kind != "database":
        msg = f"{location.name}: expected a table of a database to add rows to, found a {location.kind}"
        raise InputError(msg)
    if location.kind == "database":
        with require_extra("sql", "writing to a database"):
            from classification_model.tables.writing.databases import opened_database_output  # noqa: PLC0415 - an extra brings it
        with opened_database_output(location, types, mode) as database:
            yield database
        return
    if location.kind == "service":
        with opened_service_output(location, types) as service:
            yield service
        return
    if location.kind == "remote file" and location.scheme in {"http", "https"}:
        msg = f"{location.name}: expected a place to write to, found a web server: write to a file or an object store"
        raise InputError(msg)
    kind = output_format_of(location.name)
    with _opened_file(location) as sink:
        output: Output
        if kind == "parquet":
            output = ParquetOutput(sink, types, varied, metadata or {})
        elif kind == "json":
            output = JsonOutput(sink)
        elif kind == "jsonl":
            output = JsonLinesOutput(sink)
        else:
            output = DelimitedOutput(sink, types, "\t" if kind == "tsv" else ",")
        yield output


def _opened_file(location: Location) -> AbstractContextManager[Sink]:
    if location.kind == "stream":
        return standard_output()
    return uploading(location) if location.kind == "remote file" else replacing(Path(location.source))
