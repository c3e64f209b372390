"""Compare a compiled model with its pipeline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.compose import ColumnTransformer

from classification_model.errors import ExportError, VerificationError
from classification_model.export.convert_pipeline import compile_core, convert_pipeline
from classification_model.export.names import names_of_features, prepare
from classification_model.export.proof.evidence import TOLERANCE
from classification_model.processing.pipeline_model import PipelineModel
from classification_model.runtime.inference.classes import decide
from classification_model.runtime.inference.compiled import CompiledModel

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sklearn.pipeline import Pipeline

    from classification_model.export.proof.evidence import Evidence
    from classification_model.runtime.input.schema import InputSchema
    from classification_model.runtime.model_folder.manifest import Parity


def prove_core(content: bytes, pipeline: Pipeline, schema: InputSchema, evidence: Evidence) -> Parity:
    """Hold a compiled model against what its pipeline made of some rows.

    Both ways through the compiled model are tried: all rows as columns, and each row alone.

    Parameters
    ----------
    content
        What `compile_core` made.
    pipeline, schema
        The fitted pipeline and its raw columns.
    evidence
        What the pipeline made of rows.

    Raises
    ------
    ExportError
        If onnxruntime does not run it, or a probability differs by more than 1e-12, or a class outside of that around
        its threshold: the message names the row and the step.
    """
    try:
        compiled = CompiledModel(content)
    except VerificationError as error:
        raise ExportError(str(error)) from error
    found = [compiled.probabilities(evidence.columns, evidence.rows.count), _one_by_one(compiled, evidence, schema)]
    parity = evidence.report(found, [decide(way, evidence.threshold) for way in found])
    if not parity.holds:
        differences = evidence.differences(found)
        row = int(differences.argmax())
        step = _blame(pipeline, schema, evidence, row)
        msg = (
            f"the compiled model disagrees with its pipeline by {differences[row]:.3g} on {evidence.name_row(row)}, "
            f"more than {TOLERANCE:g} allow, from {step} on"
        )
        raise ExportError(msg)
    return parity


def _one_by_one(compiled: CompiledModel, evidence: Evidence, schema: InputSchema) -> NDArray[np.float64]:
    names = [field.name for field in schema.fields]
    values = [evidence.columns[name].tolist() for name in names]
    alone = [compiled.probabilities_of_rows([dict(zip(names, row, strict=True))]) for row in zip(*values, strict=True)]
    return np.concatenate(alone)


def _blame(pipeline: Pipeline, schema: InputSchema, evidence: Evidence, row: int) -> str:
    """Say at which step of the pipeline the compiled model begins to differ on a row."""
    columns = evidence.rows.take([row]).arrays(schema.texts)
    expected = prepare(pipeline, PipelineModel(pipeline, schema).frame(columns))
    shown = CompiledModel(compile_core(convert_pipeline(pipeline, schema), show_features=True))
    found = shown.features(columns, 1)[0]
    differs = ~np.isclose(found, expected.to_numpy(dtype=np.float64)[0], rtol=1e-12, atol=1e-12, equal_nan=True)
    if not differs.any():
        return "the step 'estimator'"
    name = names_of_features(pipeline, expected)[int(differs.argmax())]
    steps = [key for key, item in pipeline.steps[:-1] if name in _columns_of(item)]
    return f"the feature {name!r} ({'steps ' + ', '.join(steps) if steps else 'an encoded category'})"


def _columns_of(step: Any) -> list[str]:
    """Return the columns that a step changes."""
    if isinstance(step, ColumnTransformer):
        return [str(name) for name in step.transformers_[0][2]]
    return [str(name) for name in getattr(step, "variables_", ())]
