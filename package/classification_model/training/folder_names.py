"""Name the model folder of a config."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from classification_model.errors import ArtifactError, InputError
from classification_model.runtime.model_folder.artifact import VERSION_PATTERN
from classification_model.runtime.model_folder.packaged import trained_models

if TYPE_CHECKING:
    from pathlib import Path

    from classification_model.config.sections import Config


def version_of(config: Config, version: str | None = None) -> str:
    """Return the given version of a model, or else the config's.

    Raises
    ------
    InputError
        If the given version is not a PEP 440 version.
    """
    if version is not None and not re.fullmatch(VERSION_PATTERN, version):
        msg = f"version: expected a PEP 440 version, such as 1.2.0+20260131t1200.ab12, found {version[:100]!r}"
        raise InputError(msg)
    return config.version if version is None else version


def folder_name(config: Config, version: str) -> str:
    """Return the name of a model folder, which is also the name of its pipeline without the suffix."""
    return f"{config.app.pipeline_save_file}{version}"


def model_folder(config: Config, output: Path | None = None, version: str | None = None) -> Path:
    """Return the model folder of a config, whether or not it exists.

    Parameters
    ----------
    config
        The config.
    output
        Folder that holds the model folder. The default is the package's own ``trained_models``.
    version
        Version of the model instead of the config's.

    Raises
    ------
    ArtifactError
        If the folder would be inside an installed package.
    """
    parent = trained_models() if output is None else output
    if output is None and "site-packages" in parent.parts:
        msg = "expected an output folder, as the model of an installed package is not replaced: set --output"
        raise ArtifactError(msg)
    return parent / folder_name(config, version_of(config, version))
