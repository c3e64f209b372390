"""Partial dependences: held against scikit-learn's, of every kind of column, and bounded."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.inspection import partial_dependence

from classification_model.evaluation.partial_dependence import MOST_COLUMNS, MOST_ROWS, MOST_VALUES, partial_dependences
from classification_model.runtime.input.columns import Column, Encoded, encode
from classification_model.runtime.input.schema import InputSchema, Kind, SchemaField


def schema_of(**kinds: Kind) -> InputSchema:
    """Describe columns of some kinds."""
    return InputSchema(fields=tuple(SchemaField(name=name, kind=kind, nullable=True) for name, kind in kinds.items()))


def of_texts(columns: Mapping[str, Column], count: int) -> NDArray[np.float64]:
    """Predict from the length of a text alone."""
    texts = columns["text"]
    assert isinstance(texts, Encoded)
    assert len(texts) == count
    share = np.array([0.5 if text is None else len(text) / 10 for text in texts.tolist()])
    return np.column_stack([1 - share, share])


def test_partial_dependence_is_that_of_scikit_learn() -> None:
    """The mean probability at each value is that of scikit-learn's brute method, for each class."""
    draw = np.random.default_rng(0)
    frame = pd.DataFrame(draw.normal(size=(200, 3)), columns=["x", "y", "z"])
    labels = (frame["x"] > 0).astype(int) + (frame["y"] > 1).astype(int)
    model = RandomForestClassifier(5, random_state=0).fit(frame, labels)
    columns: dict[str, Column] = {str(name): frame[name].to_numpy() for name in frame}
    found = partial_dependences(
        lambda given, _: model.predict_proba(pd.DataFrame(dict(given))),
        columns,
        ["x", "z"],
        schema_of(x="numeric", y="numeric", z="numeric"),
        0,
    )
    assert [one.feature for one in found] == ["x", "z"]
    for one in found:
        grid = {one.feature: np.array(one.values)}
        theirs = partial_dependence(model, frame, [one.feature], custom_values=grid, method="brute")
        np.testing.assert_allclose(one.probabilities, theirs["average"].T)
        assert (len(one.values), one.rows) == (MOST_VALUES, 200)


def test_values_are_those_of_the_rows() -> None:
    """Few numbers are taken as they are, many by quantiles that occur; truth values are both; gaps are no value."""
    rows = np.arange(1000.0)
    columns: dict[str, Column] = {
        "few": np.where(rows % 7 == 0, np.nan, rows % 3),
        "many": rows * 2,
        "flag": rows % 2,
        "day": rows * 86400,
        "same": np.ones(1000),
    }
    kinds = schema_of(few="numeric", many="numeric", flag="boolean", day="datetime", same="numeric")
    found = partial_dependences(lambda _, count: np.full((count, 2), 0.5), columns, columns, kinds, 0)
    values = {one.feature: one.values for one in found}
    assert list(values) == ["few", "many", "flag", "day"]
    assert values["few"] == (0, 1, 2)
    assert values["flag"] == (0, 1)
    assert len(values["many"]) == MOST_VALUES
    assert set(values["many"]) <= set(columns["many"].tolist())
    many = np.array(values["many"], dtype=np.float64)
    assert (many.min(), many.max()) == (many[0], many[-1])
    assert 0 < many[0] < many[-1] < 1998


def test_texts_have_their_most_frequent_values() -> None:
    """Categories are the most frequent ones, of equals the first in order; texts of many values are left out."""
    categories = encode([None, *(["b"] * 3), *(["a"] * 3), *("c" * (1 + place // 20) for place in range(400))])
    notes = encode([f"note {place % 40}" for place in range(len(categories))])
    columns: dict[str, Column] = {"text": categories, "note": notes}
    kinds = schema_of(text="categorical", note="text")
    (found,) = partial_dependences(of_texts, columns, ["note", "text"], kinds, 0)
    assert found.values[0] == "c"
    assert len(found.values) == MOST_VALUES
    lengths = np.array([len(str(value)) for value in found.values])
    np.testing.assert_allclose(found.probabilities[:, 1], lengths / 10)
    (small,) = partial_dependences(
        of_texts, {"text": encode(["b", "a", "b", "a"])}, ["text"], schema_of(text="text"), 0
    )
    assert small.values == ("a", "b")


def test_the_work_is_bounded_and_the_same_each_time() -> None:
    """However many rows and columns there are, some are drawn, by seed."""
    draw = np.random.default_rng(0)
    columns: dict[str, Column] = {f"x{place}": draw.normal(size=5000) for place in range(20)}
    predicted = []

    def predict(given: Mapping[str, Column], count: int) -> NDArray[np.float64]:
        predicted.append(count)
        share = 1 / (1 + np.exp(-np.asarray(given["x0"]) * np.asarray(given["x1"])))
        return np.column_stack([1 - share, share])

    kinds: dict[str, Kind] = dict.fromkeys(columns, "numeric")
    one, two, other = (partial_dependences(predict, columns, columns, schema_of(**kinds), seed) for seed in (0, 0, 1))
    assert len(one) == MOST_COLUMNS
    assert sum(predicted) == 3 * MOST_COLUMNS * MOST_VALUES * MOST_ROWS
    np.testing.assert_array_equal(one[0].probabilities, two[0].probabilities)
    assert not np.array_equal(one[0].probabilities, other[0].probabilities)


@pytest.mark.parametrize("rows", [0, 1])
def test_without_rows_there_is_nothing_to_vary(rows: int) -> None:
    """No row, or one, has no two values."""
    columns: dict[str, Column] = {"x": np.ones(rows)}
    assert partial_dependences(lambda _, count: np.ones((count, 2)), columns, ["x"], schema_of(x="numeric"), 0) == ()
