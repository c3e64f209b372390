"""What ``train`` prints at its end: metrics, candidates, what was left out, the report and the next command."""

from __future__ import annotations

import shlex
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from classification_model.runtime.model_folder.manifest import Manifest
    from classification_model.training.model_selection import Selection
    from classification_model.training.training_report import TrainingReport

#: Skipped settings that are printed.
_MOST_SKIPPED = 8


def training_summary(report: TrainingReport, next_step: str) -> str:
    """Say in some lines what was made, how good it is, and how to go on."""
    from classification_model.audit.wording import warnings_of
    from classification_model.evaluation.metrics import METRICS
    from classification_model.processing.left_out_rows import describe_left_out
    from classification_model.reporting.model_in_words import classes_in_words

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
    lines += _leaderboard(report)
    lines += _left_out(selection, is_limited=report.data.config.training.trials is None)
    lines += _compilation_lines(manifest)
    return "\n".join(
        [
            *lines,
            *warnings_of(report.audit),
            f"saved in {report.folder} after {report.seconds:.0f} s",
            f"report: {_report_page(report.folder)}",
            f"next: {next_step}",
        ]
    )


def next_command(report: TrainingReport, source: str | None) -> str:
    """Return the command that predicts the training table with the model, or a table to be named."""
    from classification_model.runtime.model_folder.packaged import packaged_model
    from classification_model.tables.locations import resolved

    config = report.data.config
    table = resolved(config.data.source, config.folder) if source is None else source
    with suppress(ValueError):
        table = str(Path(table).relative_to(Path.cwd()))
    options = [] if report.folder == packaged_model() else ["--model", str(report.folder)]
    named = "TABLE.csv" if "://" in table else table  # a URL may hold a password
    return shlex.join(["classification-model", "predict", named, *options, "--output", "predictions.csv"])


def _report_page(folder: Path) -> Path:
    return folder / "reports" / "report.html"


def _leaderboard(report: TrainingReport) -> list[str]:
    """Return the best setting of each candidate, best first."""
    training, board = report.data.config.training, report.selection.leaderboard()
    width = max(len(trial.candidate) for trial in board)
    lines = [
        f"candidates, the best setting of each, on {training.folds} folds:",
        f"  {'':<{width}}   {training.metric:>17}   seconds to fit   microseconds to predict a row",
    ]
    for trial in board:
        times = f"{trial.fit_seconds:14.2f}   {trial.predict_microseconds:29.1f}"
        lines.append(f"  {trial.candidate:<{width}}   {trial.scores[training.metric]:17.4f}   {times}")
    return lines


def _left_out(selection: Selection, *, is_limited: bool) -> list[str]:
    """Say which settings were not tried, and which key makes training try them."""
    lines = []
    if selection.cut_short:
        named = [f"{name} {_spelled(setting)}".strip() for name, setting in selection.skipped[:_MOST_SKIPPED]]
        more = len(selection.skipped) - len(named)
        lines.append(
            f"training.budget_seconds ended after {len(selection.trials)} of {selection.planned} trials: "
            "another run may choose another setting; raise it to try"
        )
        lines += [f"  {name}" for name in (*named, *([f"and {more} more"] if more else []))]
    if is_limited and selection.planned < selection.possible:
        lines.append(
            f"{selection.planned} of {selection.possible} settings are tried, by the size of the table: set "
            "training.trials to try more"
        )
    return lines


def _spelled(setting: dict[str, object]) -> str:
    return " ".join(f"{name}={value}" for name, value in setting.items())


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
