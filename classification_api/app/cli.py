"""The command line: `classification-api serve`, `settings`, `hash-key`."""

from __future__ import annotations

import getpass
import json
import os
import socket
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from app.keys import hash_key
from app.settings import SettingsError, read_settings
from app.version import api_version

#: Seconds that requests in progress have to finish after a shutdown signal.
GRACE = 8

commands = typer.Typer(
    help="Serve a classification model over HTTP.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def _show_version(is_wanted: bool) -> None:
    if is_wanted:
        typer.echo(api_version())
        raise typer.Exit


@commands.callback()
def _about(
    _: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Options before any command."""


@commands.command()
def serve(
    model: Annotated[
        str | None, typer.Argument(help="Model folder, or installed package with a model. Default: the packaged model.")
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 picks a free one.")] = 8002,
    workers: Annotated[int, typer.Option(min=1, max=256, help="Number of worker processes.")] = 1,
) -> None:
    """Serve a model until the process is told to stop.

    On SIGINT or SIGTERM, requests in progress finish first.
    """
    import uvicorn  # noqa: PLC0415 - so that --help is quick

    from app.connections.draining import SupervisedConfig  # noqa: PLC0415
    from app.workers import Workers  # noqa: PLC0415

    if model is not None:
        _choose(model)
    _check_settings()
    _check_port(host, port)
    options: dict[str, Any] = {
        "host": host,
        "port": port,
        "http": "app.protocol:LimitedProtocol",
        "ws": "none",
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,
        "timeout_graceful_shutdown": GRACE,
    }
    if workers > 1:
        Workers(SupervisedConfig("app.main:app", workers=workers, **options), read_settings().drain_seconds).run()
    else:
        uvicorn.run("app.main:app", workers=1, **options)


@commands.command()
def settings(*, as_json: AsJson = False) -> None:
    """Print the settings read from the environment, without secrets."""
    _check_settings()
    if as_json:
        typer.echo(json.dumps(read_settings().public(), indent=2))
        return
    for name, value in read_settings().public().items():
        typer.echo(f"{name}={'' if value is None else json.dumps(value)}")


@commands.command("hash-key")
def hash_key_(*, as_json: AsJson = False) -> None:
    """Print the hash of an API key.

    The key is read from standard input; the hash is for API_KEY_HASHES.
    """
    key = getpass.getpass("key: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    if len(key) < 16:
        _fail("expected a key of at least 16 characters")
    hashed = hash_key(key.encode())
    typer.echo(json.dumps({"hash": hashed}, indent=2) if as_json else hashed)


def _choose(model: str) -> None:
    """Verify a model and select it in the environment; fail on a bad model before the server starts.

    A name without a slash is a package if one is installed, else a folder.
    """
    from classification_model.errors import ClassificationModelError  # noqa: PLC0415 - so that --help is quick
    from classification_model.predict import Predictor  # noqa: PLC0415

    from app.served_models import find_model  # noqa: PLC0415

    is_package = model.isidentifier() and find_spec(model) is not None
    if not is_package and not Path(model).is_dir():
        _fail(f"expected a model folder or an installed package, found neither at {model}")
    for name in ("MODEL_FOLDER", "MODEL_PACKAGE", "MODEL_STORE", "MODEL_STORE_POLLING", "SHADOW_VERSION"):
        os.environ.pop(name, None)
    os.environ["MODEL_PACKAGE" if is_package else "MODEL_FOLDER"] = model
    _check_settings()
    folder = find_model(read_settings())
    try:
        Predictor.load(folder)
    except ClassificationModelError as error:
        _fail(f"{folder} cannot be served: {error}")


def _check_port(host: str, port: int) -> None:
    """Fail if the port is taken, before the model is loaded."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind((host, port))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        _fail(f"cannot listen on {host}, port {port}: {reason}; choose another with --host or --port")


def _fail(message: str) -> NoReturn:
    typer.echo(f"error: {message}", err=True)
    raise typer.Exit(2)


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
