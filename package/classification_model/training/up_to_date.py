"""Check whether a model folder is up to date."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from classification_model.errors import ArtifactError, DataError
from classification_model.processing.data_manager import DataLoader, table_rule
from classification_model.runtime.model_folder.artifact import read_files, read_manifest
from classification_model.runtime.model_folder.libraries import library_versions
from classification_model.tables.reading.open_file import read_file
from classification_model.training.describe_model import code_hash

if TYPE_CHECKING:
    from pathlib import Path

    from classification_model.config.sections import Config


def is_current(config: Config, folder: Path, source: str | None = None) -> bool:
    """Tell whether a model folder holds what training would make anew: same config, table, libraries and code."""
    try:
        manifest = read_manifest(folder)
        read_files(folder, manifest)
        loader = DataLoader(config, source)
        table = _hash_of(loader.source)
        second = None if loader.validation_source is None else _hash_of(loader.validation_source)
    except (ArtifactError, DataError):
        return False
    return (
        (second is None or manifest.holdout.rule == table_rule(second))
        and manifest.config_hash == config.hash
        and manifest.data.sha256 == table
        and manifest.libraries == library_versions()
        and manifest.code_hash == code_hash()
    )


def _hash_of(source: str) -> str:
    return hashlib.sha256(read_file(source)).hexdigest()
