"""Errors of export, with the name of what was being converted."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from classification_model.errors import ExportError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def naming(what: str) -> Iterator[None]:
    """Raise any error inside the block as an `ExportError` that names what is converted.

    So training can go on without a compiled model.

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
        reason = str(error) if isinstance(error, ExportError) else _describe(error)
        msg = f"{what} cannot be compiled: {reason}"
        raise ExportError(msg) from error


def _describe(error: Exception) -> str:
    return f"its converter failed ({type(error).__name__}: {error})"
