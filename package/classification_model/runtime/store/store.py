"""The model store as its one writer sees it: adds versions, promotes one, goes back, removes old ones.

::

    STORE/
        CURRENT                which version serves, and those before it: one JSON document, replaced by renaming
        lock                   held by whoever writes; readers do without
        versions/<version>/    model folders

Whoever reads needs permission to read, and sees the old or the new state, never a mix.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import overload

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
    """A folder of models, to be written by one process at a time; made by the first `add`.

    Parameters
    ----------
    folder
        Where it is.

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

    def add(self, model_folder: Path | str, *, schema_change: bool = True) -> str:
        """Copy a model folder in, after verifying it as every load does, and return its version.

        A version never changes: the same model again is no fault, another one of the same version is. A version that
        was damaged in the store is replaced.

        Parameters
        ----------
        model_folder
            The model.
        schema_change
            Whether it may take other input, or give other classes, than the version that serves.

        Raises
        ------
        ArtifactError
            If the model cannot be served, is of another problem than the version that serves, or than all versions
            where nothing says which one serves, takes other input or gives other classes and may not, its version is in
            the store with other content, or the disk refuses; nothing is copied in then.
        """
        model = read_model(Path(model_folder))
        Predictor.of_files(model.manifest, model.contents)
        version = model.manifest.version
        check_version(version, f"the version of {model_folder}")
        try:
            self._versions.mkdir(parents=True, exist_ok=True)
            sync_folder(self.folder)
        except OSError as error:
            raise self._unwritable(error) from error
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

    def promote(self, version: str, *, instead_of: str | None = None, schema_change: bool = False) -> Promotion | None:
        """Let a version serve, after verifying it as every load does; the one that serves already stays so.

        It is held against the version that serves. Where that cannot be read, the latest one takes its place that
        served before and can be; where there is none either, its input and classes are compared with nothing, and
        `Promotion.notes` says so, since promoting is what repairs a store. It has to be of the problem of one of the
        versions that are there all the same.

        Parameters
        ----------
        version
            Its name.
        instead_of
            The version that must serve until then; None for any.
        schema_change
            Whether it may take other input, or give other classes, than the version that serves.

        Returns
        -------
        Promotion or None
            None where another one than `instead_of` serves meanwhile, which goes on.

        Raises
        ------
        ArtifactError
            If it cannot be served, is of another problem than the version that serves, or takes other input or gives
            other classes and nobody said that it may, or the disk refuses; what served goes on then.
        """
        with self._writing():
            manifest = self.load(version).manifest
            current, served, notes = find_serving(self, but=version)
            if instead_of is not None and (current is None or current.version != instead_of):
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
        """Let the version serve that served before the current one; again goes back further.

        It served before, so that it may take other input, give other classes, and even be of another problem:
        `Promotion.changes` says so.

        Raises
        ------
        ArtifactError
            If there is none, or it cannot be served any more, or the disk refuses.
        """
        with self._writing():
            found = self.read_current()
            if found is None or not found.previous:
                msg = "no version served before the current one: promote one by its name"
                raise StoreError(msg)
            *previous, version = found.previous
            try:
                manifest = self.load(version).manifest
            except ArtifactError as error:
                msg = f"version {version}, which served before, cannot be served ({error}): promote another by its name"
                raise StoreError(msg) from error
            changes, notes = changes_of_going_back(self, found.version, manifest)
            write_current(self.folder, version, tuple(previous))
            return Promotion(version, found.version, changes, notes)

    def prune(self, keep: int, *, dry_run: bool = False) -> list[str]:
        """Remove old versions, and return them, oldest number first.

        The one that serves stays, as do the `keep` newest by number and those of the last `keep` promotions before it.
        `rollback` goes back as far as no version was removed.

        Parameters
        ----------
        keep
            How many, at least one.
        dry_run
            Whether nothing is removed.

        Raises
        ------
        StoreError
            If what says which version serves is damaged, or the disk refuses; doing it again completes it.
        """
        if keep < 1:
            msg = f"expected one version or more to keep, found {keep}"
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
            msg = f"version {version} in the store is a link: remove it"
            raise StoreError(msg)
        try:
            there = self.read(version)
        except ArtifactError:
            return False
        if there.written != model.written:
            msg = f"version {version} is in the store with other content, and never changes: give the model another one"
            raise StoreError(msg)
        return True

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Wait until no other process writes, and clear away what one left that was killed."""
        self.versions()  # or there is no store
        try:
            descriptor = open_regular(self.folder / LOCK, os.O_RDWR | os.O_CREAT, mode=0o666)
            try:
                if not lock(descriptor):
                    msg = f"the file system of the store {self.folder} has no locks, which keep two writers apart"
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
