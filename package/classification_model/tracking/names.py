"""Names and tags in MLflow: by them a model in the registry is found again."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from classification_model.runtime.model_folder.manifest import Manifest

#: Alias of the registered version that is current in the store.
CHAMPION = "champion"
#: Folder in the artifacts of a registered model that is the model folder.
FOLDER = "model_folder"
#: Tag of a registered version: digest of the manifest, which no other model has.
DIGEST = "digest"


def name_in_mlflow(name: str) -> str:
    """Return the name of a problem's experiment and registered model: without / and :, which MLflow does not allow."""
    return name.replace("/", "-").replace(":", "-")


def tags_of(manifest: Manifest) -> dict[str, str]:
    """Return the tags of a run and of a registered version."""
    tags = {
        "version": manifest.version,
        "config_hash": manifest.config_hash,
        "data_sha256": manifest.data.sha256,
        DIGEST: manifest.digest,
    }
    return {name: value for name, value in tags.items() if value}
