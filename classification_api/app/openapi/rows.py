"""JSON Schema of rows, columns and answers, for one model or for any."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

from classification_model.runtime.input.row_model import row_model
from classification_model.runtime.input.values import LARGEST_NUMBER

if TYPE_CHECKING:
    from classification_model.runtime.input.schema import InputSchema, SchemaField

    from app.served_models import ServingModel

Schema = dict[str, Any]

_ANY_ROW: Schema = {"type": "object", "description": "Values by column; `GET /model` lists the columns."}
_IGNORED: Schema = {"description": "Accepted and ignored."}
#: Bounds of numbers, by kind of column; JSON Schema applies these keywords to numbers only.
_BOUNDS: dict[str, Schema] = {
    "numeric": {"minimum": -LARGEST_NUMBER, "maximum": LARGEST_NUMBER},
    "boolean": {"minimum": 0, "maximum": 1, "multipleOf": 1},
}
#: Texts that each kind of column accepts.
_SPELLINGS = {
    "numeric": "A text that spells a number is accepted; the absolute value of a whole number is at most 2^53.",
    "boolean": "The texts true, false, yes, no, on, off, t, f, y, n, 1 and 0 are accepted.",
    "datetime": "ISO 8601, such as 2026-01-31 or 2026-01-31T12:00:00Z.",
}


def column_schemas(schema: InputSchema) -> dict[str, Schema]:
    """Return the schema of each column that a row may contain, including aliases and ignored columns."""
    properties = row_model(schema).model_json_schema()["properties"]
    columns: dict[str, Schema] = {}
    for field in schema.fields:
        described = _column(field, properties[field.name])
        columns[field.name] = described
        for alias in field.aliases:
            columns[alias] = described | {"description": f"Alias of `{field.name}`. {described['description']}"}
    return columns | {name: dict(_IGNORED) for name in schema.ignored if name not in columns}


def row_schema(schema: InputSchema | None) -> Schema:
    """Return the schema of a row, in which each field has one of its names."""
    if schema is None:
        return dict(_ANY_ROW)
    row: Schema = {
        "type": "object",
        "additionalProperties": False,
        "properties": column_schemas(schema),
        "required": [field.name for field in schema.fields if not (field.nullable or field.aliases)],
    }
    rules = [rule for field in schema.fields if field.aliases for rule in _one_name(field)]
    return row | {"allOf": rules} if rules else row


def columns_schema(schema: InputSchema | None, most_rows: int) -> Schema:
    """Return the schema of rows that are sent as columns."""
    values: Schema = {"type": "array", "minItems": 1, "maxItems": most_rows}
    if schema is None:
        return {"type": "object", "minProperties": 1, "additionalProperties": values}
    columns = {name: values | {"items": column} for name, column in column_schemas(schema).items()}
    return row_schema(schema) | {"properties": columns, "minProperties": 1}


def label_schema(model: ServingModel | None) -> Schema:
    """Return the schema of a label."""
    return {"type": "string", "enum": list(model.manifest.classes)} if model else {"type": "string"}


def probabilities_schema(model: ServingModel | None) -> Schema:
    """Return the schema of the probabilities of a row."""
    share = {"type": "number", "minimum": 0, "maximum": 1}
    described = {"type": "object", "description": "Probability of each class."}
    if model is None:
        return described | {"additionalProperties": share}
    classes = list(model.manifest.classes)
    return described | {
        "required": classes,
        "additionalProperties": False,
        "properties": dict.fromkeys(classes, share),
    }


def warning_schema() -> Schema:
    """Return the schema of a warning."""
    text = {"type": "string"}
    return {
        "type": "object",
        "description": "A value outside the range or categories of training; the row was predicted nevertheless.",
        "required": ["row", "field", "code", "message"],
        "additionalProperties": False,
        "properties": {
            "row": {
                "type": ["integer", "null"],
                "minimum": 0,
                "description": "Number of the row, from 0; null for a warning that counts the rows of a column.",
            },
            "field": text,
            "code": {**text, "description": "Such as `out_of_range` or `unseen_category`."},
            "message": text,
        },
    }


def explanation_schema(model: ServingModel | None) -> Schema:
    """Return the schema of an explanation."""
    number = {"type": "number"}
    contributions: Schema = {"type": "object", "description": "What each field adds to `base_value`."}
    if model is None:
        contributions["additionalProperties"] = number
    else:
        names = [field.name for field in model.schema.fields]
        contributions |= {
            "required": names,
            "additionalProperties": False,
            "properties": dict.fromkeys(names, number),
        }
    return {
        "type": "object",
        "description": "Shapley values of the fields, against the baseline in the model's manifest.",
        "required": ["class", "scale", "base_value", "value", "contributions"],
        "additionalProperties": False,
        "properties": {
            "class": {**label_schema(model), "description": "Class that is explained."},
            "scale": {"type": "string", "enum": ["log_odds", "probability"]},
            "base_value": {**number, "description": "The model's output for the baseline."},
            "value": {**number, "description": "The model's output for the row."},
            "contributions": contributions,
        },
    }


def _column(field: SchemaField, described: Schema) -> Schema:
    """Return the schema of a column without ``format``, since the column accepts more than any format allows."""
    described = {key: value for key, value in described.items() if key not in {"title", "format"}}
    described |= _BOUNDS.get(field.kind, {})
    if field.kind in _SPELLINGS and field.datetime_format is None:
        described["description"] += f" {_SPELLINGS[field.kind]}"
    return described


def _one_name(field: SchemaField) -> list[Schema]:
    """Return the rules that a row has exactly one of a field's names, or at most one if the field may be missing."""
    names = [field.name, *field.aliases]
    if not field.nullable:
        return [{"oneOf": [{"required": [name]} for name in names]}]
    return [{"not": {"required": list(pair)}} for pair in combinations(names, 2)]
