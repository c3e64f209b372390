"""Programs whose errors are one line each on standard error."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping

import classification_model as cm
import typer

#: Exit code of an error.
EXIT_ERROR = 2


def run_program(program: Callable[[], object], exit_codes: Mapping[type[Exception], int] | None = None) -> None:
    """Run a program; print its error to standard error, without a traceback.

    Parameters
    ----------
    program
        The program.
    exit_codes
        Exit codes of some errors. The others end with 2.
    """
    logging.getLogger("psycopg").setLevel(logging.ERROR)  # its warnings repeat the reason of the error
    try:
        program()
    except cm.errors.ClassificationModelError as error:
        for line in str(error).splitlines():
            typer.echo(f"error: {line}", err=True)
        sys.exit((exit_codes or {}).get(type(error), EXIT_ERROR))
