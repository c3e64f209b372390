"""The commands that decide on retraining and retrain: ``retrain-check`` and ``retrain``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from classification_model.cli.json_output import AsJson, print_json
from classification_model.cli.options import LogFolder, ServedModel, ServingStore, serving_folder
from classification_model.cli.store import mark_champion
from classification_model.errors import InputError, require_extra

if TYPE_CHECKING:
    from classification_model.labels.sources import LabelSource
    from classification_model.retraining.decision import RetrainingDecision
    from classification_model.retraining.retraining_report import RetrainingReport

_EXIT_CODES = {"yes": 10, "no": 0, "wait": 20}


def retrain_check(
    log: LogFolder,
    *,
    model: ServedModel = None,
    store: ServingStore = None,
    labels: Annotated[
        str | None,
        typer.Option(
            help="File or URL of a table with labels, which are added to the log before the decision. Default, with "
            "--key and --label: the environment variable LABELS_URL."
        ),
    ] = None,
    key: Annotated[str | None, typer.Option(help="Column of the labels' table with your index of each row.")] = None,
    label: Annotated[str | None, typer.Option(help="Column of the labels.")] = None,
    as_json: AsJson = False,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit with 10 for yes, 0 for no and 20 for wait. Default: 0 for each.")
    ] = False,
) -> None:
    """Decide from its log whether to retrain a model.

    The decision is yes, no or wait. It is logged with its evidence. With --labels, the labels of a table are added to
    the log first, as labels join does.

    For a store without a current version the decision is yes: retrain trains its first model.

    Exit code 0 whatever is decided, unless --exit-code is set; 2 for errors.
    """
    with require_extra("train", "the decision on retraining"):
        from datetime import UTC, datetime

        from classification_model.retraining.check import check_retraining, read_labelled_log
        from classification_model.retraining.first_model import check_without_model
        from classification_model.runtime.model_folder.artifact import read_manifest
        from classification_model.runtime.store.reader import StoreReader
    source = _labels_to_join(labels, key, label)
    if model is None and store is not None and StoreReader(store).current() is None:
        decision = check_without_model(log, store, None, datetime.now(UTC), is_there=store.exists())
        note = "no labels were added to the log: there is no model with their classes"
        _print_decision(decision, () if source is None else (note,), as_json=as_json, exit_code=exit_code)
        return
    manifest = read_manifest(serving_folder(model, store))
    if source is not None:
        from classification_model.cli.labels import summary
        from classification_model.labels.joining import join_labels

        joined = join_labels(
            log,
            source,
            by="index",
            classes=manifest.classes,
            raw_values=manifest.label_values,
            target_edges=manifest.target_edges,
            written=manifest.label_format,
            model=manifest.name,
        )
        accepted = manifest.label_reader().accepted
        typer.echo(f"{summary(joined, accepted)}{'' if as_json else chr(10)}", err=as_json)
    decision, notes = check_retraining(log, read_labelled_log(log, manifest), manifest, datetime.now(UTC))
    _print_decision(decision, notes, as_json=as_json, exit_code=exit_code)


def _print_decision(decision: RetrainingDecision, notes: tuple[str, ...], *, as_json: bool, exit_code: bool) -> None:
    if as_json:
        print_json(decision.as_dict())
    else:
        typer.echo(_text(decision))
        for note in notes:
            typer.echo(f"note: {note}")
    if exit_code:
        raise typer.Exit(_EXIT_CODES[decision.retrain])


def _labels_to_join(url: str | None, key: str | None, label: str | None) -> LabelSource | None:
    """Return the table of labels; None if there is none to join.

    Raises
    ------
    InputError
        If one of the three is missing.
    """
    if url is key is label is None:
        return None
    from classification_model.labels.sources import LabelSource

    url = url or os.environ.get("LABELS_URL")
    if not (url and key and label):
        given = {"--labels or LABELS_URL": url, "--key": key, "--label": label}
        missing = " and ".join(name for name, value in given.items() if not value)
        msg = f"expected --labels, --key and --label together, found no {missing}"
        raise InputError(msg)
    return LabelSource(url, key, label)


def retrain(
    log: LogFolder,
    store: Annotated[Path, typer.Option(envvar="MODEL_STORE", help="Model store.")],
    *,
    config: Annotated[Path | None, typer.Option(help="Config file. Default: the packaged one.")] = None,
    source: Annotated[
        str | None, typer.Option(help="File or URL of the table to train on, instead of data.source.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Retrain whatever retrain-check decides.")] = False,
    as_json: AsJson = False,
) -> None:
    """Retrain the current model of a store if needed.

    A store without a current version gets its first model, trained on the table of the config. Otherwise, decides as
    retrain-check does. Trains a challenger on the table of the config and the labelled predictions of the
    log, compares it with the current model, the champion, and promotes it if it is better. Exit code 0 whatever the
    outcome, 2 for errors, after which the champion is still current.
    """
    with require_extra("train", "retraining"):
        from classification_model.cli.logging_setup import set_up_logging
        from classification_model.cli.progress import shown_progress
        from classification_model.config.core import PACKAGED_CONFIG, load_config
        from classification_model.config.settings import read_settings
        from classification_model.retrain_pipeline import run_retraining
        from classification_model.runtime.store.store import ModelStore
    settings = read_settings()
    set_up_logging(settings)
    with shown_progress(as_records=settings.log_format == "json") as progress:
        report = run_retraining(
            load_config(config or PACKAGED_CONFIG),
            ModelStore(store),
            log,
            source=source,
            force=force,
            progress=progress,
            jobs=settings.jobs,
        )
    if report.outcome in {"promoted", "first model"}:
        mark_champion(ModelStore(store))
    if as_json:
        print_json(report.as_dict())
    else:
        typer.echo(_report_text(report, store))


def _report_text(report: RetrainingReport, store: Path) -> str:
    stays = f"{report.champion} stays current" if report.champion else f"the store {store} has no current version"
    what = {
        "first model": f"first model: {report.challenger} is the first current version of the store {store}",
        "not needed": f"not needed: {report.champion} stays current",
        "nothing new": f"nothing new to train on: {report.champion} stays current",
        "promoted": f"promoted: {report.challenger} replaces {report.champion}",
        "held": f"held: {report.champion} stays current, {report.challenger} is in the store",
        "rejected": f"rejected: {report.champion} stays current, {report.challenger} is in the store",
        "overtaken": f"overtaken: another version was promoted meanwhile, {report.challenger} is in the store",
        "gate missed": f"gate missed: the new model is not saved, {stays}",
    }
    lines = [what[report.outcome], f"retrain-check: {report.decision.retrain}: {report.decision.reasons[0]}"]
    if report.comparison is not None:
        learned = f"trained on {report.learned_rows} logged rows, compared on {report.recent_rows} newer ones"
        lines += [learned, "", report.comparison.to_text()]
    return "\n".join([*lines, *(f"note: {note}" for note in report.notes)])


def _text(decision: RetrainingDecision) -> str:
    evidence = decision.evidence
    if decision.rule == "no-model":  # nothing was measured
        return f"{decision.retrain}: {decision.reasons[0]}\n\nrule               {decision.rule}"
    share = evidence["drifted_share"]
    drifted = "unknown" if share is None else f"{share:.0%}"
    lines = [
        f"{decision.retrain}: {decision.reasons[0]}",
        *(f"also: {reason}" for reason in decision.reasons[1:]),
        "",
        f"rule               {decision.rule}",
        f"model              {evidence['model']}, version {evidence['version']}, {evidence['age_days']:.1f} days old",
        f"predictions        {evidence['predictions']}",
        f"labels             {evidence['labels']}, minimum {evidence['minimum_count']}",
        f"accuracy           {_spell(evidence['accuracy'])}, floor {evidence['accuracy_floor']:g}",
        f"newest             {_spell(evidence['recent_accuracy'])}",
        f"expected           {_spell(evidence['expected_accuracy'])}",
        f"drifted features   {drifted}, limit {evidence['drift_limits']['share']:.0%}",
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
