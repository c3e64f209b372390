"""Metadata of the server and the model in the Open Inference Protocol."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from classification_model.runtime.model_folder.manifest import Manifest

SERVER = "classification-api"
PLATFORM = "onnx_onnxv1"
#: Outputs with their datatypes. The classes are in the order of the columns of the probabilities.
OUTPUTS = {"predictions": "BYTES", "probabilities": "FP64", "prediction_ids": "BYTES", "classes": "BYTES"}
_DATATYPES = {"numeric": "FP64", "boolean": "BOOL"}
_NOT_IN_SLUG = re.compile(r"[^a-z0-9]+")


@lru_cache(maxsize=16)
def model_slug(name: str) -> str:
    """Return the name of a problem for URLs: ``Titanic survival`` becomes ``titanic-survival``."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return _NOT_IN_SLUG.sub("-", plain).strip("-") or "model"


def model_name(manifest: Manifest) -> str:
    """Return the name of a model in URLs and answers of the protocol."""
    return model_slug(manifest.name)


def server_metadata(version: str) -> dict[str, Any]:
    """Return the content of ``GET /v2``.

    Parameters
    ----------
    version
        Version of the API.
    """
    return {"name": SERVER, "version": version, "extensions": ["binary_tensor_data"]}


def model_metadata(manifest: Manifest) -> dict[str, Any]:
    """Return the content of ``GET /v2/models/{name}``, with or without the version.

    The datatypes are recommendations: any that the schema can read as the column is accepted.
    """
    inputs = [
        {"name": field.name, "datatype": _DATATYPES.get(field.kind, "BYTES"), "shape": [-1]}
        for field in manifest.input_schema.fields
    ]
    classes = len(manifest.classes)
    shapes = {"probabilities": [-1, classes], "classes": [classes]}
    return {
        "name": model_name(manifest),
        "versions": [manifest.version],
        "platform": PLATFORM,
        "inputs": inputs,
        "outputs": [
            {"name": name, "datatype": datatype, "shape": shapes.get(name, [-1])} for name, datatype in OUTPUTS.items()
        ],
    }


def model_readiness(manifest: Manifest) -> dict[str, Any]:
    """Return the content of ``GET /v2/models/{name}/ready`` for the serving model."""
    return {"name": model_name(manifest), "ready": True}
