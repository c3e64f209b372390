"""Write, read and verify the files of a model folder."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from io import BufferedReader
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import orjson
from pydantic import ValidationError

from classification_model.errors import ArtifactError, VerificationError
from classification_model.runtime.model_folder.manifest import FORMAT_VERSION, FileRecord, Manifest, digests
from classification_model.runtime.system.durable import replace_folder
from classification_model.runtime.system.safe_open import UnfitFileError, open_regular

MANIFEST = "manifest.json"
#: What makes a model folder that this version reads.
MAKE_AGAIN = "`classification-model train --config CONFIG --replace`"
GOLDEN_TOLERANCE = 1e-9
#: What a model's version is: as of PEP 440, which is safe as the name of a folder too.
VERSION_PATTERN = r"^[0-9]+(\.[0-9]+)*((a|b|rc)[0-9]+)?(\.post[0-9]+)?(\.dev[0-9]+)?(\+[a-z0-9]+(\.[a-z0-9]+)*)?$"
LARGEST_MANIFEST = 64 * 2**20
LARGEST_FILE = 4 * 2**30


class WholeModel(NamedTuple):
    """A verified model folder in memory.

    Attributes
    ----------
    manifest
        Its manifest.
    written
        Bytes of the manifest's file.
    contents
        Bytes of every other file, by its path inside the folder.
    """

    manifest: Manifest
    written: bytes
    contents: dict[str, bytes]


def read_manifest(folder: Path | str) -> Manifest:
    """Read and verify the manifest of a model folder, without reading its other files.

    Parameters
    ----------
    folder
        A model folder.

    Returns
    -------
    Manifest
        The verified manifest.

    Raises
    ------
    ArtifactError
        If the folder contains no model, or the manifest has another format version.
    VerificationError
        If the manifest was changed.

    Examples
    --------
    >>> import classification_model as cm
    >>> manifest = cm.read_manifest(cm.packaged_model())
    >>> manifest.name, manifest.classes
    ('Titanic survival', ('died', 'survived'))
    """
    return _parse_manifest(_read_manifest_file(Path(folder)))


def read_model(folder: Path) -> WholeModel:
    """Read and verify all files of a model folder: the manifest by its digest, the others by their hashes.

    Raises
    ------
    ArtifactError
        If the folder holds no model, or one of another format version.
    VerificationError
        If a file was changed.
    """
    written = _read_manifest_file(folder)
    manifest = _parse_manifest(written)
    return WholeModel(manifest, written, read_files(folder, manifest))


def _parse_manifest(content: bytes) -> Manifest:
    found = _format_version(content)
    if found not in {FORMAT_VERSION, None}:
        msg = (
            f"{MANIFEST}: expected format version {FORMAT_VERSION}, found {found}: make the model again with "
            f"{MAKE_AGAIN}, or install the version of this package that made it"
        )
        raise ArtifactError(msg)
    claimed, actual = digests(content)
    if claimed != actual:
        msg = f"{MANIFEST} was changed: expected sha256 {claimed or 'in its digest'}, found {actual}"
        raise VerificationError(msg)
    try:
        return Manifest.model_validate_json(content)
    except ValidationError as error:
        place = ".".join(str(part) for part in error.errors()[0]["loc"])
        msg = (
            f"{MANIFEST} is malformed at {place!r}: install the version of this package that made it, or make the "
            f"model again with {MAKE_AGAIN}"
        )
        raise VerificationError(msg) from error


def _format_version(content: bytes) -> int | None:
    """Return the version of a manifest's format; None where it is damaged beyond telling."""
    try:
        plain = orjson.loads(content)
    except orjson.JSONDecodeError:
        return None
    found = plain.get("format_version") if isinstance(plain, dict) else None
    return found if isinstance(found, int) else None


def _read_manifest_file(folder: Path) -> bytes:
    try:
        (folder / MANIFEST).lstat()
    except (FileNotFoundError, NotADirectoryError) as error:
        msg = f"expected a model in {folder}, found no {MANIFEST}: train one with `classification-model train`"
        raise ArtifactError(msg) from error
    except (OSError, ValueError) as error:
        msg = f"{folder} cannot be read: {getattr(error, 'strerror', error)}"
        raise ArtifactError(msg) from error
    with open_regular_file(folder, MANIFEST, LARGEST_MANIFEST) as file:
        return file.read()


