"""Read a table into a frame, and write a frame, wherever the table is."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from classification_model.errors import DataError
from classification_model.processing.raw_tables import raw_names
from classification_model.runtime.model_folder.file_layout import FileLayout
from classification_model.tables.formats import first_sentence, format_of
from classification_model.tables.locations import short_name
from classification_model.tables.python_values import UnreadableArray
from classification_model.tables.reading.open_source import OpenedTable, opened_source
from classification_model.tables.source import Batch, Values
from classification_model.tables.writing.outputs import opened_output
from classification_model.tables.writing.spelling import spell_each

if TYPE_CHECKING:
    from classification_model.tables.writing.output import Mode

_BATCH = 2**16
#: What the texts of a CSV column may be, in this order.
_KINDS = (pa.int64(), pa.float64(), pa.bool_(), pa.date32(), pa.timestamp("us"))


def read_table(
    source: str | os.PathLike[str],
    *,
    columns: Sequence[str] | None = None,
    delimiter: str | None = None,
    encoding: str | None = None,
    skip_rows: int | None = None,
    sheet: str | None = None,
) -> pd.DataFrame:
    """Read a table from a file, a database, a web address or a service into a frame.

    Parameters
    ----------
    source
        One of these:

        - the path of a file
        - a URL that fsspec opens, such as ``s3://bucket/table.parquet``
        - a table or a query of a database, such as ``postgresql://host/name#table`` or
          ``sqlite:///file.db?query=SELECT ...``
        - a URL of a service that `register_source` added

        The suffix of a file gives its format: CSV (also ``.txt``), TSV, Parquet, JSON, JSON lines or a workbook
        (``.xlsx``). CSV, TSV and JSON lines may be compressed (``.csv.gz``). Set passwords in environment variables
        instead of the URL.
    columns
        Columns to read, in this order. The default is all columns.
    delimiter, encoding
        Delimiter and encoding of a CSV file. By default the delimiter is guessed from the header, and the encoding is
        UTF-8.
    skip_rows
        Number of lines above the header of a CSV file, or of rows above that of a workbook. By default titles and
        comments above the header are found and left out.
    sheet
        Sheet of a workbook. The default is the first one.

    Returns
    -------
    pandas.DataFrame
        The table, with the types of its columns. A column of a CSV file becomes integers, floats, booleans or dates if
        all its values can be read as such. Otherwise it becomes strings.

    Raises
    ------
    DataError
        If the table cannot be read, or does not have one of the columns.
    InputError
        If no reader is known for the URL.
    MissingExtraError
        If the library that reads the URL is not installed.

    Examples
    --------
    >>> from pathlib import Path
    >>> import classification_model as cm
    >>> titanic = Path(cm.__file__).parent / "datasets" / "titanic.csv"
    >>> cm.read_table(titanic, columns=["name", "age"]).shape
    (1309, 2)
    """
    source = os.fspath(source)
    layout = FileLayout(delimiter=delimiter, encoding=encoding, skip_rows=skip_rows, sheet=sheet)
    with opened_source(source, layout, columns=columns) as opened:
        whole = _whole_parquet(opened, columns)
        table = _in_pieces(opened, columns) if whole is None else whole
        opened.check_unchanged()
    if opened.file is not None and format_of(opened.name) in {"csv", "tsv"}:
        table = pa.table({name: _inferred(table[name]) for name in table.column_names})
    return _as_frame(table, source)


def write_table(frame: pd.DataFrame, target: str | os.PathLike[str], *, mode: Mode = "replace") -> int:
    """Write a frame as a table. If that fails, the table stays as it was.

    Parameters
    ----------
    frame
        The rows. The index of the frame is not written.
    target
        A path or a URL, as in `read_table`. In a database, it must be a table.
    mode
        ``replace``: the rows replace those of the table. ``append``: the rows are added to the table. Only a table of a
        database accepts ``append``.

    Returns
    -------
    int
        Number of rows that were written.

    Raises
    ------
    DataError
        If the table cannot be written, or exists with other columns.
    InputError
        If no writer is known for the URL.
    MissingExtraError
        If the library that writes the URL is not installed.

    Examples
    --------
    >>> import tempfile
    >>> import pandas as pd
    >>> import classification_model as cm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     cm.write_table(pd.DataFrame({"age": [22.0, None]}), f"{folder}/ages.parquet")
    ...     cm.read_table(f"{folder}/ages.parquet")["age"].isna().tolist()
    2
    [False, True]
    """
    names = raw_names(frame, "the frame")
    if not names:
        msg = "expected a frame with columns to write, found none"
        raise DataError(msg)
    columns = {name: _as_arrow(frame.iloc[:, place], name) for place, name in enumerate(names)}
    types = {name: column.type for name, column in columns.items()}
    with opened_output(os.fspath(target), types, mode=mode) as output:
        for start in range(0, len(frame), _BATCH):
            part = {name: column.slice(start, _BATCH) for name, column in columns.items()}
            try:
                output.write(output.render(Batch(part, min(_BATCH, len(frame) - start))))
            except UnreadableArray as error:
                msg = f"a column {error}"
                raise DataError(msg) from error
        output.finish()
    return len(frame)


def _as_frame(table: pa.Table, source: str) -> pd.DataFrame:
    """Return a table as a frame, in which integers with missing values stay integers."""
    try:
        frame: pd.DataFrame = table.to_pandas(ignore_metadata=True)
        for name in table.column_names:
            column = table[name]
            if pa.types.is_integer(column.type) and column.null_count:
                frame[name] = pd.array(column.to_pylist(), dtype="Int64")
    except (pa.ArrowException, ValueError, OverflowError) as error:
        msg = f"{short_name(source)} cannot be put into a frame: {first_sentence(error)}"
        raise DataError(msg) from error
    return frame


def _whole_parquet(opened: OpenedTable, columns: Sequence[str] | None) -> pa.Table | None:
    """Read a Parquet file as pyarrow reads it, by all cores."""
    if opened.file is None or format_of(opened.name) != "parquet":
        return None
    try:
        handle = pa.PythonFile(opened.file.file, mode="r")
        return pa.parquet.read_table(handle, columns=None if columns is None else list(columns))
    except (pa.ArrowException, OSError) as error:
        msg = f"{opened.name} cannot be read: {first_sentence(error)}"
        raise DataError(msg) from error


def _in_pieces(opened: OpenedTable, columns: Sequence[str] | None) -> pa.Table:
    names = list(columns) if columns is not None else list(opened.table.types)
    parts: dict[str, list[pa.Array]] = {name: [] for name in names}
    for piece in opened.table.pieces():
        batch = piece.load()
        for name in names:
            parts[name].append(_of_values(batch.columns[name], opened.table.types[name]))
    return pa.table({name: _joined(arrays, opened.table.types[name]) for name, arrays in parts.items()})


def _of_values(values: Values, kind: pa.DataType) -> pa.Array:
    if not isinstance(values, list):
        return values
    if pa.types.is_floating(kind):
        with suppress(TypeError, ValueError):  # decimals are numbers too
            return pa.array([None if value is None else float(value) for value in values], kind)
    for guess in (None, kind):
        with suppress(pa.ArrowException):
            return pa.array(values, guess)
    return spell_each(values)


def _joined(arrays: list[pa.Array], kind: pa.DataType) -> pa.ChunkedArray:
    """Join the parts of a column, as texts where they are of several types."""
    found = [array for array in arrays if not pa.types.is_null(array.type)]
    kinds = {array.type for array in found}
    if len(kinds) > 1:
        try:
            parts = [pa.table({"": array}) for array in arrays]
            return pa.concat_tables(parts, promote_options="permissive").column(0)
        except pa.ArrowException:
            return pa.chunked_array([spell_each(array.to_pylist()) for array in arrays])
    chosen = kinds.pop() if kinds else kind
    return pa.chunked_array([array.cast(chosen) for array in arrays], chosen)


def _inferred(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the texts of a CSV column as what they spell; an empty one is missing."""
    present = pc.if_else(pc.equal(texts, ""), None, texts)
    if pc.any(pc.match_substring_regex(present, r"^-?\d{19,}$"), min_count=0).as_py():
        return present  # a number of so many digits names something
    for kind in _KINDS:
        with suppress(pa.ArrowException):
            values = present.cast(kind)
            is_name = (
                kind == pa.int64() and not pc.all(pc.equal(values.cast(present.type), present), min_count=0).as_py()
            )
            return present if is_name else values  # zeros before a number are part of a name
    return present


def _as_arrow(column: pd.Series, name: str) -> pa.Array:
    try:
        if isinstance(column.dtype, pd.DatetimeTZDtype):  # read by pyarrow in a way that pandas deprecates
            moments = pa.Array.from_pandas(column.dt.tz_convert(None))
            values = moments.view(pa.timestamp(column.dtype.unit, pa.lib.tzinfo_to_string(column.dtype.tz)))
        else:
            values = pa.Array.from_pandas(column)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        msg = f"column {name!r}: expected values of one type, found several: {first_sentence(error)}"
        raise DataError(msg) from error
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
