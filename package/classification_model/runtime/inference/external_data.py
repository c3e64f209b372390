"""Refuse ONNX models that keep tensors in other files, which ONNX calls external data.

The hashes of a model folder cover its own files only, while onnxruntime reads any file below the working directory that
a tensor names: an unverified file could change the predictions. So the bytes of a model are searched for such tensors
before it is run. The package `onnx` could do that, but a base install does not have it.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from typing import NamedTuple

from classification_model.errors import VerificationError

#: Messages may be nested as deep as protobuf itself allows.
DEEPEST = 100
#: A varint holds 64 bits, seven a byte.
_LONGEST_VARINT = 10
#: The most that the key of a field may be, which is its number and its wire type.
_LARGEST_KEY = 2**32 - 1
_LONGEST_NAME = 100

# How a field is written. Protobuf's groups, 3 and 4, are left out: ONNX has none.
_VARINT, _EIGHT_BYTES, _LENGTH, _FOUR_BYTES = 0, 1, 2, 5

#: Fields of a TensorProto.
_NAME, _EXTERNAL_DATA, _DATA_LOCATION = 8, 13, 14
#: Fields of ONNX's messages that lead to tensors, each with the message that it holds.
LEADS: dict[str, dict[int, str]] = {
    "ModelProto": {7: "GraphProto", 20: "TrainingInfoProto", 25: "FunctionProto"},
    "TrainingInfoProto": {1: "GraphProto", 2: "GraphProto"},
    "FunctionProto": {7: "NodeProto", 11: "AttributeProto"},
    "GraphProto": {1: "NodeProto", 5: "TensorProto", 15: "SparseTensorProto"},
    "NodeProto": {5: "AttributeProto"},
    "AttributeProto": {
        5: "TensorProto",
        6: "GraphProto",
        10: "TensorProto",
        11: "GraphProto",
        22: "SparseTensorProto",
        23: "SparseTensorProto",
    },
    "SparseTensorProto": {1: "TensorProto", 2: "TensorProto"},
}
# Each number of an attribute, in `floats` or `ints`, is a field: a forest has hundreds of thousands. They are passed
# over at the speed of a regular expression, which takes the same bytes as `_fields` would.
_NUMBERS = re.compile(rb"(?:\x40[\x80-\xff]{0,9}+[\x00-\x7f]|\x3d.{4})++", re.DOTALL)


class _Field(NamedTuple):
    """A field of a message: its number, how it is written, and where its value begins and ends."""

    number: int
    wire: int
    start: int
    end: int


def refuse_external_data(content: bytes, what: str) -> None:
    """Refuse an ONNX model that keeps a tensor in another file, or bytes that are no ONNX model.

    Every tensor is looked at, wherever ONNX allows one: initializers, attributes of nodes, their subgraphs, functions,
    sparse tensors and what belongs to training. One that says anything about another file is refused, also where a
    later field takes it back: which of them counts is for each reader of protobuf to say.

    Parameters
    ----------
    content
        Bytes of an ONNX model.
    what
        What it is called in an error.

    Raises
    ------
    VerificationError
        If a tensor is in another file, naming it, or the bytes are cut short, nested more than 100 messages deep, or
        have a field that is not written as ONNX has it.

    References
    ----------
    Protocol Buffers, "Encoding", https://protobuf.dev/programming-guides/encoding/; ONNX, ``onnx/onnx.proto``.
    """
    try:
        tensor = _find_external(content)
    except ValueError as error:
        msg = f"the {what} is not a valid ONNX model ({error}): train it again"
        raise VerificationError(msg) from error
    if tensor is not None:
        msg = f"the {what} keeps {tensor} in another file, which cannot be verified: train it again"
        raise VerificationError(msg)


def _find_external(content: bytes) -> str | None:
    """Return what a tensor is called that is kept in another file; None without one.

    Raises
    ------
    ValueError
        If this is no model.
    """
    pending = [("ModelProto", 0, len(content), 1)]
    while pending:
        message, start, end, depth = pending.pop()
        if depth > DEEPEST:
            raise _at(start, f"more than {DEEPEST} messages inside each other")
        if message == "TensorProto":
            if _is_external(content, start, end):
                return _call(content, start, end)
            continue
        leads = LEADS[message]
        for field in _fields(content, start, end, leads, skip=_NUMBERS if message == "AttributeProto" else None):
            inner = leads[field.number]
            _expect(field, _LENGTH, inner)
            pending.append((inner, field.start, field.end, depth + 1))
    return None


def _is_external(content: bytes, start: int, end: int) -> bool:
    """Tell whether a tensor says that it is in another file."""
    found = False
    for field in _fields(content, start, end, (_EXTERNAL_DATA, _DATA_LOCATION)):
        if field.number == _EXTERNAL_DATA:
            _expect(field, _LENGTH, "external_data of a tensor")
            found = True
        else:
            _expect(field, _VARINT, "data_location of a tensor")
            location, _ = _read_varint(content, field.start, field.end)
            found |= location != 0
    return found


def _call(content: bytes, start: int, end: int) -> str:
    """Return what a tensor is called in an error, on one line."""
    name = ""
    for field in _fields(content, start, end, (_NAME,)):
        name = content[field.start : min(field.end, field.start + _LONGEST_NAME)].decode(errors="replace")
    return f"the tensor {name!r}" if name else "a tensor without a name"


def _expect(field: _Field, wire: int, what: str) -> None:
    if field.wire != wire:
        raise _at(field.start, f"expected {what} with wire type {wire}, found {field.wire}")


def _fields(
    content: bytes, start: int, end: int, wanted: Container[int], *, skip: re.Pattern[bytes] | None = None
) -> Iterator[_Field]:
    """Go through the fields of a message, and return those that are wanted; values are not read.

    Parameters
    ----------
    content
        Bytes that hold the message.
    start, end
        Where it begins and ends.
    wanted
        Numbers of the fields to return.
    skip
        Runs of other fields, to be passed over quickly.
    """
    place = start
    while place < end:
        if skip is not None and (run := skip.match(content, place, end)):
            place = run.end()
            continue
        key, value = _read_varint(content, place, end)
        if not 8 <= key <= _LARGEST_KEY:
            raise _at(place, "no field begins here")
        number, wire = key >> 3, key & 7
        if wire == _LENGTH:
            size, value = _read_varint(content, value, end)
            place = value + size
        elif wire == _VARINT:
            _, place = _read_varint(content, value, end)
        elif wire == _FOUR_BYTES:
            place = value + 4
        elif wire == _EIGHT_BYTES:
            place = value + 8
        else:
            raise _at(place, f"wire type {wire}, which ONNX does not use")
        if place > end:
            raise _at(value, "cut short")
        if number in wanted:
            yield _Field(number, wire, value, place)


def _read_varint(content: bytes, start: int, end: int) -> tuple[int, int]:
    """Return a number of variable length, and where it ends."""
    if start < end and (value := content[start]) < 0x80:
        return value, start + 1
    value = 0
    for place in range(start, min(start + _LONGEST_VARINT, end)):
        byte = content[place]
        value |= (byte & 0x7F) << 7 * (place - start)
        if byte < 0x80:
            return value, place + 1
    raise _at(start, "a number without an end")


def _at(place: int, why: str) -> ValueError:
    return ValueError(f"at byte {place}: {why}")
