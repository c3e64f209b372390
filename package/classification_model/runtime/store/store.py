"""Write a model store: add versions, promote one, roll back, and remove old ones.

::

    STORE/
        CURRENT                the current version and those before it: a JSON document, replaced by renaming
        lock                   held while writing; readers do not need it
        versions/<version>/    model folders

A reader needs read permission only, and sees either the old or the new state.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, overload

from classification_model.errors import ArtifactError, StoreError
from classification_model.runtime.model_folder.artifact import WholeModel, copy_model_folder, read_model
from classification_model.runtime.predictor import Predictor
from classification_model.runtime.store.current import (
    CURRENT,
    MOST_PREVIOUS,
    Current,
    check_version,
    is_version,
    replace_current,
    write_current,
)
from classification_model.runtime.store.promotion_checks import (
    Promotion,
    changes_of_going_back,
    check_changes,
    check_problem,
    find_serving,
)
from classification_model.runtime.store.reader import StoreReader, is_folder
from classification_model.runtime.system.durable import recover, remove_folder, remove_unfinished, sync_folder
from classification_model.runtime.system.locks import lock
from classification_model.runtime.system.safe_open import open_regular

LOCK = "lock"


class ModelStore(StoreReader):
    """A folder with several versions of a model. One version is current, which means that servers use it.

    The first `add` creates the folder. Several processes can use a store at the same time; only one of them writes at a
    time.

    Parameters
    ----------
    folder
        Path of the store.

    Examples
    --------
    >>> import tempfile
    >>> import classification_model as cm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = cm.ModelStore(folder)
    ...     version = store.add(cm.packaged_model())
    ...     promotion = store.promote(version)
    ...     store.current() == version == cm.__version__
    True
    """

    def create(self) -> None:
        """Make the folder of the store; does nothing if it exists.

        Raises
        ------
        StoreError
            If it cannot be made.
        """
        try:
            if not self._versions.is_dir():
                self._versions.mkdir(parents=True, exist_ok=True)
                sync_folder(self.folder)
        except OSError as error:
            raise self._unwritable(error) from error

    def add(self, model_folder: Path | str, *, schema_change: bool = True) -> str:
        """Verify a model folder and copy it into the store. The current version stays current.

        If the store already contains the same model, `add` changes nothing, or replaces the files if they are damaged.

        Parameters
        ----------
        model_folder
            The model folder to copy.
        schema_change
            Whether the model may have other columns or classes than the current version. The default is true, because
            adding a model does not affect clients.

        Returns
        -------
        str
            The version of the model.

        Raises
        ------
        ArtifactError
            If the model cannot be loaded, belongs to another problem than the store, has other columns or classes
            although `schema_change` is false, or has the version of another model in the store, or if the store cannot
            be written. Nothing is added then.
        """
        model = read_model(Path(model_folder))
        Predictor.of_files(model.manifest, model.contents)
        version = model.manifest.version
        check_version(version, f"the version of {model_folder}")
        self.create()
        with self._writing():
            served = find_serving(self).manifest
            check_problem(self, model.manifest, served)
            check_changes(model.manifest, served, schema_change=schema_change)
            if not self._holds(version, model):
                copy_model_folder(model, self._versions / version)
        return version

    @overload
    def promote(self, version: str, *, instead_of: None = None, schema_change: bool = False) -> Promotion: ...

    @overload
    def promote(self, version: str, *, instead_of: str, schema_change: bool = False) -> Promotion | None: ...

    @overload
    def promote(self, version: str, *, as_first: Literal[True]) -> Promotion | None: ...

    def promote(
        self, version: str, *, instead_of: str | None = None, schema_change: bool = False, as_first: bool = False
    ) -> Promotion | None:
        """Verify a version and make it current. If it is current already, nothing changes.

        The columns and classes of the version are compared with those of the current version. If the current version
        cannot be read, they are compared with those of the latest earlier version that can be read. If no version can
        be read, nothing is compared, and the notes of the result say so. In this way, `promote` repairs a store.

        Parameters
        ----------
        version
            A version in the store.
        instead_of
            Promote the version only if `instead_of` is the current version. The default is any current version.
        schema_change
            Whether the version may have other columns or classes than the current version.
        as_first
            Promote the version only if no version is current.

        Returns
        -------
        Promotion or None
            The new and the previous current version, the changes for clients, and notes. None if `instead_of` was not
            the current version, or a version was current in spite of `as_first`; then nothing is promoted.

        Raises
        ------
        ArtifactError
            If the version cannot be loaded, belongs to another problem than the store, or has other columns or classes
            although `schema_change` is false, or if the store cannot be written. The current version stays current
            then.
        """
        with self._writing():
            manifest = self.load(version).manifest
            current, served, notes = find_serving(self, but=version)
            if instead_of is not None and (current is None or current.version != instead_of):
                return None
            if as_first and current is not None:
                return None
            if current is not None and current.version == version:
                return Promotion(version, version)
            check_problem(self, manifest, served)
            changes = check_changes(manifest, served, schema_change=schema_change)
            if current is None:
                write_current(self.folder, version, ())
            else:
                write_current(self.folder, version, (*current.previous, current.version)[-MOST_PREVIOUS:])
            return Promotion(version, None if current is None else current.version, changes, notes)

    def rollback(self) -> Promotion:
        """Make the version current that was current before. To go back further, call this method again.

        That version may have other columns and classes than the current one, or belong to another problem. The result
        lists these changes.

        Returns
        -------
        Promotion
            The version that is current now, the version that was current until now, and the changes for clients.

        Raises
        ------
        ArtifactError
            If there is no previous version, if the previous version cannot be loaded, or if the store cannot be
            written.
        """
        with self._writing():
            found = self.read_current()
            if found is None or not found.previous:
                msg = f"expected a version before the current one in {self.folder}, found none: promote a version"
                raise StoreError(msg)
            *previous, version = found.previous
            try:
                manifest = self.load(version).manifest
            except ArtifactError as error:
                msg = f"the previous version, {version}, cannot be loaded ({error}): promote another version"
                raise StoreError(msg) from error
            changes, notes = changes_of_going_back(self, found.version, manifest)
            write_current(self.folder, version, tuple(previous))
            return Promotion(version, found.version, changes, notes)

    def prune(self, keep: int, *, dry_run: bool = False) -> list[str]:
        """Remove old versions.

        These versions are kept: the current one, the `keep` highest version numbers, and the last `keep` versions that
        were current before. After that, `rollback` can go back only to versions that were kept.

        Parameters
        ----------
        keep
            Number of versions to keep, 1 or more.
        dry_run
            Whether to only return the versions that would be removed.

        Returns
        -------
        list of str
            The removed versions, in ascending order.

        Raises
        ------
        StoreError
            If the file ``CURRENT`` is damaged, or the store cannot be written. After an interruption, call `prune`
            again.
        """
        if keep < 1:
            msg = f"keep: expected 1 version or more, found {keep}"
            raise StoreError(msg)
        if dry_run:
            return self._old(keep, self.read_current())
        with self._writing():
            found = self.read_current()
            removed = self._old(keep, found)
            if found is not None and found.without(removed) != found:
                replace_current(self.folder, found.without(removed))
            for version in removed:
                remove_folder(self._versions / version)
            return removed

    def _old(self, keep: int, current: Current | None) -> list[str]:
        """Return the versions that `prune` removes."""
        versions = [version for version in self.versions() if is_folder(self._versions / version)]
        kept = set(versions[-keep:])
        if current is not None:
            kept |= {current.version, *current.previous[-keep:]}
        return [version for version in versions if version not in kept]

    def _holds(self, version: str, model: WholeModel) -> bool:
        """Tell whether a model is in the store already; damaged, it is not.

        Raises
        ------
        StoreError
            If another model of its version is.
        """
        if (self._versions / version).is_symlink():
            msg = f"expected a folder for version {version} in the store, found a link: remove it"
            raise StoreError(msg)
        try:
            there = self.read(version)
        except ArtifactError:
            return False
        if there.written != model.written:
            msg = f"version {version} is in the store with other content: give the model another version"
            raise StoreError(msg)
        return True

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Wait until no other process writes, and remove the unfinished files of a killed one."""
        self.versions()  # or there is no store
        try:
            descriptor = open_regular(self.folder / LOCK, os.O_RDWR | os.O_CREAT, mode=0o666)
            try:
                if not lock(descriptor):
                    msg = f"the file system of the store {self.folder} has no file locks: put the store on another one"
                    raise StoreError(msg)
                self._clear_away()
                yield
            finally:
                os.close(descriptor)
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> StoreError:
        return StoreError(f"the store {self.folder} cannot be written: {error.strerror or error}")

    def _clear_away(self) -> None:
        for left in self._versions.glob(".*"):
            name = left.name.removeprefix(".").removesuffix(".new").removesuffix(".old")
            if is_version(name):
                recover(self._versions / name)
        remove_unfinished(self.folder / CURRENT)
