"""The command that copies a registered model of MLflow into a store: ``store pull``."""

from __future__ import annotations

from typing import Annotated

import typer

from classification_model.cli.json_output import AsJson, print_json
from classification_model.cli.store import RecordFolder, Store, make_current

store_commands = typer.Typer(
    help="Copy a registered model of MLflow into a store.", no_args_is_help=True, rich_markup_mode=None
)


@store_commands.command()
def pull(
    model: Annotated[
        str,
        typer.Argument(
            help="mlflow://NAME/VERSION or mlflow://NAME@ALIAS, such as 'mlflow://Titanic survival@champion'. "
            "The environment variable MLFLOW_TRACKING_URI has the address of the server."
        ),
    ],
    store: Store,
    *,
    promote: Annotated[bool, typer.Option("--promote", help="Make it the current version.")] = False,
    log: RecordFolder = None,
    schema_change: Annotated[
        bool,
        typer.Option("--schema-change", help="Allow other input columns or classes than those of the current version."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Copy a registered model of MLflow into a store, verified as promote does.

    The API serves it once it is current: with --promote, or by promote.
    """
    from classification_model.runtime.store.store import ModelStore
    from classification_model.tracking.pull import pull_model

    models = ModelStore(store)
    version = pull_model(model, models, schema_change=schema_change or not promote)
    if promote:
        make_current(models, version, log=log, schema_change=schema_change, as_json=as_json)
    elif as_json:
        print_json({"version": version})
    else:
        typer.echo(f"version {version} is in the store {store}: promote it with classification-model promote {version}")
