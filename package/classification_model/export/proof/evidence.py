"""Rows to verify a compiled model on, with the predictions of its pipeline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from classification_model.errors import ExportError
from classification_model.export.proof.edge_rows import as_sent, edge_rows
from classification_model.export.proof.thresholds import thresholds_of_fields
from classification_model.processing.pipeline_model import PipelineModel
from classification_model.runtime.inference.classes import decide
from classification_model.runtime.input.checking import check_rows
from classification_model.runtime.model_folder.manifest import Parity

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray
    from sklearn.pipeline import Pipeline

    from classification_model.runtime.input.checking import CheckedRows
    from classification_model.runtime.input.columns import Column
    from classification_model.runtime.input.schema import InputSchema

#: Largest difference of a probability that is allowed. All is computed in double precision, trees included.
TOLERANCE = 1e-12


@dataclass(frozen=True)
class Evidence:
    """What a compiled model is held against.

    Attributes
    ----------
    rows, columns
        Every training row, then generated rows of edges: as values, and as columns.
    training_rows
        How many of them, the first ones, are training rows.
    probabilities
        What the pipeline makes of them, shape (n_rows, n_classes).
    threshold
        Probability from which the second of two classes is predicted; None for the most probable class.
    """

    rows: CheckedRows
    columns: dict[str, Column]
    training_rows: int
    probabilities: NDArray[np.float64]
    threshold: float | None

    def differences(self, found: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
        """Return the largest difference of each row, shape (n_rows,); infinite where a probability is no number.

        Parameters
        ----------
        found
            Probabilities by one or several ways through a compiled model.
        """
        largest = np.max([abs(way - self.probabilities).max(axis=1) for way in found], axis=0)
        return np.where(np.isnan(largest), np.inf, largest)

    def other_classes(self, found: Sequence[NDArray[np.int64]]) -> NDArray[np.bool_]:
        """Tell of each row whether its class differs and was no close call, shape (n_rows,).

        Parameters
        ----------
        found
            Class numbers by one or several ways through a compiled model.
        """
        expected = decide(self.probabilities, self.threshold)
        differs = np.any([way != expected for way in found], axis=0)
        if self.threshold is not None and self.probabilities.shape[1] == 2:
            margin = abs(self.probabilities[:, 1] - self.threshold)
        else:
            ranked = np.sort(self.probabilities, axis=1)
            margin = ranked[:, -1] - ranked[:, -2]
        return np.asarray(differs & (margin > TOLERANCE), dtype=bool)

    def report(self, probabilities: Sequence[NDArray[np.float64]], classes: Sequence[NDArray[np.int64]]) -> Parity:
        """Say how far a compiled model agrees; see `differences` and `other_classes`."""
        return Parity(
            training_rows=self.training_rows,
            generated_rows=self.rows.count - self.training_rows,
            tolerance=TOLERANCE,
            largest_difference=float(self.differences(probabilities).max()),
            other_classes=int(self.other_classes(classes).sum()),
        )

    def name_row(self, row: int) -> str:
        """Name a row in an error."""
        return _name_row(row, self.training_rows)


def gather_evidence(
    pipeline: Pipeline,
    features: pd.DataFrame,
    schema: InputSchema,
    *,
    threshold: float | None,
    random_state: int,
    generated_rows: int,
) -> Evidence:
    """Let a pipeline predict every training row, and generated rows of edges.

    Parameters
    ----------
    pipeline
        The fitted pipeline.
    features
        Training rows, as `processing.rows.Rows.features`.
    schema
        Their schema.
    threshold
        Probability from which the second of two classes is predicted.
    random_state
        Seed of the generated rows.
    generated_rows
        Number of them.

    Raises
    ------
    ExportError
        If a row cannot be read back, or the pipeline fails on one.
    """
    training = _training_rows(features, schema)
    edges = edge_rows(features, schema, thresholds_of_fields(pipeline, features[:1]), generated_rows, random_state)
    rows = check_rows(schema, training + edges)
    if rows.errors:
        first = rows.errors[0]
        msg = f"{_name_row(first.row or 0, len(training))} cannot be read back: {first.field}: {first.message}"
        raise ExportError(msg)
    columns = rows.arrays(schema.texts)
    try:
        probabilities = PipelineModel(pipeline, schema).probabilities(columns, rows.count)
    except Exception as error:
        msg = f"the pipeline does not predict every generated row ({type(error).__name__}: {error})"
        raise ExportError(msg) from error
    return Evidence(rows, columns, len(training), probabilities, threshold)


def _training_rows(features: pd.DataFrame, schema: InputSchema) -> list[dict[str, object]]:
    columns = [as_sent(field, features[field.name].tolist()) for field in schema.fields]
    names = [field.name for field in schema.fields]
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def _name_row(row: int, training_rows: int) -> str:
    return (
        f"training row {row} (counted from 0)"
        if row < training_rows
        else f"generated row {row - training_rows} (counted from 0)"
    )
