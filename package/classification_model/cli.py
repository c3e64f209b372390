"""The command line: ``classification-model train | init | verify | predict``."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from classification_model.artifact import package_version
from classification_model.errors import ClassificationModelError, InputError, VerificationError, require_extra

if TYPE_CHECKING:
    from classification_model.config.settings import Settings
    from classification_model.training_report import TrainingReport

EXIT_NO = 1
EXIT_ERROR = 2

app = typer.Typer(
    help="Turn a table into a classification model that verifies itself.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def main() -> None:
    """Run the command line; an error of this package is one line on standard error and exit code 2."""
    try:
        app()
    except VerificationError as error:
        _complain(error)
        sys.exit(EXIT_NO if sys.argv[1:2] == ["verify"] else EXIT_ERROR)
    except ClassificationModelError as error:
        _complain(error)
        sys.exit(EXIT_ERROR)
    except BrokenPipeError:  # whoever read our output has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(EXIT_ERROR)


def _complain(error: ClassificationModelError) -> None:
    typer.echo(f"error: {error}", err=True)


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
    """Options of the whole command."""


@app.command()
def train(
    config: Annotated[Path | None, typer.Option(help="Problem file; the packaged one when left out.")] = None,
    output: Annotated[Path | None, typer.Option(help="Folder to make the model folder in.")] = None,
    source: Annotated[str | None, typer.Option(help="Table to learn from instead of the config's.")] = None,
    if_changed: Annotated[
        bool, typer.Option("--if-changed", help="Do nothing when the same model is there, whole.")
    ] = False,
) -> None:
    """Train, judge and save a model."""
    with require_extra("train", "training"):
        from classification_model.config.core import PACKAGED_CONFIG, load_config
        from classification_model.config.settings import read_settings
        from classification_model.progress import progress_bars
        from classification_model.train_pipeline import is_current, model_folder, run_training
    settings = read_settings()
    _set_up_logging(settings)
    problem = load_config(config or PACKAGED_CONFIG)
    output = output or settings.model_output
    if output is None and config is not None:
        msg = "a config of your own needs a folder for its model: name one with --output, or set MODEL_OUTPUT"
        raise InputError(msg)
    folder = model_folder(problem, output)
    if if_changed and is_current(problem, folder, source):
        typer.echo(f"{folder} is up to date")
        return
    with progress_bars() as progress:
        report = run_training(problem, output=output, source=source, progress=progress, jobs=settings.jobs)
    typer.echo(_summary(report))


def _summary(report: TrainingReport) -> str:
    from classification_model.evaluation import METRICS

    manifest, selection = report.manifest, report.selection
    lines = [
        f"{manifest.name}, version {manifest.version}: {manifest.estimator}, best of {len(selection.trials)} trials",
        f"on {len(report.data.holdout)} rows held out, with 95 % intervals:",
    ]
    for name in METRICS:
        metric = manifest.metrics[name]
        lines.append(f"  {name:<18} {metric.value:.4f}   {metric.low:.4f} to {metric.high:.4f}")
    if selection.cut_short:
        lines.append(
            f"the budget of seconds ended after {len(selection.trials)} of {selection.planned} trials: "
            "a rerun may choose another setting"
        )
    return "\n".join([*lines, f"saved in {report.folder} after {report.seconds:.0f} s"])


@app.command()
def init(
    data: Annotated[str, typer.Argument(help="CSV, Parquet or JSON file.")],
    target: Annotated[str, typer.Option(help="Column to predict.")],
    output: Annotated[Path, typer.Option(help="Config file to write.")] = Path("config.yml"),
    force: Annotated[bool, typer.Option("--force", help="Replace a config that is there.")] = False,
) -> None:
    """Draft a commented config.yml from a table."""
    with require_extra("train", "drafting a config"):
        from classification_model.draft import draft_config
    if output.exists() and not force:
        msg = f"{output} is there already: choose another --output, or replace it with --force"
        raise InputError(msg)
    text = draft_config(data, target, output.resolve().parent)
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        msg = f"{output} cannot be written: {error.strerror}"
        raise InputError(msg) from error
    typer.echo(f"{output} is drafted: read it, then classification-model train --config {output} --output models")


@app.command()
def verify(
    folder: Annotated[Path | None, typer.Argument(help="Model folder; the packaged model when left out.")] = None,
) -> None:
    """Say whether a model is what it was when it was made: exit code 0 for yes, 1 for no."""
    with require_extra("train", "verifying before the compiled runtime exists"):
        from classification_model.verification import verify as verify_folder
    verification = verify_folder(folder)
    manifest = verification.manifest
    typer.echo(
        f"yes: {manifest.name}, version {manifest.version}: {len(manifest.files)} files and "
        f"{len(manifest.golden_rows)} golden rows hold"
        + (
            f", and {verification.installed_files} files of the installed package"
            if verification.installed_files
            else ""
        )
    )
    for note in verification.notes:
        typer.echo(f"note: {note}")


@app.command()
def predict(
    file: Annotated[str, typer.Argument(help="CSV, Parquet or JSON file; - for CSV on standard input.")],
    output: Annotated[
        str, typer.Option(help="File to write, format by its suffix; - for CSV on standard output.")
    ] = "-",
    model: Annotated[Path | None, typer.Option(help="Model folder; the packaged model when left out.")] = None,
    delimiter: Annotated[str, typer.Option(help="Delimiter of a CSV input.")] = ",",
) -> None:
    """Predict every row of a file: its columns, then prediction, probabilities, warnings and errors."""
    with require_extra("train", "predicting before the compiled runtime exists"):
        from classification_model.predict import Predictor
        from classification_model.processing.sources import format_of, read_table, write_table
    format_of(output)
    table = read_table(file, delimiter=delimiter)
    predictor = Predictor.load(model)
    answer = predictor.predict(table)
    added = _answer_columns(answer, predictor.manifest.classes)
    clash = next((name for name in added if name in table.columns), None)
    if clash is not None:
        msg = f"{file} has a column {clash!r}, which the answer would add: rename or remove it"
        raise InputError(msg)
    for name, values in added.items():
        table[name] = values
    write_table(table, output)
    rejected = sum(prediction is None for prediction in answer["predictions"])
    if rejected:
        typer.echo(f"{rejected} of {len(table)} rows could not be predicted: see the column errors", err=True)


def _answer_columns(answer: dict[str, Any], classes: tuple[str, ...]) -> dict[str, list[Any]]:
    rows = range(len(answer["predictions"]))
    columns: dict[str, list[Any]] = {"prediction": answer["predictions"]}
    for label in classes:
        columns[f"probability_{label}"] = [None if row is None else row[label] for row in answer["probabilities"]]
    for key in ("warnings", "errors"):
        texts: dict[int, list[str]] = {}
        for issue in answer[key] or ():
            concerned = rows if issue["row"] is None else [issue["row"]]
            for row in concerned:
                texts.setdefault(row, []).append(f"{issue['field']}: {issue['message']}")
        columns[key] = ["; ".join(texts[row]) if row in texts else None for row in rows]
    return columns


def _set_up_logging(settings: Settings) -> None:
    handler = logging.StreamHandler()
    if settings.log_format == "json":
        from pythonjsonlogger.json import JsonFormatter

        handler.setFormatter(JsonFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    else:
        handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=settings.log_level, handlers=[handler])
