"""The proof that a compiled model predicts what its pipeline predicts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from classification_model.checking import check_rows
from classification_model.compiled import CompiledModel
from classification_model.decision import decide
from classification_model.errors import ExportError
from classification_model.export.compile import compile_pipeline
from classification_model.export.edge_rows import as_sent, edge_rows
from classification_model.export.thresholds import thresholds_of_fields
from classification_model.manifest import Parity
from classification_model.processing.pipeline_model import PipelineModel

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray
    from sklearn.pipeline import Pipeline

    from classification_model.checking import CheckedRows
    from classification_model.schema import InputSchema

GENERATED_ROWS = 10_000
#: Largest difference of a probability that is allowed. All is computed in double precision, trees included.
TOLERANCE = 1e-12


@dataclass(frozen=True)
class Comparison:
    """Probabilities of the same rows by the pipeline, by the compiled model, and by it row by row.

    Attributes
    ----------
    rows
        The rows.
    training_rows
        How many of them, the first ones, are training rows; the others were generated.
    pipeline, together, alone
        Probabilities, each of shape (n_rows, n_classes).
    """

    rows: CheckedRows
    training_rows: int
    pipeline: NDArray[np.float64]
    together: NDArray[np.float64]
    alone: NDArray[np.float64]

    @property
    def differences(self) -> NDArray[np.float64]:
        """Largest difference of each row, shape (n_rows,); infinite where a probability is no number."""
        both = np.maximum(abs(self.together - self.pipeline), abs(self.alone - self.pipeline)).max(axis=1)
        return np.where(np.isnan(both), np.inf, both)

    def other_classes(self, threshold: float | None) -> NDArray[np.bool_]:
        """Tell of each row whether its class differs and was no close call, shape (n_rows,)."""
        expected = decide(self.pipeline, threshold)
        differs = (decide(self.together, threshold) != expected) | (decide(self.alone, threshold) != expected)
        if threshold is not None and self.pipeline.shape[1] == 2:
            margin = abs(self.pipeline[:, 1] - threshold)
        else:
            ranked = np.sort(self.pipeline, axis=1)
            margin = ranked[:, -1] - ranked[:, -2]
        return np.asarray(differs & (margin > TOLERANCE), dtype=bool)


def prove_parity(
    content: bytes,
    pipeline: Pipeline,
    features: pd.DataFrame,
    schema: InputSchema,
    *,
    threshold: float | None,
    random_state: int,
    generated_rows: int = GENERATED_ROWS,
) -> Parity:
    """Hold a compiled model against its pipeline on every training row and on generated rows of edges.

    Both ways through the compiled model are tried: all rows as columns, and each row alone.

    Parameters
    ----------
    content
        What `compile_pipeline` made.
    pipeline
        The fitted pipeline.
    features
        Training rows, as `data_manager.Rows.features`.
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
        If a probability differs by more than 1e-12, or a class outside of that around its threshold: the message
        names the row and the step.
    """
    training = _training_rows(features, schema)
    edges = edge_rows(features, schema, thresholds_of_fields(pipeline, features[:1]), generated_rows, random_state)
    rows = check_rows(schema, training + edges)
    if rows.errors:
        first = rows.errors[0]
        msg = f"{_name_row(first.row or 0, len(training))} cannot be read back: {first.field}: {first.message}"
        raise ExportError(msg)
    compared = _compare(content, pipeline, schema, rows, len(training))
    parity = Parity(
        training_rows=len(training),
        generated_rows=len(edges),
        tolerance=TOLERANCE,
        largest_difference=float(compared.differences.max()),
        other_classes=int(compared.other_classes(threshold).sum()),
    )
    if not parity.holds:
        raise ExportError(_accuse(compared, pipeline, schema))
    return parity


def _training_rows(features: pd.DataFrame, schema: InputSchema) -> list[dict[str, object]]:
    columns = [as_sent(field, features[field.name].tolist()) for field in schema.fields]
    names = [field.name for field in schema.fields]
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def _compare(
    content: bytes, pipeline: Pipeline, schema: InputSchema, rows: CheckedRows, training_rows: int
) -> Comparison:
    compiled, columns = CompiledModel(content), rows.arrays(schema.texts)
    values = [columns[field.name].tolist() for field in schema.fields]
    names = [field.name for field in schema.fields]
    alone = [compiled.probabilities_of_row(dict(zip(names, row, strict=True))) for row in zip(*values, strict=True)]
    return Comparison(
        rows=rows,
        training_rows=training_rows,
        pipeline=PipelineModel(pipeline, schema).probabilities(columns, rows.count),
        together=compiled.probabilities(columns, rows.count),
        alone=np.concatenate(alone),
    )


def _accuse(compared: Comparison, pipeline: Pipeline, schema: InputSchema) -> str:
    """Say which row differs most, and at which step of the pipeline it begins to."""
    row = int(compared.differences.argmax())
    columns = compared.rows.take([row]).arrays(schema.texts)
    frame = PipelineModel(pipeline, schema).frame(columns)
    expected = pipeline[:-1].transform(frame)
    found = CompiledModel(compile_pipeline(pipeline, schema, show_features=True)).features(columns, 1)[0]
    differs = ~np.isclose(found, expected.to_numpy(dtype=np.float64)[0], rtol=1e-12, atol=1e-12, equal_nan=True)
    step = "the step 'estimator'"
    if differs.any():
        name = str(expected.columns[differs][0])
        steps = [key for key, item in pipeline.steps[:-1] if name in map(str, getattr(item, "variables_", ()))]
        step = f"the feature {name!r} ({_name_steps(steps)})"
    return (
        f"the compiled model disagrees with its pipeline by {compared.differences[row]:.3g} on "
        f"{_name_row(row, compared.training_rows)}, more than {TOLERANCE:g} allow, from {step} on"
    )


def _name_steps(steps: list[str]) -> str:
    return f"steps {', '.join(steps)}" if steps else "an encoded category"


def _name_row(row: int, training_rows: int) -> str:
    return f"training row {row}" if row < training_rows else f"generated row {row - training_rows}"
