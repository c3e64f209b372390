"""Verify a model folder, and build a wheel from it."""

from __future__ import annotations

import os
from pathlib import Path

from classification_model.errors import InputError, VerificationError
from classification_model.runtime.model_folder.artifact import MANIFEST, read_model
from classification_model.runtime.model_folder.manifest import Manifest
from classification_model.runtime.model_folder.packaged import package_version
from classification_model.runtime.verification import verify
from classification_model.runtime.wheel.archive import dated, write_wheel
from classification_model.runtime.wheel.description import TEMPLATE, describe, summarise
from classification_model.runtime.wheel.metadata import check_author, check_summary, core_metadata, wheel_metadata
from classification_model.runtime.wheel.naming import (
    GENERATOR,
    module_name,
    normalise_license,
    normalise_name,
    normalise_version,
    runtime_distribution,
    runtime_wheel_name,
)


def build_wheel(
    folder: Path | str,
    name: str,
    *,
    output: Path | str = "dist",
    version: str | None = None,
    description: str | None = None,
    author: str | None = None,
    license_expression: str | None = None,
) -> Path:
    """Verify a model folder, and build a wheel from it.

    The wheel needs the runtime installed beside it, whose wheel `runtime_wheel.read_runtime` makes.

    Parameters
    ----------
    folder
        A model folder. Its files are in the wheel byte for byte.
    name
        Name of the distribution, such as ``churn-model``, which is imported as ``churn_model``.
    output
        Folder for the wheel. A wheel of the same name and version in it is replaced.
    version
        PEP 440 version of the wheel. The default is that of the model.
    description
        One line on what the model predicts, of at most 512 characters. The default is made from the manifest.
    author
        A name, or ``Name <address>``.
    license_expression
        An SPDX expression, such as ``MIT``.

    Returns
    -------
    Path
        The wheel.

    Raises
    ------
    InputError
        If the name, version, description, author, licence or output is malformed or not allowed.
    ArtifactError
        If the folder holds no model, or one without a compiled form, or it was changed, or the wheel cannot be
        written. A wheel of that name from before stays then.
    """
    folder, output, name = Path(folder), Path(output), normalise_name(name)
    version = None if version is None else normalise_version(version)
    summary = None if description is None else check_summary(description)
    author = None if author is None else check_author(author)
    licence = None if license_expression is None else normalise_license(license_expression)
    _check_output(folder, output)

    manifest = verify(folder).manifest
    version = version or normalise_version(manifest.version)
    summary = summary or summarise(manifest)
    model = _model_files(folder, manifest)
    metadata = core_metadata(name, version, summary, author=author, license_expression=licence)
    files = {
        **_in_folder(module_name(name), _package_files()),
        **_in_folder(f"{module_name(name)}/model", model),
    }
    path = output / f"{module_name(name)}-{version}-py3-none-any.whl"
    text = describe(manifest, name, summary, (path.name, runtime_wheel_name(runtime_distribution())))
    about = {
        "METADATA": f"{metadata}\n{text}".encode(),
        "WHEEL": wheel_metadata(f"{GENERATOR} {package_version()}").encode(),
    }
    write_wheel(path, files, about, dated(manifest.created))
    return path


def _check_output(folder: Path, output: Path) -> None:
    if Path(os.path.realpath(output)).is_relative_to(os.path.realpath(folder)):
        msg = f"expected an output folder outside the model folder, found {output}: set another --output"
        raise InputError(msg)


def _in_folder(folder: str, files: dict[str, bytes]) -> dict[str, bytes]:
    return {f"{folder}/{name}": content for name, content in files.items()}


def _package_files() -> dict[str, bytes]:
    """Return the modules of the generated package, which find out by themselves how they are called."""
    modules = {path.name: path.read_bytes() for path in sorted((TEMPLATE / "package").glob("*.py"))}
    return {**modules, "py.typed": b""}


def _model_files(folder: Path, manifest: Manifest) -> dict[str, bytes]:
    """Return the files of a model that was verified, if it still is that model."""
    model = read_model(folder)
    if model.manifest.digest != manifest.digest:
        msg = f"{folder} was changed while the wheel was built: try again"
        raise VerificationError(msg)
    return {MANIFEST: model.written, **model.contents}
