"""A model folder, packed as a wheel that pip installs: a small package around it, and its metadata.

A wheel is a zip archive with three files of metadata, so nothing but Python is needed to write one. Its dates are the
model's, its entries are sorted and have one mode: two wheels of one model are equal byte for byte, wherever and by
whomever they are built, where the version of this package and the zlib that compresses are the same.

References
----------
The binary distribution format and the core metadata specifications of the Python Packaging User Guide; PEP 639 for the
licence; https://reproducible-builds.org/specs/source-date-epoch/ for the clock.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import os
import time
import zipfile
from datetime import UTC, datetime
from email.headerregistry import AddressHeader, HeaderRegistry
from pathlib import Path

from classification_model.artifact import MANIFEST, package_version, read_files
from classification_model.errors import ArtifactError, InputError, VerificationError
from classification_model.manifest import Manifest, digests
from classification_model.verification import verify
from classification_model.wheel.description import LONGEST_SUMMARY, TEMPLATES, describe, one_line, summarise
from classification_model.wheel.naming import (
    GENERATOR,
    module_name,
    normalise_license,
    normalise_name,
    normalise_version,
    runtime_distribution,
    runtime_requirement,
)

_EARLIEST, _LATEST = 315532800, 4354819198  # 1980 and 2107, what the dates of a zip archive can hold
#: Extras of this package that the wheel has as well.
_EXTRAS = ("batch",)


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
        One line on what the model predicts; made from the manifest when left out.
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
        If the name, the version, the licence or the output is not one that a wheel can have.
    ArtifactError
        If there is no model, it does not verify, or the wheel cannot be written. Nothing has the wheel's name then,
        but for one that had it before.
    """
    folder, output = Path(folder), Path(output)
    name, module = normalise_name(name), module_name(normalise_name(name))
    if Path(os.path.realpath(folder)) in (Path(os.path.realpath(output)) / name).parents:
        msg = f"{output} is inside the model folder, which a wheel there would change: choose another output folder"
        raise InputError(msg)
    manifest = verify(folder).manifest
    version = normalise_version(manifest.version if version is None else version)
    summary = summarise(manifest) if description is None else one_line(description)
    metadata = _metadata(name, version, summary, author, license_expression) + "\n" + describe(manifest, name, summary)
    model = _model_files(folder, manifest)
    contents = {f"{module}/{file}": content for file, content in {**_package_files(), **model}.items()}
    info = f"{module}-{version}.dist-info"
    contents[f"{info}/METADATA"] = metadata.encode(errors="replace")
    contents[f"{info}/WHEEL"] = (
        f"Wheel-Version: 1.0\nGenerator: {GENERATOR} {package_version()}\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    ).encode()
    contents[f"{info}/RECORD"] = _record(contents, f"{info}/RECORD")
    path = output / f"{module}-{version}-py3-none-any.whl"
    _write(path, contents, _epoch(manifest))
    return path


def _package_files() -> dict[str, bytes]:
    """Return the modules of the generated package, which find out by themselves how they are called."""
    modules = {path.name: path.read_bytes() for path in sorted(TEMPLATES.glob("*.py"))}
    return {**modules, "py.typed": b""}


def _model_files(folder: Path, manifest: Manifest) -> dict[str, bytes]:
    """Return the files of a model that was verified, if it still is that model."""
    files = read_files(folder, manifest)
    try:
        written = (folder / MANIFEST).read_bytes()
    except OSError as error:
        msg = f"{MANIFEST} cannot be read: {error.strerror}"
        raise ArtifactError(msg) from error
    if digests(written) != (manifest.digest, manifest.digest):
        msg = f"{folder} was replaced while it was packed: try again"
        raise VerificationError(msg)
    return {f"model/{name}": content for name, content in {MANIFEST: written, **files}.items()}


def _metadata(name: str, version: str, summary: str, author: str | None, license_expression: str | None) -> str:
    """Write the core metadata but for the long description."""
    if license_expression is not None and not _LICENSE.fullmatch(license_expression):
        msg = f"expected an SPDX licence expression such as MIT or LicenseRef-Proprietary, found {license_expression!r}"
        raise InputError(msg)
    runtime = runtime_distribution()
    fields = [
        ("Metadata-Version", "2.4"),
        ("Name", name),
        ("Version", version),
        ("Summary", summary),
        ("Author-email" if author and "@" in author else "Author", one_line(author or "")),
        ("License-Expression", license_expression),
        ("Keywords", "classification,machine learning,model"),
        ("Classifier", "Operating System :: OS Independent"),
        ("Classifier", "Programming Language :: Python :: 3"),
        ("Classifier", "Programming Language :: Python :: 3 :: Only"),
        ("Classifier", "Topic :: Scientific/Engineering :: Artificial Intelligence"),
        ("Classifier", "Typing :: Typed"),
        ("Requires-Python", runtime.metadata["Requires-Python"]),
        ("Requires-Dist", runtime_requirement(runtime)),
        ("Description-Content-Type", "text/markdown; charset=UTF-8"),
    ]
    return "".join(f"{key}: {value}\n" for key, value in fields if value)


def _record(contents: dict[str, bytes], own_path: str) -> bytes:
    """List every file with its hash and size; the list itself has neither."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    for path, content in sorted(contents.items()):
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
        rows.writerow([path, f"sha256={digest}", len(content)])
    rows.writerow([own_path, "", ""])
    return text.getvalue().encode()


def _epoch(manifest: Manifest) -> int:
    """Return the seconds since 1970 that entries are dated with: SOURCE_DATE_EPOCH, or when the model was made."""
    wanted = os.environ.get("SOURCE_DATE_EPOCH")
    try:
        if wanted is not None:
            return int(wanted)
        created = datetime.fromisoformat(manifest.created)
    except ValueError as error:
        place = f"created in {MANIFEST}" if wanted is None else "SOURCE_DATE_EPOCH"
        msg = f"{place}: expected {'a time' if wanted is None else 'seconds since 1970'}, found {str(error)[-60:]}"
        raise (ArtifactError if wanted is None else InputError)(msg) from error
    return int((created if created.tzinfo else created.replace(tzinfo=UTC)).timestamp())


def _write(path: Path, contents: dict[str, bytes], epoch: int) -> None:
    """Write the archive beside its place, sorted, metadata last as the format recommends, then rename it there."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    date_time = time.gmtime(min(max(epoch, _EARLIEST), _LATEST))[:6]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with zipfile.ZipFile(beside, "w") as archive:
                for name in sorted(contents, key=lambda name: (".dist-info/" in name, name.endswith("/RECORD"), name)):
                    info = zipfile.ZipInfo(name, date_time)
                    info.create_system = 3  # Unix, whose modes follow, whatever builds it
                    info.external_attr = 0o100644 << 16
                    archive.writestr(info, contents[name], zipfile.ZIP_DEFLATED, compresslevel=9)
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        msg = f"{path} cannot be written: {error.strerror or error}"
        raise ArtifactError(msg) from error
