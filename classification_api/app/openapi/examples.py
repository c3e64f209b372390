"""Example requests and answers: a golden row of the model in each dialect."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson

from app.dialects import Answered, Asked
from app.dialects.limits import Limits
from app.dialects.open_inference_metadata import model_metadata
from app.predicting.answering import predict
from app.problem_details import Problem

if TYPE_CHECKING:
    from classification_model.runtime.input.schema import SchemaField

    from app.dialects import Dialect
    from app.served_models import ServingModel

#: Prediction ID in all examples, so that the document stays the same.
PREDICTION_ID = "019a9c6e-5b00-7c3d-8a2f-0123456789ab"
_LIMITS = Limits(rows=1, depth=16, values=10_000)


def example_row(model: ServingModel) -> dict[str, Any] | None:
    """Return the inputs of a golden row, preferably one without warnings; None if none can be predicted."""
    found = None
    for golden in model.manifest.golden_rows:
        row = {name: _plain(value) for name, value in golden.inputs.items()}
        try:
            answered = predict(model, Asked([row]))
        except Problem:
            continue
        if not answered.warnings:
            return row
        found = found or row
    return found


def example_answer(model: ServingModel, dialect: Dialect, request: dict[str, Any], query: bytes = b"") -> Any:
    """Return the JSON answer to a request."""
    asked = dialect.read(orjson.dumps(request), _LIMITS, query, b"application/json")
    answered: Answered = replace(predict(model, asked), prediction_ids=[PREDICTION_ID])
    return orjson.loads(dialect.write(asked, answered).body)


def tensors_of(model: ServingModel, row: dict[str, Any]) -> dict[str, Any]:
    """Return a row as a request of the Open Inference Protocol, with the datatypes of the model's metadata."""
    tensors = []
    for field, told in zip(model.schema.fields, model_metadata(model.manifest)["inputs"], strict=True):
        value = _of_datatype(field, row.get(field.name), told["datatype"])
        tensors.append({"name": field.name, "shape": [1], "datatype": told["datatype"], "data": [value]})
    return {"inputs": tensors}


def frame_of(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row as a request of MLflow's scoring protocol."""
    return {"dataframe_split": {"columns": list(row), "data": [list(row.values())]}}


def _of_datatype(field: SchemaField, value: Any, datatype: str) -> Any:
    if value is None or field.kind == "datetime":
        return value
    read = field.reader()(value)
    return read if read is None or datatype != "BOOL" else bool(read)


def _plain(value: Any) -> Any:
    """Return a float without a fraction as an int."""
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value
