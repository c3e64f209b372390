"""Retrain the current model of a store: check, train a challenger, compare it, promote it if it is better, and log it.

The next run finishes a run that was killed: the version of a challenger contains a hash of its training data, by which
it is found in the store, and a decision is logged before it is carried out.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from classification_model.errors import GateError, StoreError
from classification_model.labels.known_rows import known_rows
from classification_model.processing.data_manager import DataLoader
from classification_model.retraining.challenger import STAGE, Challenge, hold_against_champion, train_challenger
from classification_model.retraining.check import check_retraining, read_labelled_log
from classification_model.retraining.training_rows import training_rows
from classification_model.runtime.log.decision_log import append_decision, read_decisions
from classification_model.runtime.store.schema_changes import renamed_fields, schema_changes
from classification_model.runtime.system.locks import lock
from classification_model.runtime.system.safe_open import open_regular

if TYPE_CHECKING:
    from pathlib import Path

    from classification_model.comparison import Comparison
    from classification_model.config.sections import Config
    from classification_model.retraining.decision import RetrainingDecision
    from classification_model.retraining.training_rows import TrainingRows
    from classification_model.runtime.model_folder.manifest import Manifest
    from classification_model.runtime.predictor import Predictor
    from classification_model.runtime.store.store import ModelStore
    from classification_model.training.model_selection import Progress

Outcome = Literal["not needed", "nothing new", "promoted", "held", "rejected", "overtaken", "gate missed"]
_OUTCOMES: dict[str, Outcome] = {"promote": "promoted", "hold": "held", "reject": "rejected"}
LOCK = "retraining.lock"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RetrainingReport:
    """The result of a retraining.

    Attributes
    ----------
    outcome
        ``not needed``: the decision was not to retrain. ``nothing new``: the champion was trained on all of the data.
        ``gate missed``: the challenger missed a gate, and was not saved. ``promoted``, ``held`` or ``rejected``: the
        verdict of the comparison; ``held`` without a comparison, if the challenger has other input columns, names of
        fields or classes. ``overtaken``: another version was promoted meanwhile.
    decision
        The decision on retraining.
    champion
        The version that was current at the start.
    challenger
        The version that was trained, if any.
    learned_rows, recent_rows
        Number of logged rows that the challenger was trained on, and that both models were compared on.
    comparison
        The comparison of both models, if there was one.
    notes
        Rows that were left out, with the reasons, and other remarks.
    """

    outcome: Outcome
    decision: RetrainingDecision
    champion: str
    challenger: str | None = None
    learned_rows: int = 0
    recent_rows: int = 0
    comparison: Comparison | None = None
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return {
            "outcome": self.outcome,
            "champion": self.champion,
            "challenger": self.challenger,
            "learned_rows": self.learned_rows,
            "recent_rows": self.recent_rows,
            "notes": list(self.notes),
            "decision": self.decision.as_dict(),
            "comparison": None if self.comparison is None else self.comparison.as_dict(),
        }


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

    Parameters
    ----------
    config
        Config of the problem.
    store
        The store, to which the new model is added.
    log
        The log folder with predictions, labels and decisions.
    source
        Table to train on instead of ``data.source``.
    force
        Whether to train even if the decision is not to retrain. The comparison still decides on the promotion.
    now
        The time, with time zone. The default is now.
    progress
        Object that is called before and after each fit, such as a progress bar.
    jobs
        Number of threads; -1 for one per core.

    Returns
    -------
    RetrainingReport
        The outcome, with the decision and the comparison.

    Raises
    ------
    StoreError
        If the store has no current version, is of another problem, or another retraining of it is running.
    ClassificationModelError
        If the log or the table cannot be read, or training fails. The current version stays so then.
    """
    now = datetime.now(UTC) if now is None else now
    with _only_retraining(store):
        champion = _champion(store, config)
        _complete_record(log, champion)
        manifest = champion.manifest
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
            return _recorded(log, result, manifest)
        version = challenger.predictor.manifest.version
        reasons = _why_held(manifest, challenger.predictor.manifest)
        if reasons:
            learned = challenger.learned_rows
            result = RetrainingReport("held", decision, manifest.version, version, learned, notes=(*reasons, *notes))
            return _recorded(log, result, manifest)
        comparison, more = hold_against_champion(challenge, challenger, world_changed=decision.world_changed)
        append_decision(log, "comparison", comparison.as_dict() | {"model": manifest.name})
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
                _record_promotion(log, manifest.name, version, manifest.version)
            else:
                note = f"version {store.current()} was promoted meanwhile, and was not compared with the challenger"
                result = replace(result, outcome="overtaken", notes=(*result.notes, note))
        return _recorded(log, result, manifest)


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
    store.versions()  # or there is no store
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


def _champion(store: ModelStore, config: Config) -> Predictor:
    version = store.current()
    if version is None:
        msg = f"the store {store.folder} has no current version: promote one first"
        raise StoreError(msg)
    champion = store.load(version)
    if champion.manifest.name != config.app.name:
        msg = (
            f"expected a store of {config.app.name!r}, the app.name of the config, found {champion.manifest.name!r}: "
            "set --config to its own config"
        )
        raise StoreError(msg)
    return champion


def _complete_record(log: Path, champion: Predictor) -> None:
    """Put a promotion on record that was done when the process was killed."""
    version, name = champion.manifest.version, champion.manifest.name
    promised = None
    for entry in read_decisions(log):
        content = entry["content"]
        if content.get("model") != name:
            continue
        if entry["kind"] == "comparison" and content.get("verdict") == "promote":
            promised = content
        elif entry["kind"] == "promotion":
            promised = None
    if promised is not None and promised["challenger"] == version:
        logger.warning("the promotion of %s was not logged, as its process was killed: it is logged now", version)
        _record_promotion(log, name, version, promised["champion"])


def _record_promotion(log: Path, model: str, version: str, previous: str) -> None:
    append_decision(log, "promotion", {"model": model, "version": version, "previous": previous})


def _recorded(log: Path, result: RetrainingReport, manifest: Manifest) -> RetrainingReport:
    """Put the end of a retraining on record; from here on the cooldown counts."""
    content = {
        "model": manifest.name,
        "outcome": result.outcome,
        "champion": result.champion,
        "challenger": result.challenger,
        "learned_rows": result.learned_rows,
        "recent_rows": result.recent_rows,
        "notes": list(result.notes),
    }
    append_decision(log, "retraining", content)
    return result
