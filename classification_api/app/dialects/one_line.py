"""An error as one line, for clients that show only that."""

from __future__ import annotations

from app.problem_details import Problem


def one_line(problem: Problem) -> str:
    """Return the detail of a problem, its first place and its remedy."""
    parts = [problem.detail]
    if problem.places:
        first = problem.places[0]
        parts.append(f"{first['where']}: {first['message']}")
    if "remedy" in problem.members:
        parts.append(str(problem.members["remedy"]))
    return "; ".join(parts)
