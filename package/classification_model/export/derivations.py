"""Convert the stateless steps of a pipeline to the plan that the runtime follows before the graph."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import Any

from classification_model.processing.features import (
    Combine,
    DateParts,
    LogOnePlus,
    Ratio,
    Sum,
    TextContains,
    TextPattern,
)
from classification_model.processing.features.base import AppendColumns
from classification_model.runtime.inference.derivations import Derivation

_NAMES: dict[type[AppendColumns], str] = {
    Combine: "combine",
    DateParts: "date_parts",
    LogOnePlus: "log",
    Ratio: "ratio",
    Sum: "sum",
    TextContains: "contains",
    TextPattern: "pattern",
}


def is_derivation(transformer: Any) -> bool:
    """Tell whether a step appends columns that are computed row by row."""
    return type(transformer) in _NAMES


def leading_derivations(steps: Sequence[tuple[str, Any]]) -> tuple[Derivation, ...]:
    """Describe the fitted steps that append columns which are computed row by row, up to the first other step."""
    return tuple(map(describe_derivation, takewhile(is_derivation, (step for _, step in steps))))


def describe_derivation(transformer: AppendColumns) -> Derivation:
    """Describe a fitted transformer of ours."""
    known = {"pattern", "as_number", "words", "plus", "parts"}
    parameters = {name: value for name, value in transformer.get_params().items() if name in known}
    return Derivation(
        derive=_NAMES[type(transformer)],
        sources=tuple(transformer.variables_),
        outputs=tuple(transformer.get_feature_names_out()[len(transformer.columns_) :]),
        **parameters,
    )


def gives_text(derivation: Derivation) -> bool:
    """Tell whether a derivation gives a category, not numbers."""
    return derivation.derive == "combine" or (derivation.derive == "pattern" and not derivation.as_number)
