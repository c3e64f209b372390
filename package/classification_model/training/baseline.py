"""Make the baseline, a row of typical values that explanations are relative to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from classification_model.processing.fields import as_input
from classification_model.runtime.inference.derivations.plan import spell_column
from classification_model.runtime.input.columns import encode

if TYPE_CHECKING:
    import pandas as pd

    from classification_model.runtime.inference.derivations import Derivation
    from classification_model.runtime.input.schema import InputSchema, SchemaField

#: Share of the training rows that must have a category for it to be typical of them.
TYPICAL_SHARE = 0.05


def typical_inputs(features: pd.DataFrame, schema: InputSchema, plan: Iterable[Derivation]) -> dict[str, Any]:
    """Make the baseline of a model from its training rows.

    Parameters
    ----------
    features
        Training rows, as `processing.rows.Rows.features`.
    schema
        The schema of these rows.
    plan
        What is derived from them.

    Returns
    -------
    dict
        For each field a value that a caller may send; missing, None, where more than half of the rows miss it. For
        numbers and dates it is the median; for truth values, categories and texts the most frequent one, of several
        the first in order. A category that fewer than 5% of the rows have is not typical, such as a ticket: then it
        is missing. Where no text is that frequent, such as a name, it is one whose derived features are: of which the
        shares, multiplied, are largest, again the first in order; missing where none of them is frequent either.
    """
    plan = tuple(plan)
    return {field.name: _typical(features[field.name], field, plan) for field in schema.fields}


def _typical(column: pd.Series, field: SchemaField, plan: tuple[Derivation, ...]) -> Any:
    if column.isna().mean() > 0.5:
        return None
    if field.kind in {"numeric", "datetime"}:
        return as_input(float(column.median()), field)
    shares = column.value_counts().sort_index().sort_values(ascending=False, kind="stable") / len(column)
    if field.kind == "boolean":
        return bool(shares.index[0])
    if shares.iloc[0] >= TYPICAL_SHARE:
        return shares.index[0]
    if field.kind == "categorical":
        return None
    return _typical_text(column.dropna().tolist(), [item for item in plan if item.sources == (field.name,)])


def _typical_text(texts: list[str], derivations: list[Derivation]) -> str | None:
    """Return a text from which comes what comes from most texts; None where nothing comes from many."""
    encoded = encode(texts)
    likeness = np.ones(len(texts))
    is_known = False
    for derivation in derivations:
        for output in derivation.of_columns([encoded]):
            codes = spell_column(output).codes + 1
            shares = np.bincount(codes) / len(texts)
            if shares.max() >= TYPICAL_SHARE:
                likeness *= shares[codes]
                is_known = True
    if not is_known:
        return None
    return min(text for text, like in zip(texts, likeness.tolist(), strict=True) if like == likeness.max())
