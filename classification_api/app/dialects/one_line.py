"""An error in one line, for clients that show nothing else of it."""

from __future__ import annotations

from app.problem_details import Problem


def one_line(problem: Problem) -> str:
    """Return what was wrong, the first place of it, and the remedy."""
    parts = [problem.detail]
    if problem.places:
        first = problem.places[0]
        parts.append(f"{first['where']}: {first['message']}")
    if "remedy" in problem.members:
        parts.append(str(problem.members["remedy"]))
    return "; ".join(parts)
