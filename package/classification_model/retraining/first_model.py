"""Train the first model of a store that has no current version."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from classification_model.errors import GateError, StoreError
from classification_model.processing.data_manager import DataLoader
from classification_model.retraining.decision import RetrainingDecision
from classification_model.retraining.records import record_promotion, record_retraining
from classification_model.retraining.retraining_report import RetrainingReport
from classification_model.retraining.training_into_store import train_into_store
from classification_model.runtime.log.decision_log import append_decision, read_decisions
from classification_model.runtime.store.promotion_checks import stored_problems
from classification_model.training.describe_model import code_hash

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from classification_model.config.sections import Config
    from classification_model.processing.data_manager import Tables
    from classification_model.runtime.store.store import ModelStore
    from classification_model.training.progress import Progress


def check_without_model(
    log: Path, store: Path, model: str | None, now: datetime, *, is_there: bool
) -> RetrainingDecision:
    """Decide to train, since a store has no current version, and log the decision.

    Parameters
    ----------
    log
        The log folder; it is made if it does not exist.
    store
        Folder of the store.
    model
        Name of the problem; None if it is unknown.
    now
        The time, with time zone.
    is_there
        Whether the folder of the store existed before.

    Raises
    ------
    LogUnavailableError
        If the decision cannot be logged.
    """
    reason = f"the store {store} has no current version"
    if not is_there:
        reason += ", as there was no such folder"
    evidence = {"model": model, "version": None, "now": now.isoformat(), "fired": ["no-model"]}
    decision = RetrainingDecision("yes", "no-model", (reason,), evidence)
    append_decision(log, "retrain-check", decision.as_dict() | {"model": model}, now=now)
    return decision


def train_first_model(
    config: Config,
    store: ModelStore,
    log: Path,
    decision: RetrainingDecision,
    *,
    source: str | None = None,
    now: datetime,
    progress: Progress | None = None,
    jobs: int = -1,
) -> RetrainingReport:
    """Train a model on the table of a config, add it to a store and promote it.

    The log adds no rows: what it holds was predicted by a model that is not in the store.

    Parameters
    ----------
    config
        The problem.
    store
        The store, whose folder exists and which no other retraining uses meanwhile.
    log
        The log folder.
    decision
        Result of `check_without_model`.
    source
        Table to train on instead of ``data.source``.
    now
        The time, with time zone.
    progress, jobs
        See `train_pipeline.run_training`.

    Returns
    -------
    RetrainingReport
        With the outcome ``first model``, ``gate missed`` or ``overtaken``.

    Raises
    ------
    StoreError
        If the store holds models of other problems alone, or a version that may have been current.
    ClassificationModelError
        If the table cannot be read, or training fails. The store has no current version then.
    """
    name = config.app.name
    problems = stored_problems(store)
    if problems and name not in problems:
        msg = (
            f"expected versions of {name!r}, the app.name of the config, in the store {store.folder}, found those of "
            f"{', '.join(map(repr, sorted(problems)))}: set --config to its own config, or use another --store"
        )
        raise StoreError(msg)
    tables = DataLoader(config, source).read()
    digest = _digest(config, tables)
    _check_never_served(store, log, name, digest)
    try:
        version, _ = train_into_store(store, config, tables, digest, now=now, progress=progress, jobs=jobs)
    except GateError as error:
        return record_retraining(log, name, RetrainingReport("gate missed", decision, None, notes=(str(error),)))
    result = record_retraining(log, name, RetrainingReport("first model", decision, None, version))
    if store.promote(version, as_first=True) is None:
        note = f"version {store.current()} was promoted meanwhile"
        return record_retraining(log, name, replace(result, outcome="overtaken", notes=(note,)))
    record_promotion(log, name, version, None)
    return result


def _check_never_served(store: ModelStore, log: Path, name: str, digest: str) -> None:
    """Refuse a store whose current version was lost: nothing is promoted over its versions without a comparison.

    A version of a first training that was killed before its promotion is none of these: it has the digest of this
    training, or the log announces it as a first model and knows of no promotion.
    """
    announced = set()
    for entry in read_decisions(log):
        content = entry["content"]
        if content.get("model") == name and content.get("outcome") == "first model":
            announced.add(content["challenger"])
        elif content.get("model") == name and entry["kind"] == "promotion":
            announced.discard(content["version"])
    former = [
        version for version in store.versions() if version not in announced and not version.endswith(f".{digest}")
    ]
    if former:
        listed = ", ".join(former[:5]) + (f" and {len(former) - 5} more" if len(former) > 5 else "")
        msg = (
            f"expected a current version in the store {store.folder}, which holds {listed}, found none: make one of "
            "them current with promote, or use an empty --store"
        )
        raise StoreError(msg)


def _digest(config: Config, tables: Tables) -> str:
    """Return what the version is named for: all that the model depends on, its code included."""
    return hashlib.sha256("".join([config.hash, code_hash(), *tables.hashes]).encode()).hexdigest()[:8]
