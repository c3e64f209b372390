"""What is wrong with a config, in words: pydantic's errors as key, expected, found."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from classification_model.config.features import COLUMN, FEATURE_MODELS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

    from classification_model.config.document import Document, Location

_EXPECTED = {
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number of fewer digits",
    "int_type": "a whole number",
    "float_parsing": "a number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "string_type": "a single value",
    "string_too_short": "a value, or the key left out",
    "too_short": "at least one value",
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
_LONGEST = 60


@dataclass(frozen=True)
class Complaint:
    """One fault: where it is, what was expected there, what was found."""

    location: Location
    expected: str
    found: str

    def __str__(self) -> str:
        parts = (str(part) for part in self.location)
        key = ".".join(part if part.isprintable() and part else repr(part) for part in parts)
        return f"{key or 'the file'}: expected {self.expected}, found {self.found}"


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
    text = repr(value)
    return "nothing" if value == "" else text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def complaints_of(error: ValidationError, document: Document, model: type[BaseModel]) -> list[Complaint]:
    """Translate a validation error, one complaint for each place.

    A place that allows several forms is complained about once; where a part of the value is at fault, the part is.
    """
    found: dict[Location, list[Complaint]] = {}
    for details in error.errors(include_url=False):
        complaint = _complaint(details, document, model)
        found.setdefault(complaint.location, []).append(complaint)
    return [
        Complaint(location, " or ".join(dict.fromkeys(one.expected for one in several)), several[0].found)
        for location, several in found.items()
        if not any(other[: len(location)] == location and other != location for other in found)
    ]


def in_lines(complaints: Iterable[Complaint], document: Document) -> list[str]:
    """Return each complaint with file and line before it, in order of lines."""
    ordered = sorted(complaints, key=lambda complaint: document.line(complaint.location))
    return [f"{document.name}:{document.line(complaint.location)}: {complaint}" for complaint in ordered]


def _complaint(details: ErrorDetails, document: Document, model: type[BaseModel]) -> Complaint:
    kind, value = details["type"], details["input"]
    location, owner = _resolve(details["loc"], document), _owner(details["loc"], model)
    if kind == "extra_forbidden":
        known = [field.alias or name for name, field in owner.model_fields.items()]
        return Complaint(location, nearest(str(location[-1]), known), "an unknown key")
    if kind == "missing":
        return Complaint((*location, details["loc"][-1]), "this key", "nothing")
    if kind == "union_tag_invalid":
        known = [name for name in FEATURE_MODELS if name != COLUMN]
        tag = value["derive"]
        return Complaint((*location, "derive"), nearest(str(tag), known), describe(tag))
    if kind == "literal_error" and details["loc"][-1] == "[key]":
        return Complaint(location, expectation(details), "an unknown key")
    if kind == "string_pattern_mismatch":
        return Complaint(location, str(owner.model_fields[str(details["loc"][-1])].description), describe(value))
    return Complaint(location, expectation(details), describe(value))


def expectation(details: ErrorDetails) -> str:
    """Say what was expected where a value is not allowed."""
    kind, context = details["type"], details.get("ctx", {})
    if kind == "literal_error":
        return nearest(str(details["input"]), re.findall("'([^']*)'", context["expected"]))
    if kind in _BOUNDS:
        return f"a number {_BOUNDS[kind]} {next(iter(context.values())):.10g}"
    if kind == "string_too_long":
        return f"at most {context['max_length']} character(s)"
    return str(context["error"]) if kind == "value_error" else _EXPECTED.get(kind, details["msg"])


def _resolve(loc: tuple[str | int, ...], document: Document) -> Location:
    """Give the place in the file of a pydantic location, whose names of union members are no keys."""
    location: Location = ()
    for position, part in enumerate(loc):
        tag = position == 2 and loc[0] == "features"
        if not tag and (*location, part) in document.lines:
            location = (*location, part)
    return location


def _owner(loc: tuple[str | int, ...], model: type[BaseModel]) -> type[BaseModel]:
    """Return the model that holds the last key of a pydantic location."""
    if len(loc) > 2 and loc[0] == "features":
        return FEATURE_MODELS.get(str(loc[2]), model)
    for part in loc[:-1]:
        annotation = model.model_fields[str(part)].annotation if str(part) in model.model_fields else None
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            break
        model = annotation
    return model
