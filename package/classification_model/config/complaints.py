"""Messages on a wrong config: pydantic's errors as key, what was expected and what was found."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from classification_model.config.document import Document
from classification_model.config.features import COLUMN, FEATURE_MODELS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

    from classification_model.config.document import Location

_EXPECTED = {
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number of fewer digits",
    "int_type": "a whole number",
    "path_type": "a path",
    "float_parsing": "a number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "string_type": "a single value",
    "string_too_short": "a value, or no such key",
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
#: Known names that a message lists.
_LISTED = 30


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
    """Say, for a message, which known name is nearest to `name`, and list the others."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    more = f" and {len(known) - _LISTED} more" if len(known) > _LISTED else ""
    listed = (", ".join(list(known)[:_LISTED]) or "none") + more
    return f"{close[0]!r} (known here: {listed})" if close else f"one of: {listed}"


def describe(value: Any) -> str:
    """Describe a value of the file in a few words."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        return "a list"
    text = repr(value)
    return "nothing" if value == "" else text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def complaints_of(error: ValidationError, document: Document, model: type[BaseModel]) -> list[Complaint]:
    """Translate a validation error into one complaint for each place.

    A key that allows several forms gets one complaint. Where a part of a value is wrong, the complaint names the part.
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


def faults_in_argument(
    error: ValidationError, name: str, given: Mapping[str, Any], model: type[BaseModel]
) -> list[str]:
    """Translate a validation error of a mapping given as an argument into a line for each fault.

    Parameters
    ----------
    error
        The error of `model`.
    name
        Name of the argument.
    given
        Its value.
    model
        The model that it was validated by.
    """
    document = Document(name, given, dict.fromkeys(_locations(given), 1))
    return [f"{name}.{complaint}" for complaint in complaints_of(error, document, model)]


def _locations(given: Any) -> Iterator[Location]:
    """Yield the location of each key and item of nested mappings and lists."""
    if isinstance(given, dict):
        items: Iterable[tuple[Any, Any]] = given.items()
    else:
        items = enumerate(given) if isinstance(given, (list, tuple)) else ()
    for key, value in items:
        yield (key,)
        yield from ((key, *below) for below in _locations(value))


def in_lines(complaints: Iterable[Complaint], document: Document) -> list[str]:
    """Return the complaints in order of lines, each after its file and line."""
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
    if kind in {"string_pattern_mismatch", "string_type"} and (wanted := _description(owner, details["loc"][-1])):
        return Complaint(location, wanted, describe(value))
    return Complaint(location, expectation(details), describe(value))


def _description(owner: type[BaseModel], key: str | int) -> str | None:
    """Return which texts a key allows, where its field says so."""
    field = owner.model_fields.get(str(key))
    return None if field is None else field.description


def expectation(details: ErrorDetails) -> str:
    """Say which values are allowed where one was refused."""
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
