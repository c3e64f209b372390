"""Predictions as records of the log: what each says, and what is left out of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from classification_model.runtime.input.schema import InputSchema, SchemaField
from classification_model.runtime.log.line_files import files_of
from classification_model.runtime.log.prediction_log import PredictionLog, PredictionRecords, iter_predictions
from classification_model.runtime.log.sealed_lines import LogFaults
from classification_model.runtime.model_folder.manifest import Manifest

SCHEMA = InputSchema(
    fields=(
        SchemaField(name="age", kind="numeric", nullable=True, aliases=("years",)),
        SchemaField(name="sex", kind="categorical", nullable=True),
        SchemaField(name="secret", kind="text", nullable=True),
    ),
    ignored=("survived",),
)
ROWS: list[dict[str, Any]] = [
    {"age": 1, "sex": "male", "secret": "x"},
    {"age": "old"},
    {"years": 2.5, "sex": None, "survived": 1},
]
LABELS = ["died", None, "survived"]
SHARES = [{"died": 0.75, "survived": 0.25}, None, {"died": 0.0, "survived": 1.0}]


@pytest.fixture
def records(model_folder: Path) -> PredictionRecords:
    """Give the records of a model whose field `secret` is masked."""
    manifest = Manifest.model_validate_json((model_folder / "manifest.json").read_bytes())
    changes = {"name": "churn", "version": "2.0.0", "input_schema": SCHEMA, "monitoring": {"masked": ["secret"]}}
    return PredictionRecords(manifest.model_copy(update=changes))


def logged(folder: Path, lines: bytes) -> list[dict[str, Any]]:
    """Write lines, and read their records."""
    log = PredictionLog(folder)
    log.append(lines)
    log.close()
    assert len(files_of(folder, "predictions")) == 1
    faults = LogFaults()
    found = list(iter_predictions(folder, faults))
    assert faults == LogFaults()
    return found


@pytest.mark.parametrize("index", [None, ["a", "b", 7]])
def test_each_row_without_error_has_a_record(records: PredictionRecords, tmp_path: Path, index: Any) -> None:
    """By name of the field, without what is masked or not used; a row in error has neither name nor record."""
    ids, lines = records.encode_answer(ROWS, index, LABELS, SHARES)
    first, second = logged(tmp_path, lines)
    assert ids == [first["prediction_id"], None, second["prediction_id"]]
    assert [each["features"] for each in (first, second)] == [{"age": 1, "sex": "male"}, {"sex": None, "age": 2.5}]
    assert [each["index"] for each in (first, second)] == ([None, None] if index is None else ["a", 7])
    assert [each["prediction"] for each in (first, second)] == ["died", "survived"]
    assert [each["probabilities"] for each in (first, second)] == [SHARES[0], SHARES[2]]
    assert {(each["model"], each["version"]) for each in (first, second)} == {("churn", "2.0.0")}
    assert first["timestamp"] == second["timestamp"]
    assert records.masked == {"secret"}


def test_rows_that_are_all_in_error_have_no_record(records: PredictionRecords) -> None:
    """There is nothing to write."""
    assert records.encode_answer(ROWS[1:2], None, LABELS[1:2], SHARES[1:2]) == ([None], b"")
