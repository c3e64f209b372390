"""Values, rows and tables of every kind that a caller may send by mistake or on purpose, for Hypothesis."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

#: Text with NUL, lone surrogates and all else that is a Python string.
texts = st.text(st.characters(exclude_categories=()), max_size=30) | st.from_regex(r"\A[$€]?-?[0-9][0-9,. ]{0,9}%?\Z")

scalars: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([2**53, 2**53 + 1, -(2**63), 2**64]),
    st.builds(pow, st.just(10), st.sampled_from([400, 5000])),
    st.floats(),
    st.sampled_from([math.inf, -math.inf, math.nan, 1e30, 1.7e308, 5e-324, -0.0]),
    texts,
    st.sampled_from(["", " ", "NA", "?", "1e400", "yes", "3.0", "2024-02-29", "0001-01-01T00:00+14:00", "x" * 100_000]),
    st.binary(max_size=9),
    st.decimals() | st.decimals(allow_nan=False).map(abs),
    st.fractions(),
    st.complex_numbers(),
    st.dates(),
    st.datetimes(timezones=st.none() | st.timezones()),
    st.times(),
    st.timedeltas(),
    hnp.scalar_dtypes().flatmap(hnp.from_dtype),
    st.sampled_from([pd.NA, pd.NaT, pd.Timestamp.min, pd.Timestamp(np.datetime64(10**12, "s")), pd.Timedelta(1)]),
    st.sampled_from([..., object(), object, len, np.array(1), np.array([1, 2]), pd.Series([1])]),
)

#: Anything at all.
anything = scalars | st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=6
)
