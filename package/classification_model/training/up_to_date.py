"""Check whether a model folder is up to date."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classification_model.errors import ArtifactError, DataError
from classification_model.processing.data_manager import DataLoader, table_rule
from classification_model.runtime.model_folder.artifact import read_files, read_manifest
from classification_model.runtime.model_folder.libraries import library_versions
from classification_model.training.describe_model import code_hash

if TYPE_CHECKING:
    from pathlib import Path

    from classification_model.config.sections import Config


def is_current(config: Config, folder: Path, source: str | None = None) -> bool:
    """Tell whether a model folder holds what training would make anew: same config, table, libraries and code."""
    try:
        manifest = read_manifest(folder)
        read_files(folder, manifest)
        tables = DataLoader(config, source).read()
    except (ArtifactError, DataError):
        return False
    second = tables.validation
    return (
        (second is None or manifest.holdout.rule == table_rule(second.sha256))
        and manifest.config_hash == config.hash
        and manifest.data.sha256 == tables.table.sha256
        and manifest.libraries == library_versions()
        and manifest.code_hash == code_hash()
    )
