"""How seldom shuffled labels show what a column shows, as logarithms of probabilities."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def log_chance_of_one_class(filled: int, of_class: int, rows: int) -> float:
    """Give the chance that `filled` of `rows` rows all fall on the `of_class` rows of a class."""
    return _log_choose(of_class, filled) - _log_choose(rows, filled)


def log_chance_of_share(filled: int, share: float, expected: float) -> float:
    """Bound the chance that a class has a share among `filled` rows, or more, where a lower one is expected.

    Chernoff's bound: the exponent is the Kullback-Leibler divergence of both shares.
    """
    if share <= expected:
        return 0.0
    rest = (1 - share) * math.log((1 - share) / (1 - expected)) if share < 1 else 0.0
    return -filled * (share * math.log(share / expected) + rest)


def log_chance_of_copy(of_class: Sequence[int]) -> float:
    """Give the chance that shuffled labels fall on groups of the sizes of the classes, each class on its own."""
    return sum(math.lgamma(count + 1) for count in of_class) - math.lgamma(sum(of_class) + 1)


def _log_choose(rows: int, chosen: int) -> float:
    return math.lgamma(rows + 1) - math.lgamma(chosen + 1) - math.lgamma(rows - chosen + 1)
