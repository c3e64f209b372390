"""What an input may be: a frame, columns or rows, told apart without pandas."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from classification_model.errors import InputError
from classification_model.runtime.input.checking import check_input, is_frame
from classification_model.runtime.input.columns import encode
from classification_model.runtime.input.schema import InputSchema, SchemaField

SCHEMA = InputSchema(fields=(SchemaField(name="age", kind="numeric", nullable=True),))
ROWS = [{"age": 22}, {"age": 38}]


@pytest.mark.parametrize(
    "given", [ROWS, tuple(ROWS), pd.DataFrame(ROWS), {"age": [22, 38]}], ids=["list", "tuple", "frame", "columns"]
)
def test_a_table_in_any_form_is_the_same_rows(given: Any) -> None:
    """By rows, by columns and as a frame."""
    checked = check_input(SCHEMA, given)
    assert (checked.count, checked.columns) == (2, {"age": [22.0, 38.0]})


@pytest.mark.parametrize(
    ("given", "kind"), [("age", "str"), (b"age", "bytes"), (7, "int"), (None, "NoneType"), (pd.DataFrame, "type")]
)
def test_what_is_no_table_is_refused(given: Any, kind: str) -> None:
    """Texts are sequences too, but not of rows."""
    with pytest.raises(InputError, match=f"or a list of row dicts, found {kind}$"):
        check_input(SCHEMA, given)


def test_a_frame_is_told_by_what_it_can_do() -> None:
    """A series has no columns, and what has columns is not always indexed by place."""
    assert is_frame(pd.DataFrame())
    assert not is_frame(pd.Series(dtype=float))
    assert not is_frame(SimpleNamespace(columns=[]))
    assert not is_frame(pd.DataFrame)


def test_some_rows_of_encoded_texts_have_their_texts() -> None:
    """By mask and by range."""
    column = encode(["a", None, "b", "a"])
    assert column[np.array([True, True, False, True])].tolist() == ["a", None, "a"]
    assert column[1:3].tolist() == [None, "b"]


def test_a_frame_without_columns_has_rows() -> None:
    """As many as its index has."""
    checked = check_input(SCHEMA, pd.DataFrame(index=range(3)))
    assert (checked.count, checked.columns) == (3, {"age": [None] * 3})


def test_a_frame_with_a_name_twice_is_refused() -> None:
    """A number is the text that spells it, and a long name is cut."""
    with pytest.raises(InputError, match=r"^the frame has the column '1' twice$"):
        check_input(SCHEMA, pd.DataFrame([[1, 2]], columns=[1, "1"]))
    with pytest.raises(InputError, match=r"^the frame has the column 'x{100}' twice$"):
        check_input(SCHEMA, pd.DataFrame([[1, 2]], columns=["x" * 101] * 2))
