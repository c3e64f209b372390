"""The limits of a body: how many rows, how deep, how many values."""

from __future__ import annotations

from dataclasses import dataclass

from app.problem_details import Problem


@dataclass(frozen=True, slots=True)
class Limits:
    """What a body may hold.

    Attributes
    ----------
    rows
        Most rows.
    depth
        Deepest nesting of objects and arrays; ``{"inputs": [{}]}`` has 3.
    values
        Most values, arrays and objects; more than `rows` rows of all columns can have.
    """

    rows: int
    depth: int
    values: int

    def check_rows(self, count: int, what: str = "rows") -> None:
        """Refuse more rows than may be.

        Parameters
        ----------
        count
            How many there are.
        what
            Their name in the error: rows, or what stands for one row each.

        Raises
        ------
        Problem
            If they are too many.
        """
        if count > self.rows:
            raise Problem.too_many_rows(self.rows, count, what)
