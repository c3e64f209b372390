"""Compiling a pipeline for a model folder: what is published has been proved, or it is not published."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from classification_model.errors import ExportError
from classification_model.export.compile import compile_pipeline
from classification_model.export.parity import prove_parity

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from classification_model.manifest import Parity
    from classification_model.processing.data_manager import TrainingData

CORE = "core.onnx"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Compilation:
    """A compiled model and its proof, or why there is none.

    Attributes
    ----------
    files
        What goes into the model folder, by name; empty without a compiled model.
    parity
        The proof; None without a compiled model.
    reason
        Why there is no compiled model; None when there is one.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    parity: Parity | None = None
    reason: str | None = None


def compile_and_prove(pipeline: Pipeline, data: TrainingData, threshold: float | None) -> Compilation:
    """Compile a fitted pipeline and hold it against the pipeline; a failure of either is logged as a warning.

    Parameters
    ----------
    pipeline
        The fitted pipeline.
    data
        What it was fitted on.
    threshold
        Probability from which the second of two classes is predicted.
    """
    try:
        core = compile_pipeline(pipeline, data.schema)
        parity = prove_parity(
            core,
            pipeline,
            data.train.features,
            data.schema,
            threshold=threshold,
            random_state=data.config.training.random_state,
        )
    except ExportError as error:
        logger.warning("no compiled model: %s", error)
        return Compilation(reason=str(error))
    return Compilation(files={CORE: core}, parity=parity)
