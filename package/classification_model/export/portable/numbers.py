"""Derived numbers as nodes of a graph: the operations of `derivations.numbers` and `derivations.dates`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from classification_model.export.graph import DOUBLE, INT64
from classification_model.export.probabilities import column
from classification_model.runtime.inference.derivations.dates import SECONDS_A_DAY
from classification_model.runtime.input.moments import MOMENTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from classification_model.export.graph import Graph

#: Days from 0001-01-01, a Monday, to 1970-01-01.
_DAYS_TO_1970 = 719_162
#: Days from 0000-03-01, where the years of `_civil` begin, to 0001-01-01.
_DAYS_FROM_MARCH = 306
_DAYS_IN_400_YEARS = 146_097


def add(graph: Graph, numbers: Sequence[str], plus: float) -> str:
    """Add numbers and a constant; NaN where the sum is not finite."""
    total = numbers[0]
    for number in numbers[1:]:
        total = graph.add("Add", total, number)
    return _finite(graph, graph.add("Add", total, np.array([plus])))


def divide(graph: Graph, dividend: str, divisor: str) -> str:
    """Divide two numbers; NaN where the ratio is not finite."""
    return _finite(graph, graph.add("Div", dividend, divisor))


def log_one_plus(graph: Graph, number: str) -> str:
    """Return the natural logarithm of one plus a number, to the last digits of tiny numbers too; NaN for -1 or less.

    What is lost when one is added is known, and the logarithm is corrected by it.

    Notes
    -----
    Method of W. Kahan, as Theorem 4 in D. Goldberg, "What Every Computer Scientist Should Know About Floating-Point
    Arithmetic", ACM Computing Surveys 23 (1991).
    """
    one, nothing = np.array([1.0]), np.array([np.nan])
    number = graph.add("Where", graph.add("Greater", number, -one), number, nothing)
    whole = graph.add("Add", number, one)
    taken = graph.add("Sub", whole, one)
    pair = graph.add("Concat", whole, whole, axis=1)  # for the reason in `export.probabilities`
    logarithm = column(graph, graph.add("Log", pair), 0)
    corrected = graph.add("Mul", logarithm, graph.add("Div", number, taken))
    return graph.add("Where", graph.add("Equal", taken, np.array([0.0])), number, corrected)


def parts_of_moment(graph: Graph, seconds: str, parts: Sequence[str]) -> list[str]:
    """Return parts of a moment; NaN where it is missing or outside of the years 1 to 9999."""
    low, high = (np.array([limit]) for limit in MOMENTS)
    is_moment = graph.add("And", graph.add("GreaterOrEqual", seconds, low), graph.add("LessOrEqual", seconds, high))
    floor = graph.add("Where", is_moment, graph.add("Floor", seconds), np.array([0.0]))
    whole = graph.add("Cast", floor, to=INT64)
    answers = _Civil(graph, whole)
    found = [
        graph.add("Div", seconds, np.array([SECONDS_A_DAY]))
        if part == "days"
        else graph.add("Cast", answers.part(part), to=DOUBLE)
        for part in parts
    ]
    return [graph.add("Where", is_moment, part, np.array([np.nan])) for part in found]


class _Civil:
    """The Gregorian calendar in integers, none of them negative, so that division rounds down.

    Years begin in March, so that the leap day is their last.

    Notes
    -----
    After H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
    """

    def __init__(self, graph: Graph, seconds: str) -> None:
        self._graph = graph
        day_seconds = int(SECONDS_A_DAY)
        since = self._plus(seconds, _DAYS_TO_1970 * day_seconds)
        self._days = self._over(since, day_seconds)
        self._second = self._rest(since, day_seconds)
        from_march = self._plus(self._days, _DAYS_FROM_MARCH)
        era, day = self._over(from_march, _DAYS_IN_400_YEARS), self._rest(from_march, _DAYS_IN_400_YEARS)
        leap_days = graph.add(
            "Sub", self._over(day, 36_524), graph.add("Add", self._over(day, 1460), self._over(day, 146_096))
        )
        year = self._over(graph.add("Add", day, leap_days), 365)
        in_400_years = graph.add(
            "Sub", graph.add("Add", self._times(year, 365), self._over(year, 4)), self._over(year, 100)
        )
        self._day_from_march = graph.add("Sub", day, in_400_years)
        self._month_from_march = self._over(self._plus(self._times(self._day_from_march, 5), 2), 153)
        is_next = graph.add("GreaterOrEqual", self._month_from_march, np.array([10]))
        self._month = self._plus(
            graph.add("Sub", self._month_from_march, self._times(graph.add("Cast", is_next, to=INT64), 12)), 3
        )
        self._year = graph.add(
            "Add", graph.add("Add", year, self._times(era, 400)), graph.add("Cast", is_next, to=INT64)
        )

    def part(self, part: str) -> str:
        """Return a part of the date as integers."""
        match part:
            case "year":
                return self._year
            case "quarter":
                return self._over(self._plus(self._month, 2), 3)
            case "month":
                return self._month
            case "day":
                before = self._over(self._plus(self._times(self._month_from_march, 153), 2), 5)
                return self._plus(self._graph.add("Sub", self._day_from_march, before), 1)
            case "weekday":
                return self._rest(self._days, 7)
            case "day_of_year":
                past = self._plus(self._year, -1)
                leap_years = self._graph.add("Add", self._over(past, 4), self._over(past, 400))
                leap_years = self._graph.add("Sub", leap_years, self._over(past, 100))
                before = self._graph.add("Add", self._times(past, 365), leap_years)
                return self._plus(self._graph.add("Sub", self._days, before), 1)
            case _:
                return self._over(self._second, 3600)

    def _plus(self, number: str, other: int) -> str:
        return self._graph.add("Add", number, np.array([other]))

    def _times(self, number: str, other: int) -> str:
        return self._graph.add("Mul", number, np.array([other]))

    def _over(self, number: str, other: int) -> str:
        return self._graph.add("Div", number, np.array([other]))

    def _rest(self, number: str, other: int) -> str:
        return self._graph.add("Mod", number, np.array([other]))


def _finite(graph: Graph, number: str) -> str:
    return graph.add("Where", graph.add("IsInf", number), np.array([np.nan]), number)
