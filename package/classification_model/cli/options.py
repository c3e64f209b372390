"""Options that several commands have."""

from __future__ import annotations

from typing import Annotated

import typer

from classification_model.batch.formats import check_encoding
from classification_model.errors import InputError

Delimiter = Annotated[str | None, typer.Option(help="Delimiter of a CSV file; found from its header when left out.")]


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
