"""Tensors of the Open Inference Protocol, one per column: read and write JSON and binary data.

In binary data (the extension "binary tensor data") numbers are little-endian, booleans are one byte each, and a text is
its length in four bytes, then its UTF-8.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.dialects.tables import shown
from app.problem_details import Problem

#: numpy's names of the numeric datatypes.
_INTEGERS = {
    f"{sign}INT{bits}": f"<{kind}{bits // 8}" for sign, kind in (("", "i"), ("U", "u")) for bits in (8, 16, 32, 64)
}
_FLOATS = {f"FP{bits}": f"<f{bits // 8}" for bits in (16, 32, 64)}
_NUMBERS = _INTEGERS | _FLOATS
DATATYPES = ("BYTES", "BOOL", *_NUMBERS)

_RANGES: dict[str, tuple[float, float]] = {
    **{name: (int(np.iinfo(kind).min), int(np.iinfo(kind).max)) for name, kind in _INTEGERS.items()},
    **{name: (float(np.finfo(kind).min), float(np.finfo(kind).max)) for name, kind in _FLOATS.items()},
}
_NONE = type(None)
#: Types of each datatype's values in JSON, and how an error names them.
_KINDS: dict[str, tuple[set[type], str]] = {
    "BYTES": ({str, _NONE}, "texts"),
    "BOOL": ({bool, _NONE}, "true or false"),
    **dict.fromkeys(_INTEGERS, ({int, _NONE}, "whole numbers")),
    **dict.fromkeys(_FLOATS, ({int, float, _NONE}, "numbers")),
}
_LENGTH = struct.Struct("<I")


@dataclass(frozen=True, slots=True)
class Tensor:
    """A column as it was sent, with its values not yet read.

    Attributes
    ----------
    name
        Name of the column.
    count
        Number of its values.
    datatype
        One of `DATATYPES`.
    data
        List of values, or binary data.
    """

    name: str
    count: int
    datatype: str
    data: list[Any] | bytes

    def values(self) -> list[Any]:
        """Read the values; a missing one is None, as is NaN in binary data.

        Raises
        ------
        Problem
            If they do not match the datatype or the shape.
        """
        if isinstance(self.data, list):
            return self._values_of_json(_flattened(self.data))
        if self.datatype == "BYTES":
            return self._texts(self.data)
        return self._numbers(self.data)

    def _values_of_json(self, data: list[Any]) -> list[Any]:
        if len(data) != self.count:
            raise self._problem(f"{self.count} values, as its shape says, found {len(data)}")
        kinds, expected = _KINDS[self.datatype]
        if not kinds.issuperset(map(type, data)):
            number = next(place for place, value in enumerate(data) if type(value) not in kinds)
            raise self._problem(f"{expected} or null as its data, found something else in data[{number}]")
        if self.datatype not in _RANGES:
            return data
        low, high = _RANGES[self.datatype]
        if not all(value is None or low <= value <= high for value in data):
            raise self._problem(f"values in the range of {self.datatype}, found one outside")
        if self.datatype in _FLOATS:
            return [value if value is None else float(value) for value in data]
        return data

    def _numbers(self, data: bytes) -> list[Any]:
        """Decode numbers or booleans."""
        kind = np.dtype(_NUMBERS.get(self.datatype, "u1"))
        if len(data) != self.count * kind.itemsize:
            raise self._problem(f"{self.count * kind.itemsize} bytes, as its shape says, found {len(data)}")
        numbers = np.frombuffer(data, kind)
        values: list[Any] = numbers.tolist()
        if self.datatype == "BOOL":
            if numbers.max(initial=0) > 1:
                raise self._problem("booleans as bytes of 0 or 1, found another value")
            return list(map(bool, values))
        if self.datatype in _INTEGERS:
            return values
        if np.isinf(numbers).any():
            raise self._problem("finite numbers, found an infinite one")
        return [None if value != value else value for value in values]  # noqa: PLR0124 - NaN

    def _texts(self, data: bytes) -> list[Any]:
        """Decode texts."""
        texts: list[Any] = []
        place = 0
        try:
            while place < len(data):
                (length,) = _LENGTH.unpack_from(data, place)
                place += _LENGTH.size
                text = data[place : place + length]
                place += length
                texts.append(text.decode())
        except struct.error:
            place = len(data) + 1
        except UnicodeDecodeError:
            raise self._problem("texts in UTF-8, found something else") from None
        if place > len(data) or len(texts) != self.count:
            raise self._problem(f"{self.count} texts, each after its length in four bytes, found something else")
        if any("\x00" in text for text in texts):
            raise self._problem("texts without NUL, found one")
        return texts

    def _problem(self, expected_and_found: str) -> Problem:
        return Problem("invalid_request", f"the input {shown(self.name)}: expected {expected_and_found}")


def _flattened(data: list[Any]) -> list[Any]:
    """Return the values of a tensor of shape [n, 1] that is sent as arrays of one value."""
    if data and all(type(inner) is list and len(inner) == 1 for inner in data):
        return [inner[0] for inner in data]
    return data


def binary(datatype: str, values: list[Any]) -> bytes:
    """Encode values as binary data.

    Parameters
    ----------
    datatype
        ``BYTES``, or a numeric datatype.
    values
        Texts or numbers, none missing.
    """
    if datatype == "BYTES":
        encoded = [value.encode() for value in values]
        return b"".join([part for text in encoded for part in (_LENGTH.pack(len(text)), text)])
    return np.array(values, _NUMBERS[datatype]).tobytes()
