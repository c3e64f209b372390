"""Read and check rows that are sent as records or as columns."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from app.dialects.limits import Limits
from app.problem_details import Problem


def shown(name: str) -> str:
    """Return the name of a column for an error: at most 100 characters of ASCII."""
    return repr(name[:100].encode("ascii", "replace").decode())


def refuse_query(query: bytes) -> None:
    """Check that a URL has no query, on a route without parameters.

    Raises
    ------
    Problem
        If there is one.
    """
    if query:
        raise Problem("invalid_parameter", "expected no query parameters, found some", remedy="leave them out")


def check_count(count: int, limits: Limits) -> None:
    """Check a number of rows.

    Raises
    ------
    Problem
        If it is zero or above the limit.
    """
    if not count:
        raise Problem("invalid_request", "expected at least one row, found none")
    limits.check_rows(count)


def check_names(names: Iterable[Any], where: str) -> None:
    """Check the names of columns.

    Raises
    ------
    Problem
        If a name is not a text, or is repeated.
    """
    seen: set[str] = set()
    for number, name in enumerate(names):
        if type(name) is not str:
            raise Problem("invalid_request", f"expected {where}[{number}] as a text, the name of a column")
        if name in seen:
            raise Problem("duplicate_key", f"expected each column once, found {shown(name)} twice in {where}")
        seen.add(name)


def check_records(rows: Sequence[Any], where: str) -> None:
    """Check rows that are sent as objects.

    Raises
    ------
    Problem
        If a row is not an object, or contains an infinite number.
    """
    for number, row in enumerate(rows):
        if type(row) is not dict:
            raise Problem("invalid_request", f"expected {where}[{number}] as an object, found something else")
        if not _are_finite(row.values()):
            raise _infinite(f"{where}[{number}]")


def rows_of_arrays(names: Sequence[str], arrays: Sequence[Any], where: str) -> list[dict[str, Any]]:
    """Return rows that are sent as arrays of values in the order of the columns.

    Raises
    ------
    Problem
        If a row is not an array, has too few or too many values, or contains an infinite number.
    """
    width = len(names)
    rows = []
    for number, values in enumerate(arrays):
        if type(values) is not list or len(values) != width:
            detail = f"expected {where}[{number}] as an array of {width} values, one per column"
            raise Problem("invalid_request", detail)
        if not _are_finite(values):
            raise _infinite(f"{where}[{number}]")
        rows.append(dict(zip(names, values, strict=True)))
    return rows


def rows_of_columns(columns: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Convert columns of equal length to rows."""
    names = tuple(columns)
    return [dict(zip(names, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def columns_length(columns: Mapping[str, Any], where: str) -> int:
    """Return the number of rows in columns that are sent as arrays.

    Raises
    ------
    Problem
        If a column is not an array, there is none, or they differ in length.
    """
    length: int | None = None
    for name, values in columns.items():
        if type(values) is not list:
            detail = f"expected column {shown(name)} of {where} as an array, one value per row"
            raise Problem("invalid_request", detail)
        if length is not None and len(values) != length:
            detail = f"expected {length} values in column {shown(name)}, as in the one before it, found {len(values)}"
            raise Problem("invalid_request", detail)
        length = len(values)
    if length is None:
        raise Problem("invalid_request", f"expected at least one column in {where}, found none")
    return length


def check_columns_finite(columns: Mapping[str, Sequence[Any]], where: str) -> None:
    """Check that columns contain finite numbers.

    Raises
    ------
    Problem
        If one contains an infinite number.
    """
    for name, values in columns.items():
        if not _are_finite(values):
            raise _infinite(f"column {shown(name)} of {where}")


def _are_finite(values: Collection[Any]) -> bool:
    """Return whether no number is infinite; JSON has no NaN."""
    return math.inf not in values and -math.inf not in values


def _infinite(where: str) -> Problem:
    return Problem("invalid_request", f"expected finite numbers, found one too large for a 64-bit float in {where}")
