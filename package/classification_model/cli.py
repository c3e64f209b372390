"""The command line: ``classification-model train | init | verify | predict | wheel``."""

from __future__ import annotations

import io
import logging
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from classification_model.artifact import package_version
from classification_model.errors import ClassificationModelError, InputError, VerificationError, require_extra

if TYPE_CHECKING:
    from classification_model.config.settings import Settings
    from classification_model.manifest import Manifest
    from classification_model.training_report import TrainingReport

EXIT_NO = 1
EXIT_ERROR = 2

_Delimiter = Annotated[str | None, typer.Option(help="Delimiter of a CSV file; found from its header when left out.")]


class _Commands(TyperGroup):
    """The commands, which end without a word, and not with the 1 that means no, when nobody reads on."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            _abandon_output()
            raise typer.Exit(EXIT_ERROR) from None


app = typer.Typer(
    cls=_Commands,
    help="Turn a table into a classification model that verifies itself.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def main() -> None:
    """Run the command line; a fault is a line on standard error and exit code 2, a model that does not hold is 1."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal may not know every letter of a class
    try:
        app()
    except VerificationError as error:
        _complain(str(error))
        sys.exit(EXIT_NO if sys.argv[1:2] == ["verify"] else EXIT_ERROR)
    except ClassificationModelError as error:
        _complain(str(error))
        sys.exit(EXIT_ERROR)
    except OSError as error:  # such as a full disk behind standard output
        _abandon_output()
        _complain(": ".join(str(part) for part in (error.filename, error.strerror or error) if part))
        sys.exit(EXIT_ERROR)


def _complain(faults: str) -> None:
    for fault in faults.splitlines():
        typer.echo(f"error: {fault}", err=True)


def _abandon_output() -> None:
    """Send what is left for standard output nowhere, so that Python does not fail on it at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(package_version())
        raise typer.Exit


def _known_encoding(name: str | None) -> str | None:
    with require_extra("train", "reading a table"):
        from classification_model.config.sections import check_encoding
    try:
        return None if name is None else check_encoding(name)
    except ValueError as error:
        msg = f"--encoding: expected {error}, found {name!r}"
        raise InputError(msg) from error


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
    lines.append(_parity_line(manifest))
    return "\n".join([*lines, f"saved in {report.folder} after {report.seconds:.0f} s"])


def _parity_line(manifest: Manifest) -> str:
    parity = manifest.parity
    if parity is None:
        return f"not compiled, so only the workshop can predict with it: {manifest.not_compiled}"
    return (
        f"compiled: {parity.training_rows} training rows and {parity.generated_rows} generated ones differ from the "
        f"pipeline by {parity.largest_difference:.1e} at most"
    )


@app.command()
def init(
    data: Annotated[str, typer.Argument(help="CSV, Parquet or JSON file.")],
    *,
    target: Annotated[str, typer.Option(help="Column to predict.")],
    output: Annotated[Path, typer.Option(help="Config file to write.")] = Path("config.yml"),
    delimiter: _Delimiter = None,
    encoding: Annotated[
        str | None, typer.Option(callback=_known_encoding, help="Encoding of a CSV file; guessed when left out.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a config that is there.")] = False,
) -> None:
    """Draft a commented config.yml from a table."""
    with require_extra("train", "drafting a config"):
        from classification_model.draft import draft_config
    if output.exists() and not force:
        msg = f"{output} is there already: choose another --output, or replace it with --force"
        raise InputError(msg)
    text = draft_config(data, target, output.resolve().parent, delimiter=delimiter, encoding=encoding)
    beside = output.with_name(f".{output.name}.{os.getpid()}.new")
    try:
        try:
            beside.write_text(text, encoding="utf-8")
            beside.replace(output)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        msg = f"{output} cannot be written: {error.strerror}"
        raise InputError(msg) from error
    next_step = f"classification-model train --config {shlex.quote(str(output))} --output models"
    typer.echo(f"{output} is drafted: read it, then {next_step}")


@app.command()
def verify(
    folder: Annotated[Path | None, typer.Argument(help="Model folder; the packaged model when left out.")] = None,
) -> None:
    """Say whether a model is what it was when made.

    Exit code 0 for yes, 1 for no, 2 when there is no model to verify.
    """
    from classification_model.verification import verify as verify_folder

    verification = verify_folder(folder)
    typer.echo(f"yes: {verification.summary}")
    for note in verification.notes:
        typer.echo(f"note: {note}")


@app.command()
def predict(
    file: Annotated[str, typer.Argument(help="CSV, Parquet or JSON file; - for CSV on standard input.")],
    output: Annotated[
        str, typer.Option(help="File to write, format by its suffix; - for CSV on standard output.")
    ] = "-",
    model: Annotated[Path | None, typer.Option(help="Model folder; the packaged model when left out.")] = None,
    delimiter: _Delimiter = None,
    encoding: Annotated[str, typer.Option(callback=_known_encoding, help="Encoding of a CSV file.")] = "utf-8",
) -> None:
    """Predict every row of a file.

    Writes its columns, then prediction, probabilities, warnings and errors, in the file's order of rows.
    """
    with require_extra("train", "predicting a table"):
        from classification_model.processing.pipeline_model import load_predictor
        from classification_model.processing.sources import (
            format_of,
            parse_table,
            read_bytes,
            sniff_delimiter,
            write_table,
        )
    format_of(file)
    format_of(output)
    content = read_bytes(file)
    delimiter = sniff_delimiter(content, encoding) if delimiter is None else delimiter
    table = parse_table(content, file, delimiter=delimiter, encoding=encoding)
    predictor = load_predictor(model)
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
    if answer["errors"]:
        first = answer["errors"][0]
        typer.echo(
            f"{rejected} of {len(table)} rows could not be predicted, see the column errors; "
            f"the first is {first['field']}: {first['message']}",
            err=True,
        )


@app.command()
def wheel(
    folder: Annotated[Path, typer.Argument(help="Model folder.")],
    *,
    name: Annotated[str, typer.Option(help="Name to install the model by, such as churn-model.")],
    output: Annotated[Path, typer.Option(help="Folder to put the wheel in.")] = Path("dist"),
    version: Annotated[str | None, typer.Option(help="Version of the wheel; the model's when left out.")] = None,
    description: Annotated[str | None, typer.Option(help="One line on what the model predicts.")] = None,
    author: Annotated[str | None, typer.Option(help="Name, or 'Name <address>'.")] = None,
    license_expression: Annotated[str | None, typer.Option("--license", help="SPDX licence, such as MIT.")] = None,
) -> None:
    """Pack a model as a wheel of its own."""
    from classification_model.wheel.build import build_wheel

    path = build_wheel(
        folder,
        name,
        output=output,
        version=version,
        description=description,
        author=author,
        license_expression=license_expression,
    )
    typer.echo(f"{path} is built: pip install {shlex.quote(str(path))}")


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
