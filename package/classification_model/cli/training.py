"""The commands before there is a model: ``init``, ``process`` and ``train``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from classification_model.cli.logging_setup import set_up_logging
from classification_model.cli.options import Delimiter, Sheet, SkipRows, known_encoding
from classification_model.errors import InputError, require_extra
from classification_model.runtime.model_folder.file_layout import FileLayout
from classification_model.runtime.system.durable import replace_file
from classification_model.tables.formats import STANDARD_STREAM

if TYPE_CHECKING:
    from classification_model.runtime.model_folder.manifest import Manifest
    from classification_model.training.training_report import TrainingReport


RecordFile = Annotated[
    Path | None,
    typer.Option(envvar="RUN_RECORDS", help="File of JSON lines to which the record of the run is appended."),
]


def process(
    output: Annotated[
        str, typer.Option(help="Where the processed rows go: a Parquet file, or a URL of a file or a table.")
    ],
    config: Annotated[Path | None, typer.Option(help="Config file. Default: the packaged one.")] = None,
    source: Annotated[str | None, typer.Option(help="File or URL of the raw data, instead of data.source.")] = None,
    drop_bad_rows: Annotated[
        bool, typer.Option("--drop-bad-rows", help="Drop and count rows that break a rule, instead of an error.")
    ] = False,
    record: RecordFile = None,
) -> None:
    """Check and cast raw data, and write a table to train on."""
    with require_extra("train", "processing data"):
        from classification_model.config.core import PACKAGED_CONFIG, load_config
        from classification_model.processing.data_pipeline import process_data
        from classification_model.processing.run_records import append_record, check_appendable
    if record is not None:
        check_appendable(record)
    done = process_data(source, output, load_config(config or PACKAGED_CONFIG), drop_bad_rows=drop_bad_rows)
    if record is not None:
        append_record(record, done)
    is_output_shown = output == STANDARD_STREAM
    rows = f"{done.rows_out} of {done.rows_in} rows of {done.source}"
    typer.echo(f"{rows} written to {done.sink} in {done.seconds:.1f} s", err=is_output_shown)
    for reason, count in done.dropped.items():
        typer.echo(f"dropped {count}: {reason}", err=is_output_shown)


def train(
    *,
    config: Annotated[Path | None, typer.Option(help="Config file. Default: the packaged one.")] = None,
    output: Annotated[Path | None, typer.Option(help="Folder in which the model folder is made.")] = None,
    source: Annotated[
        str | None, typer.Option(help="File or URL of the table to train on, instead of data.source.")
    ] = None,
    if_changed: Annotated[
        bool, typer.Option("--if-changed", help="Do nothing if the model folder is intact and would come out the same.")
    ] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Replace another model of the same version.")] = False,
    record: RecordFile = None,
) -> None:
    """Train a model from a config, evaluate it and save it."""
    with require_extra("train", "training"):
        from classification_model.cli.progress import progress_bars
        from classification_model.config.core import PACKAGED_CONFIG, load_config
        from classification_model.config.settings import read_settings
        from classification_model.train_pipeline import model_folder, run_training
        from classification_model.training.up_to_date import is_current
    settings = read_settings()
    set_up_logging(settings)
    problem = load_config(config or PACKAGED_CONFIG)
    output = output or settings.model_output
    if output is None and config is not None:
        msg = "expected an output folder for the model of --config, found none: set --output or MODEL_OUTPUT"
        raise InputError(msg)
    folder = model_folder(problem, output)
    if if_changed and is_current(problem, folder, source):
        typer.echo(f"{folder} is up to date")
        return
    with progress_bars() as progress:
        report = run_training(
            problem,
            output=output,
            source=source,
            replace=replace,
            progress=progress,
            jobs=settings.jobs,
            record=record,
        )
    typer.echo(_summary(report))


def _summary(report: TrainingReport) -> str:
    from classification_model.audit.wording import warnings_of
    from classification_model.evaluation.metrics import METRICS
    from classification_model.processing.left_out_rows import describe_left_out
    from classification_model.reporting.training_reports import classes_in_words

    manifest, selection = report.manifest, report.selection
    lines = [
        f"{manifest.name}, version {manifest.version}: {manifest.estimator}, best of {len(selection.trials)} trials",
        f"metrics on {len(report.data.holdout)} held-out rows, with 95% intervals:",
    ]
    for name in METRICS:
        metric = manifest.metrics[name]
        lines.append(f"  {name:<18} {metric.value:.4f}   {metric.low:.4f} to {metric.high:.4f}")
    if left_out := describe_left_out(manifest.left_out):
        lines.append(f"rows left out: {left_out}")
    if manifest.target_edges:
        lines.append(f"classes: {classes_in_words(manifest)}")
    if selection.cut_short:
        lines.append(
            f"training.budget_seconds ended after {len(selection.trials)} of {selection.planned} trials: "
            "another run may choose another setting"
        )
    lines += _compilation_lines(manifest)
    lines += warnings_of(report.audit)
    return "\n".join([*lines, f"saved in {report.folder} after {report.seconds:.0f} s"])


def _compilation_lines(manifest: Manifest) -> list[str]:
    parity = manifest.parity
    if parity is None:
        return [f"not compiled, so predicting needs the extra [train]: {manifest.not_compiled}"]
    rows = f"{parity.training_rows} training rows and {parity.generated_rows} generated ones"
    lines = [f"compiled: on {rows} it differs from the pipeline by at most {parity.largest_difference:.1e}"]
    if manifest.portable is None:
        lines.append(f"no model for other runtimes: {manifest.not_portable}")
    elif manifest.portable_inputs:
        lines.append(f"{manifest.portable} takes derived columns as input: {', '.join(manifest.portable_inputs)}")
    return lines


def init(
    data: Annotated[str, typer.Argument(help="CSV, Parquet or JSON file, or a URL of a file, a table or a query.")],
    *,
    target: Annotated[str, typer.Option(help="Column to predict.")],
    target_bins: Annotated[
        int | None, typer.Option(min=2, max=20, help="Divide a number into so many classes of about the same size.")
    ] = None,
    drop_unlabelled: Annotated[
        bool, typer.Option("--drop-unlabelled", help="Draft that rows without a target are left out.")
    ] = False,
    output: Annotated[Path, typer.Option(help="Config file to write.")] = Path("config.yml"),
    delimiter: Delimiter = None,
    encoding: Annotated[
        str | None, typer.Option(callback=known_encoding, help="Encoding of a CSV file. Default: guessed.")
    ] = None,
    skip_rows: SkipRows = None,
    sheet: Sheet = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing config.")] = False,
) -> None:
    """Draft a commented config.yml from a table."""
    with require_extra("train", "drafting a config"):
        from classification_model.processing.draft import draft_config
    if output.exists() and not force:
        msg = f"{output} exists: set another --output, or replace it with --force"
        raise InputError(msg)
    folder = output.resolve().parent
    layout = FileLayout(delimiter=delimiter, encoding=encoding, skip_rows=skip_rows, sheet=sheet)
    text = draft_config(data, target, folder, target_bins=target_bins, drop_unlabelled=drop_unlabelled, layout=layout)
    try:
        replace_file(output, text.encode())
    except OSError as error:
        msg = f"{output} cannot be written: {error.strerror}"
        raise InputError(msg) from error
    next_step = f"classification-model train --config {shlex.quote(str(output))} --output models"
    typer.echo(f"{output} drafted: read and correct it, then run {next_step}")
