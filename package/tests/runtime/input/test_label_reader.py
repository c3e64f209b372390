"""What a label may be: a class by its name, or a value of the target, in any of their spellings."""

from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from classification_model.runtime.input.labels import LabelReader
from classification_model.runtime.input.number_format import NumberFormat
from classification_model.runtime.input.values import UnreadableValue

SURVIVAL = LabelReader(("died", "survived"), {"0": "died", "1": "survived"})
MERGED = LabelReader(("good", "bad"), {"great": "good", "fine": "good", "poor": "bad"})


@pytest.mark.parametrize(
    "value", [1, 1.0, "1", "1.0", " 1 ", True, "true", "True", "TRUE", Decimal(1), np.int64(1), "survived"]
)
def test_one_label_has_many_spellings(value: Any) -> None:
    """A number, its text, a truth value and the name are the same label."""
    assert SURVIVAL.read(value) == "survived"


@pytest.mark.parametrize(
    ("values", "value", "expected"),
    [
        ({"True": "in", "False": "out"}, True, "in"),
        ({"TRUE": "in", "FALSE": "out"}, False, "out"),
        ({"true": "in", "True": "out"}, True, "in"),
        ({"1.0": "in", "0.0": "out"}, 1, "in"),
        ({"NA": "none", "some": "some"}, "NA", "none"),
        ({"1": "in", "2": "out"}, 2.0, "out"),
    ],
)
def test_a_value_is_read_as_training_reads_it(values: dict[str, str], value: Any, expected: str) -> None:
    """Truth values find the word for them in any case; a word for missing is a label where it is listed."""
    assert LabelReader((), values, marks=frozenset({"na"})).read(value) == expected


@pytest.mark.parametrize("value", ["great", "fine", "good"])
def test_every_value_of_a_class_and_its_name_are_labels(value: str) -> None:
    """Several values may stand for one class."""
    assert MERGED.read(value) == "good"


@pytest.mark.parametrize("value", [2, "Survived", "yes", "01", 1.5, [1], {"a": 1}, "\ud800", "x" * 10_001, 2**70])
def test_what_is_no_label_is_refused(value: Any) -> None:
    """A label is neither guessed nor read in another case; a truth value is no label of 1 and 2."""
    with pytest.raises(UnreadableValue, match="expected"):
        SURVIVAL.read(value)
    with pytest.raises(UnreadableValue, match="expected one of 1, 2"):
        LabelReader((), {"1": "1", "2": "2"}).read(True)


@pytest.mark.parametrize("value", [None, float("nan"), "", " ", "NA", "n/a"])
def test_a_missing_label_is_none(value: Any) -> None:
    """Nothing, an empty text and a word for missing are no label."""
    reader = LabelReader(("a", "b"), marks=frozenset({"na", "n/a"}))
    assert reader.read(value) is None


def test_numbers_are_labels_of_bins() -> None:
    """A number is the bin that it belongs to, a value on an edge to the bin below."""
    reader = LabelReader(("low", "mid", "high"), edges=(10.0, 20.0))
    assert [reader.read(value) for value in (10, "10.5", 20.0, 1e9, "mid")] == ["low", "mid", "mid", "high", "mid"]
    assert reader.accepted == "low, mid, high, or a number"
    with pytest.raises(UnreadableValue, match="expected one of low, mid, high, or a number"):
        reader.read(True)


def test_an_error_lists_twenty_labels_at_most() -> None:
    """The names of classes come first, then the values that differ from them."""
    assert MERGED.accepted == "good, bad, great, fine, poor"
    many = LabelReader([f"c{number}" for number in range(30)])
    with pytest.raises(UnreadableValue, match=r"c18, c19 and 10 more$"):
        many.read("d")


def test_numbers_of_bins_are_read_as_the_table_writes_them() -> None:
    """With a decimal comma, 1,5 is one and a half; a number of JSON is what it is."""
    reader = LabelReader(("low", "high"), edges=(2.0,), written=NumberFormat(decimal=","))
    assert [reader.read(value) for value in ("1,5", "2.000", 1.5, 2.5)] == ["low", "high", "low", "high"]


def test_a_mark_that_is_listed_is_a_label_in_any_spelling() -> None:
    """A number among the words for missing is a label where it is a value of the target."""
    reader = LabelReader((), {"-1": "out", "1": "in"}, marks=frozenset({"-1.0", "na"}))
    assert [reader.read(value) for value in (-1, "-1.0", 1, "NA")] == ["out", "out", "in", None]
