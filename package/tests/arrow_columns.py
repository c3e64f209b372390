"""Arrow's columns of every type, for Hypothesis."""

from __future__ import annotations

import math
from typing import Any

import garbage
import numpy as np
import pyarrow as pa
from hypothesis import strategies as st

ODD_TEXTS = (
    "",
    " ",
    "NA",
    "?",
    "1e400",
    "-1e-400",
    "1e30",
    "1.0000001e30",
    "yes",
    "3.0",
    " 3.00 ",
    "+3.0",
    "-0.0",
    "007",
    ".5",
    "5.",
    "1e3",
    "1E3",
    "-999",
    "-999.0",
    "True",
    "2024-02-29",
    "29.02.2024",
    "0001-01-01T00:00+14:00",
    "x" * 10_001,
    " " * 10_001,
    "a" + "\u2003",
    "\u0663",
    "\x1f3",
    "3\x0b",
    "$1,200",
    "95%",
    "inf",
    "nan",
    "NaN",
    "0x10",
    "1_000",
    "9" * 400,
    "1e99",
    "1e-99",
    "\u00c0",
    "\u0130",
    "a\x00",
    "3,125",
    "0,512",
    "1.234,56",
    "1 234",
    "1'234,5",
    "-1,",
    "\u22125",
    "(123,00)",
    "12 km",
    "12KM",
    "90+",
    "<0,5",
    "14:35",
    "2:05 pm",
    "2h 5m",
    "1:02:03",
    "20190115",
    "1553520000",
    "1553520000.5",
    "25-03-2019 14:05 UTC",
    "9",
    "9.00",
)
odd_texts = st.sampled_from(ODD_TEXTS)
texts = (
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
    | odd_texts
    | garbage.texts.filter(lambda text: text.isprintable())
)
numbers_in_text = st.floats(allow_nan=False).map(repr) | st.decimals(allow_nan=False, allow_infinity=False).map(str)
floats = st.floats() | st.sampled_from([math.inf, -math.inf, math.nan, 1e30, -1.1e30, 5e-324, -0.0, 80.0, 80.00001])
wholes = st.integers(-(2**63), 2**63 - 1) | st.sampled_from([2**53, 2**53 + 1, -(2**53), -(2**53) - 1, 0, 1, 3])
micro = st.integers(-(2**53) - 2, 2**53 + 2) | st.integers(-62_135_596_800_000_000, 253_402_300_799_999_999)
DAYS = (-719_162, 2_932_896)

COLUMNS: dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]] = {
    "string": (pa.string(), texts | numbers_in_text),
    "large_string": (pa.large_string(), texts | numbers_in_text),
    "string_view": (pa.string_view(), texts),
    "double": (pa.float64(), floats),
    "float": (pa.float32(), st.floats(width=32)),
    "half": (pa.float16(), st.floats(width=16).map(np.float16)),
    "int64": (pa.int64(), wholes),
    "uint64": (pa.uint64(), st.integers(0, 2**64 - 1) | st.sampled_from([2**53, 2**53 + 1])),
    "int8": (pa.int8(), st.integers(-128, 127)),
    "bool": (pa.bool_(), st.booleans()),
    "null": (pa.null(), st.none()),
    "decimal": (pa.decimal128(20, 3), st.decimals(-(10**15), 10**15, places=3)),
    "large decimal": (pa.decimal256(60, 10), st.decimals(-(10**45), 10**45, places=10)),
    "date32": (pa.date32(), st.dates()),
    "date64": (pa.date64(), st.dates()),
    "seconds": (pa.timestamp("s"), st.integers(-62_135_596_800, 253_402_300_799)),
    "milliseconds in Rome": (pa.timestamp("ms", "Europe/Rome"), st.integers(-(10**12), 10**13)),
    "microseconds": (pa.timestamp("us"), micro),
    "time": (pa.time64("us"), st.times()),
    "duration": (pa.duration("ms"), st.integers(-(10**9), 10**9)),
    "binary": (pa.binary(), st.binary(max_size=4)),
    "list": (pa.list_(pa.int64()), st.lists(st.integers(0, 9), max_size=2)),
    "structure": (pa.struct([("x", pa.string())]), st.builds(dict, x=st.text("ab", max_size=2))),
}

#: Arrow has no dictionary of them.
UNCODED = {"list", "structure", "half", "string_view"}


@st.composite
def arrays(draw: st.DrawFn, kind: str, rows: int | None = None) -> pa.Array:
    """Arrays of a kind of column with gaps, as codes of a dictionary too, cut out of larger ones."""
    arrow, cells = COLUMNS[kind]
    size = draw(st.integers(0, 12)) if rows is None else rows
    start = draw(st.integers(0, 3))
    values = pa.array(draw(st.lists(st.none() | cells, min_size=start + size, max_size=start + size)), arrow)
    if kind not in UNCODED and draw(st.booleans()):
        values = values.dictionary_encode()
    return values.slice(start)
