"""The commands that decide whether a model is to be retrained, and that retrain it: ``retrain-check``, ``retrain``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from classification_model.cli.options import LogFolder, ServedModel, ServingStore, serving_folder
from classification_model.errors import require_extra

if TYPE_CHECKING:
    from classification_model.retrain_pipeline import RetrainingReport
    from classification_model.retraining.decision import RetrainingDecision

_EXIT_CODES = {"yes": 10, "no": 0, "wait": 20}


def retrain_check(
    log: LogFolder,
    *,
    model: ServedModel = None,
    store: ServingStore = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the decision as JSON.")] = False,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="End with 10 for yes, 0 for no and 20 for wait, instead of 0 for each.")
    ] = False,
) -> None:
    """Say whether a model is to be retrained.

    The verdict is put on record with its evidence.

    Exit code 0 whatever is decided, but with --exit-code; 2 for faults.
    """
    with require_extra("train", "the decision to retrain"):
        from datetime import UTC, datetime

        import orjson

        from classification_model.retraining.check import check_retraining, read_labelled_log
        from classification_model.runtime.model_folder.artifact import read_manifest
    manifest = read_manifest(serving_folder(model, store))
    decision, notes = check_retraining(log, read_labelled_log(log, manifest), manifest, datetime.now(UTC))
    if as_json:
        typer.echo(orjson.dumps(decision.as_dict(), option=orjson.OPT_INDENT_2).decode())
    else:
        typer.echo(_text(decision))
        for note in notes:
            typer.echo(f"note: {note}")
    if exit_code:
        raise typer.Exit(_EXIT_CODES[decision.retrain])


def retrain(
    log: LogFolder,
    store: Annotated[Path, typer.Option(envvar="MODEL_STORE", help="Store of the model that serves.")],
    *,
    config: Annotated[Path | None, typer.Option(help="Problem file; the packaged one when left out.")] = None,
    source: Annotated[str | None, typer.Option(help="Table to learn from instead of the config's.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Train whatever retrain-check says.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what became of it as JSON.")] = False,
) -> None:
    """Retrain the model that serves, if need be.

    Where that is called for, it trains another one, compares both, and lets the better one serve. It learns from the
    table of the config and from logged predictions whose label is known. Exit code 0 whatever becomes of it; 2 for
    faults, after which the model that served still does.
    """
    with require_extra("train", "retraining"):
        import orjson

        from classification_model.cli.logging_setup import set_up_logging
        from classification_model.cli.progress import progress_bars
        from classification_model.config.core import PACKAGED_CONFIG, load_config
        from classification_model.config.settings import read_settings
        from classification_model.retrain_pipeline import run_retraining
        from classification_model.runtime.store.store import ModelStore
    settings = read_settings()
    set_up_logging(settings)
    with progress_bars() as progress:
        report = run_retraining(
            load_config(config or PACKAGED_CONFIG),
            ModelStore(store),
            log,
            source=source,
            force=force,
            progress=progress,
            jobs=settings.jobs,
        )
    if as_json:
        typer.echo(orjson.dumps(report.as_dict(), option=orjson.OPT_INDENT_2).decode())
    else:
        typer.echo(_report_text(report))


def _report_text(report: RetrainingReport) -> str:
    what = {
        "not needed": f"no new model: {report.champion} serves on",
        "nothing new": f"no new model, there is nothing new to learn from: {report.champion} serves on",
        "promoted": f"promoted: {report.challenger} serves instead of {report.champion}",
        "held": f"held: {report.champion} serves on, {report.challenger} is in the store",
        "rejected": f"rejected: {report.champion} serves on, {report.challenger} is in the store",
        "overtaken": f"overtaken: another version was promoted meanwhile, {report.challenger} is in the store",
        "gate missed": f"no new model, it missed a gate: {report.champion} serves on",
    }
    lines = [what[report.outcome], f"retrain-check says {report.decision.retrain}: {report.decision.reasons[0]}"]
    if report.comparison is not None:
        learned = f"learned from {report.learned_rows} logged rows, compared on {report.recent_rows} newer ones"
        lines += [learned, "", report.comparison.to_text()]
    return "\n".join([*lines, *(f"note: {note}" for note in report.notes)])


def _text(decision: RetrainingDecision) -> str:
    evidence = decision.evidence
    share = evidence["drifted_share"]
    drifted = "unknown" if share is None else f"{share:.0%}"
    lines = [
        f"{decision.retrain}: {decision.reasons[0]}",
        *(f"also: {reason}" for reason in decision.reasons[1:]),
        "",
        f"rule               {decision.rule}",
        f"model              {evidence['model']}, version {evidence['version']}, {evidence['age_days']:.1f} days old",
        f"predictions        {evidence['predictions']}",
        f"labels             {evidence['labels']}, {evidence['minimum_count']} are the least",
        f"accuracy           {_spell(evidence['accuracy'])}, the floor is {evidence['accuracy_floor']:g}",
        f"newest             {_spell(evidence['recent_accuracy'])}",
        f"expected           {_spell(evidence['expected_accuracy'])}",
        f"drifted features   {drifted}, the limit is {evidence['drift_limits']['share']:.0%}",
    ]
    for what, found in (("", evidence["drifted_features"]), ("probability of ", evidence["drifted_predictions"])):
        lines += [
            f"  {what}{item['feature']}: PSI {item['psi']:.3g}, p = {item['adjusted_p_value']:.2g} ({item['test']})"
            for item in found
        ]
    return "\n".join(lines)


def _spell(accuracy: dict[str, float] | None) -> str:
    if accuracy is None:
        return "unknown"
    return (
        f"{accuracy['value']:.3f} ({accuracy['low']:.3f} to {accuracy['high']:.3f}) on {accuracy['count']} predictions"
    )
