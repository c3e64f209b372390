"""Columns whose kinds no config says, prepared as those that it names."""

from __future__ import annotations

import numpy as np
import pandas as pd
from problems import make_config

from classification_model.processing.inferred_rows import infer_rows


def test_columns_are_read_by_what_they_are() -> None:
    """Numbers, dates, truth values, categories and texts are told apart and read; marks are gaps."""
    table = pd.DataFrame(
        {
            "price": ["1.5", "n/a", "3"] * 20,
            "when": ["2024-01-02", "2024-01-03", None] * 20,
            "member": ["yes", "no", "yes"] * 20,
            "city": ["Rome", "Paris", "Rome"] * 20,
            "note": [f"this is the note that was written of number {number}" for number in range(60)],
            "same": ["x"] * 60,
        },
        dtype=object,
    )

    found = infer_rows(table, make_config())

    assert found.kinds == {
        "price": "numeric",
        "when": "datetime",
        "member": "boolean",
        "city": "categorical",
        "note": "text",
        "same": "text",
    }
    assert found.features["price"].isna().sum() == 20
    assert found.features["when"].iloc[0] == 1704153600
    assert found.features["note"].iloc[7].endswith("number 7")
    assert found.features["price"].dtype == np.float64


def test_a_decimal_comma_is_seen() -> None:
    """Numbers with a decimal comma are numbers."""
    table = pd.DataFrame({"price": ["1,5", "2,25", "3,75"] * 20, "size": ["0,125", "7,5", "1,75"] * 20}, dtype=object)

    assert infer_rows(table, make_config()).features["price"].tolist()[:3] == [1.5, 2.25, 3.75]
