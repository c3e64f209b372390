"""Save and load fitted pipelines."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import joblib
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.pipeline import Pipeline

from classification_model.errors import VerificationError
from classification_model.runtime.model_folder.artifact import read_files, read_manifest
from classification_model.runtime.model_folder.libraries import MADE_WITH, differing_libraries

if TYPE_CHECKING:
    from classification_model.runtime.model_folder.manifest import Manifest


def dump_pipeline(pipeline: Pipeline) -> bytes:
    """Serialise a fitted pipeline with joblib, compressed."""
    buffer = io.BytesIO()
    joblib.dump(pipeline, buffer, compress=("zlib", 6))
    return buffer.getvalue()


def load_pipeline(folder: Path | str) -> tuple[Pipeline, Manifest]:
    """Check the hashes of the files of a model folder, then load its scikit-learn pipeline.

    Parameters
    ----------
    folder
        A model folder.

    Returns
    -------
    tuple
        The fitted pipeline, and the manifest of the folder.

    Raises
    ------
    ArtifactError
        If the folder contains no model.
    VerificationError
        If a file was changed, or the installed libraries cannot unpickle the pipeline. After a change, nothing is
        unpickled.

    Examples
    --------
    >>> import classification_model as cm
    >>> pipeline, manifest = cm.load_pipeline(cm.packaged_model())
    >>> manifest.estimator, pipeline.classes_.tolist()
    ('logistic_regression', [0, 1])
    """
    manifest = read_manifest(folder)
    return unpickled_pipeline(read_files(Path(folder), manifest)[manifest.pipeline], manifest), manifest


def unpickled_pipeline(content: bytes, manifest: Manifest) -> Pipeline:
    """Unpickle a pipeline whose hash was checked; see `load_pipeline`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", InconsistentVersionWarning)  # the golden rows decide
            return joblib.load(io.BytesIO(content))
    except Exception as error:  # unpickling runs code of libraries, which may be others here
        differing = "; ".join(differing_libraries(manifest.libraries, MADE_WITH))
        remedy = f"install the versions that it was made with ({differing})" if differing else "train it again"
        msg = f"{manifest.pipeline} cannot be unpickled ({type(error).__name__}): {remedy}"
        raise VerificationError(msg) from error
