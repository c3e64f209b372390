"""The command that reports on a model in operation: ``monitor``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from classification_model.cli.json_output import AsJson
from classification_model.cli.options import LogFolder, ServedModel, ServingStore, serving_folder
from classification_model.errors import DataError, InputError, require_extra
from classification_model.runtime.log.line_files import files_of

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

    from classification_model.monitoring.performance import Estimate
    from classification_model.monitoring.report import MonitoringReport
    from classification_model.runtime.model_folder.manifest import Manifest

#: Width of what is printed where there is no terminal.
_WIDTH = 110
_MOST_WINDOWS = 12


def monitor(
    log: LogFolder,
    *,
    model: ServedModel = None,
    store: ServingStore = None,
    window: Annotated[
        str | None,
        typer.Option(help="Size of a window: predictions or time, such as 500, 12h or 7d. Default: the model's."),
    ] = None,
    recent: Annotated[
        str | None,
        typer.Option(help="Report on the newest predictions only: their number or time, such as 500, 12h or 7d."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Folder for monitoring.json and monitoring.html. Default: the log folder.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Report on a model in operation from its log.

    Prints tables of quality, drift and windows, and writes the report as a page and as JSON.

    Exit code 0 whatever is found, 2 for errors.
    """
    with require_extra("train", "monitoring"):
        from classification_model.monitoring.monitor import monitor as measure
        from classification_model.monitoring.page import write_monitoring
        from classification_model.monitoring.windows import read_window
        from classification_model.retraining.check import read_labelled_log
        from classification_model.runtime.model_folder.artifact import read_manifest
    for spelling in (window, recent):
        if spelling is not None:
            read_window(spelling)
    manifest = read_manifest(serving_folder(model, store))
    found = read_labelled_log(log, manifest)
    if output is None:
        _check_problem(found.frame, log, manifest)
    report = measure(found.frame, manifest, window=window, recent=recent, notes=found.notes)
    paths = write_monitoring(report, manifest, log if output is None else _made(output))
    if as_json:
        typer.echo(report.to_json(), nl=False)
    else:
        _print(report)
        typer.echo(f"written: {paths[0]} and {paths[1]}")


def _check_problem(frame: pd.DataFrame, log: Path, manifest: Manifest) -> None:
    """Refuse to write a report into a folder that is not a log of this problem, lest it replaces another report."""
    if frame.empty and not files_of(log, "predictions"):
        msg = f"expected a log folder with predictions, found none in {log}: correct --log, or set --output"
        raise DataError(msg)
    others = sorted({str(name) for name in frame["model"]} - {manifest.name}) if len(frame) else []
    if others and manifest.name not in set(frame["model"]):
        msg = (
            f"expected predictions of {manifest.name!r} in {log}, found those of {', '.join(map(repr, others[:5]))}: "
            "set --model or --store, or set --output for a report without predictions"
        )
        raise DataError(msg)


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"--output: {folder} cannot be made: {error.strerror}"
        raise InputError(msg) from error
    return folder


def _print(report: MonitoringReport) -> None:
    from rich.console import Console

    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = _WIDTH
    console.print(
        f"{report.model}, version {report.version}: {report.predictions} predictions, {report.labels} of them labelled"
    )
    if report.first is not None:
        console.print(f"from {report.first:%Y-%m-%d %H:%M} to {report.last:%Y-%m-%d %H:%M} UTC")
        for table in (_quality(report), _drift(report), _windows(report)):
            console.print(table)
    for note in report.notes:
        typer.echo(f"note: {note}")


def _table(title: str, *columns: str) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for place, column in enumerate(columns):
        table.add_column(column, justify="right" if place else "left", overflow="fold")
    return table


def _quality(report: MonitoringReport) -> Table:
    table = _table("Quality", "measure", "value", "95% interval", "rows")
    for name, one in (("accuracy", report.accuracy), ("expected accuracy", report.expected_accuracy)):
        table.add_row(name, *_estimate(one), str(one.count if one else 0))
    for name in ("roc_auc", "log_loss", "brier", "calibration_error"):
        table.add_row(name.replace("_", " "), _number(getattr(report, name)), "", str(report.labels))
    return table


def _drift(report: MonitoringReport) -> Table:
    from rich.text import Text

    table = _table("Drift", "feature", "rows", "PSI", "p, corrected", "missing before", "missing now", "drifted")
    for kind, rows in (("", report.drift), ("probability of ", report.prediction_drift)):
        for row in rows:
            table.add_row(
                Text(f"{kind}{row.feature}"),
                str(row.count),
                _number(row.psi),
                _number(row.adjusted_p_value, ".2g"),
                _number(row.missing_before),
                _number(row.missing_now),
                "yes" if row.drifted else "no",
            )
    return table


def _windows(report: MonitoringReport) -> Table:
    shown = report.windows[-_MOST_WINDOWS:]
    of = f"the newest {len(shown)} of {len(report.windows)}, " if len(shown) < len(report.windows) else ""
    table = _table(
        f"Windows of {report.window}, {of}in UTC", "from", "to", "rows", "labels", "accuracy", "interval", "expected"
    )
    for one in shown:
        table.add_row(
            f"{one.start:%Y-%m-%d %H:%M}",
            f"{one.end:%Y-%m-%d %H:%M}",
            str(one.predictions),
            str(one.labels),
            *_estimate(one.accuracy),
            _estimate(one.expected_accuracy)[0],
        )
    return table


def _estimate(one: Estimate | None) -> tuple[str, str]:
    return ("-", "") if one is None else (f"{one.value:.3f}", f"{one.low:.3f} to {one.high:.3f}")


def _number(value: float | None, pattern: str = ".3f") -> str:
    return "-" if value is None else format(value, pattern)
