"""The model folder: where it is, how it is written, and whether its files are what its manifest says."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from pathlib import Path, PurePosixPath

import orjson
from pydantic import ValidationError

from classification_model.errors import ArtifactError, VerificationError
from classification_model.manifest import FORMAT_VERSION, FileRecord, Manifest

MANIFEST = "manifest.json"
GOLDEN_TOLERANCE = 1e-9
LARGEST_FILE = 4 * 2**30

_HERE = Path(__file__).resolve().parent


def package_version() -> str:
    """Return the version of this package, which is that of the model it carries."""
    return (_HERE / "VERSION").read_text(encoding="utf-8").strip()


def trained_models() -> Path:
    """Return the folder inside the package that holds the packaged model."""
    return _HERE / "trained_models"


def packaged_model() -> Path:
    """Return where the model of this package's version is, or will be once it is trained."""
    return trained_models() / f"classification_model_output_v{package_version()}"


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a model folder and hold it against its own digest.

    Raises
    ------
    ArtifactError
        If there is no model folder, or its format is of another version.
    VerificationError
        If the manifest is not what was written.
    """
    path = folder / MANIFEST
    if not folder.is_dir() or not path.exists():
        msg = f"no model in {folder}: there is no {MANIFEST}; train one with `classification-model train`"
        raise ArtifactError(msg)
    content = _read_regular_file(path, LARGEST_FILE)
    try:
        plain = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        msg = f"{MANIFEST} is not JSON: it was damaged after it was written"
        raise VerificationError(msg) from error
    found = plain.get("format_version") if isinstance(plain, dict) else None
    if isinstance(found, int) and found != FORMAT_VERSION:
        msg = f"{MANIFEST} has format {found}, this package reads format {FORMAT_VERSION}: install a package that fits"
        raise ArtifactError(msg)
    try:
        manifest = Manifest.model_validate_json(content)
    except ValidationError as error:
        place = ".".join(str(part) for part in error.errors()[0]["loc"])
        msg = f"{MANIFEST} does not fit its format at {place!r}: it was damaged after it was written"
        raise VerificationError(msg) from error
    if manifest.sealed_bytes() != content:
        expected = manifest.digest or "none"
        actual = orjson.loads(manifest.sealed_bytes())["digest"]
        msg = f"{MANIFEST} was changed: its digest is sha256 {actual}, it claims {expected}"
        raise VerificationError(msg)
    return manifest


def read_files(folder: Path, manifest: Manifest) -> dict[str, bytes]:
    """Return the bytes of every file of a model folder, each held against its hash.

    The bytes that were hashed are the bytes returned; nothing is deserialised.

    Raises
    ------
    VerificationError
        If a file is missing, changed, no regular file or not in the manifest, naming it.
    """
    present = {
        PurePosixPath(path.relative_to(folder)).as_posix()
        for path in folder.rglob("*")
        if path.is_symlink() or not path.is_dir()
    }
    extra = sorted(present - set(manifest.files) - {MANIFEST})
    if extra:
        msg = f"{extra[0]} is in the model folder but not in its manifest: remove it"
        raise VerificationError(msg)
    contents = {}
    for name, record in sorted(manifest.files.items()):
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            msg = f"{name!r} in the manifest points out of the model folder"
            raise VerificationError(msg)
        content = _read_regular_file(folder / name, record.size)
        actual = hashlib.sha256(content).hexdigest()
        if actual != record.sha256 or len(content) != record.size:
            msg = f"{name} was changed: expected sha256 {record.sha256}, found {actual}"
            raise VerificationError(msg)
        contents[name] = content
    return contents


def _read_regular_file(path: Path, limit: int) -> bytes:
    """Read at most one byte more than `limit`, following no link and never waiting on a pipe."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError as error:
        msg = f"{path.name} is missing from the model folder"
        raise VerificationError(msg) from error
    except OSError as error:
        msg = f"{path.name} cannot be read: {error.strerror}"
        raise VerificationError(msg) from error
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            msg = f"{path.name} is no regular file"
            raise VerificationError(msg)
        return file.read(limit + 1)


def write_model_folder(folder: Path, manifest: Manifest, contents: dict[str, bytes]) -> None:
    """Write a model folder beside its place, then rename it there: it is whole or it is not.

    Parameters
    ----------
    folder
        Where the model shall be; a model that is there already is replaced.
    manifest
        Its manifest; `files` and `digest` are filled in here.
    contents
        Bytes of each file, by its path inside the folder with forward slashes.

    Raises
    ------
    ArtifactError
        If something that is no model folder is in the way, or the disk refuses.
    """
    records = {
        name: FileRecord(sha256=hashlib.sha256(content).hexdigest(), size=len(content))
        for name, content in sorted(contents.items())
    }
    sealed = manifest.model_copy(update={"files": records}).sealed_bytes()
    if folder.exists() and any(folder.iterdir()) and not (folder / MANIFEST).is_file():
        msg = f"{folder} exists and is no model folder: choose another place or remove it"
        raise ArtifactError(msg)
    beside = folder.with_name(f".{folder.name}.{os.getpid()}.new")
    former = folder.with_name(f".{folder.name}.{os.getpid()}.old")
    try:
        beside.mkdir(parents=True)
        for name, content in {**contents, MANIFEST: sealed}.items():
            _write_durably(beside / name, content)
        if folder.exists():
            folder.rename(former)
        beside.rename(folder)
        _sync_folder(folder.parent)
    except OSError as error:
        if former.exists() and not folder.exists():
            former.rename(folder)
        msg = f"{folder} cannot be written: {error.strerror}"
        raise ArtifactError(msg) from error
    finally:
        _remove(beside)
        if folder.exists():
            _remove(former)


def _write_durably(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
