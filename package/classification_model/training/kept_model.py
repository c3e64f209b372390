"""Keep the model of a version from being replaced by another one, as clients know it by its version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from classification_model.errors import ArtifactError, VerificationError
from classification_model.runtime.model_folder.artifact import MANIFEST, file_records, read_manifest
from classification_model.runtime.model_folder.libraries import library_versions
from classification_model.training.describe_model import code_hash

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from classification_model.config.sections import Config
    from classification_model.processing.data_manager import TrainingData
    from classification_model.runtime.model_folder.manifest import Manifest

#: Reports have dates and durations, except the card.
REPORTS, CARD = "reports/", "reports/model_card.md"


class KeptModel:
    """The model in a folder, which a training may make again but not replace by another one.

    Parameters
    ----------
    folder
        A model folder; without a model in it, nothing is kept.

    Raises
    ------
    ArtifactError
        If a model is there that cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._manifest: Manifest | None = None
        if (folder / MANIFEST).exists():
            try:
                self._manifest = read_manifest(folder)
            except (ArtifactError, VerificationError) as error:
                raise self._refusal(f"one that cannot be read ({error})") from error

    def check_recipe(self, config: Config) -> None:
        """Refuse another config, code or libraries, by which training would make another model.

        Raises
        ------
        ArtifactError
            Naming what differs.
        """
        if self._manifest is None:
            return
        same = {
            "another config": self._manifest.config_hash == config.hash,
            "other code of this package": self._manifest.code_hash == code_hash(),
            "other versions of the libraries": self._manifest.libraries == library_versions(),
        }
        self._refuse([what for what, is_same in same.items() if not is_same])

    def check_data(self, data: TrainingData) -> None:
        """Refuse other rows; see `check_recipe`."""
        if self._manifest is None:
            return
        is_same = (self._manifest.data, self._manifest.holdout) == (data.fingerprint, data.holdout_rule)
        self._refuse([] if is_same else ["other rows"])

    def check_model(self, manifest: Manifest, contents: Mapping[str, bytes]) -> None:
        """Refuse a model that came out differently, such as by a search that the clock ended; see `check_recipe`."""
        if self._manifest is None:
            return
        made = manifest.model_copy(update={"files": file_records(contents)})
        if _lasting(made) != _lasting(self._manifest):
            raise self._refusal("one that came out differently, although config, code and rows are the same")

    def _refuse(self, found: list[str]) -> None:
        if found:
            raise self._refusal(f"one of {' and '.join(found)}")

    def _refusal(self, found: str) -> ArtifactError:
        msg = (
            f"{self._folder} holds a model of this version, {found}: raise app.version in the config, set another "
            "--output, or replace it with --replace"
        )
        return ArtifactError(msg)


def _lasting(manifest: Manifest) -> dict[str, Any]:
    """Return what is the same each time a model is trained: all but the times in the manifest and in its reports."""
    lasting = manifest.model_dump(exclude={"created", "digest"})
    lasting["files"] = {
        name: record for name, record in lasting["files"].items() if name == CARD or not name.startswith(REPORTS)
    }
    return lasting
