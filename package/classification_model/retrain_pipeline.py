"""Retraining, whole: check, learn anew, compare with what serves, promote or not, and put it all on record.

A retraining that was killed is finished by the next one: its version is named for what it learned from, so that it is
found again in the store, and what was decided is on record before it is done.
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
    """What became of a retraining.

    Attributes
    ----------
    outcome
        ``not needed``; ``nothing new``, there is nothing to learn from that the champion does not know; ``promoted``,
        ``held`` or ``rejected``, as the comparison says; ``held`` without a comparison, it takes other input, gives
        other classes or calls fields otherwise; ``overtaken``, another version was promoted meanwhile; ``gate missed``.
    decision
        Whether another model was asked for, and why.
    champion
        Version that served when it began.
    challenger
        Version that was trained; None where none was.
    learned_rows, recent_rows
        Logged rows that were learned from, and that both were compared on.
    comparison
        Champion against challenger; None where there was none.
    notes
        What was left out, and why; what is to be known besides.
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
        """Return everything as values of JSON."""
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
    """Retrain the model that serves, where that is called for, and promote what is better.

    Parameters
    ----------
    config
        The problem.
    store
        Where the model that serves is, and the new one is put.
    log
        The log folder: predictions and labels, and the record of decisions.
    source
        Table to learn from instead of the config's.
    force
        Train whatever `decide_retraining` says; whether the new model serves is still for the comparison to say.
    now
        The time; that of the clock when left out.
    progress, jobs
        As `train_pipeline.train_model` takes them.

    Raises
    ------
    StoreError
        If no version serves, it is of another problem, or another retraining of the store runs.
    ClassificationModelError
        If the log or the table cannot be read, or the training fails; what serves goes on then.
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
            why = "there is nothing to learn from that the champion does not know: no labelled rows, the same table"
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
                note = f"{store.current()} was promoted meanwhile, which the challenger was not compared with"
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
            f"{version} takes other input or gives other classes than {champion.version}, as follows: nobody compared "
            f"them, and a person decides; `{promote} --schema-change` lets it serve"
        )
        return (why, *changes)
    if renamed := renamed_fields(champion, challenger):
        why = (
            f"{version} calls fields otherwise than {champion.version}, as follows: they cannot be compared on the "
            f"same rows, and a person decides; `{promote}` lets it serve"
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
            msg = f"another retraining of the store {store.folder} runs: wait for its end"
            raise StoreError(msg)
        shutil.rmtree(store.folder / STAGE, ignore_errors=True)
        yield
    finally:
        os.close(descriptor)


def _champion(store: ModelStore, config: Config) -> Predictor:
    version = store.current()
    if version is None:
        msg = f"no version in {store.folder} was promoted yet: promote one first"
        raise StoreError(msg)
    champion = store.load(version)
    if champion.manifest.name != config.app.name:
        msg = (
            f"expected a store of {config.app.name!r}, the problem of the config, found {champion.manifest.name!r}: "
            "name its own config with --config"
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
        logger.warning("the promotion of %s was done and not on record: its process was killed", version)
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
