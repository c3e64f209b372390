"""A model folder, verified and packed as a wheel that pip installs."""

from __future__ import annotations

import os
from pathlib import Path

from classification_model.errors import InputError, VerificationError
from classification_model.runtime.model_folder.artifact import MANIFEST, read_model
from classification_model.runtime.model_folder.manifest import Manifest
from classification_model.runtime.verification import verify
from classification_model.runtime.wheel.archive import dated, write_wheel
from classification_model.runtime.wheel.description import TEMPLATE, describe, summarise
from classification_model.runtime.wheel.metadata import check_author, check_summary, core_metadata, wheel_metadata
from classification_model.runtime.wheel.naming import module_name, normalise_license, normalise_name, normalise_version


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
    """Pack a model folder as a wheel, after verifying it.

    Parameters
    ----------
    folder
        A model folder. Its files are in the wheel byte for byte.
    name
        Name to install it by, such as ``churn-model``, which is imported as ``churn_model``.
    output
        Folder to put the wheel in. A wheel of the same name and version that is there already is replaced.
    version
        Version of the wheel, by PEP 440; that of the model when left out.
    description
        One line on what the model predicts, of at most 512 characters; made from the manifest when left out.
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
        If the name, version, description, author, licence or output is not one that a wheel can have.
    ArtifactError
        If there is no model, it has no compiled form, it does not verify, or the wheel cannot be written. Nothing has
        the wheel's name then, but for one that had it before.
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
    about = {
        "METADATA": f"{metadata}\n{describe(manifest, name, summary)}".encode(),
        "WHEEL": wheel_metadata().encode(),
    }
    path = output / f"{module_name(name)}-{version}-py3-none-any.whl"
    write_wheel(path, files, about, dated(manifest.created))
    return path


def _check_output(folder: Path, output: Path) -> None:
    if Path(os.path.realpath(output)).is_relative_to(os.path.realpath(folder)):
        msg = f"{output} is inside the model folder, which a wheel there would change: choose another output folder"
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
        msg = f"{folder} was replaced while it was packed: try again"
        raise VerificationError(msg)
    return {MANIFEST: model.written, **model.contents}
