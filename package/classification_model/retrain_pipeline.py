"""Retrain the current model of a store: check, train a challenger, compare it, promote it if it is better, and log it.

The next run finishes a run that was killed: the version of a challenger contains a hash of its training data, by which
it is found in the store, and a decision is logged before it is carried out.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from classification_model.errors import GateError, StoreError
from classification_model.labels.known_rows import known_rows
from classification_model.processing.data_manager import DataLoader
from classification_model.retraining.challenger import Challenge, hold_against_champion, train_challenger
from classification_model.retraining.check import check_retraining, read_labelled_log
from classification_model.retraining.first_model import check_without_model, train_first_model
from classification_model.retraining.records import (
    complete_record,
    record_comparison,
    record_promotion,
    record_retraining,
)
from classification_model.retraining.retraining_report import RetrainingReport
from classification_model.retraining.training_into_store import STAGE
from classification_model.retraining.training_rows import training_rows
from classification_model.runtime.store.schema_changes import renamed_fields, schema_changes
from classification_model.runtime.system.locks import lock
from classification_model.runtime.system.safe_open import open_regular

if TYPE_CHECKING:
    from pathlib import Path

    from classification_model.config.sections import Config
    from classification_model.retraining.retraining_report import Outcome
    from classification_model.retraining.training_rows import TrainingRows
    from classification_model.runtime.model_folder.manifest import Manifest
    from classification_model.runtime.predictor import Predictor
    from classification_model.runtime.store.store import ModelStore
    from classification_model.training.progress import Progress

_OUTCOMES: dict[str, Outcome] = {"promote": "promoted", "hold": "held", "reject": "rejected"}
LOCK = "retraining.lock"


def run_retraining(
    config: Config,
    store: ModelStore,
    log: Path,
    *,
    source: str | None = None,
    force: bool = False,
    now: datetime | None = None,
    progress: Progress | None = None,
    jobs: int = -1,
) -> RetrainingReport:
    """Retrain the current model of a store if needed, and promote the new one if it is better.

    A store without a current version, or without a folder, gets its first model: one that is trained on the table.

    Parameters
    ----------
    config
        Config of the problem.
    store
        The store, to which the new model is added. Its folder is made if it does not exist.
    log
        The log folder with predictions, labels and decisions. It may be missing for the first model.
    source
        Table to train on instead of ``data.source``.
    force
        Whether to train even if the decision is not to retrain. The comparison still decides on the promotion.
    now
        The time, with time zone. The default is now.
    progress
        Object that is called before each step and after each fit, such as a progress bar; see `Progress`.
    jobs
        Number of threads; -1 for one per core.

    Returns
    -------
    RetrainingReport
        The outcome, with the decision and the comparison.

    Raises
    ------
    StoreError
        If the store is of another problem, cannot be written, or another retraining of it is running.
    ClassificationModelError
        If the log or the table cannot be read, or training fails. The current version stays so then.
    """
    now = datetime.now(UTC) if now is None else now
    is_there = store.folder.exists()
    with _only_retraining(store):
        current = store.current()
        if current is None:
            decision = check_without_model(log, store.folder, config.app.name, now, is_there=is_there)
            return train_first_model(config, store, log, decision, source=source, now=now, progress=progress, jobs=jobs)
        champion = _champion(store, current, config)
        manifest = champion.manifest
        complete_record(log, manifest)
        labelled = read_labelled_log(log, manifest)
        decision, notes = check_retraining(log, labelled, manifest, now)
        if decision.retrain != "yes" and not force:
            return RetrainingReport("not needed", decision, manifest.version, notes=notes)
        tables = DataLoader(config, source).read()
        known = known_rows(config, tables)
        rows = training_rows(labelled.frame, known, manifest)
        del known, labelled
        notes = (*notes, *rows.notes)
        if not force and not _is_anything_new(config, manifest, rows, tables.table.sha256):
            why = "the champion was trained on the same table and config, and there are no new labelled rows"
            return RetrainingReport("nothing new", decision, manifest.version, notes=(why, *notes))
        challenge = Challenge(config, tables, rows.extra, rows.recent, rows.recent_labels, champion)
        try:
            challenger = train_challenger(challenge, store, now=now, progress=progress, jobs=jobs)
        except GateError as error:
            result = RetrainingReport("gate missed", decision, manifest.version, notes=(*notes, str(error)))
            return record_retraining(log, manifest.name, result)
        version = challenger.predictor.manifest.version
        reasons = _why_held(manifest, challenger.predictor.manifest)
        if reasons:
            learned = challenger.learned_rows
            result = RetrainingReport("held", decision, manifest.version, version, learned, notes=(*reasons, *notes))
            return record_retraining(log, manifest.name, result)
        comparison, more = hold_against_champion(challenge, challenger, world_changed=decision.world_changed)
        record_comparison(log, manifest.name, comparison)
        result = RetrainingReport(
            _OUTCOMES[comparison.verdict],
            decision,
            manifest.version,
            version,
            challenger.learned_rows,
            len(rows.recent),
            comparison,
            (*notes, *more),
        )
        if comparison.verdict == "promote":
            if store.promote(version, instead_of=manifest.version):
                record_promotion(log, manifest.name, version, manifest.version)
            else:
                note = f"version {store.current()} was promoted meanwhile, and was not compared with the challenger"
                result = replace(result, outcome="overtaken", notes=(*result.notes, note))
        return record_retraining(log, manifest.name, result)


def _why_held(champion: Manifest, challenger: Manifest) -> tuple[str, ...]:
    """Say why a challenger is not compared, and not promoted by itself; nothing where it is.

    One that takes other input, or gives other classes, is trained all the same: which fields are required is known only
    then, and who wants it needs its version. One that only calls a field otherwise harms no client, but its table and
    the log of the champion have other columns.
    """
    version, promote = challenger.version, f"classification-model promote {challenger.version} --store STORE"
    if changes := schema_changes(champion, challenger):
        why = (
            f"{version} has other input columns or classes than {champion.version}, so that they were not compared: "
            f"a person has to decide; promote it with `{promote} --schema-change`; changes:"
        )
        return (why, *changes)
    if renamed := renamed_fields(champion, challenger):
        why = (
            f"{version} has other names of fields than {champion.version}, so that they cannot be compared on the same "
            f"rows: a person has to decide; promote it with `{promote}`; changes:"
        )
        return (why, *renamed)
    return ()


def _is_anything_new(config: Config, champion: Manifest, rows: TrainingRows, sha256: str) -> bool:
    is_same = champion.data.sha256 == sha256 and champion.config_hash == config.hash
    return not (is_same and rows.extra.empty and not rows.recent)


@contextmanager
def _only_retraining(store: ModelStore) -> Iterator[None]:
    """Hold the store's lock for retrainings; it ends with the process, killed or not."""
    store.create()
    try:
        descriptor = open_regular(store.folder / LOCK, os.O_RDWR | os.O_CREAT, mode=0o666)
    except OSError as error:
        msg = f"the store {store.folder} cannot be written: {error.strerror or error}"
        raise StoreError(msg) from error
    try:
        if not lock(descriptor, wait=False):
            msg = f"another retraining of the store {store.folder} is running: wait until it has ended"
            raise StoreError(msg)
        shutil.rmtree(store.folder / STAGE, ignore_errors=True)
        yield
    finally:
        os.close(descriptor)


def _champion(store: ModelStore, version: str, config: Config) -> Predictor:
    champion = store.load(version)
    if champion.manifest.name != config.app.name:
        msg = (
            f"expected a store of {config.app.name!r}, the app.name of the config, found {champion.manifest.name!r}: "
            "set --config to its own config"
        )
        raise StoreError(msg)
    return champion
