"""The command line: `classification-api serve`, `settings`, `hash-key`."""

from __future__ import annotations

import getpass
import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from app.keys import hash_key
from app.settings import SettingsError, read_settings

#: How long requests in hand may take to be answered once the server is told to stop, in seconds.
GRACE = 8

commands = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


@commands.callback()
def _about() -> None:
    """Serve a classification model over HTTP."""


@commands.command()
def serve(
    model: Annotated[
        str | None, typer.Argument(help="A model folder, or an installed package; left out, the packaged model.")
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 8002,
    workers: Annotated[int, typer.Option(min=1, max=256, help="Number of processes.")] = 1,
) -> None:
    """Serve a model until the process is told to stop; requests in hand are answered first."""
    import uvicorn  # noqa: PLC0415 - so that --help is quick

    if model is not None:
        os.environ.pop("MODEL_FOLDER", None)
        os.environ.pop("MODEL_PACKAGE", None)
        os.environ["MODEL_FOLDER" if os.sep in model or Path(model).is_dir() else "MODEL_PACKAGE"] = model
    _check_settings()
    uvicorn.run(
        "app.main:app",
        host=host,
        port=port,
        workers=workers,
        http="app.protocol:LimitedProtocol",
        ws="none",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE,
    )


@commands.command()
def settings() -> None:
    """Print the settings as the environment makes them, without secrets."""
    _check_settings()
    for name, value in read_settings().public().items():
        typer.echo(f"{name}={'' if value is None else json.dumps(value)}")


@commands.command("hash-key")
def hash_key_() -> None:
    """Read an API key from standard input, and print the hash that API_KEY_HASHES takes."""
    key = getpass.getpass("key: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    if len(key) < 16:
        typer.echo("error: expected a key of at least 16 characters", err=True)
        raise typer.Exit(2)
    typer.echo(hash_key(key.encode()))


def _check_settings() -> None:
    try:
        read_settings()
    except SettingsError as error:
        for line in str(error).splitlines():
            typer.echo(f"error: {line}", err=True)
        raise typer.Exit(2) from None


def main() -> None:
    """Run the command line."""
    commands()
