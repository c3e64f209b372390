"""The input schema of a model as a pydantic model of one row, for use in other APIs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, create_model
from pydantic_core import PydanticCustomError

from classification_model.runtime.input.moments import takes_numbers
from classification_model.runtime.input.values import UnreadableValue

if TYPE_CHECKING:
    from classification_model.runtime.input.schema import InputSchema, SchemaField, Value

#: What JSON may hold for each kind of column; texts are read as the kind where they can be.
_JSON_TYPES: dict[str, list[str]] = {
    "numeric": ["number", "string", "null"],
    "categorical": ["string", "number", "boolean", "null"],
    "boolean": ["boolean", "string", "number", "null"],
    "text": ["string", "number", "boolean", "null"],
    "datetime": ["string", "null"],
}

_FORMATS = {"unix_s": "seconds since 1970", "unix_ms": "milliseconds since 1970"}


class Row(BaseModel):
    """One row that was read; made for a schema by `row_model`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def values(self) -> dict[str, Value]:
        """Return for each field of the schema its value: a number, a text, or None where it is missing."""
        return self.model_dump(by_alias=True)


def row_model(schema: InputSchema, name: str = "Row") -> type[Row]:
    """Make the pydantic model of a row.

    A row is accepted where `check_rows` finds no error in it: every field under its name or one of its aliases, read
    as its kind; null where training saw gaps and where it did not, since that is only odd; an absent key where
    training saw gaps; columns that the model does not use, whatever they hold. What is odd, such as a value outside
    of the training range or an unseen category, is no error. Both stand in the description of the JSON Schema.

    Parameters
    ----------
    schema
        Input schema of a model.
    name
        Name of the class, which is its title in a JSON Schema.

    Returns
    -------
    type
        A `Row`: `values` gives what was read; `model_json_schema` describes what may be sent.
    """
    fields: dict[str, Any] = {}
    for number, field in enumerate(schema.fields):
        fields[f"field_{number}"] = (_annotation(field), _field(field))
    for number, ignored in enumerate(schema.ignored):
        described = Field(None, validation_alias=ignored, exclude=True, description="Accepted and not used.")
        fields[f"ignored_{number}"] = (Any, described)
    return create_model(name, __base__=Row, **fields)


def _annotation(field: SchemaField) -> Any:
    described: dict[str, Any] = {"type": list(_JSON_TYPES[field.kind]), "description": _describe(field)}
    if takes_numbers(field.datetime_format):
        described["type"].insert(1, "number")  # whose digits are read by the format
    if field.kind in {"numeric", "categorical", "text"}:
        described["maxLength"] = field.longest_text  # which says nothing of values that are no texts
    if field.kind == "datetime" and field.datetime_format is None:
        described["format"] = "date-time"
    return Annotated[Any, BeforeValidator(_validator(field)), WithJsonSchema(described)]


def _field(field: SchemaField) -> Any:
    names = AliasChoices(field.name, *field.aliases) if field.aliases else field.name
    default = None if field.nullable else ...
    return Field(default, validation_alias=names, serialization_alias=field.name)


def _validator(field: SchemaField) -> Callable[[Any], Value]:
    read = field.reader()

    def validate(value: Any) -> Value:
        try:
            return read(value)
        except UnreadableValue as error:
            raise PydanticCustomError(error.code, "{reason}", {"reason": str(error)}) from error

    return validate


def _describe(field: SchemaField) -> str:
    known = field.categories
    parts = [f"A {field.kind} value." if field.kind != "datetime" else "A date."]
    if field.datetime_format is not None:
        parts.append(f"Written as {_FORMATS.get(field.datetime_format, field.datetime_format)}.")
    if field.kind == "numeric" and not field.written.is_python:
        parts.append(f"A text is read as {field.written.description}.")
    if known is not None:
        few = ", ".join(known) if len(known) <= 20 else f"{len(known)} categories"
        parts.append(f"Training saw {few}; another category gets a warning.")
    if field.minimum is not None and field.maximum is not None and field.kind != "boolean":
        low, high = field.spell(field.minimum), field.spell(field.maximum)
        parts.append(f"Training saw {low} to {high}; a value outside gets a warning.")
    parts.append("May be missing." if field.nullable else "Training never saw it missing.")
    return " ".join(parts)
