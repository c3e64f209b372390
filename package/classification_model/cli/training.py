"""The commands before there is a model: ``init``, ``process`` and ``train``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from classification_model.cli.json_output import AsJson, print_json, trained, up_to_date
from classification_model.cli.logging_setup import set_up_logging
from classification_model.cli.options import Delimiter, Sheet, SkipRows, known_encoding
from classification_model.cli.training_summary import next_command, training_summary
from classification_model.errors import InputError, require_extra
from classification_model.runtime.model_folder.file_layout import FileLayout
from classification_model.runtime.system.durable import replace_file
from classification_model.tables.formats import STANDARD_STREAM

RecordFile = Annotated[
    Path | None,
    typer.Option(envvar="RUN_RECORDS", help="File of JSON lines to which the record of the run is appended."),
]


def process(
    output: Annotated[
        str, typer.Option(help="Where the processed rows go: a Parquet file, or a URL of a file or a table.")
    ],
    *,
    config: Annotated[Path | None, typer.Option(help="Config file. Default: the packaged one.")] = None,
    source: Annotated[str | None, typer.Option(help="File or URL of the raw data, instead of data.source.")] = None,
    drop_bad_rows: Annotated[
        bool, typer.Option("--drop-bad-rows", help="Drop and count rows that break a rule, instead of an error.")
    ] = False,
    record: RecordFile = None,
    as_json: AsJson = False,
) -> None:
    """Check and cast raw data, and write a table to train on."""
    if as_json and output == STANDARD_STREAM:
        msg = "expected another --output than - with --json, which standard output is for: name a file"
        raise InputError(msg)
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
    if as_json:
        print_json(done.model_dump(mode="json"))
        return
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
    as_json: AsJson = False,
) -> None:
    """Train a model from a config, evaluate it and save it.

    Shows on standard error what it does; prints the metrics, the candidates and the next command.
    """
    with require_extra("train", "training"):
        from classification_model.cli.progress import shown_progress
        from classification_model.config.core import PACKAGED_CONFIG, load_config
        from classification_model.config.settings import read_settings
    settings = read_settings()
    set_up_logging(settings)
    problem = load_config(config or PACKAGED_CONFIG)
    output = output or settings.model_output
    if output is None and config is not None:
        msg = "expected an output folder for the model of --config, found none: set --output or MODEL_OUTPUT"
        raise InputError(msg)
    with shown_progress(as_records=settings.log_format == "json") as progress:
        progress.step("loading the libraries")
        with require_extra("train", "training"):
            from classification_model.train_pipeline import run_training
            from classification_model.training.folder_names import model_folder
            from classification_model.training.up_to_date import is_current
        folder = model_folder(problem, output)
        if if_changed and is_current(problem, folder, source):
            report = None
        else:
            report = run_training(
                problem,
                output=output,
                source=source,
                replace=replace,
                progress=progress,
                jobs=settings.jobs,
                record=record,
            )
    if report is None:
        print_json(up_to_date(folder)) if as_json else typer.echo(f"{folder} is up to date")
    elif as_json:
        print_json(trained(report, next_command(report, source)))
    else:
        typer.echo(training_summary(report, next_command(report, source)))


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
    as_json: AsJson = False,
) -> None:
    """Draft a commented config.yml from a table."""
    with require_extra("train", "drafting a config"):
        from classification_model.cli.progress import shown_progress
        from classification_model.tables.locations import locate
    if output.exists() and not force:
        msg = f"{output} exists: set another --output, or replace it with --force"
        raise InputError(msg)
    folder = output.resolve().parent
    layout = FileLayout(delimiter=delimiter, encoding=encoding, skip_rows=skip_rows, sheet=sheet)
    with shown_progress() as progress:
        progress.step("loading the libraries")
        with require_extra("train", "drafting a config"):
            from classification_model.processing.draft import draft_config
        progress.step(f"reading {locate(data).name} and finding out what its columns are")
        text = draft_config(
            data, target, folder, target_bins=target_bins, drop_unlabelled=drop_unlabelled, layout=layout
        )
    try:
        replace_file(output, text.encode())
    except OSError as error:
        msg = f"{output} cannot be written: {error.strerror}"
        raise InputError(msg) from error
    next_step = f"classification-model train --config {shlex.quote(str(output))} --output models"
    if as_json:
        print_json({"config": str(output), "source": locate(data).name, "target": target, "next": next_step})
    else:
        typer.echo(f"{output} drafted: read and correct it, then run {next_step}")
