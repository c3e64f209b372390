"""The command line, ``classification-model``: each command is in the module that is imported for it below.

A command imports what it needs when it runs, so that ``--help`` is quick and the error for a missing extra names it.
"""

from __future__ import annotations

import atexit
import io
import os
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from classification_model.cli.eda import eda
from classification_model.cli.exit_codes import EXIT_ERROR, EXIT_NO
from classification_model.cli.labels import labels
from classification_model.cli.log import log_commands
from classification_model.cli.models import verify, wheel
from classification_model.cli.monitoring import monitor
from classification_model.cli.prediction import predict
from classification_model.cli.registry import store_commands
from classification_model.cli.retraining import retrain, retrain_check
from classification_model.cli.signals import exit_code
from classification_model.cli.store import list_versions, promote, prune, rollback, show
from classification_model.cli.training import init, process, train
from classification_model.errors import ClassificationModelError, RejectionError, VerificationError
from classification_model.runtime.model_folder.packaged import package_version

__all__ = ["app", "main", "run"]


#: The order of the commands in the help: that of the work, from a table to a model that is retrained.
WORKFLOW = (
    *("init", "eda", "train", "process", "verify", "predict", "wheel"),
    *("promote", "rollback", "list", "show", "prune", "store"),
    *("labels", "log", "monitor", "retrain-check", "retrain"),
)


class _Commands(TyperGroup):
    """The commands, in the order of the work, with exit codes of their own for an interrupt and a closed pipe."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of the commands in the order of the help."""
        return sorted(super().list_commands(ctx), key=WORKFLOW.index)

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # and not with the 1 that means no
            _abandon_output()
            raise typer.Exit(EXIT_ERROR) from None
        except KeyboardInterrupt as error:
            _complain(str(error) or "interrupted")
            raise typer.Exit(exit_code(error)) from None


app = typer.Typer(
    cls=_Commands,
    help="Train a classification model from a table, verify it, predict with it, and monitor and retrain it.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for command in (
    train,
    init,
    eda,
    process,
    verify,
    predict,
    wheel,
    promote,
    rollback,
    prune,
    show,
    monitor,
    retrain_check,
    retrain,
):
    app.command()(command)
app.command("list")(list_versions)
app.add_typer(store_commands, name="store")
app.add_typer(labels, name="labels")
app.add_typer(log_commands, name="log")


def run() -> None:
    """Run the command line as a program, and end the process without the exit handlers of native libraries.

    Arrow's own threads can still run when those handlers free what the threads use, which aborts the process now and
    then, after the work is done (https://github.com/apache/arrow/issues/34314).
    """
    end = SystemExit(EXIT_NO)  # what Python gives for an exception that nothing catches
    atexit.register(lambda: _end_process(end.code))  # registered first, so it is called last
    try:
        main()
        end = SystemExit(0)
    except SystemExit as asked:
        end = asked
        raise


def _end_process(code: Any) -> None:
    """Flush what was printed, then end the process at once with the exit code of a `SystemExit`."""
    number = code if isinstance(code, int) else int(code is not None)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:  # such as a full disk
            number = number or EXIT_ERROR
        except (ValueError, AttributeError):  # closed, or never there
            pass
    os._exit(number)


def main() -> None:
    """Run the command line: an error is a line on standard error and exit code 2; `verify` exits with 1 for no.

    So does `predict` for too many rows in error.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal may not know every letter of a class
    try:
        app()
    except VerificationError as error:
        _complain(str(error))
        sys.exit(EXIT_NO if sys.argv[1:2] == ["verify"] else EXIT_ERROR)
    except ClassificationModelError as error:
        _settle_output()
        _complain(str(error))
        sys.exit(EXIT_NO if isinstance(error, RejectionError) else EXIT_ERROR)
    except OSError as error:  # such as a full disk behind standard output
        _abandon_output()
        _complain(": ".join(str(part) for part in (error.filename, error.strerror or error) if part))
        sys.exit(EXIT_ERROR)


def _complain(faults: str) -> None:
    for fault in faults.splitlines():
        typer.echo(f"error: {fault}", err=True)


def _settle_output() -> None:
    """Write what is left for standard output, or nothing where it takes no more."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except (OSError, ValueError):
        _abandon_output()


def _abandon_output() -> None:
    """Send what is left for standard output nowhere, so that Python does not fail on it at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(package_version())
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Options before any command."""
