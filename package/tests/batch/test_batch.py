"""Files in batches: each row is answered as `Predictor.predict` answers it."""

from __future__ import annotations

import math
from typing import Any

import arrow_columns
import garbage
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from problems import DERIVED, EVERY_KIND, make_config, make_table, train

from classification_model.batch.scoring import Scorer
from classification_model.predict import Predictor
from classification_model.runtime.input.names import HeaderFaults, header_faults
from classification_model.tables.source import Batch, Values

pytestmark = pytest.mark.slow


PROBLEMS: dict[str, dict[str, Any]] = {
    "two classes": {"classes": 2},
    "three classes": {"classes": 3, "training": {"candidates": {"hist_gradient_boosting": {"max_iter": "9"}}}},
}


@pytest.fixture(scope="module", params=PROBLEMS)
def predictor(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    """Train a model of every kind of column; one of them has an alias, one is not used."""
    options = PROBLEMS[request.param]
    table = make_table(200, options["classes"]).rename(columns={"size": "the size"}).assign(unused=1)
    config = make_config(
        EVERY_KIND | DERIVED,
        folder=tmp_path_factory.mktemp("model"),
        data={"rename": {"the size": "size"}, "drop": ["unused"]},
        **options,
    )
    predictor = Predictor.load(train(table, config).folder)
    assert {field.name: field.aliases for field in predictor.manifest.input_schema.fields}["size"] == ("the size",)
    assert "unused" in predictor.manifest.input_schema.ignored
    return predictor


def expected_columns(predictor: Predictor, columns: dict[str, list[Any]], count: int) -> dict[str, list[Any]]:
    """Return what `Predictor.predict` says of each row, as columns."""
    answer = predictor.predict(columns)
    found: dict[str, list[Any]] = {"prediction": answer["predictions"]}
    for label in predictor.manifest.classes:
        found[f"probability_{label}"] = [row and row[label] for row in answer["probabilities"]]
    for key in ("warnings", "errors"):
        said: list[list[str]] = [[] for _ in range(count)]
        for issue in answer[key] or ():
            for row in range(count) if issue["row"] is None else [issue["row"]]:
                said[row].append(f"{issue['field']}: {issue['message']}")
        found[key] = ["; ".join(parts) or None for parts in said]
    return found


def check(predictor: Predictor, columns: dict[str, Values], count: int) -> None:
    """Hold the answer to a batch against what each of its rows is answered."""
    values = {name: column if isinstance(column, list) else column.to_pylist() for name, column in columns.items()}
    expected = expected_columns(predictor, values, count)
    if header_faults(predictor.manifest.input_schema, columns) != HeaderFaults():  # such a file is refused as a whole
        assert expected["prediction"] == [None] * count
        return
    scorer = Scorer(predictor, "file", list(columns))
    answer = scorer.score(Batch(columns, count))
    assert {name: column.type for name, column in answer.columns.items()} == scorer.types
    assert list(answer.columns) == list(expected)
    for name, column in answer.columns.items():
        if name.startswith("probability_"):
            for one, other in zip(column.to_pylist(), expected[name], strict=True):
                assert one is other is None or math.isclose(one, other, rel_tol=0, abs_tol=1e-15)
        else:
            assert column.to_pylist() == expected[name]
    assert answer.rejected.tolist() == [row for row, label in enumerate(expected["prediction"]) if label is None]


FIELDS = ("size", "price", "count", "open", "shape", "grade", "code", "note", "day")
#: What the columns of the small problems hold mostly; the other types are drawn as well.
USUAL: dict[str, st.SearchStrategy[Any]] = {
    "size": st.floats(-3, 5),
    "price": st.floats(1, 99),
    "count": st.integers(0, 12),
    "open": st.sampled_from(["yes", "no"]),
    "shape": st.sampled_from(["disc", "cube", "cone", "ball", " cube", "egg"]),
    "grade": st.sampled_from(["low", "middle", "high", "top"]),
    "code": st.sampled_from(["K1", "K2", "K29", "K30"]),
    "note": st.sampled_from(["now 1 pieces", "later 2 pieces", "At once, 07 \u0663", "\u00e9t\u00e9", "NA"]),
    "day": st.sampled_from(["2024-02-29", "1999-01-01T01:02:03.5", "2025-01-01T00:00:00+02:00", "tomorrow"]),
}


@st.composite
def batches(draw: st.DrawFn) -> tuple[dict[str, Values], int]:
    """Batches of usual values, and of columns of any type, under any of their names, or missing, or strange."""
    count = draw(st.integers(1, 9))
    columns: dict[str, Values] = {}
    odd = draw(st.sets(st.sampled_from(FIELDS), max_size=3))
    names = {"size": draw(st.sampled_from(["size", "the size"]))}
    for field in draw(st.permutations(FIELDS)):
        cells = st.lists(st.none() | USUAL[field], min_size=count, max_size=count)
        if field not in odd:
            columns[names.get(field, field)] = pa.array(draw(cells))
        elif draw(st.booleans()):
            kind = draw(st.sampled_from(sorted(arrow_columns.COLUMNS)))
            columns[names.get(field, field)] = draw(arrow_columns.arrays(kind, count))
        elif draw(st.booleans()):
            columns[field] = draw(st.lists(garbage.scalars, min_size=count, max_size=count))
    strange = draw(st.sampled_from(["", "", "", "unused", "colour", "weight", "size", "the size"]))
    if strange:
        columns.setdefault(strange, pa.array(range(count)))
    return columns, count


@settings(max_examples=300)
@given(batch=batches())
def test_every_row_of_a_batch_is_answered_as_it_is_alone(
    predictor: Predictor, batch: tuple[dict[str, Values], int]
) -> None:
    """Labels, probabilities, warnings and errors are those of `Predictor.predict`, for columns of any type and name."""
    check(predictor, *batch)


def test_a_batch_of_many_rows_is_answered_as_its_rows_are(predictor: Predictor) -> None:
    """Thousands of rows, some of them odd or in error, are answered in order."""
    draw = np.random.default_rng(3)
    table = make_table(5000, seed=4)
    table["price"] = table["price"].mask(draw.random(5000) < 0.1, "free")
    table["count"] = table["count"].mask(draw.random(5000) < 0.1, 10**6)
    table["note"] = [
        f"{note} {number} \u00e9" if number % 7 else f"{note} {number}" for number, note in enumerate(table["note"])
    ]
    columns: dict[str, Values] = {name: table[name].tolist() for name in FIELDS}
    check(predictor, columns, 5000)
    check(
        predictor,
        {
            name: pa.array([None if value is None else str(value) for value in values])
            for name, values in columns.items()
        },
        5000,
    )


def test_a_batch_of_no_rows_has_every_column(predictor: Predictor) -> None:
    """Nothing in, nothing out, of the same types."""
    check(predictor, {name: pa.array([], pa.string()) for name in FIELDS}, 0)
    check(predictor, {}, 0)


def test_explanations_are_columns_that_sum_to_the_prediction(predictor: Predictor) -> None:
    """With `explain`, each field has its contribution, null in a row that is in error."""
    table = make_table(6, seed=8)
    columns: dict[str, Values] = {name: table[name].tolist() for name in FIELDS}
    columns["price"] = ["free", *table["price"][1:]]
    answer = Scorer(predictor, "file", FIELDS, explain=True).score(Batch(columns, 6)).columns
    explanations = predictor.predict(columns, explain=True)["explanations"]
    for row, explanation in enumerate(explanations):
        if explanation is None:
            assert [answer[name][row].as_py() for name in ("base_value", "contribution_size")] == [None, None]
            continue
        assert answer["base_value"][row].as_py() == explanation["base_value"]
        for field, value in explanation["contributions"].items():
            assert answer[f"contribution_{field}"][row].as_py() == value
    assert explanations[0] is None
    assert None not in explanations[1:]