def read_files(folder: Path, manifest: Manifest) -> dict[str, bytes]:
    """Return the bytes of every file of a model folder, after verifying its hash.

    The bytes returned are those that were hashed; nothing is deserialised.

    Raises
    ------
    VerificationError
        If a file is missing, changed, not a regular file, or not in the manifest; the message names it.
    """
    present = {
        PurePosixPath(path.relative_to(folder)).as_posix()
        for path in folder.rglob("*")
        if path.is_symlink() or not path.is_dir()
    }
    extra = sorted(present - set(manifest.files) - {MANIFEST})
    if extra:
        msg = f"{extra[0]!r} is in the model folder but not in {MANIFEST}: remove it"
        raise VerificationError(msg)
    for name in (manifest.pipeline, manifest.compiled, manifest.portable):
        if name is not None and name not in manifest.files:
            msg = f"{MANIFEST}: expected the file {name!r} of the model among its files, found none: train it again"
            raise VerificationError(msg)
    return {name: _read_recorded_file(folder, name, record) for name, record in sorted(manifest.files.items())}


def _read_recorded_file(folder: Path, name: str, record: FileRecord) -> bytes:
    if not _lies_inside(name):
        msg = f"{MANIFEST}: expected relative paths inside the model folder, found {name!r}: train the model again"
        raise VerificationError(msg)
    with open_regular_file(folder, name, LARGEST_FILE) as file:
        size = os.fstat(file.fileno()).st_size
        content = file.read(size) if size == record.size else None
        actual = hashlib.file_digest(file, "sha256").hexdigest() if content is None else _sha256(content)
    if content is None or actual != record.sha256:
        msg = (
            f"{name} was changed: expected sha256 {record.sha256} of {record.size} bytes, "
            f"found {actual} of {size} bytes"
        )
        raise VerificationError(msg)
    return content


def _lies_inside(name: str) -> bool:
    """Tell whether a name is the plain path of a file in a model folder, and not that of its manifest."""
    path = PurePosixPath(name)
    is_plain = bool(path.parts) and str(path) == name and not path.is_absolute() and ".." not in path.parts
    return is_plain and name != MANIFEST


def open_regular_file(folder: Path, name: str, limit: int) -> BufferedReader:
    """Open a file of at most `limit` bytes, following no link and never waiting on a pipe; see `open_regular`."""
    try:
        return os.fdopen(open_regular(folder / name, limit=limit), "rb")
    except FileNotFoundError as error:
        msg = f"{name} is missing from the model folder: copy the folder again, or train the model again"
        raise VerificationError(msg) from error
    except UnfitFileError as error:
        msg = f"{name}: {error}"
        raise VerificationError(msg) from error
    except (OSError, ValueError) as error:
        msg = f"{name!r} cannot be read: {getattr(error, 'strerror', error)}"
        raise VerificationError(msg) from error


def write_model_folder(folder: Path, manifest: Manifest, contents: Mapping[str, bytes]) -> None:
    """Write a model folder under a temporary name, then rename it, so that it is never there in part.

    Parameters
    ----------
    folder
        The model folder; a model in it is replaced.
    manifest
        Its manifest; `files` and `digest` are filled in here.
    contents
        Bytes of each file, by its path inside the folder with forward slashes.

    Raises
    ------
    ArtifactError
        If the folder exists and is not a model folder, or cannot be written.
    """
    outside = next((name for name in contents if not _lies_inside(name)), None)
    if outside is not None:
        msg = f"expected relative paths inside the model folder, found {outside!r}"
        raise ArtifactError(msg)
    sealed = manifest.model_copy(update={"files": file_records(contents)}).sealed_bytes()
    replace_folder(folder, {**contents, MANIFEST: sealed}, MANIFEST)


def file_records(contents: Mapping[str, bytes]) -> dict[str, FileRecord]:
    """Return hash and size of each file."""
    return {name: FileRecord(sha256=_sha256(content), size=len(content)) for name, content in contents.items()}


def copy_model_folder(model: WholeModel, folder: Path) -> None:
    """Write an exact copy of a model that was read; see `write_model_folder`.

    Parameters
    ----------
    model
        Result of `read_model`.
    folder
        The copy.

    Raises
    ------
    ArtifactError
        If the folder exists and is not a model folder, or cannot be written.
    """
    replace_folder(folder, {**model.contents, MANIFEST: model.written}, MANIFEST)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
