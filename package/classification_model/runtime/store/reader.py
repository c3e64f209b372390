"""The model store as its readers see it, who need permission to read alone: always the old or the new, never a mix."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from packaging.version import Version

from classification_model.errors import ArtifactError, StoreError
from classification_model.runtime.model_folder.artifact import WholeModel, read_manifest, read_model
from classification_model.runtime.model_folder.manifest import Manifest
from classification_model.runtime.predictor import Predictor
from classification_model.runtime.store.current import Current, check_version, is_version, read_current

VERSIONS = "versions"
_REMEDY = "`classification-model promote MODEL_FOLDER --store STORE` begins one"


class StoredVersion(NamedTuple):
    """A version in a store.

    Attributes
    ----------
    version
        Its name.
    is_current
        Whether it is the one that serves.
    manifest
        What it says of itself; None where that cannot be read.
    fault
        What is wrong with it; None where its files are whole.
    """

    version: str
    is_current: bool
    manifest: Manifest | None
    fault: str | None


class StoreReader:
    """A folder of models that somebody else writes.

    Parameters
    ----------
    folder
        Where it is.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        self._versions = self.folder / VERSIONS

    def versions(self) -> list[str]:
        """Return the versions that are there, oldest number first; what has no name of a version is none.

        Raises
        ------
        StoreError
            If the store is not there, or cannot be read.
        """
        try:
            with os.scandir(self._versions) as entries:
                found = [entry.name for entry in entries if is_version(entry.name)]
        except OSError as error:
            msg = f"no store of models in {self.folder}: {VERSIONS} cannot be read: {error.strerror}; {_REMEDY}"
            raise StoreError(msg) from error
        return sorted(found, key=Version)

    def current(self) -> str | None:
        """Return the version that serves; None where none was promoted yet.

        Raises
        ------
        StoreError
            If what says so is damaged, or cannot be read.
        """
        found = self.read_current()
        return None if found is None else found.version

    def read_current(self) -> Current | None:
        """Return which version serves, since when, and those before it; see `current`."""
        return read_current(self.folder)

    def path(self, version: str) -> Path:
        """Return the model folder of a version.

        Raises
        ------
        StoreError
            If it is no name of a version, or there is no folder of it: a link to one is none.
        """
        check_version(version, "the version asked for")
        folder = self._versions / version
        if not is_folder(folder):
            msg = f"there is no version {version} in the store: classification-model list shows those that are"
            raise StoreError(msg)
        return folder

    def read_manifest(self, version: str) -> Manifest:
        """Return what a version says of itself; its other files are not read.

        Raises
        ------
        ArtifactError
            If it is not there, its manifest was changed, or it is another one than its folder is named for.
        """
        manifest = read_manifest(self.path(version))
        _check_same(version, manifest)
        return manifest

    def read(self, version: str) -> WholeModel:
        """Read a version whole, each file held against its hash.

        Raises
        ------
        ArtifactError
            If it is not there, was changed, or is another one than its folder is named for.
        """
        model = read_model(self.path(version))
        _check_same(version, model.manifest)
        return model

    def load(self, version: str) -> Predictor:
        """Load a version after verifying it: hashes first, then the golden rows.

        Raises
        ------
        ArtifactError
            As of `read`, or if it has no compiled form, or does not predict what it predicted when it was made.
        """
        model = self.read(version)
        return Predictor.of_files(model.manifest, model.contents)

    def describe(self, version: str) -> StoredVersion:
        """Tell of a version, whole or not; its golden rows are not asked."""
        folder = self.path(version)
        manifest, fault = None, None
        try:
            manifest = read_manifest(folder)
            self.read(version)
        except ArtifactError as error:
            fault = str(error)
        return StoredVersion(version, version == self.current(), manifest, fault)

    def describe_all(self) -> list[StoredVersion]:
        """Tell of all versions, those that are no folders and a current one that is gone among them; see `describe`."""
        current = self.current()
        found = []
        there = self.versions()
        gone = [current] if current is not None and current not in there else []
        for version in sorted([*there, *gone], key=Version):
            try:
                found.append(self.describe(version))
            except StoreError as error:
                found.append(StoredVersion(version, version == current, None, str(error)))
        return found


def is_folder(path: Path) -> bool:
    """Tell whether a path is a folder, and no link to one."""
    return path.is_dir() and not path.is_symlink()


def _check_same(version: str, manifest: Manifest) -> None:
    if manifest.version != version:
        msg = f"the folder of version {version} holds {manifest.version}: remove it and add the model again"
        raise StoreError(msg)
