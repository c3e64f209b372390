"""`POST /invocations`: MLflow's scoring protocol, for clients of `mlflow models serve`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import orjson

from app.dialects import Answered, Asked, Written
from app.dialects.csv_reading import read_csv
from app.dialects.json_reading import check, parse
from app.dialects.limits import Limits
from app.dialects.one_line import one_line
from app.dialects.tables import (
    check_columns_finite,
    check_count,
    check_names,
    check_records,
    columns_length,
    refuse_query,
    rows_of_arrays,
    rows_of_columns,
    shown,
)
from app.problem_details import Problem

_FORMATS = ("dataframe_split", "dataframe_records", "inputs", "instances")
_EXPECTED = f"expected exactly one of {', '.join(_FORMATS)}"
_REMEDY = 'send {"dataframe_records": [{...}]}'
_CSV = b"text/csv"
#: A string, closed or not, or NaN. Matching strings first keeps a NaN inside one from being replaced.
_STRING_OR_NAN = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|NaN', re.DOTALL)
#: MLflow's error codes by status; `_BAD_REQUEST` for all others.
_ERROR_CODES = {
    401: "UNAUTHENTICATED",
    404: "ENDPOINT_NOT_FOUND",
    500: "INTERNAL_ERROR",
    503: "TEMPORARILY_UNAVAILABLE",
}
_BAD_REQUEST = "BAD_REQUEST"

#: Number of rows, a function that makes them once the document is checked, and their path in the body.
Reader = tuple[int, Callable[[], list[dict[str, Any]]], str]


class MLflowScoring:
    """The dialect of `/invocations`.

    MLflow's own client writes NaN for a missing value, which is not JSON but is accepted here. It also sends the index
    of a frame, which is ignored.
    """

    media_types = frozenset({b"application/json", _CSV})

    def read(
        self,
        body: bytes,
        limits: Limits,
        query: bytes,
        media_type: bytes,
        header_length: bytes | None = None,  # noqa: ARG002
    ) -> Asked:
        """Read a frame, records, columns or CSV; see `Dialect.read`."""
        refuse_query(query)
        if media_type == _CSV:
            return Asked(read_csv(body, limits), places="rows")
        if b"NaN" in body:
            body = _STRING_OR_NAN.sub(_null_for_nan, body)
        document = parse(body, limits)
        given, content = _content(document)
        count, make_rows, places = _reader(given, content)
        check_count(count, limits)
        check(document, body, limits.depth)
        return Asked(make_rows(), places=places)

    def write(self, asked: Asked, answered: Answered) -> Written:  # noqa: ARG002
        """Write the predictions with the members of `/predict`'s answer, which MLflow's clients pass on.

        See `Dialect.write`.
        """
        content = {
            "predictions": answered.predictions,
            "probabilities": answered.probabilities,
            "prediction_ids": answered.prediction_ids,
            "version": answered.version,
            "warnings": answered.warnings,
        }
        return Written(orjson.dumps(content))

    def explain(self, problem: Problem) -> dict[str, Any]:
        """Return MLflow's error code, and the error as one line."""
        return {"error_code": _ERROR_CODES.get(problem.status, _BAD_REQUEST), "message": one_line(problem)}


def _null_for_nan(found: re.Match[bytes]) -> bytes:
    return b"null" if found[0] == b"NaN" else found[0]


def _content(document: Any) -> tuple[str, Any]:
    """Return the format of a document, and its content."""
    if type(document) is not dict:
        raise Problem("invalid_request", f"{_EXPECTED} in an object", remedy=_REMEDY)
    given = [name for name in _FORMATS if name in document]
    if len(given) != 1:
        raise Problem("invalid_request", f"{_EXPECTED}, found {' and '.join(given) or 'none'}", remedy=_REMEDY)
    unknown = document.keys() - {*_FORMATS, "params"}
    if unknown:
        raise Problem("invalid_request", f"expected only {given[0]}, found {shown(min(unknown))}")
    if document.get("params") not in ({}, None):
        raise Problem("invalid_parameter", "expected no params, since this model takes none", remedy="leave them out")
    return given[0], document[given[0]]


def _reader(given: str, content: Any) -> Reader:
    """Return the reader of a document's rows."""
    if given == "dataframe_split":
        return _split_reader(content)
    if type(content) is list:
        return _records_reader(given, content)
    if given == "dataframe_records":
        raise Problem("invalid_request", "expected dataframe_records as an array of objects, one per row")
    if type(content) is not dict:
        raise Problem("invalid_request", f"expected {given} as an array of rows or an object of columns")
    return _columns_reader(given, content)


def _records_reader(given: str, rows: list[Any]) -> Reader:
    def make_rows() -> list[dict[str, Any]]:
        check_records(rows, given)
        return rows

    if rows and type(rows[0]) is list:
        detail = f"expected the rows of {given} as objects, since the columns of an array have no names"
        raise Problem("invalid_request", detail, remedy="send dataframe_split, with columns and data")
    return len(rows), make_rows, given


def _columns_reader(given: str, columns: dict[str, Any]) -> Reader:
    def make_rows() -> list[dict[str, Any]]:
        check_columns_finite(columns, given)
        return rows_of_columns(columns)

    return columns_length(columns, given), make_rows, "rows"


def _split_reader(content: Any) -> Reader:
    """Return the reader of a frame that is split into columns, index and data."""
    if type(content) is not dict or not {"columns", "data"} <= content.keys() <= {"columns", "data", "index"}:
        detail = "expected dataframe_split as an object of columns, data and optionally index"
        raise Problem("invalid_request", detail)
    names, data, index = content["columns"], content["data"], content.get("index")
    if type(names) is not list or type(data) is not list:
        raise Problem("invalid_request", "expected columns and data of dataframe_split as arrays")
    if index is not None and (type(index) is not list or len(index) != len(data)):
        raise Problem("invalid_request", "expected the index of dataframe_split as an array of one key per row")

    def make_rows() -> list[dict[str, Any]]:
        check_names(names, "dataframe_split.columns")
        return rows_of_arrays(names, data, "dataframe_split.data")

    return len(data), make_rows, "dataframe_split.data"
