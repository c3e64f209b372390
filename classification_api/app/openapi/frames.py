"""JSON Schema of MLflow's scoring protocol: a frame, records or columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.openapi.rows import column_schemas

if TYPE_CHECKING:
    from classification_model.runtime.input.schema import InputSchema

Schema = dict[str, Any]


def request_schema(schema: InputSchema | None, most_rows: int, row: Schema, columns: Schema) -> Schema:
    """Return the schema of a request.

    Parameters
    ----------
    schema
        Input schema of the model; None without a model.
    most_rows
        Most rows in a request.
    row, columns
        References to the schemas of a row, and of rows that are sent as columns.
    """
    records: Schema = {"type": "array", "minItems": 1, "maxItems": most_rows, "items": row}
    records_or_columns = {"anyOf": [records, columns]}
    properties: dict[str, Schema] = {
        "dataframe_split": _split(schema, most_rows),
        "dataframe_records": records,
        "instances": records_or_columns,
        "inputs": records_or_columns,
    }
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": properties | {"params": {"type": ["object", "null"], "maxProperties": 0}},
        "oneOf": [{"required": [name]} for name in properties],
    }


def _split(schema: InputSchema | None, most_rows: int) -> Schema:
    names: Schema = {"type": "string"}
    if schema is not None:
        names["enum"] = list(column_schemas(schema))
    return {
        "type": "object",
        "required": ["columns", "data"],
        "additionalProperties": False,
        "properties": {
            "columns": {"type": "array", "items": names, "uniqueItems": True},
            "data": {
                "type": "array",
                "minItems": 1,
                "maxItems": most_rows,
                "items": {"type": "array", "description": "A value for each column."},
            },
            "index": {"type": ["array", "null"], "description": "Ignored."},
        },
    }
