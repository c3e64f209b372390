"""The wrapper of transformers of numbers gives what feature-engine's gives."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from feature_engine.wrappers import SklearnTransformerWrapper
from pandas.testing import assert_frame_equal
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from classification_model.processing.number_transformer import NumberTransformer


@pytest.mark.parametrize("variables", [["a", "c"], ["c", "b", "a"]])
@pytest.mark.parametrize(
    "transformer",
    [StandardScaler(), SimpleImputer(), FunctionTransformer(np.clip, kw_args={"a_min": -1, "a_max": 1})],
    ids=lambda transformer: type(transformer).__name__,
)
def test_columns_are_transformed_in_their_places(transformer: object, variables: list[str | int]) -> None:
    """Some columns of a frame, or all, in whatever order they come, with other columns and the index as they are."""
    draw = np.random.default_rng(0)
    frame = pd.DataFrame(draw.normal(size=(20, 3)), columns=["a", "b", "c"], index=range(5, 25))
    if isinstance(transformer, SimpleImputer):
        frame.iloc[3, 0] = np.nan
    if len(variables) < 3:
        frame["b"] = "text"
    given = frame.copy()
    theirs = SklearnTransformerWrapper(transformer, variables=variables).fit(frame)
    ours = NumberTransformer(transformer, variables=variables).fit(frame)
    shuffled = frame[["c", "a", "b"]]
    assert_frame_equal(ours.transform(frame), theirs.transform(frame))
    assert_frame_equal(ours.transform(shuffled), theirs.transform(shuffled))
    assert_frame_equal(frame, given)
