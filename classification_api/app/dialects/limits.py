"""Limits on the body of a request: rows, depth, values."""

from __future__ import annotations

from dataclasses import dataclass

from app.problem_details import Problem


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits on the body of a request.

    Attributes
    ----------
    rows
        Most rows.
    depth
        Deepest nesting of objects and arrays; ``{"inputs": [{}]}`` has 3.
    values
        Most values, arrays and objects; more than a valid request of `rows` rows can have.
    """

    rows: int
    depth: int
    values: int

    def check_rows(self, count: int, what: str = "rows") -> None:
        """Check a number of rows against the limit.

        Parameters
        ----------
        count
            Number of rows.
        what
            What the error calls them, such as ``labels``.

        Raises
        ------
        Problem
            If there are too many.
        """
        if count > self.rows:
            raise Problem.too_many_rows(self.rows, count, what)
