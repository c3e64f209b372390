"""Make golden rows, whose predictions are recorded with a model so that every load can be verified."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from classification_model.processing.fields import as_input
from classification_model.runtime.input.checking import check_rows
from classification_model.runtime.model_folder.manifest import GoldenRow
from classification_model.runtime.predictor import Predictor

if TYPE_CHECKING:
    from classification_model.runtime.input.schema import InputSchema
    from classification_model.runtime.model_folder.manifest import Manifest
    from classification_model.runtime.predictor import Model

RECOMBINED_ROWS = 24
UNSEEN = "\N{SNOWMAN} unseen by training"


def golden_inputs(features: pd.DataFrame, schema: InputSchema, random_state: int) -> list[dict[str, Any]]:
    """Make inputs that exercise a model: training values in new combinations, and the edges.

    Each value of a recombined row is drawn from another training row, so no record of the training table is
    published with the model. The last rows are all missing, all unseen, all smallest and all largest.

    Parameters
    ----------
    features
        Training rows, as `processing.rows.Rows.features`.
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


def with_golden_rows(manifest: Manifest, model: Model, features: pd.DataFrame, random_state: int) -> Manifest:
    """Record in a manifest what a model makes of golden rows.

    Parameters
    ----------
    manifest
        The manifest, without golden rows.
    model
        What gives the probabilities.
    features, random_state
        See `golden_inputs`.
    """
    inputs = golden_inputs(features, manifest.input_schema, random_state)
    probabilities = Predictor(model, manifest).probabilities(check_rows(manifest.input_schema, inputs))
    golden = tuple(
        GoldenRow(inputs=row, probabilities=tuple(values))
        for row, values in zip(inputs, probabilities.tolist(), strict=True)
    )
    return manifest.model_copy(update={"golden_rows": golden})
