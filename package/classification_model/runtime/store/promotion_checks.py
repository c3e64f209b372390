"""Checks before another version of a store becomes current: its problem, input columns and classes."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from classification_model.errors import ArtifactError, StoreError
from classification_model.runtime.store.current import CURRENT
from classification_model.runtime.store.schema_changes import schema_changes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from classification_model.runtime.model_folder.manifest import Manifest
    from classification_model.runtime.store.current import Current
    from classification_model.runtime.store.reader import StoreReader

#: So many changes stand in an error.
_MOST_CHANGES = 5


class Promotion(NamedTuple):
    """The result of a promotion or rollback.

    Attributes
    ----------
    version
        The version that is current now.
    previous
        The version that was current before; None if there was none, or it is unknown.
    changes
        Changes of the input columns and classes, a line each. If `ModelStore.rollback` goes back to a model of
        another problem, the first line says so.
    notes
        What the version could not be compared with, and why.
    """

    version: str
    previous: str | None
    changes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class Serving(NamedTuple):
    """What serves, and what another model is held against.

    Attributes
    ----------
    current
        Which version serves; None where none does, or nothing says which.
    manifest
        What another model is held against; None for nothing.
    notes
        Why that is not the manifest of the version that serves.
    """

    current: Current | None
    manifest: Manifest | None
    notes: tuple[str, ...] = ()


def find_serving(store: StoreReader, *, but: str | None = None) -> Serving:
    """Find out what another model is held against: the version that serves, or the latest before it that can be read.

    Nothing that is damaged is an error, since promoting is what repairs it.

    Parameters
    ----------
    store
        The store.
    but
        A version that is not held against itself, where it served before.
    """
    try:
        current = store.read_current()
    except StoreError:
        note = f"{CURRENT} was damaged, so that the version before is unknown: input columns and classes not compared"
        return Serving(None, None, (note,))
    if current is None:
        return Serving(None, None)
    for version in dict.fromkeys((current.version, *reversed(current.previous))):
        if version == but:
            continue
        with suppress(ArtifactError):
            manifest = store.read_manifest(version)
            if version == current.version:
                return Serving(current, manifest)
            note = f"version {current.version}, current until now, cannot be read: compared with {version} before it"
            return Serving(current, manifest, (note,))
    note = (
        f"neither version {current.version}, current until now, nor one before it can be read: input columns and "
        "classes not compared"
    )
    return Serving(current, None, (note,))


def check_problem(store: StoreReader, manifest: Manifest, served: Manifest | None) -> None:
    """Refuse a model of another problem than the one that the store is for.

    That is the problem of what serves. Where nothing serves, or nothing says what, it is one of those that the versions
    in the store are of; the model itself, which may be there already, does not count.

    Parameters
    ----------
    store
        The store.
    manifest, served
        Of the model, and of what it is held against; None for nothing.

    Raises
    ------
    StoreError
        If it is one, naming the problems.
    """
    problems = stored_problems(store, but=manifest) if served is None else {served.name}
    if problems and manifest.name not in problems:
        msg = (
            f"expected a model of {', '.join(map(repr, sorted(problems)))} for this store, found version "
            f"{manifest.version} of {manifest.name!r}: use another store"
        )
        raise StoreError(msg)


def stored_problems(store: StoreReader, *, but: Manifest | None = None) -> set[str]:
    """Return what the versions in a store are models of, as far as they can be read, apart from one model."""
    found = set()
    for version in store.versions():
        with suppress(ArtifactError):
            manifest = store.read_manifest(version)
            if but is None or manifest.digest != but.digest:
                found.add(manifest.name)
    return found


def check_changes(manifest: Manifest, served: Manifest | None, *, schema_change: bool) -> tuple[str, ...]:
    """Return where a model takes other input, or gives other classes, than the one that serves.

    Parameters
    ----------
    manifest, served
        Of the model, and of the one that serves.
    schema_change
        Whether it may.

    Raises
    ------
    StoreError
        If it does and may not, naming the first changes.
    """
    changes = () if served is None else schema_changes(served, manifest)
    if served is not None and changes and not schema_change:
        msg = (
            f"version {manifest.version} has other input columns or classes than {served.version} "
            f"({join_changes(changes)}): if its clients know that, promote it with --schema-change"
        )
        raise StoreError(msg)
    return changes


def changes_of_going_back(
    store: StoreReader, current: str, manifest: Manifest
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what is different once a version serves that served before, and what cannot be said of it.

    Parameters
    ----------
    store
        The store.
    current
        The version that serves until then.
    manifest
        Of the version that is gone back to.
    """
    try:
        served = store.read_manifest(current)
    except ArtifactError:
        return (), (f"version {current}, current until now, cannot be read: input columns and classes not compared",)
    problem = [] if served.name == manifest.name else [f"problem: {served.name} -> {manifest.name}"]
    return (*problem, *schema_changes(served, manifest)), ()


def join_changes(changes: Sequence[str]) -> str:
    """Return changes on one line, the first of many."""
    more = f"; and {len(changes) - _MOST_CHANGES} more" if len(changes) > _MOST_CHANGES else ""
    return "; ".join(changes[:_MOST_CHANGES]) + more
