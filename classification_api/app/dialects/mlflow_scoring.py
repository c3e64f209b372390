"""`POST /invocations`: MLflow's scoring protocol, for clients made for `mlflow models serve`."""

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
#: A string, or one that is never closed, so that no other alternative looks into it; or NaN.
_STRING_OR_NAN = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|NaN', re.DOTALL)
#: Names that MLflow has for errors, by status; for all others `_BAD_REQUEST`.
_ERROR_CODES = {
    401: "UNAUTHENTICATED",
    404: "ENDPOINT_NOT_FOUND",
    500: "INTERNAL_ERROR",
    503: "TEMPORARILY_UNAVAILABLE",
}
_BAD_REQUEST = "BAD_REQUEST"

#: Rows yet to be made, so that the document is checked first, and the prefix of places in them.
Reader = tuple[int, Callable[[], list[dict[str, Any]]], str]


class MLflowScoring:
    """The dialect of `/invocations`.

    What MLflow's own client sends is read as it is: it writes NaN for a missing value, which is not JSON, and adds the
    index of a frame, which says nothing of the rows but their order, and is left out.
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
        """Write the predictions, with what `/predict` tells of them; MLflow's clients pass that on.

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
        """Return MLflow's name for the error, and what it is."""
        return {"error_code": _ERROR_CODES.get(problem.status, _BAD_REQUEST), "message": one_line(problem)}


def _null_for_nan(found: re.Match[bytes]) -> bytes:
    return b"null" if found[0] == b"NaN" else found[0]


def _content(document: Any) -> tuple[str, Any]:
    """Return which format a document has, and what it holds."""
    if type(document) is not dict:
        raise Problem("invalid_request", f"{_EXPECTED} in an object", remedy=_REMEDY)
    given = [name for name in _FORMATS if name in document]
    if len(given) != 1:
        raise Problem("invalid_request", f"{_EXPECTED}, found {' and '.join(given) or 'none'}", remedy=_REMEDY)
    unknown = document.keys() - {*_FORMATS, "params"}
    if unknown:
        raise Problem("invalid_request", f"expected {given[0]} alone, found {shown(min(unknown))}")
    if document.get("params") not in ({}, None):
        raise Problem("invalid_parameter", "expected no params, which this model has none of", remedy="leave them out")
    return given[0], document[given[0]]


def _reader(given: str, content: Any) -> Reader:
    """Return how many rows there are, and what makes them."""
    if given == "dataframe_split":
        return _split_reader(content)
    if type(content) is list:
        return _records_reader(given, content)
    if given == "dataframe_records":
        raise Problem("invalid_request", "expected dataframe_records as an array of objects, one a row")
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
    """Return how many rows a frame has that is split into columns, index and data, and what makes them."""
    if type(content) is not dict or not {"columns", "data"} <= content.keys() <= {"columns", "data", "index"}:
        detail = "expected dataframe_split as an object of columns and data, and index where there is one"
        raise Problem("invalid_request", detail)
    names, data, index = content["columns"], content["data"], content.get("index")
    if type(names) is not list or type(data) is not list:
        raise Problem("invalid_request", "expected columns and data of dataframe_split as arrays")
    if index is not None and (type(index) is not list or len(index) != len(data)):
        raise Problem("invalid_request", "expected the index of dataframe_split as an array of one key a row")

    def make_rows() -> list[dict[str, Any]]:
        check_names(names, "dataframe_split.columns")
        return rows_of_arrays(names, data, "dataframe_split.data")

    return len(data), make_rows, "dataframe_split.data"
