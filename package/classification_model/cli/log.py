"""The command that copies the prediction log to a database or to Parquet files: ``log ship``."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Annotated

import typer

from classification_model.cli.json_output import AsJson, print_json
from classification_model.cli.options import LogFolder
from classification_model.cli.signals import ending_after, ending_orderly
from classification_model.errors import InputError, require_extra

if TYPE_CHECKING:
    from classification_model.shipping.shipper import Shipped

_LONGEST = 24 * 60 * 60

log_commands = typer.Typer(
    help="Copy the prediction log to a database or to files.", no_args_is_help=True, rich_markup_mode=None
)


@log_commands.command()
def ship(
    *,
    log: LogFolder,
    to: Annotated[
        str,
        typer.Option(
            envvar="LOG_SHIP_TO",
            help="Table of a database, as postgresql://host/name#table; or a folder for Parquet files, as a path or "
            "URL with / at the end. Set a URL with a password in the environment, not on the command line.",
        ),
    ],
    follow: Annotated[bool, typer.Option("--follow", help="Go on until SIGTERM or Ctrl-C.")] = False,
    every: Annotated[
        float | None,
        typer.Option(help="With --follow, seconds between two looks. Default: 5, or 300 for Parquet files."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Copy the predictions and labels of a log to a database or to Parquet files.

    Each record is copied exactly once, however often the command runs or is killed. With --follow, an outage of the
    target is waited for; without it, the command ends with 2, and the next run continues.
    """
    with require_extra("batch", "shipping a log"):
        from classification_model.shipping.shipper import ship as ship_log
        from classification_model.shipping.targets import target_of
    if every is not None and not 0 < every <= _LONGEST:
        msg = f"--every: expected seconds, more than 0 and at most {_LONGEST}, found {every:g}"
        raise InputError(msg)
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=logging.WARNING)
    target = target_of(to)
    if follow:
        with ending_after() as ending:
            seconds = target.every if every is None else every
            shipped = ship_log(log, target, follow=seconds, is_ending=ending.is_asked, wait=ending.wait)
    else:
        with ending_orderly():
            shipped = ship_log(log, target)
    if as_json:
        print_json({"target": target.name, "predictions": shipped.predictions, "labels": shipped.labels})
    else:
        typer.echo(_summary(shipped, target.name))


def _summary(shipped: Shipped, name: str) -> str:
    return f"shipped {shipped.predictions} predictions and {shipped.labels} labels to {name}"
