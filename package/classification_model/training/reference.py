"""Record the distributions of the training rows, which drift is measured against."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from classification_model.runtime.input.schema import InputSchema

BINS = 10
MOST_CATEGORIES = 50


def describe_distribution(features: pd.DataFrame, schema: InputSchema) -> dict[str, dict[str, Any]]:
    """Describe each raw feature.

    Returns
    -------
    dict
        For each field ``missing``, the share of missing values. Numbers and moments add ``edges``, the deciles
        (n_bins + 1), and ``shares``, the share of present values in each bin; categories and truth values add
        ``shares`` by value, the 50 most frequent, and ``other``, the share of the rest; texts add ``edges`` and
        ``shares`` of their length in characters.
    """
    return {field.name: _describe(features[field.name], field.kind) for field in schema.fields}


def category_name(value: str | float) -> str:
    """Return what a category, a truth value or a number is called in the reference, and where it is looked up there."""
    return value if isinstance(value, str) else f"{value:g}"


def _describe(column: pd.Series, kind: str) -> dict[str, Any]:
    present = column.dropna()
    summary: dict[str, Any] = {"kind": kind, "missing": float(column.isna().mean())}
    if kind in {"categorical", "boolean"}:
        shares = present.value_counts(normalize=True).reset_index()
        shares.columns = ["value", "share"]
        shares = shares.sort_values(["share", "value"], ascending=[False, True])
        kept = shares.head(MOST_CATEGORIES)
        named = zip(kept["value"], kept["share"], strict=True)
        summary["shares"] = {category_name(value): float(share) for value, share in named}
        summary["other"] = float(max(0.0, 1.0 - kept["share"].sum())) if len(shares) > MOST_CATEGORIES else 0.0
        return summary
    numbers = present.str.len() if kind == "text" else present
    return summary | describe_numbers(numbers.to_numpy(dtype=np.float64))


def describe_numbers(values: np.ndarray) -> dict[str, Any]:
    """Describe numbers by their deciles, mean and standard deviation.

    Parameters
    ----------
    values
        Numbers without missing ones, shape (n_values,), one or more.
    """
    edges = np.unique(np.quantile(values, np.arange(BINS + 1) / BINS))
    if len(edges) == 1:
        edges = np.array([edges[0], edges[0]])
        shares = np.array([1.0])
    else:
        shares = np.histogram(values, edges)[0] / len(values)
    return {
        "edges": edges.tolist(),
        "shares": shares.tolist(),
        "mean": float(values.mean()),
        "std": float(values.std()),
    }
