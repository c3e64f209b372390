"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from classification_model.errors import InputError, StoreError
from classification_model.tables.formats import check_encoding

Delimiter = Annotated[str | None, typer.Option(help="Delimiter of a CSV file; found from its header when left out.")]
LogFolder = Annotated[Path, typer.Option(envvar="LOG_FOLDER", help="Folder of the prediction log.")]
ServedModel = Annotated[
    Path | None, typer.Option(help="Model folder; the packaged model when neither it nor a store is named.")
]
ServingStore = Annotated[Path | None, typer.Option(envvar="MODEL_STORE", help="Store whose current version is meant.")]


def known_encoding(name: str | None) -> str | None:
    """Return the name of an encoding that Python knows.

    Raises
    ------
    InputError
        If it knows none that is called so.
    """
    try:
        return None if name is None else check_encoding(name)
    except ValueError as error:
        msg = f"--encoding: expected {error}, found {name!r}"
        raise InputError(msg) from error


def serving_folder(model: Path | None, store: Path | None) -> Path:
    """Return the model folder that is meant: the named one, else the store's current version, else the packaged model.

    Raises
    ------
    StoreError
        If no version in the store was promoted yet.
    """
    from classification_model.runtime.model_folder.packaged import packaged_model
    from classification_model.runtime.store.reader import StoreReader

    if model is not None or store is None:
        return model or packaged_model()
    models = StoreReader(store)
    version = models.current()
    if version is None:
        msg = f"no version in {store} was promoted yet: promote one, or name a model folder with --model"
        raise StoreError(msg)
    return models.path(version)
