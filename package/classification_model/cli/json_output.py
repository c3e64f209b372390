"""The JSON that commands print with ``--json``: one document on standard output, described in docs/commands.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from classification_model.batch.predict_file import Outcome
    from classification_model.runtime.store.promotion_checks import Promotion
    from classification_model.training.model_selection import Trial
    from classification_model.training.training_report import TrainingReport

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def print_json(document: Any) -> None:
    """Print a document; a dataclass is printed as an object, a path as a text."""
    import orjson

    typer.echo(orjson.dumps(document, default=str, option=orjson.OPT_INDENT_2).decode())


def trained(report: TrainingReport, next_command: str) -> dict[str, Any]:
    """Describe a training."""
    from classification_model.audit.wording import in_words  # the extra [train] brings what it needs

    manifest, selection = report.manifest, report.selection
    metric = report.data.config.training.metric
    return {
        "trained": True,
        "folder": str(report.folder),
        "name": manifest.name,
        "version": manifest.version,
        "estimator": manifest.estimator,
        "parameters": manifest.parameters,
        "rows": len(report.data.train),
        "held_out": len(report.data.holdout),
        "left_out": manifest.left_out.model_dump(),
        "metrics": {name: value.model_dump() for name, value in manifest.metrics.items()},
        "metric": metric,
        "leaderboard": [candidate(trial, metric) for trial in selection.leaderboard()],
        "trials": len(selection.trials),
        "skipped": [{"candidate": name, "parameters": setting} for name, setting in selection.skipped],
        "compiled": manifest.compiled is not None,
        "warnings": [in_words(finding) for finding in report.audit],
        "report": str(report.folder / "reports" / "report.html"),
        "seconds": report.seconds,
        "next": next_command,
    }


def candidate(trial: Trial, metric: str) -> dict[str, Any]:
    """Describe the best trial of a candidate."""
    return {
        "candidate": trial.candidate,
        "parameters": trial.setting,
        "score": trial.scores[metric],
        "deviation": trial.deviation,
        "fit_seconds": trial.fit_seconds,
        "predict_microseconds": trial.predict_microseconds,
    }


def up_to_date(folder: object) -> dict[str, Any]:
    """Describe a training that was not needed."""
    return {"trained": False, "folder": str(folder)}


def predicted(files: Iterable[tuple[str, Outcome | None]], output: str) -> dict[str, Any]:
    """Describe the prediction of some files: each with its outcome, None for one that was complete before."""
    files = list(files)
    outcomes = [outcome for _, outcome in files if outcome is not None]
    return {
        "output": output,
        "rows": sum(outcome.rows for outcome in outcomes),
        "rejected": sum(outcome.rejected for outcome in outcomes),
        "files": [
            {"file": name, "complete_before": True}
            if outcome is None
            else {
                "file": name,
                "complete_before": False,
                "rows": outcome.rows,
                "rejected": outcome.rejected,
                "reason": outcome.reason,
                "unseen": outcome.unseen,
                "notes": list(outcome.notes),
            }
            for name, outcome in files
        ],
    }


def promoted(promotion: Promotion) -> dict[str, Any]:
    """Describe which version is current from now on."""
    return {
        "version": promotion.version,
        "previous": promotion.previous,
        "changes": list(promotion.changes),
        "notes": list(promotion.notes),
    }


def pruned(removed: Sequence[str], *, dry_run: bool) -> dict[str, Any]:
    """Describe which versions were removed, or would be."""
    return {"removed": list(removed), "dry_run": dry_run}
