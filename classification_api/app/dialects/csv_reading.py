"""Read CSV bodies: a header line, then one line per row."""

from __future__ import annotations

import csv
import io
from typing import Any

from app.dialects.limits import Limits
from app.dialects.tables import check_count, check_names
from app.problem_details import Problem


def read_csv(body: bytes, limits: Limits) -> list[dict[str, Any]]:
    """Read the rows of a CSV body. Cells are texts; an empty cell is None.

    A first column without a name is ignored: pandas writes a frame's index there.

    Raises
    ------
    Problem
        If the body is not CSV in UTF-8, a line has too few or too many cells, or there are no rows or too many.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Problem("invalid_request", "expected CSV in UTF-8, found something else") from None
    if "\x00" in text:
        raise Problem("invalid_request", "expected text without NUL, found one", remedy="remove it")
    try:
        names, lines = _lines(text, limits)
    except csv.Error:
        remedy = "quote cells with double quotes, doubled inside; a cell has at most 131,072 characters"
        raise Problem("invalid_request", "expected CSV as of RFC 4180, found something else", remedy=remedy) from None
    check_count(len(lines), limits)
    start = 1 if names[0] == "" else 0
    named = names[start:]
    check_names(named, "header")
    if not named or "" in named:
        raise Problem("invalid_request", "expected a name for each column, found one without")
    return [dict(zip(named, [cell or None for cell in line[start:]], strict=True)) for line in lines]


def _lines(text: str, limits: Limits) -> tuple[list[str], list[list[str]]]:
    """Return the names of the columns, and the cells of each row; empty lines are skipped."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    names = next((line for line in reader if line), None)
    if names is None:
        raise Problem("invalid_request", "expected a line of column names, found an empty body")
    lines: list[list[str]] = []
    for line in reader:
        if not line:
            continue
        if len(line) != len(names):
            detail = f"expected {len(names)} cells, one per column, found {len(line)} on line {reader.line_num}"
            raise Problem("invalid_request", detail)
        if len(lines) == limits.rows:
            raise Problem.too_many_rows(limits.rows, "more")
        lines.append(line)
    return names, lines
