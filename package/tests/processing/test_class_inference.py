"""The classes of a target that no config lists, and which of two is the positive one."""

import random
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_infer_columns import cells

from classification_model.errors import DataError
from classification_model.processing.class_inference import infer_classes, positive_word


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["yes", "no", "yes"], ["no", "yes"]),
        (["TRUE", "False"], ["False", "TRUE"]),
        ([True, False], ["false", "true"]),
        ([1, 0, 1.0, "1"], ["0", "1"]),
        (["10", "9", "2.0"], ["2", "9", "10"]),
        ([" b", "a", "b "], ["a", "b"]),
        (["b", None, "", "NA", "a"], ["a", "b"]),
        (["1", "a", "10", "2"], ["1", "10", "2", "a"]),
    ],
)
def test_classes_are_in_an_order_that_makes_the_positive_one_last(values: list[Any], expected: list[str]) -> None:
    """Numbers go by size, yes comes after no, words go by the alphabet; missing values are no class."""
    classes = infer_classes(pd.Series(values, dtype=object, name="y"))
    assert list(classes) == expected
    assert list(classes.values()) == expected


@pytest.mark.parametrize("value", [[1], {"a": 1}, "a\0b", "a" * 10_001, b"x", 2**70])
def test_a_target_of_values_that_are_no_classes_is_refused(value: Any) -> None:
    """Lists, objects and unreadable texts as a target are a fault of the data, told with the column."""
    with pytest.raises(DataError, match=r"column 'y', the target, has a value that cannot be a class: expected"):
        infer_classes(pd.Series(["a", value], dtype=object, name="y"))


@pytest.mark.slow
@given(values=st.lists(cells, min_size=1, max_size=30), seed=st.randoms(use_true_random=False))
def test_classes_do_not_depend_on_the_order_of_rows(values: list[Any], seed: random.Random) -> None:
    """Any target has the same classes in any order of rows, or is refused in any."""

    def outcome(values: list[Any]) -> list[str] | str:
        try:
            return list(infer_classes(pd.Series(values, dtype=object, name="y")))
        except DataError as error:
            return type(error).__name__

    assert outcome(seed.sample(values, len(values))) == outcome(values)


@pytest.mark.parametrize(
    ("values", "positive"),
    [
        (["no", "yes"], "yes"),
        (["Yes", "maybe"], "Yes"),
        (["positive", "negative"], "positive"),
        (["pos", "neg"], "pos"),
        (["on", "off"], "on"),
        (["+", "-"], "+"),
        (["1", "-1"], "1"),
        (["1", "0"], "1"),
        (["T", "f"], "T"),
        (["1", "2"], None),
        (["t", "u"], None),
        (["on", "under"], None),
        (["yes", "true"], None),
        (["yes", "no", "maybe"], None),
        (["low", "high"], None),
    ],
)
def test_the_positive_one_of_two_is_a_word_for_it(values: list[str], positive: str | None) -> None:
    """Yes, true and positive are positive; 1, y, t, on, pos and + only beside their opposite."""
    assert positive_word(values) == positive
    assert positive_word(values[::-1]) == positive
    if positive is not None:
        assert list(infer_classes(pd.Series(values, dtype=object, name="y")))[-1] == positive


def test_the_order_of_classes_stays_when_another_one_becomes_the_rarer() -> None:
    """A config without classes gives the same order however many rows a class has, so that no retraining turns it."""
    for counts in ((90, 10), (10, 90)):
        column = pd.Series(["fraud"] * counts[0] + ["honest"] * counts[1], dtype=object, name="y")
        assert list(infer_classes(column)) == ["fraud", "honest"]
