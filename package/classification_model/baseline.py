"""The baseline: the row of typical values that predictions are explained against."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from classification_model.golden import as_input

if TYPE_CHECKING:
    import pandas as pd

    from classification_model.schema import InputSchema, SchemaField

#: Share of the training rows that must have a category or text for it to be typical of them.
TYPICAL_SHARE = 0.05


def typical_inputs(features: pd.DataFrame, schema: InputSchema) -> dict[str, Any]:
    """Make the baseline of a model from its training rows.

    Parameters
    ----------
    features
        Training rows, as `data_manager.Rows.features`.
    schema
        The schema of these rows.

    Returns
    -------
    dict
        For each field a value that a caller may send. For numbers and dates it is the median, missing where more than
        half of the values are missing. For truth values, categories and texts it is the most frequent value, of
        several the first in order, where missing is a value like any other. A category or text that fewer than 5 % of
        the rows have is not typical, such as a ticket or a name: then it is missing.
    """
    return {field.name: _typical(features[field.name], field) for field in schema.fields}


def _typical(column: pd.Series, field: SchemaField) -> Any:
    shares = column.value_counts(normalize=True, dropna=False)
    present = shares[shares.index.notna()].sort_index().sort_values(ascending=False, kind="stable")
    missing = 1.0 - present.sum()
    if field.kind in {"numeric", "datetime"}:
        return None if missing > 0.5 else as_input(float(column.median()), field)
    if present.iloc[0] < missing:
        return None
    if field.kind == "boolean":
        return bool(present.index[0])
    return present.index[0] if present.iloc[0] >= TYPICAL_SHARE else None
