"""Golden rows: inputs whose predictions are recorded with a model, so that every load can be held against them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from classification_model.schema import InputSchema, SchemaField

RECOMBINED_ROWS = 24
UNSEEN = "\N{SNOWMAN} unseen by training"


def golden_inputs(features: pd.DataFrame, schema: InputSchema, random_state: int) -> list[dict[str, Any]]:
    """Make inputs that exercise a model: training values in new combinations, and the edges.

    Each value of a recombined row is drawn from another training row, so no record of the training table is
    published with the model. The last rows are all missing, all unseen, all smallest and all largest.

    Parameters
    ----------
    features
        Training rows, as `data_manager.Rows.features`.
    schema
        The schema of these rows.
    random_state
        Seed of the drawing.
    """
    generator = np.random.default_rng(random_state)
    columns = {name: features[name].tolist() for name in features.columns}
    rows: list[dict[str, Any]] = [
        {name: values[generator.integers(len(values))] for name, values in columns.items()}
        for _ in range(RECOMBINED_ROWS)
    ]
    edges: list[dict[str, Any]] = [{}, {}, {}, {}]
    for field in schema.fields:
        if field.kind in {"numeric", "datetime", "boolean"}:
            low, high = (0.0, 1.0) if field.minimum is None else (field.minimum, field.maximum)
            values: tuple[Any, ...] = (None, high, low, high)
        else:
            known = sorted(value for value in set(columns[field.name]) if isinstance(value, str))
            values = (None, UNSEEN, known[0], known[-1])
        for edge, value in zip(edges, values, strict=True):
            edge[field.name] = value
    return [{field.name: as_input(row[field.name], field) for field in schema.fields} for row in rows + edges]


def as_input(value: Any, field: SchemaField) -> Any:
    """Turn a prepared value into one that a caller may send: null, a number, a text, a written date."""
    if pd.isna(value):
        return None
    if field.kind != "datetime":
        return value
    moment = datetime.fromtimestamp(value, UTC)
    if field.datetime_format is None:
        return moment.isoformat()
    # strftime writes the year 476, which is read as 0476 alone.
    years = {"%Y": f"{moment.year:04}", "%G": f"{moment.isocalendar().year:04}"}
    pattern = field.datetime_format
    for code, year in years.items():
        pattern = pattern.replace(code, year)
    return moment.strftime(pattern)
