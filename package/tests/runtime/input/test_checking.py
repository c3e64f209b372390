"""What an input may be: a frame, columns or rows, told apart without pandas."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from classification_model.errors import InputError
from classification_model.runtime.input import checking
from classification_model.runtime.input.checking import check_columns, check_input, check_rows, is_frame
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


def test_each_distinct_text_of_a_column_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Values of other types are read one by one, since equal ones may read differently."""
    read: list[Any] = []
    read_one = checking.read_value

    def noted(field: SchemaField, reader: Any, value: Any) -> Any:
        read.append(value)
        return read_one(field, reader, value)

    monkeypatch.setattr(checking, "read_value", noted)
    checked = check_columns(SCHEMA, {"age": ["1", "2", "1", 3, 3, "x", "x"]})
    assert read == ["1", "2", 3, 3, "x"]
    assert checked.columns["age"] == [1.0, 2.0, 1.0, 3.0, 3.0, None, None]
    assert [issue.row for issue in checked.errors] == [5, 6]


def test_errors_of_the_whole_table_stand_before_those_of_rows() -> None:
    """Those of rows in their order."""
    checked = check_columns(SCHEMA, {"age": ["x", 1, "y"], "other": [1, 2, 3]})
    assert [(issue.row, issue.field) for issue in checked.errors] == [(None, "other"), (0, "age"), (2, "age")]


def test_a_column_that_is_ignored_may_stand_before_the_others() -> None:
    """They are read all the same."""
    schema = InputSchema(fields=SCHEMA.fields, ignored=("id",))
    assert check_rows(schema, [{"id": 7, "age": 1}]).columns == {"age": [1.0]}
    assert check_columns(schema, {"id": [7], "age": [1]}).columns == {"age": [1.0]}


def test_codes_of_texts_are_whole_numbers() -> None:
    """Of no rows too; the texts stand in the order of their appearance."""
    column = encode(["b", None, "a", "b"])
    assert (column.codes.tolist(), column.values, len(column)) == ([0, -1, 1, 0], ["b", "a"], 4)
    empty = encode([])
    assert empty.codes.dtype == np.int64
    assert empty.tolist() == list(empty.values) == []
