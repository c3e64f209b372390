"""A model judged on labelled rows: what belongs together is of the same rows, and the work is bounded."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from classification_model.evaluation.judged import judge
from classification_model.evaluation.metrics import Outcome
from classification_model.evaluation.slice_metrics import readable, slice_metrics
from classification_model.runtime.input.columns import Column, Encoded
from classification_model.runtime.input.schema import InputSchema, Kind, SchemaField

KINDS: dict[str, Kind] = {"size": "numeric", "shape": "categorical", "day": "datetime", "open": "boolean"}
SCHEMA = InputSchema(fields=tuple(SchemaField(name=name, kind=kind, nullable=True) for name, kind in KINDS.items()))


def rows_of(count: int) -> pd.DataFrame:
    """Make prepared rows."""
    draw = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "size": draw.normal(size=count),
            "shape": draw.choice(np.array(["disc", "cube", None], dtype=object), count),
            "day": 1e9 + draw.integers(0, 100, count) * 86400.0,
            "open": draw.integers(0, 2, count).astype(np.float64),
        }
    )


def predict(columns: Mapping[str, Column], count: int) -> NDArray[np.float64]:
    """Predict by size, and a little by shape."""
    size, shape = columns["size"], columns["shape"]
    assert isinstance(shape, Encoded)
    assert not isinstance(size, Encoded)
    assert len(size) == len(shape) == count
    share = 1 / (1 + np.exp(-2 * size - np.array([text == "disc" for text in shape.tolist()])))
    return np.column_stack([1 - share, share])


def test_a_model_is_judged_on_the_given_rows() -> None:
    """Importances, dependences and slices are of these rows: the column that decides comes first in each."""
    features = rows_of(300)
    truth = (features["size"] > 0).to_numpy().astype(np.int64)
    probabilities = np.column_stack([truth == 0, truth == 1]) * 0.8 + 0.1
    outcome = Outcome(("no", "yes"), truth, probabilities)
    judged = judge(outcome, predict, features, SCHEMA)
    assert judged.outcome is outcome
    assert [name for name, _, _ in judged.importances][:2] == ["size", "shape"]
    assert {one.feature: one.kind for one in judged.dependences} == KINDS
    assert judged.dependences[0].feature == "size"
    assert set(judged.slices) == set(slice_metrics(readable(features, SCHEMA), outcome))
    assert {one.value for one in judged.slices if one.feature == "open"} == {"no", "yes"}
    assert judged.learning_curve is None
    again = judge(outcome, predict, features, SCHEMA)
    assert (again.importances, again.slices) == (judged.importances, judged.slices)


def test_many_rows_take_no_more_predictions() -> None:
    """Ten times the rows are predicted no more often."""
    counts: dict[int, int] = {}
    for rows in (3000, 30_000):
        features = rows_of(rows)
        counts[rows] = 0

        def counted(given: Mapping[str, Column], count: int, rows: int = rows) -> NDArray[np.float64]:
            counts[rows] += count
            return predict(given, count)

        truth = (features["size"] > 0).to_numpy().astype(np.int64)
        judge(Outcome(("no", "yes"), truth, np.full((rows, 2), 0.5)), counted, features, SCHEMA)
    assert counts[30_000] == counts[3000] > 0
