"""A mark of a missing value stands for its value, in every kind of column and every type of value."""

from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from classification_model.runtime.input.number_format import NumberFormat
from classification_model.runtime.input.schema import SchemaField
from classification_model.runtime.input.values import UnreadableValue


def read(kind: Any, marks: tuple[str, ...], value: Any, **more: Any) -> Any:
    """Read a value of a column with some marks."""
    by_value = {"marks_by_value": True} | more
    return SchemaField(name="x", kind=kind, nullable=True, missing_values=marks, **by_value).reader()(value)


@pytest.mark.parametrize("mark", ["-999", "-999.0", "-9.99e2"])
@pytest.mark.parametrize(
    "value",
    [
        "-999",
        " -999 ",
        "-999.0",
        "-999.000",
        "\N{MINUS SIGN}999",
        "(999)",
        -999,
        -999.0,
        np.float32(-999),
        Decimal(-999),
    ],
    ids=repr,
)
def test_a_number_is_missing_however_it_is_given(mark: str, value: Any) -> None:
    """As a text in any spelling, as an integer, as a float."""
    assert read("numeric", (mark,), value) is None


@pytest.mark.parametrize("value", ["-998.999", -998, "999", 0, "-9990"])
def test_another_number_is_not_missing(value: Any) -> None:
    """Only the number of the mark is."""
    assert read("numeric", ("-999",), value) == float(value)


def test_a_mark_is_read_as_the_numbers_of_its_column() -> None:
    """With a decimal comma 9,9 is the number that a file of types holds as 9.9."""
    written = NumberFormat(decimal=",")
    assert read("numeric", ("9,9",), 9.9, written=written) is None
    assert read("numeric", ("9,9",), "9,90", written=written) is None
    assert read("numeric", ("14:35",), "2:35 PM", written=NumberFormat(spelling="clock")) is None


@pytest.mark.parametrize("mark", ["9", "9.0"])
@pytest.mark.parametrize("kind", ["categorical", "text"])
@pytest.mark.parametrize("value", ["9", "9.0", " 9.00", 9, 9.0, np.int8(9)], ids=repr)
def test_a_category_is_missing_however_it_is_given(kind: str, mark: str, value: Any) -> None:
    """9, 9.0 and their texts are one."""
    assert read(kind, (mark,), value) is None


@pytest.mark.parametrize("value", ["99", 99, "9.5", "09", True])
def test_another_category_is_not_missing(value: Any) -> None:
    """What only looks alike is a value."""
    assert read("categorical", ("9", "1"), value) is not None


@pytest.mark.parametrize("value", ["9", "9.0", 9, 9.0, "unknown"])
def test_a_truth_value_is_missing_by_its_mark(value: Any) -> None:
    """A code such as 9 beside 0 and 1 is missing where the config says so, else refused."""
    assert read("boolean", ("9", "unknown"), value) is None
    with pytest.raises(UnreadableValue):
        read("boolean", (), value)


@pytest.mark.parametrize(("word", "value"), [("on", 1.0), ("OFF", 0.0), ("On", 1.0)])
def test_on_and_off_are_truth_values(word: str, value: float) -> None:
    """In any case."""
    assert read("boolean", (), word) == value


def test_marks_are_known_as_numbers() -> None:
    """What reads arrays at once asks for the numbers of the marks."""
    field = SchemaField(
        name="x", kind="datetime", nullable=True, missing_values=("1970-01-01", "never"), marks_by_value=True
    )
    assert field.missing_numbers == {0.0}
    assert SchemaField(name="x", kind="numeric", nullable=True).missing_numbers == frozenset()


@pytest.mark.parametrize(
    ("kind", "mark", "value"),
    [
        ("numeric", "9", 9.0),
        ("categorical", "9", 9.0),
        ("text", "9", "9.0"),
        ("datetime", "1970-01-01", "1970-01-01T00:00"),
    ],
)
def test_a_model_of_the_first_release_compares_texts_alone(kind: Any, mark: str, value: Any) -> None:
    """Its manifest does not say that marks go by value, and it was trained without: it goes on to predict the same."""
    field = SchemaField(name="x", kind=kind, nullable=True, missing_values=(mark,))
    assert field.reader()(value) is not None
    assert field.reader()(mark) is None
    assert field.missing_numbers == frozenset()
