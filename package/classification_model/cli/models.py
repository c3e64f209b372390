"""The commands on one model folder: ``verify`` and ``wheel``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from classification_model.cli.exit_codes import EXIT_NO
from classification_model.cli.json_output import AsJson, print_json
from classification_model.errors import VerificationError


def verify(
    folder: Annotated[Path | None, typer.Argument(help="Model folder. Default: the packaged model.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Verify the files and the predictions of a model.

    Compares files with their hashes, and predictions for the golden rows with the recorded ones. Exit code 0 if they
    are the same, 1 if not, 2 if there is no model to verify.
    """
    from classification_model.runtime.verification import verify as verify_folder

    try:
        verification = verify_folder(folder)
    except VerificationError as error:
        if not as_json:
            raise
        print_json({"holds": False, "summary": str(error), "notes": []})
        raise typer.Exit(EXIT_NO) from error
    if as_json:
        print_json({"holds": True, "summary": verification.summary, "notes": list(verification.notes)})
        return
    typer.echo(f"yes: {verification.summary}")
    for note in verification.notes:
        typer.echo(f"note: {note}")


def wheel(
    folder: Annotated[Path, typer.Argument(help="Model folder.")],
    *,
    name: Annotated[str, typer.Option(help="Name of the distribution, such as churn-model.")],
    output: Annotated[Path, typer.Option(help="Folder to put the wheels in.")] = Path("dist"),
    version: Annotated[str | None, typer.Option(help="Version of the model's wheel. Default: the model's.")] = None,
    description: Annotated[str | None, typer.Option(help="One line on what the model predicts.")] = None,
    author: Annotated[str | None, typer.Option(help="Name, or 'Name <address>'.")] = None,
    license_expression: Annotated[str | None, typer.Option("--license", help="SPDX licence, such as MIT.")] = None,
    as_json: AsJson = False,
) -> None:
    """Build a wheel from a model folder, and one of its runtime.

    The runtime is this package without its own model. Prints the command that installs both by path.
    """
    from classification_model.runtime.wheel.build import build_wheel
    from classification_model.runtime.wheel.runtime_wheel import read_runtime

    runtime = read_runtime()  # first: what fails here leaves no wheel
    path = build_wheel(
        folder,
        name,
        output=output,
        version=version,
        description=description,
        author=author,
        license_expression=license_expression,
    )
    paths = [str(path), str(runtime.write(output))]
    install = f"pip install {shlex.join(paths)}"
    if as_json:
        print_json({"wheel": paths[0], "runtime": paths[1], "install": install})
    else:
        typer.echo(f"{path} is built: {install}")
