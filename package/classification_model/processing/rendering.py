"""A frame as the bytes of a file."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet

from classification_model.runtime.input.values import is_missing

if TYPE_CHECKING:
    import pandas as pd


def render_table(frame: pd.DataFrame, kind: str) -> bytes:
    """Render a frame as ``csv``, ``tsv``, ``parquet``, ``json`` or ``jsonl``.

    Values that JSON or Parquet cannot hold are written as text.
    """
    if kind in {"csv", "tsv"}:
        write = partial(frame.to_csv, index=False, sep="\t" if kind == "tsv" else ",", lineterminator="\n")
        text = str(write())
        return (str(write(quoting=csv.QUOTE_NONNUMERIC)) if "\r" in text else text).encode()  # which minimal misses
    if kind == "parquet":
        buffer = io.BytesIO()
        pa.parquet.write_table(pa.table({name: _as_arrow(frame[name]) for name in frame.columns}), buffer)
        return buffer.getvalue()
    rows = [
        {name: None if is_missing(value) else value for name, value in row.items()} for row in frame.to_dict("records")
    ]
    if kind == "jsonl":
        return b"".join(orjson.dumps(row, _as_json, orjson.OPT_APPEND_NEWLINE) for row in rows)
    return orjson.dumps(rows, _as_json, orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _as_json(value: Any) -> float | str:
    return float(value) if isinstance(value, (Decimal, np.number)) else str(value)


def _as_arrow(column: pd.Series) -> pa.Array:
    values = [None if is_missing(value) else value for value in column.tolist()]
    try:
        return pa.array(values)
    except (pa.ArrowException, OverflowError):  # of mixed types
        return pa.array([None if value is None else str(value) for value in values])
