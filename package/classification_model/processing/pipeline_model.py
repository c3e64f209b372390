"""A fitted scikit-learn pipeline as a `Model`, in place of a compiled one."""

from __future__ import annotations

import logging
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from threadpoolctl import ThreadpoolController

from classification_model.processing.fitted_pipelines import load_pipeline
from classification_model.runtime.input.columns import Column, Encoded, encode
from classification_model.runtime.model_folder.artifact import read_manifest
from classification_model.runtime.model_folder.packaged import packaged_model
from classification_model.runtime.predictor import Predictor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from sklearn.pipeline import Pipeline

    from classification_model.runtime.input.schema import InputSchema

logger = logging.getLogger(__name__)


class PipelineModel:
    """Gives a pipeline's probabilities for the columns of a schema.

    Parameters
    ----------
    pipeline
        Fitted pipeline that takes the frame of the schema's fields.
    schema
        These fields.
    """

    def __init__(self, pipeline: Pipeline, schema: InputSchema) -> None:
        self._pipeline = pipeline
        self._schema = schema

    def probabilities(self, columns: Mapping[str, Column], count: int) -> NDArray[np.float64]:  # noqa: ARG002
        """Return the probabilities of rows, shape (n_rows, n_classes), from the columns of all fields."""
        with _threads().limit(limits=1, user_api="openmp"):  # on a busy machine several wait ten times the work
            return np.asarray(self._pipeline.predict_proba(self.frame(columns)), dtype=np.float64)

    def frame(self, columns: Mapping[str, Column]) -> pd.DataFrame:
        """Return columns as the frame that the pipeline takes."""
        return pd.DataFrame({field.name: _series(columns[field.name]) for field in self._schema.fields})

    def probabilities_of_rows(self, rows: Sequence[dict[str, Any]]) -> NDArray[np.float64]:
        """Return the probabilities of a few rows, shape (n_rows, n_classes), from the values of all fields."""
        columns: dict[str, Column] = {}
        for field in self._schema.fields:
            values = [row[field.name] for row in rows]
            columns[field.name] = encode(values) if field.name in self._schema.texts else np.array(values)
        return self.probabilities(columns, len(rows))


def columns_of(frame: pd.DataFrame, schema: InputSchema) -> dict[str, Column]:
    """Return the columns of a prepared frame as a model takes them."""
    columns: dict[str, Column] = {}
    for field in schema.fields:
        column = frame[field.name]
        if field.name in schema.texts:
            columns[field.name] = encode([value if isinstance(value, str) else None for value in column.tolist()])
        else:
            columns[field.name] = column.to_numpy(dtype=np.float64)
    return columns


def load_predictor(folder: Path | str | None = None) -> Predictor:
    """Verify and load a model folder: its compiled model or, if there is none, its pipeline.

    The pipeline is a pickle. The hash of its file is checked before it is loaded, and a warning is logged.

    Parameters
    ----------
    folder
        A model folder. The default is the packaged model.

    Returns
    -------
    Predictor
        The loaded model.

    Raises
    ------
    ArtifactError
        If the folder contains no model.
    VerificationError
        If a file was changed, or the model does not give the recorded probabilities of a golden row.

    Examples
    --------
    >>> import classification_model as cm
    >>> passenger = {"name": "Kelly, Mr. James", "sex": "male", "pclass": 3, "ticket": "330911"}
    >>> passenger |= {"sibsp": 0, "parch": 0}
    >>> cm.load_predictor().predict([passenger])["predictions"]
    ['died']
    """
    folder = packaged_model() if folder is None else Path(folder)
    manifest = read_manifest(folder)
    if manifest.compiled is not None:
        return Predictor.load(folder)
    note = f"no compiled model ({manifest.not_compiled}): predicting with the pipeline, hundreds of times slower"
    logger.warning("%s: %s", folder, note)
    pipeline, manifest = load_pipeline(folder)
    predictor = Predictor(PipelineModel(pipeline, manifest.input_schema), manifest, [note])
    predictor.check_golden_rows()
    return predictor


def _series(column: Column) -> pd.Series:
    return pd.Series(column.tolist(), dtype=object) if isinstance(column, Encoded) else pd.Series(column)


@cache
def _threads() -> ThreadpoolController:
    """Find the thread pools of the libraries, which takes a while, once for the process."""
    return ThreadpoolController()
