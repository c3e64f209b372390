"""The runtime as a wheel, which is installed beside the wheel of a model.

No name on a package index is known to be ours. So the package that runs the model is packed again from its own
installed files, without its trained model, and is installed by path. Its version is local (PEP 440), as in
``1.0.0+runtime``: PyPI takes no such version, so that a requirement of exactly this one is never met by a stranger's.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import Distribution
from pathlib import Path
from typing import NamedTuple

from classification_model.errors import ArtifactError
from classification_model.runtime.model_folder.packaged import package_folder, package_version, trained_models
from classification_model.runtime.system.clock import source_date_epoch
from classification_model.runtime.verification import installed_around, read_installed_files
from classification_model.runtime.wheel.archive import write_wheel
from classification_model.runtime.wheel.metadata import wheel_metadata
from classification_model.runtime.wheel.naming import (
    RUNTIME,
    RUNTIME_GENERATOR,
    runtime_distribution,
    runtime_version,
    runtime_wheel_name,
)


class RuntimeWheel(NamedTuple):
    """What the wheel of the runtime contains.

    Attributes
    ----------
    name
        File name of the wheel.
    files
        What is installed, by its path.
    about
        Files of the folder of metadata, without RECORD.
    """

    name: str
    files: dict[str, bytes]
    about: dict[str, bytes]

    def write(self, output: Path) -> Path:
        """Write the wheel to a folder, and return its path.

        All entries have one date, which depends on no model: SOURCE_DATE_EPOCH if it is set, else the earliest that a
        zip archive can hold. So the same bytes lie beside every model that one version of the runtime packs.

        Raises
        ------
        ArtifactError
            If the wheel cannot be written.
        """
        path = output / self.name
        write_wheel(path, self.files, self.about, source_date_epoch() or 0)
        return path


def read_runtime() -> RuntimeWheel:
    """Read what the wheel of the runtime contains: this package without its trained model.

    Of an installed wheel, these are the files on its record. Of a checkout, these are the modules and the data files
    that its ``pyproject.toml`` would put into a wheel.

    Returns
    -------
    RuntimeWheel
        The same for the checkout, the wheel of that version, and the wheel that is made here.

    Raises
    ------
    ArtifactError
        If this package is not installed, or is neither a checkout nor an installed wheel.
    VerificationError
        If a file of the installed wheel was changed.
    """
    runtime = runtime_distribution()
    installed = installed_around(Path(__file__))
    files = _checkout_files(package_folder()) if installed is None else _installed_files(installed)
    return RuntimeWheel(runtime_wheel_name(runtime), dict(files), _about(runtime))


def _installed_files(installed: Distribution) -> Iterator[tuple[str, bytes]]:
    left_out = f"{RUNTIME}/{trained_models().name}/"
    for name, content in read_installed_files(installed).items():
        if name.startswith(f"{RUNTIME}/") and not name.startswith(left_out):
            yield name, content


def _checkout_files(folder: Path) -> Iterator[tuple[str, bytes]]:
    project = folder.parent / "pyproject.toml"
    try:
        patterns = tomllib.loads(project.read_text(encoding="utf-8"))["tool"]["setuptools"]["package-data"][RUNTIME]
    except (OSError, ValueError, LookupError) as error:
        msg = f"expected an installed wheel or a checkout in {folder.parent}, found neither: install it with pip"
        raise ArtifactError(msg) from error
    modules = {path for package in _packages(folder) for path in package.glob("*.py")}
    data = {path for pattern in patterns for path in folder.glob(pattern) if path.is_file()}
    for path in sorted(modules | data):
        relative = path.relative_to(folder)
        is_hidden = any(part.startswith(".") or part == "__pycache__" for part in relative.parts)
        if not (is_hidden or path.is_relative_to(trained_models())):
            yield f"{RUNTIME}/{relative.as_posix()}", path.read_bytes()


def _packages(folder: Path) -> Iterator[Path]:
    """Give a package and those below it; a folder of data is none."""
    yield folder
    for child in folder.iterdir():
        if (child / "__init__.py").is_file():
            yield from _packages(child)


def _about(runtime: Distribution) -> dict[str, bytes]:
    """Return the metadata as they are installed, but for the version."""
    licences = [f"licenses/{name}" for name in runtime.metadata.get_all("License-File", [])]
    texts = {name: runtime.read_text(name) for name in ("METADATA", "entry_points.txt", "top_level.txt", *licences)}
    about = {name: text.encode() for name, text in texts.items() if text}
    version = f"Version: {runtime_version()}".encode()
    about["METADATA"] = re.sub(rb"^Version: .*$", version, about["METADATA"], count=1, flags=re.MULTILINE)
    about["WHEEL"] = wheel_metadata(f"{RUNTIME_GENERATOR} {package_version()}").encode()
    return about
