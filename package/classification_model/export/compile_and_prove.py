"""Compile a pipeline for a model folder, and verify the compiled model."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from classification_model.errors import ExportError
from classification_model.export.convert_pipeline import compile_core, convert_pipeline
from classification_model.export.failures import naming
from classification_model.export.portable.model import compile_portable
from classification_model.export.portable.outline import DELICATE
from classification_model.export.portable.portable_parity import prove_portable
from classification_model.export.proof.evidence import gather_evidence
from classification_model.export.proof.parity import prove_core

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from sklearn.pipeline import Pipeline

    from classification_model.export.convert_pipeline import Converted
    from classification_model.export.proof.evidence import Evidence
    from classification_model.runtime.input.schema import InputSchema
    from classification_model.runtime.model_folder.manifest import Parity

CORE, PORTABLE = "core.onnx", "model.onnx"
#: Rows of edges that a proof adds to the training rows: at most so many, and fewer where there are more than 100
#: columns, so that there are no more than `GENERATED_CELLS` values, but at least `FEWEST_GENERATED`.
GENERATED_ROWS, FEWEST_GENERATED = 10_000, 1000
GENERATED_CELLS = 1_000_000

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Compilation:
    """A compiled model and its proof, or why there is none; the same of the portable model beside it.

    Attributes
    ----------
    files
        What goes into the model folder, by name; empty without a compiled model.
    parity, portable_parity
        The proofs; None without the model.
    reason, portable_reason
        Why there is no such model; None when there is one.
    derived_inputs
        Derived columns that the portable model takes as inputs, each with why it does not derive it.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    parity: Parity | None = None
    reason: str | None = None
    portable_parity: Parity | None = None
    portable_reason: str | None = None
    derived_inputs: dict[str, str] = field(default_factory=dict)


def compile_and_prove(
    pipeline: Pipeline,
    features: pd.DataFrame,
    schema: InputSchema,
    classes: Sequence[str],
    *,
    threshold: float | None,
    random_state: int,
) -> Compilation:
    """Compile a fitted pipeline and hold it against the pipeline; a failure of either is logged as a warning.

    Parameters
    ----------
    pipeline
        The fitted pipeline.
    features
        Training rows, as `processing.rows.Rows.features`.
    schema
        Their schema.
    classes
        Labels in the order of the probabilities.
    threshold
        Probability from which the second of two classes is predicted.
    random_state
        Seed of the generated rows of the proof.
    """
    try:
        converted = convert_pipeline(pipeline, schema)
        core = compile_core(converted)
        with naming("the rows to verify the compiled model on"):
            evidence = gather_evidence(
                pipeline,
                features,
                schema,
                threshold=threshold,
                random_state=random_state,
                generated_rows=generated_rows(len(schema.fields)),
            )
        parity = prove_core(core, pipeline, schema, evidence)
    except ExportError as error:
        logger.warning("the model is not compiled: %s", error)
        return Compilation(reason=str(error), portable_reason=str(error))
    return _with_portable(Compilation(files={CORE: core}, parity=parity), converted, schema, classes, evidence)


def generated_rows(columns: int) -> int:
    """Return the number of rows of edges to verify a model of so many columns on."""
    return min(GENERATED_ROWS, max(FEWEST_GENERATED, GENERATED_CELLS // max(columns, 1)))


def _with_portable(
    compilation: Compilation, converted: Converted, schema: InputSchema, classes: Sequence[str], evidence: Evidence
) -> Compilation:
    """Add the portable model; where it disagrees, what it derives from texts becomes an input instead."""
    reason = ""
    for refused in (frozenset[str](), DELICATE):
        try:
            portable = compile_portable(converted, schema, classes, evidence.threshold, refused)
            parity = prove_portable(portable.content, classes, evidence)
        except ExportError as error:
            reason = str(error)
            continue
        if portable.derived_inputs:
            logger.info("%s takes derived columns as inputs", PORTABLE, extra={"columns": portable.derived_inputs})
        return replace(
            compilation,
            files={**compilation.files, PORTABLE: portable.content},
            portable_parity=parity,
            derived_inputs=portable.derived_inputs,
        )
    logger.warning("no portable model: %s", reason)
    return replace(compilation, portable_reason=reason)
