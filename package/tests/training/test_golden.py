"""Golden rows: inputs that a model is held against each time it is loaded."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classification_model.config.core import load_config
from classification_model.processing.data_manager import DataLoader, TrainingData
from classification_model.runtime.input.checking import check_columns, check_rows
from classification_model.runtime.input.schema import InputSchema, SchemaField
from classification_model.training.golden import RECOMBINED_ROWS, UNSEEN, golden_inputs

MISSING, UNLIKE, LOWEST, HIGHEST = -4, -3, -2, -1


@pytest.fixture(scope="module")
def data() -> TrainingData:
    return DataLoader(load_config()).load()


@pytest.fixture(scope="module")
def rows(data: TrainingData) -> list[dict[str, Any]]:
    return golden_inputs(data.train.features, data.schema, random_state=0)


def test_golden_rows_have_every_field_and_fit_the_schema(data: TrainingData, rows: list[dict[str, Any]]) -> None:
    """Every golden row gives every field, and reading it meets no error."""
    assert len(rows) == RECOMBINED_ROWS + 4
    assert all(list(row) == [field.name for field in data.schema.fields] for row in rows)
    assert check_rows(data.schema, rows).errors == []


def test_golden_rows_follow_from_the_seed(data: TrainingData, rows: list[dict[str, Any]]) -> None:
    """The same seed gives the same rows, another one gives others."""
    assert golden_inputs(data.train.features, data.schema, random_state=0) == rows
    assert golden_inputs(data.train.features, data.schema, random_state=1) != rows


def test_golden_rows_are_made_of_training_values_and_publish_no_passenger(
    data: TrainingData, rows: list[dict[str, Any]]
) -> None:
    """Each value occurs in training, and no passenger's name stands beside the ticket that was theirs."""
    known = check_rows(data.schema, rows[:RECOMBINED_ROWS]).columns
    train = data.train.features
    for field in data.schema.fields:
        values = {value for value in train[field.name] if not pd.isna(value)} | {None}
        assert set(known[field.name]) <= values
    passengers = {(row["name"], row["ticket"]) for _, row in train.iterrows()}
    assert not passengers & {(row["name"], row["ticket"]) for row in rows}


def test_the_last_golden_rows_are_the_edges(data: TrainingData, rows: list[dict[str, Any]]) -> None:
    """One row is missing altogether, one is unlike training, and two hold the ends of every range."""
    features = data.train.features
    assert set(rows[MISSING].values()) == {None}
    for field in data.schema.fields:
        if field.kind == "numeric":
            assert rows[LOWEST][field.name] == features[field.name].min()
            assert rows[HIGHEST][field.name] == rows[UNLIKE][field.name] == features[field.name].max()
        else:
            assert rows[UNLIKE][field.name] == UNSEEN
            assert UNSEEN not in set(features[field.name])


def test_golden_rows_survive_the_manifest(rows: list[dict[str, Any]]) -> None:
    """Golden rows are plain JSON, and come back from it equal."""
    assert orjson.loads(orjson.dumps(rows)) == rows


def a_schema(kind: Any, features: pd.DataFrame, **more: Any) -> InputSchema:
    column = features["x"]
    ends = {"minimum": column.min(), "maximum": column.max()} if kind == "datetime" else {}
    return InputSchema(fields=(SchemaField(name="x", kind=kind, nullable=True, **ends, **more),))


@pytest.mark.slow
@pytest.mark.parametrize(
    "pattern", [None, "%d.%m.%Y", "%Y-%m-%d %H:%M:%S", "%m/%d/%Y", "%d %b %Y", "%Y%m%d", "%Y-%m-%dT%H:%M:%S%z"]
)
@given(days=st.lists(st.dates(), min_size=1, max_size=5))
def test_dates_are_written_as_the_problem_writes_them(pattern: str | None, days: list[Any]) -> None:
    """A golden date of any year reads back as the moment it was made of, in every pattern."""
    moments = [datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() for day in days]
    features = pd.DataFrame({"x": [*moments, np.nan]})
    schema = a_schema("datetime", features, datetime_format=pattern)
    inputs = golden_inputs(features, schema, random_state=0)
    checked = check_rows(schema, inputs)
    assert checked.errors == checked.warnings == []
    assert set(checked.columns["x"]) <= {*moments, None}
    assert checked.columns["x"][MISSING:] == [None, max(moments), min(moments), max(moments)]


def test_truth_values_are_golden_as_one_and_zero() -> None:
    """A truth value is written as the number that the pipeline sees, and reads back as it."""
    features = pd.DataFrame({"x": [1.0, 0.0, np.nan]})
    schema = a_schema("boolean", features)
    checked = check_rows(schema, golden_inputs(features, schema, random_state=0))
    assert checked.errors == checked.warnings == []
    assert checked.columns["x"][MISSING:] == [None, 1.0, 0.0, 1.0]


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\x00")), min_size=1, max_size=4))
def test_categories_read_back_as_themselves(texts: list[str]) -> None:
    """Whatever categories training read, in any script, a golden row that holds one reads as that one."""
    schema = InputSchema(fields=(SchemaField(name="x", kind="categorical", nullable=True),))
    present = [text for text in check_columns(schema, {"x": texts}).columns["x"] if text is not None]
    if not present:
        present = ["a"]
    features = pd.DataFrame({"x": pd.Series([*present, None], dtype=object)})
    checked = check_rows(schema, golden_inputs(features, schema, random_state=0))
    assert checked.errors == []
    assert set(checked.columns["x"]) <= {*present, UNSEEN, None}
