"""Read a model store, with no more than read permission, while another process may write it."""

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
_REMEDY = (
    "make one with `classification-model promote MODEL_FOLDER --store STORE`, or with `classification-model retrain`"
)


class StoredVersion(NamedTuple):
    """A version in a store.

    Attributes
    ----------
    version
        Its name.
    is_current
        Whether it is the current version.
    manifest
        Its manifest; None if it cannot be read.
    fault
        What is wrong with its files; None if they are intact.
    """

    version: str
    is_current: bool
    manifest: Manifest | None
    fault: str | None


class StoreReader:
    """Reads a model store.

    Parameters
    ----------
    folder
        The store.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        self._versions = self.folder / VERSIONS

    def versions(self) -> list[str]:
        """Return the versions in the store, in ascending order.

        Raises
        ------
        StoreError
            If the store does not exist, or cannot be read.
        """
        try:
            with os.scandir(self._versions) as entries:
                found = [entry.name for entry in entries if is_version(entry.name)]
        except OSError as error:
            msg = f"no model store in {self.folder}: its folder {VERSIONS} cannot be read: {error.strerror}; {_REMEDY}"
            raise StoreError(msg) from error
        return sorted(found, key=Version)

    def current(self) -> str | None:
        """Return the current version; None if none was promoted yet.

        Raises
        ------
        StoreError
            If the file that names it is damaged, or cannot be read.
        """
        found = self.read_current()
        return None if found is None else found.version

    def read_current(self) -> Current | None:
        """Return the current version with its time of promotion and the versions before it; see `current`."""
        return read_current(self.folder)

    def path(self, version: str) -> Path:
        """Return the model folder of a version.

        Raises
        ------
        StoreError
            If it is not a valid version, or the store has no folder of it.
        """
        check_version(version, "version")
        folder = self._versions / version
        if not is_folder(folder):
            msg = f"there is no version {version} in the store: run `classification-model list` for its versions"
            raise StoreError(msg)
        return folder

    def read_manifest(self, version: str) -> Manifest:
        """Return the manifest of a version, without reading its other files.

        Raises
        ------
        ArtifactError
            If the version is not in the store, its manifest was changed, or its folder holds another version.
        """
        manifest = read_manifest(self.path(version))
        _check_same(version, manifest)
        return manifest

    def read(self, version: str) -> WholeModel:
        """Read all files of a version, and verify their hashes.

        Raises
        ------
        ArtifactError
            If the version is not in the store, was changed, or its folder holds another version.
        """
        model = read_model(self.path(version))
        _check_same(version, model.manifest)
        return model

    def load(self, version: str) -> Predictor:
        """Load a version, after verifying the hashes of its files and then the golden rows.

        Raises
        ------
        ArtifactError
            If the version is not in the store, was changed, has no compiled form, or does not predict a golden row as
            recorded.
        """
        model = self.read(version)
        return Predictor.of_files(model.manifest, model.contents)

    def describe(self, version: str) -> StoredVersion:
        """Describe a version and the state of its files, without predicting the golden rows."""
        folder = self.path(version)
        manifest, fault = None, None
        try:
            manifest = read_manifest(folder)
            self.read(version)
        except ArtifactError as error:
            fault = str(error)
        return StoredVersion(version, version == self.current(), manifest, fault)

    def describe_all(self) -> list[StoredVersion]:
        """Describe all versions, with those that are not folders and a current one that is missing; see `describe`."""
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
        msg = f"the folder of version {version} holds version {manifest.version}: remove it and add the model again"
        raise StoreError(msg)
