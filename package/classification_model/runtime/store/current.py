"""The file that names the current version of a model store, and the rule for names of versions."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path
from typing import Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from classification_model.errors import ArtifactError, StoreError
from classification_model.runtime.model_folder.artifact import VERSION_PATTERN, open_regular_file
from classification_model.runtime.system.clock import spell_utc
from classification_model.runtime.system.durable import replace_file

CURRENT = "CURRENT"
LARGEST_CURRENT = 2**20
#: So many versions before the current one are remembered.
MOST_PREVIOUS = 100
LONGEST_VERSION = 128

_VERSION = re.compile(VERSION_PATTERN)


class Current(BaseModel):
    """The current version of a store.

    Attributes
    ----------
    format_version
        Version of the document's format.
    version
        The current version.
    promoted
        Time of its promotion (RFC 3339, UTC).
    previous
        Versions that were current before, the latest last; `ModelStore.rollback` goes back to them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format_version: Literal[1] = 1
    version: str
    promoted: str
    previous: tuple[str, ...] = Field((), max_length=MOST_PREVIOUS)

    def without(self, removed: Collection[str]) -> Current:
        """Return the same with those versions before it that came after the last removed one."""
        latest_first = takewhile(lambda version: version not in removed, reversed(self.previous))
        return self.model_copy(update={"previous": tuple(latest_first)[::-1]})


def read_current(folder: Path) -> Current | None:
    """Return the current version of a store; None if none was promoted yet.

    Raises
    ------
    StoreError
        If the file that names it is damaged, or cannot be read.
    """
    try:
        (folder / CURRENT).lstat()
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        msg = f"{CURRENT} of the store cannot be read: {getattr(error, 'strerror', error)}"
        raise StoreError(msg) from error
    try:
        with open_regular_file(folder, CURRENT, LARGEST_CURRENT) as file:
            found = Current.model_validate_json(file.read())
    except (ArtifactError, ValidationError, OSError) as error:
        reason = "" if isinstance(error, ValidationError) else f" ({error})"
        msg = f"{CURRENT} of the store is damaged{reason}: promote a version"
        raise StoreError(msg) from error
    for version in (found.version, *found.previous):
        check_version(version, CURRENT)
    return found


def write_current(folder: Path, version: str, previous: tuple[str, ...]) -> None:
    """Make a version of a store current.

    Parameters
    ----------
    folder
        The store, which no other process writes meanwhile.
    version
        The version.
    previous
        The versions before it, the latest last.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    promoted = spell_utc(datetime.now(UTC), "seconds")
    replace_current(folder, Current(version=version, promoted=promoted, previous=previous))


def replace_current(folder: Path, document: Current) -> None:
    """Write the document that says which version of a store serves; see `write_current`."""
    content = orjson.dumps(document.model_dump(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    replace_file(folder / CURRENT, content)


def is_version(name: str) -> bool:
    """Tell whether a name is that of a version, and so safe as the name of a folder."""
    return len(name) <= LONGEST_VERSION and _VERSION.fullmatch(name) is not None


def check_version(name: str, where: str) -> None:
    """Refuse a name that is not a valid version.

    Parameters
    ----------
    name
        The name.
    where
        Where it was found, for the message.

    Raises
    ------
    StoreError
        If it is not a valid version.
    """
    if not is_version(name):
        msg = f"{where}: expected a PEP 440 version such as 1.2.0, found {name[:LONGEST_VERSION]!r}"
        raise StoreError(msg)
