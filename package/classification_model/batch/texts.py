"""Distinct texts as an Arrow array, and those of them that Arrow can process.

Python and Arrow (whose regular expressions are RE2's) agree on texts of printable ASCII: only " " is white space, and
letters, digits and cases are the same. Other texts are processed by Python.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import overload

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from classification_model.tables.arrays import flags_of

_FIRST, _LAST = ord(" "), ord("~")


class DistinctTexts(Sequence[str]):
    """Texts in Arrow's memory, each made a Python object only where one is asked for.

    Parameters
    ----------
    texts
        Strings without nulls.

    Attributes
    ----------
    texts
    """

    def __init__(self, texts: pa.StringArray) -> None:
        self.texts = texts

    @cached_property
    def _objects(self) -> list[str]:
        objects: list[str] = self.texts.to_pylist()
        return objects

    def __len__(self) -> int:
        return len(self.texts)

    def __iter__(self) -> Iterator[str]:
        return iter(self._objects)

    @overload
    def __getitem__(self, place: int) -> str: ...

    @overload
    def __getitem__(self, place: slice) -> list[str]: ...

    def __getitem__(self, place: int | slice) -> str | list[str]:
        return self._objects[place]


def is_plain(texts: pa.StringArray) -> NDArray[np.bool_]:
    """Tell which texts, none of them null, are of printable ASCII only, shape (n_texts,)."""
    letters = _letters(texts)
    if not len(letters) or (letters.min() >= _FIRST and letters.max() <= _LAST):
        return np.ones(len(texts), dtype=bool)
    # Arrow's expressions overlook bytes that are no UTF-8, so that a class of all but ASCII is not to be trusted.
    return flags_of(pc.string_is_ascii(texts)) & ~flags_of(pc.match_substring_regex(texts, r"[\x00-\x1f\x7f]"))


def _letters(texts: pa.StringArray) -> NDArray[np.int8]:
    """Return the bytes of all texts; those beyond ASCII are negative."""
    _, offsets, data = texts.buffers()
    if data is None or not len(texts):
        return np.empty(0, dtype=np.int8)
    bounds = np.frombuffer(offsets, dtype=np.int32)[texts.offset : texts.offset + len(texts) + 1]
    return np.frombuffer(data, dtype=np.int8)[bounds[0] : bounds[-1]]
