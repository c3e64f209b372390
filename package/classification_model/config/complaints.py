"""What is wrong with a config, in words: pydantic's errors as key, expected, found."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from classification_model.config.features import FEATURE_MODELS

if TYPE_CHECKING:
    from collections.abc import Collection

    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

    from classification_model.config.document import Document, Location

_EXPECTED = {
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "float_parsing": "a number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "string_type": "a single value",
    "tuple_type": "a list, one '- item' a line",
    "dict_type": "a mapping, one 'key: value' a line",
    "model_type": "a mapping, one 'key: value' a line",
    "model_attributes_type": "a mapping, one 'key: value' a line",
}
_BOUNDS = {
    "greater_than": "above",
    "greater_than_equal": "at least",
    "less_than": "below",
    "less_than_equal": "at most",
}


@dataclass(frozen=True)
class Complaint:
    """One fault: where it is, what was expected there, what was found."""

    location: Location
    expected: str
    found: str

    def __str__(self) -> str:
        key = ".".join(str(part) for part in self.location) or "the file"
        return f"{key}: expected {self.expected}, found {self.found}"


def nearest(name: str, known: Collection[str]) -> str:
    """Return the known name that `name` probably stands for, with the others, for a message."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    listed = ", ".join(known) or "none"
    return f"{close[0]!r} (known here: {listed})" if close else f"one of: {listed}"


def describe(value: Any) -> str:
    """Say what a value of the file is, in a few words."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        return "a list"
    return "nothing" if value == "" else repr(value)


def complaints_of(error: ValidationError, document: Document, model: type[BaseModel]) -> list[Complaint]:
    """Translate a validation error, most telling fault of each place first, in order of lines."""
    found: dict[Location, Complaint] = {}
    for details in error.errors(include_url=False):
        complaint = _complaint(details, model)
        found.setdefault(complaint.location, complaint)
    return sorted(found.values(), key=lambda complaint: document.line(complaint.location))


def _complaint(details: ErrorDetails, model: type[BaseModel]) -> Complaint:
    kind, context = details["type"], details.get("ctx", {})
    location, owner = _resolve(details["loc"], model)
    value = describe(details["input"])
    if kind == "extra_forbidden":
        known = [field.alias or name for name, field in owner.model_fields.items() if not field.exclude]
        return Complaint(location, nearest(str(location[-1]), known), "an unknown key")
    if kind == "missing":
        return Complaint(location, "this key", "nothing")
    if kind == "union_tag_invalid":
        known = [name for name in FEATURE_MODELS if name != "column"]
        tag = str(context["tag"])
        return Complaint((*location, "derive"), nearest(tag, known), repr(tag))
    if kind in _BOUNDS:
        return Complaint(location, f"a number {_BOUNDS[kind]} {next(iter(context.values()))}", value)
    if kind == "literal_error":
        return Complaint(location, f"one of {context['expected']}", value)
    if kind in {"string_too_short", "too_short"}:
        return Complaint(location, "at least one value", value)
    if kind == "string_too_long":
        return Complaint(location, f"at most {context['max_length']} character(s)", value)
    if kind == "value_error":
        return Complaint(location, str(context["error"]), value)
    return Complaint(location, _EXPECTED.get(kind, details["msg"]), value)


def _resolve(loc: tuple[str | int, ...], model: type[BaseModel]) -> tuple[Location, type[BaseModel]]:
    """Give the place in the file of a pydantic location, and the model that holds its last key."""
    if len(loc) > 2 and loc[0] == "features":
        return (*loc[:2], *(part for part in loc[3:] if not _internal(part))), FEATURE_MODELS[str(loc[2])]
    owner = model
    for part in loc[:-1]:
        annotation = owner.model_fields[part].annotation if part in owner.model_fields else None
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            break
        owner = annotation
    return tuple(part for part in loc if not _internal(part)), owner


def _internal(part: str | int) -> bool:
    """Tell pydantic's own names of union members and dict keys from keys of the file."""
    return isinstance(part, str) and (part.endswith("]") or part in {"float", "int", "bool", "str"})
