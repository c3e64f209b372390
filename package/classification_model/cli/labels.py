"""The command that adds true labels to logged predictions: ``labels join``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from classification_model.cli.json_output import AsJson, print_json
from classification_model.cli.options import (
    Delimiter,
    LogFolder,
    ServedModel,
    ServingStore,
    Sheet,
    SkipRows,
    known_encoding,
    serving_folder,
)
from classification_model.errors import require_extra
from classification_model.runtime.input.schema import DEFAULT_MISSING_VALUES
from classification_model.runtime.model_folder.file_layout import FileLayout

if TYPE_CHECKING:
    from classification_model.labels.joining import JoinReport

labels = typer.Typer(help="Add true labels to logged predictions.", no_args_is_help=True, rich_markup_mode=None)


@labels.command()
def join(
    source: Annotated[
        str,
        typer.Argument(
            envvar="LABELS_URL",
            help="File or URL of a table with keys and labels; of a database, postgresql://host/name#table or "
            "?query=SELECT ... at the end. Set a URL with a password in the environment, not on the command line.",
        ),
    ],
    *,
    log: LogFolder,
    key: Annotated[str, typer.Option(help="Column that identifies the predictions.")],
    label: Annotated[str, typer.Option(help="Column of the labels.")],
    by: Annotated[
        Literal["index", "prediction_id"],
        typer.Option(help="What --key holds: your index of each row, or the id of each prediction."),
    ] = "index",
    model: ServedModel = None,
    store: ServingStore = None,
    config: Annotated[
        Path | None, typer.Option(help="Config file, whose data.classes and marks of missing values are used.")
    ] = None,
    delimiter: Delimiter = None,
    encoding: Annotated[
        str | None, typer.Option(callback=known_encoding, help="Encoding of a CSV file. Default: utf-8.")
    ] = None,
    skip_rows: SkipRows = None,
    sheet: Sheet = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be added, and add nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Add labels from a file or database to the predictions in a log.

    Labels that are in the log already are not added again.
    """
    with require_extra("train", "joining labels"):
        from classification_model.config.core import load_config
        from classification_model.labels.joining import join_labels
        from classification_model.labels.sources import LabelSource
        from classification_model.runtime.model_folder.artifact import read_manifest
    manifest = read_manifest(serving_folder(model, store))
    data = None if config is None else load_config(config).data
    is_binned = data is not None and data.target_bins is not None
    layout = FileLayout(delimiter=delimiter, encoding=encoding, skip_rows=skip_rows, sheet=sheet)
    report = join_labels(
        log,
        LabelSource(source, key, label, layout),
        by=by,
        classes=manifest.classes,
        model=manifest.name,
        dry_run=dry_run,
        raw_values=manifest.label_values if data is None or is_binned else data.classes,
        target_edges=manifest.target_edges if data is None or is_binned else (),
        missing_values=DEFAULT_MISSING_VALUES if data is None else data.missing_values,
        written=manifest.label_format if data is None else data.written,
    )
    if as_json:
        print_json(report)
    else:
        typer.echo(summary(report, manifest.label_reader().accepted, dry_run=dry_run))


def summary(report: JoinReport, accepted: str, *, dry_run: bool = False) -> str:
    """Say in a few lines what was joined.

    Parameters
    ----------
    report
        What `join_labels` returned.
    accepted
        Labels that are read; see `LabelReader.accepted`.
    dry_run
        Whether nothing was added.
    """
    verb = "would be added" if dry_run else "added"
    labelled = f"{report.labelled} of {report.predictions} predictions"
    lines = [
        f"{report.matched} of {report.rows} rows of {report.source} match {labelled}",
        f"{report.appended} labels {verb} to the log, {report.present} were there already",
    ]
    raw_values = "if these are other raw values, use labels join with --config"
    counts = {"rows without a key": report.without_key, "rows without a label": report.without_label}
    lines += [f"{count} {text}" for text, count in counts.items() if count]
    named = {
        "rows whose key matches no prediction; keys": report.unknown_keys,
        f"rows whose label is not one of {accepted} ({raw_values}); keys": report.unknown_classes,
        "rows that contradict an earlier row of the same key, of which the last counts; keys": report.conflicts,
    }
    lines += [f"{found.count} {text}: {', '.join(found.first)}" for text, found in named.items() if found.count]
    return "\n".join([*lines, *(f"log: {fault}" for fault in report.faults)])
