"""The commands on a model store: ``promote``, ``rollback``, ``prune``, ``list`` and ``show``.

What becomes current gets the alias ``champion`` in MLflow, where ``MLFLOW_TRACKING_URI`` is set.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from classification_model.cli.json_output import AsJson, print_json, promoted, pruned
from classification_model.errors import ArtifactError, LogUnavailableError, StoreError

if TYPE_CHECKING:
    from classification_model.runtime.store.promotion_checks import Promotion
    from classification_model.runtime.store.reader import StoredVersion
    from classification_model.runtime.store.store import ModelStore

Store = Annotated[Path, typer.Option(envvar="MODEL_STORE", help="Model store.")]
RecordFolder = Annotated[
    Path | None, typer.Option(envvar="LOG_FOLDER", help="Log folder in which the decision is logged.")
]
#: Metrics shown in the list.
SHOWN_METRICS = ("accuracy", "roc_auc", "log_loss")


def promote(
    model: Annotated[str, typer.Argument(help="Version in the store, or a model folder, which is added to the store.")],
    store: Store,
    *,
    log: RecordFolder = None,
    schema_change: Annotated[
        bool,
        typer.Option("--schema-change", help="Allow other input columns or classes than those of the current version."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Verify a version and make it the current one of a store.

    Its problem must be that of the store.
    """
    from classification_model.runtime.store.store import ModelStore

    models = ModelStore(store)
    version = model if _has(models, model) else models.add(_folder(models, model), schema_change=schema_change)
    make_current(models, version, log=log, schema_change=schema_change, as_json=as_json)


def make_current(
    models: ModelStore, version: str, *, log: Path | None, schema_change: bool = False, as_json: bool
) -> None:
    """Promote a version of a store, print and log it, and set the alias in MLflow."""
    promotion = models.promote(version, schema_change=schema_change)
    _tell(f"version {version} is current", promotion, as_json=as_json)
    try:
        _record("promotion", models, promotion, log)
    finally:
        mark_champion(models)


def mark_champion(models: ModelStore) -> None:
    """Set the alias of the current version in MLflow, where it is set up; a warning says why it is not set."""
    from classification_model.tracking.champion import set_champion
    from classification_model.tracking.server import is_tracking

    if is_tracking():
        logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=logging.WARNING)
        set_champion(models)


def rollback(store: Store, *, log: RecordFolder = None, as_json: AsJson = False) -> None:
    """Make the previous version the current one again.

    Run it again to go back further. Changes of the input columns and classes are printed.
    """
    from classification_model.runtime.store.store import ModelStore

    models = ModelStore(store)
    promotion = models.rollback()
    _tell(f"version {promotion.version} is current again, instead of {promotion.previous}", promotion, as_json=as_json)
    try:
        _record("rollback", models, promotion, log)
    finally:
        mark_champion(models)


def prune(
    store: Store,
    keep: Annotated[
        int, typer.Option(min=1, help="Number of versions to keep: of the newest, and of those that were current last.")
    ],
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be removed, and remove nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Remove old versions from a store.

    The current version stays.
    """
    from classification_model.runtime.store.store import ModelStore

    removed = ModelStore(store).prune(keep, dry_run=dry_run)
    if as_json:
        print_json(pruned(removed, dry_run=dry_run))
        return
    for version in removed:
        typer.echo(f"version {version} {'would be removed' if dry_run else 'removed'}")
    if not removed:
        typer.echo("nothing to remove")


def _tell(what: str, promotion: Promotion, *, as_json: bool) -> None:
    """Print what was done, how the input columns and classes changed, and notes."""
    if as_json:
        print_json(promoted(promotion))
        return
    for line in (what, *promotion.changes, *(f"note: {note}" for note in promotion.notes)):
        typer.echo(line)


def _record(kind: Literal["promotion", "rollback"], models: ModelStore, promotion: Promotion, log: Path | None) -> None:
    """Log which version is current from now on."""
    from classification_model.runtime.log.decision_log import append_decision

    version = promotion.version
    if log is not None and version != promotion.previous:
        model = models.read_manifest(version).name
        content: dict[str, Any] = {"model": model, "version": version, "previous": promotion.previous}
        if promotion.changes:
            content["changes"] = list(promotion.changes)
        try:
            append_decision(log, kind, content)
        except LogUnavailableError as error:
            msg = f"version {version} is current, but that could not be logged in {log}: {error}"
            raise LogUnavailableError(msg) from error


def list_versions(store: Store, *, as_json: AsJson = False) -> None:
    """List the versions of a store with their state."""
    from classification_model.runtime.store.store import ModelStore

    models = ModelStore(store)
    found = models.describe_all()
    if as_json:
        print_json([_summary(stored) for stored in found])
        return
    rows = [("", "version", "created", *SHOWN_METRICS, "state"), *(_row(stored) for stored in found)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def show(
    store: Store,
    version: Annotated[str | None, typer.Argument(help="Version. Default: the current one.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Show one version of a store."""
    from classification_model.runtime.store.store import ModelStore

    models = ModelStore(store)
    if version is None:
        version = models.current()
        if version is None:
            msg = f"the store {store} has no current version: name one, or promote one"
            raise StoreError(msg)
    stored = models.describe(version)
    details = _details(models, stored)
    if as_json:
        print_json(details)
        return
    width = max(map(len, details))
    for name, value in details.items():
        typer.echo(f"{name.ljust(width)}  {_text(value)}")


def _has(models: ModelStore, version: str) -> bool:
    try:
        models.path(version)
    except StoreError:
        return False
    return True


def _folder(models: ModelStore, model: str) -> Path:
    folder = Path(model)
    if not folder.is_dir():
        msg = f"expected a version in the store {models.folder} or a model folder, found {model!r}"
        raise ArtifactError(msg)
    return folder


def _summary(stored: StoredVersion) -> dict[str, Any]:
    manifest = stored.manifest
    return {
        "version": stored.version,
        "current": stored.is_current,
        "created": manifest and manifest.created,
        "metrics": {name: metric.value for name, metric in manifest.metrics.items()} if manifest else None,
        "whole": stored.fault is None,
        "fault": stored.fault,
    }


def _row(stored: StoredVersion) -> tuple[str, ...]:
    manifest = stored.manifest
    metrics = manifest.metrics if manifest else {}
    return (
        "*" if stored.is_current else "",
        stored.version,
        manifest.created if manifest else "",
        *(f"{metrics[name].value:.4f}" if name in metrics else "" for name in SHOWN_METRICS),
        stored.fault or "whole",
    )


def _details(models: ModelStore, stored: StoredVersion) -> dict[str, Any]:
    current, manifest = models.read_current(), stored.manifest
    details = _summary(stored) | {
        "folder": str(models.path(stored.version)),
        "promoted": current.promoted if current and stored.is_current else None,
        "previous": list(current.previous) if current and stored.is_current else None,
    }
    if manifest is not None:
        details |= {
            "name": manifest.name,
            "estimator": manifest.estimator,
            "classes": list(manifest.classes),
            **({"target_edges": list(manifest.target_edges)} if manifest.target_edges else {}),
            "rows": manifest.data.rows,
            "compiled": manifest.compiled is not None,
            "size": sum(record.size for record in manifest.files.values()),
            "digest": manifest.digest,
        }
    return details


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {number:.4f}" for name, number in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)
