"""The limit on rows: as many as it says are read, one more is refused, in every dialect."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from clocked import StartClocked
from conftest import ROW

from app.dialects import Asked
from app.dialects.limits import Limits
from app.dialects.mlflow_scoring import MLflowScoring
from app.dialects.native import Native
from app.dialects.open_inference import OpenInference
from app.problem_details import Problem

LIMITS = Limits(rows=3, depth=16, values=1000)


def _json(dialect: Any, document: Any) -> Asked:
    asked: Asked = dialect.read(json.dumps(document).encode(), LIMITS, b"", b"application/json")
    return asked


READ: dict[str, Callable[[int], Asked]] = {
    "native": lambda count: _json(Native(), {"inputs": [{"age": 1}] * count}),
    "records": lambda count: _json(MLflowScoring(), {"dataframe_records": [{"age": 1}] * count}),
    "split": lambda count: _json(MLflowScoring(), {"dataframe_split": {"columns": ["age"], "data": [[1]] * count}}),
    "columns": lambda count: _json(MLflowScoring(), {"inputs": {"age": [1] * count}}),
    "csv": lambda count: MLflowScoring().read(b"age\n" + b"1\n" * count, LIMITS, b"", b"text/csv"),
    "tensors": lambda count: _json(
        OpenInference(), {"inputs": [{"name": "age", "shape": [count], "datatype": "FP64", "data": [1.0] * count}]}
    ),
}


@pytest.mark.parametrize("read", READ.values(), ids=READ)
def test_as_many_rows_as_the_limit_are_read_and_one_more_is_refused(read: Callable[[int], Asked]) -> None:
    """The limit itself is allowed; beyond it the reply is 413 with the limit."""
    assert len(read(3).rows) == 3
    with pytest.raises(Problem, match=r"^expected at most 3 rows, found (4|more)$") as caught:
        read(4)
    assert caught.value.status == 413
    assert caught.value.members["limit"] == 3


@pytest.mark.parametrize("read", READ.values(), ids=READ)
def test_no_rows_are_none_too_many(read: Callable[[int], Asked]) -> None:
    """A body without a row is refused for another reason."""
    with pytest.raises(Problem) as caught:
        read(0)
    assert caught.value.code == "invalid_request"


def test_what_stands_for_a_row_has_its_own_name_in_the_error() -> None:
    """Whoever sends labels is not told of rows."""
    LIMITS.check_rows(3, "labels")
    with pytest.raises(Problem, match=r"^expected at most 3 labels, found 4$"):
        LIMITS.check_rows(4, "labels")


def test_the_limit_of_the_settings_is_the_one_that_holds(clocked: StartClocked) -> None:
    """A server with a limit of its own answers as many rows, and refuses one more."""
    server = clocked(limit_rows=2)
    assert server.post(json={"inputs": [ROW] * 2}).status_code == 200
    refused = server.post(json={"inputs": [ROW] * 3})
    assert (refused.status_code, refused.json()["limit"]) == (413, 2)
