"""The build: setuptools, held to one verified model and to the same bytes every time.

setuptools alone packs whatever lies in ``trained_models/`` and whatever an earlier build left in ``build/``, and its
archives carry the modes, times and order that the machine happened to have. Here a build first proves that exactly
the model of this VERSION is there, unchanged since it was trained, and afterwards writes the archive again with
everything accidental taken out: two builds from one model folder give the same bytes, from the repository or from the
unpacked sdist. Editable installs need no model, since training runs in one.

References
----------
PEP 517 for the hooks, https://reproducible-builds.org/specs/source-date-epoch/ for the clock.
"""

import copy
import gzip
import hashlib
import json
import os
import re
import shutil
import tarfile
import time
import zipfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from setuptools import build_meta
from setuptools.build_meta import (
    build_editable,
    get_requires_for_build_editable,
    get_requires_for_build_sdist,
    get_requires_for_build_wheel,
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]

PACKAGE = Path("classification_model")  # PEP 517: hooks run in the folder of pyproject.toml
ZIP_EPOCH = 315532800  # 1980-01-01, the earliest time a zip archive can hold
Settings = Mapping[str, Any] | None


def build_sdist(sdist_directory: str, config_settings: Settings = None) -> str:
    """Build the source distribution, model included.

    Parameters
    ----------
    sdist_directory : str
        Where to put it.
    config_settings : mapping, optional
        Passed on to setuptools.

    Returns
    -------
    str
        Its file name.

    Raises
    ------
    SystemExit
        If the model folder is not the one that was trained for this version; the message says why in one line.
    """
    epoch = _prepare()
    name: str = build_meta.build_sdist(sdist_directory, config_settings)
    _normalise_sdist(Path(sdist_directory, name), epoch)
    return name


def build_wheel(wheel_directory: str, config_settings: Settings = None, metadata_directory: str | None = None) -> str:
    """Build the wheel, model included.

    Parameters
    ----------
    wheel_directory : str
        Where to put it.
    config_settings : mapping, optional
        Passed on to setuptools.
    metadata_directory : str, optional
        What `prepare_metadata_for_build_wheel` made.

    Returns
    -------
    str
        Its file name.

    Raises
    ------
    SystemExit
        If the model folder is not the one that was trained for this version; the message says why in one line.
    """
    epoch = _prepare()
    name: str = build_meta.build_wheel(wheel_directory, config_settings, metadata_directory)
    _normalise_wheel(Path(wheel_directory, name), epoch)
    return name


def _prepare() -> int:
    """Verify the model, forget earlier builds, and return the time (seconds since 1970) that archives shall carry."""
    created = _verify_model()
    shutil.rmtree("build", ignore_errors=True)  # setuptools would pack modules and models that are long gone
    for leftover in Path().glob("*.egg-info/SOURCES.txt"):
        leftover.unlink()  # setuptools would add every file it lists that still exists
    return int(os.environ.setdefault("SOURCE_DATE_EPOCH", str(int(created.timestamp()))))


def _verify_model() -> datetime:
    """Return when the model of this version was made, or exit unless it is alone, complete and unchanged."""
    version = (PACKAGE / "VERSION").read_text(encoding="utf-8").strip()
    models = PACKAGE / "trained_models"
    folder = models / f"classification_model_output_v{version}"
    if not folder.is_dir():
        raise SystemExit(f"{folder} is not there: run `tox -e train` first")
    for other in sorted(set(models.iterdir()) - {folder}):
        if not other.name.startswith("."):  # package data leaves hidden names out
            raise SystemExit(f"{other} is not the model of version {version} and would be shipped with it: remove it")

    path = folder / "manifest.json"
    try:
        content = path.read_bytes()
        manifest = json.loads(content)
        files = {name: (entry["sha256"], entry["size"]) for name, entry in manifest["files"].items()}
        made_for, created = manifest["version"], datetime.fromisoformat(manifest["created"])
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise SystemExit(f"{path} is not a readable manifest ({error!r}): run `tox -e train` again") from error
    claimed = re.search(rb'\n  "digest": "([0-9a-f]{64})",', content)
    digest = hashlib.sha256(content.replace(claimed[0], b"") if claimed else content).hexdigest()
    if claimed is None or claimed[1].decode() != digest:
        raise SystemExit(f"{path} was changed: its digest is sha256 {digest}: run `tox -e train` again")
    if made_for != version:
        raise SystemExit(f"{path} is of version {made_for}, expected {version}: run `tox -e train` again")

    found = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_symlink() or not p.is_dir()}
    for name in sorted(found - {path.name} - files.keys()):
        raise SystemExit(f"{folder / name} is not listed in {path.name}: remove it, or run `tox -e train` again")
    for name, (sha256, size) in sorted(files.items()):
        if name not in found:
            raise SystemExit(f"{folder / name} is listed in {path.name} but not there: run `tox -e train` again")
        content = (folder / name).read_bytes()
        actual = hashlib.sha256(content).hexdigest()
        if (actual, len(content)) != (sha256, size):
            raise SystemExit(
                f"{folder / name} was changed: expected sha256 {sha256} ({size} bytes), "
                f"found {actual} ({len(content)} bytes): run `tox -e train` again"
            )
    return created


def _normalise_wheel(path: Path, epoch: int) -> None:
    """Write the wheel again: sorted, metadata last as the format recommends, one mode, one date, one compression."""
    beside = path.with_name(f"{path.name}.tmp")
    date_time = time.gmtime(max(epoch, ZIP_EPOCH))[:6]
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(beside, "w") as new:
        for name in sorted(old.namelist(), key=lambda name: (".dist-info/" in name, name.endswith("/RECORD"), name)):
            info = zipfile.ZipInfo(name, date_time)
            info.create_system = 3  # Unix, whose modes follow, whatever built it
            info.external_attr = 0o100644 << 16
            new.writestr(info, old.read(name), zipfile.ZIP_DEFLATED, compresslevel=9)
    beside.replace(path)


def _normalise_sdist(path: Path, epoch: int) -> None:
    """Write the sdist again: sorted, one time, nobody's name, one mode for files and one for folders."""
    beside = path.with_name(f"{path.name}.tmp")
    with (
        tarfile.open(path) as old,
        beside.open("wb") as raw,
        gzip.GzipFile("", "wb", compresslevel=9, fileobj=raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as new,
    ):
        for member in sorted(old.getmembers(), key=lambda member: member.name):
            info = copy.copy(member)
            info.mtime, info.pax_headers = epoch, {}
            info.uid, info.gid, info.uname, info.gname = 0, 0, "", ""
            info.mode = 0o755 if info.isdir() else 0o644
            new.addfile(info, old.extractfile(member))
    beside.replace(path)
