"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from classification_model.batch.added_columns import check_prefix
from classification_model.errors import InputError, StoreError
from classification_model.tables.formats import check_encoding

Delimiter = Annotated[str | None, typer.Option(help="Delimiter of a CSV file. Default: guessed from its header.")]
SkipRows = Annotated[
    int | None, typer.Option(min=0, help="Lines above the header of a file. Default: found in the file.")
]
Sheet = Annotated[str | None, typer.Option(help="Sheet of a workbook. Default: the first one.")]
LogFolder = Annotated[Path, typer.Option(envvar="LOG_FOLDER", help="Folder of the prediction log.")]
ServedModel = Annotated[
    Path | None, typer.Option(help="Model folder. Default: the store's current version, or the packaged model.")
]
ServingStore = Annotated[
    Path | None, typer.Option(envvar="MODEL_STORE", help="Model store; its current version is used.")
]


def known_encoding(name: str | None) -> str | None:
    """Return the name of an encoding, if Python has it.

    Raises
    ------
    InputError
        If Python has no encoding of that name.
    """
    try:
        return None if name is None else check_encoding(name)
    except ValueError as error:
        msg = f"--encoding: expected {error}, found {name!r}"
        raise InputError(msg) from error


def known_prefix(prefix: str | None) -> str | None:
    """Return a prefix of column names.

    Raises
    ------
    InputError
        If it is none.
    """
    try:
        return None if prefix is None else check_prefix(prefix)
    except ValueError as error:
        msg = f"--prefix: expected {error}, found {prefix!r}"
        raise InputError(msg) from error


def serving_folder(model: Path | None, store: Path | None) -> Path:
    """Return the given model folder, or else the current version of the store, or else the packaged model.

    Raises
    ------
    StoreError
        If the store has no current version.
    """
    from classification_model.runtime.model_folder.packaged import packaged_model
    from classification_model.runtime.store.reader import StoreReader

    if model is not None or store is None:
        return model or packaged_model()
    models = StoreReader(store)
    version = models.current()
    if version is None:
        msg = f"the store {store} has no current version: promote one, or set --model"
        raise StoreError(msg)
    return models.path(version)
