"""Rows of bodies that give a table: as records, or as columns."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from app.dialects.limits import Limits
from app.problem_details import Problem


def shown(name: str) -> str:
    """Return the name of a column as an error may show it."""
    return repr(name[:100].encode("ascii", "replace").decode())


def refuse_query(query: bytes) -> None:
    """Refuse parameters in the URL of a route that knows none.

    Raises
    ------
    Problem
        If there are any.
    """
    if query:
        raise Problem("invalid_parameter", "expected no parameters in the URL, found some", remedy="leave them out")


def check_count(count: int, limits: Limits) -> None:
    """Refuse a number of rows.

    Raises
    ------
    Problem
        If it is zero or beyond the limit.
    """
    if not count:
        raise Problem("invalid_request", "expected at least one row, found none")
    limits.check_rows(count)


def check_names(names: Iterable[Any], where: str) -> None:
    """Refuse names of columns.

    Raises
    ------
    Problem
        If one is no text, or there twice.
    """
    seen: set[str] = set()
    for number, name in enumerate(names):
        if type(name) is not str:
            raise Problem("invalid_request", f"expected the name of a column, a text, as {where}[{number}]")
        if name in seen:
            raise Problem("duplicate_key", f"expected each column once, found {shown(name)} twice in {where}")
        seen.add(name)


def check_records(rows: Sequence[Any], where: str) -> None:
    """Refuse rows.

    Raises
    ------
    Problem
        If one is no object, or holds an infinite number.
    """
    for number, row in enumerate(rows):
        if type(row) is not dict:
            raise Problem("invalid_request", f"expected rows as objects, found something else as {where}[{number}]")
        if not _are_finite(row.values()):
            raise _infinite(f"{where}[{number}]")


def rows_of_arrays(names: Sequence[str], arrays: Sequence[Any], where: str) -> list[dict[str, Any]]:
    """Return rows that are given as arrays of values in the order of the columns.

    Raises
    ------
    Problem
        If one is no array, has too few or too many values, or holds an infinite number.
    """
    width = len(names)
    rows = []
    for number, values in enumerate(arrays):
        if type(values) is not list or len(values) != width:
            detail = f"expected an array of {width} values, one a column, as {where}[{number}]"
            raise Problem("invalid_request", detail)
        if not _are_finite(values):
            raise _infinite(f"{where}[{number}]")
        rows.append(dict(zip(names, values, strict=True)))
    return rows


def rows_of_columns(columns: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Return rows of columns of one length."""
    names = tuple(columns)
    return [dict(zip(names, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def columns_length(columns: Mapping[str, Any], where: str) -> int:
    """Return the number of rows in columns that are given as arrays.

    Raises
    ------
    Problem
        If one is no array, there is none, or they differ in length.
    """
    length: int | None = None
    for name, values in columns.items():
        if type(values) is not list:
            raise Problem("invalid_request", f"expected an array of one value a row as column {shown(name)} of {where}")
        if length is not None and len(values) != length:
            detail = f"expected columns of one length, found {length} and {len(values)} values, in {shown(name)}"
            raise Problem("invalid_request", detail)
        length = len(values)
    if length is None:
        raise Problem("invalid_request", f"expected at least one column in {where}, found none")
    return length


def check_columns_finite(columns: Mapping[str, Sequence[Any]], where: str) -> None:
    """Refuse columns.

    Raises
    ------
    Problem
        If one holds an infinite number.
    """
    for name, values in columns.items():
        if not _are_finite(values):
            raise _infinite(f"column {shown(name)} of {where}")


def _are_finite(values: Collection[Any]) -> bool:
    """Tell whether no number is infinite; JSON has no NaN."""
    return math.inf not in values and -math.inf not in values


def _infinite(where: str) -> Problem:
    return Problem("invalid_request", f"expected finite numbers, found one beyond 1e308 in {where}")
