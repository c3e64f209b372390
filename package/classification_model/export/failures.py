"""Failures of export: whatever a converter does not expect is told as what it was converting."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from classification_model.errors import ExportError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def naming(what: str) -> Iterator[None]:
    """Name what is converted in the error of its conversion, so that training can go on without a compiled model.

    Parameters
    ----------
    what
        What is converted, such as "the pipeline's step 'scale'".

    Raises
    ------
    ExportError
        If anything fails inside the block.
    """
    try:
        yield
    except Exception as error:
        reason = str(error) if isinstance(error, ExportError) else f"{type(error).__name__}: {error}"
        msg = f"{what} cannot be compiled: {reason}"
        raise ExportError(msg) from error
