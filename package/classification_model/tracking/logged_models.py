"""A model in MLflow: its ONNX with a signature and an example, and the whole model folder beside it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import numpy as np

from classification_model.runtime.inference.compiled import PROBABILITIES
from classification_model.runtime.input.checking import check_rows
from classification_model.runtime.portable import LABEL, PortableModel
from classification_model.tracking.names import FOLDER, tags_of

if TYPE_CHECKING:
    from pathlib import Path

    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel
    from mlflow.models import ModelSignature
    from numpy.typing import NDArray

    from classification_model.runtime.model_folder.manifest import Manifest

_EXAMPLE_ROWS = 3


def log_model(client: MlflowClient, model: LoggedModel, folder: Path, manifest: Manifest, run_id: str) -> None:
    """Upload a model folder as the artifacts of a model that was made in MLflow.

    Parameters
    ----------
    client
        A client of the tracking server.
    model
        The model in MLflow, which has no artifacts yet.
    folder, manifest
        The model folder, in a temporary folder to which it may be added, and its manifest.
    run_id
        The run that made the model.
    """
    upload = folder.parent / "mlflow_model"
    if manifest.portable is not None:
        _save_onnx(model, folder, manifest, run_id, upload)
    shutil.copytree(folder, upload / FOLDER)
    client.log_model_artifacts(model.model_id, str(upload))
    client.finalize_logged_model(model.model_id, "READY")


def register(client: MlflowClient, name: str, model: LoggedModel, manifest: Manifest, run_id: str) -> str:
    """Register a model, and return the number of its version."""
    from mlflow.exceptions import RestException  # noqa: PLC0415 - an extra

    try:
        client.create_registered_model(name)
    except RestException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    made = client.create_model_version(
        name,
        f"models:/{model.model_id}",
        run_id,
        tags_of(manifest),
        description=f"Version {manifest.version} of {manifest.name}: {manifest.estimator}.",
        await_creation_for=0,
        model_id=model.model_id,
    )
    return str(made.version)


def _save_onnx(model: LoggedModel, folder: Path, manifest: Manifest, run_id: str, upload: Path) -> None:
    """Write the portable model as MLflow's own tools load it: columns in, labels and probabilities out."""
    import mlflow.onnx  # noqa: PLC0415 - an extra
    import onnx  # noqa: PLC0415 - beside it
    from mlflow.models import Model  # noqa: PLC0415 - an extra

    assert manifest.portable is not None  # noqa: S101 - the caller asked
    content = (folder / manifest.portable).read_bytes()
    portable = PortableModel(content)
    mlflow.onnx.save_model(
        onnx.load_model_from_string(content),
        str(upload),
        mlflow_model=Model(model.artifact_location, run_id, model_uuid=model.model_id, metadata=tags_of(manifest)),
        signature=_signature(portable, len(manifest.classes)),
        input_example=_example(portable, manifest),
        pip_requirements=[f"{name}=={manifest.libraries[name]}" for name in ("numpy", "onnx", "onnxruntime")],
        onnx_execution_providers=["CPUExecutionProvider"],
        save_as_external_data=False,
    )


def _signature(portable: PortableModel, classes: int) -> ModelSignature:
    """Return tensors, not columns: of a frame, MLflow's ONNX flavor would feed columns of another shape."""
    from mlflow.models import ModelSignature  # noqa: PLC0415 - an extra
    from mlflow.types import ColSpec, Schema, TensorSpec  # noqa: PLC0415 - an extra

    kinds = {"text": np.dtype(object), "number": np.dtype(np.float64)}
    inputs: list[ColSpec | TensorSpec] = [TensorSpec(kinds[item.kind], (-1, 1), item.name) for item in portable.inputs]
    label = TensorSpec(np.dtype(object), (-1,), LABEL)
    probabilities = TensorSpec(np.dtype(np.float64), (-1, classes), PROBABILITIES)
    return ModelSignature(inputs=Schema(inputs), outputs=Schema([label, probabilities]))


def _example(portable: PortableModel, manifest: Manifest) -> dict[str, NDArray[Any]]:
    """Return some golden rows as the model takes them."""
    rows = [row.inputs for row in manifest.golden_rows[:_EXAMPLE_ROWS]]
    checked = check_rows(manifest.input_schema.for_own_rows(), rows)
    return portable.feed(checked.arrays(manifest.input_schema.texts))
