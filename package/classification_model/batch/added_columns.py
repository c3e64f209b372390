"""The columns that predictions add to a table: their names, with a prefix where the table has such columns already."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from itertools import count

PREDICTION, WARNINGS, ERRORS = "prediction", "warnings", "errors"
PREDICTION_ID, BASE_VALUE = "prediction_id", "base_value"
PROBABILITY, CONTRIBUTION = "probability_", "contribution_"

#: A prefix of names.
PREFIX = re.compile(r"[A-Za-z0-9_.-]{0,64}")

_ALWAYS = (PREDICTION, WARNINGS, ERRORS)
_SINGLE = frozenset({*_ALWAYS, PREDICTION_ID, BASE_VALUE})
_FAMILIES = (PROBABILITY, CONTRIBUTION)


def check_prefix(prefix: str) -> str:
    """Return a prefix.

    Raises
    ------
    ValueError
        If it is none, saying what was expected.
    """
    if not PREFIX.fullmatch(prefix):
        msg = "at most 64 letters, digits, _, - and ."
        raise ValueError(msg)
    return prefix


def needed_prefix(columns: Iterable[str]) -> str:
    """Return the prefix that predictions need beside some columns; empty where none of these is like one of them."""
    names = list(columns)
    return free_prefix(names) if any(map(_is_added, names)) else ""


def free_prefix(columns: Iterable[str]) -> str:
    """Return a prefix that no column has."""
    names = list(columns)
    prefixes = (f"model_{number}_" if number > 1 else "model_" for number in count(1))
    return next(prefix for prefix in prefixes if not any(name.startswith(prefix) for name in names))


def earlier_predictions(columns: Iterable[str]) -> set[str]:
    """Return the columns that earlier predictions have added to a table.

    Those of one run have a prefix in common, which may be empty, and always include a prediction, warnings and errors.
    """
    names = list(columns)
    known = set(names)
    found = {name.removesuffix(PREDICTION) for name in names if name.endswith(PREDICTION)}
    whole = [prefix for prefix in found if known.issuperset(prefix + name for name in _ALWAYS)]
    return {name for prefix in whole for name in names if name.startswith(prefix) and _is_added(name[len(prefix) :])}


def clashing(columns: Collection[str], added: Iterable[str]) -> str | None:
    """Return the first of the added columns that a table has; None without one."""
    return next((name for name in added if name in columns), None)


def _is_added(name: str) -> bool:
    return name in _SINGLE or name.startswith(_FAMILIES)
