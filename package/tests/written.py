"""Tables in files, for tests: written by pandas and pyarrow, and read as training reads them."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from classification_model.processing.raw_tables import parse_table
from classification_model.runtime.input.values import is_missing
from classification_model.runtime.model_folder.file_layout import FileLayout
from classification_model.tables.reading.open_file import read_file


def read_table(source: str) -> pd.DataFrame:
    """Read a file."""
    return parse_table(read_file(source), source, FileLayout(delimiter=","))


def write_table(frame: pd.DataFrame, path: str) -> None:
    """Write a frame in the format of the suffix; values that JSON or Parquet cannot hold become texts."""
    suffix = Path(path).suffix
    if suffix in {".csv", ".tsv"}:
        quoting = csv.QUOTE_NONNUMERIC if any("\r" in str(cell) for cell in _cells(frame)) else csv.QUOTE_MINIMAL
        sep = "\t" if suffix == ".tsv" else ","
        frame.to_csv(path, index=False, sep=sep, lineterminator="\n", quoting=quoting)  # type: ignore[call-overload] # its stubs want a literal
    elif suffix == ".parquet":
        pq.write_table(pa.table({name: _as_arrow(frame[name]) for name in frame.columns}), path)
    else:
        rows = [{name: _or_none(value) for name, value in row.items()} for row in frame.to_dict("records")]
        lines = b"".join(orjson.dumps(row, _as_json, orjson.OPT_APPEND_NEWLINE) for row in rows)
        Path(path).write_bytes(orjson.dumps(rows, _as_json) if suffix == ".json" else lines)


def _cells(frame: pd.DataFrame) -> list[Any]:
    return [*frame.columns, *frame.to_numpy().ravel()]


def _or_none(value: Any) -> Any:
    return None if is_missing(value) else value


def _as_json(value: Any) -> float | str:
    return float(value) if isinstance(value, (Decimal, np.number)) else str(value)


def _as_arrow(column: pd.Series) -> pa.Array:
    values = [_or_none(value) for value in column.tolist()]
    try:
        return pa.array(values)
    except (pa.ArrowException, OverflowError):  # of mixed types
        return pa.array([None if value is None else str(value) for value in values])
