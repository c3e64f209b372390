"""Programs that end with one line on standard error."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import classification_model as cm
import psycopg
import typer

from data_science.connections import reason_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import URL


@contextmanager
def failing(url: URL, doing: str) -> Iterator[None]:
    """Turn an error of the database into one line, without the password.

    Parameters
    ----------
    url
        The database.
    doing
        What cannot be done, such as ``the load``.

    Raises
    ------
    DataError
        For any error of psycopg in the block.
    """
    try:
        yield
    except psycopg.Error as error:
        msg = f"{doing} failed: {reason_of(error, url)}: run it again once that is mended"
        raise cm.errors.DataError(msg) from None


def run(program: Callable[[], None]) -> None:
    """Run a program: an error of ours is a line on standard error and exit code 2."""
    logging.getLogger("psycopg").setLevel(logging.ERROR)  # what it warns of comes with the error that is told
    try:
        program()
    except cm.errors.ClassificationModelError as error:
        for line in str(error).splitlines():
            typer.echo(f"error: {line}", err=True)
        sys.exit(2)
