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
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from classification_model.challenger import STAGE, Challenge, hold_against_champion, train_challenger
from classification_model.errors import GateError, StoreError
from classification_model.locks import lock
from classification_model.mle.decision_log import append_decision, read_decisions
from classification_model.mle.monitored_folder import check_retraining, read_folder
from classification_model.mle.training_rows import keys_of_table, training_rows
from classification_model.processing.data_manager import DataLoader

if TYPE_CHECKING:
    from pathlib import Path

    from classification_model.comparison import Comparison
    from classification_model.config.sections import Config
    from classification_model.manifest import Manifest
    from classification_model.mle.retraining import RetrainingDecision
    from classification_model.model_selection import Progress
    from classification_model.predict import Predictor
    from classification_model.store import ModelStore

Outcome = Literal["not needed", "promoted", "held", "rejected", "gate missed"]
_OUTCOMES: dict[str, Outcome] = {"promote": "promoted", "hold": "held", "reject": "rejected"}
LOCK = "retraining.lock"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RetrainingReport:
    """What became of a retraining.

    Attributes
    ----------
    outcome
        ``not needed``, ``promoted``, ``held``, ``rejected`` or ``gate missed``.
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
        _complete_record(log, champion, now)
        manifest = champion.manifest
        labelled = read_folder(log, manifest)
        decision, notes = check_retraining(log, labelled, manifest, now)
        if decision.retrain != "yes" and not force:
            return RetrainingReport("not needed", decision, manifest.version, notes=notes)
        table, sha256 = DataLoader(config, source).read_table()
        rows = training_rows(labelled.frame, config, manifest, keys_of_table(table, config.data.index))
        del table, labelled
        notes = (*notes, *rows.notes)
        challenge = Challenge(config, source, sha256, rows.extra, rows.recent, rows.recent_labels, champion)
        try:
            challenger, data = train_challenger(challenge, store, now=now, progress=progress, jobs=jobs)
        except GateError as error:
            result = RetrainingReport("gate missed", decision, manifest.version, notes=(*notes, str(error)))
            return _recorded(log, result, manifest, now)
        comparison, more = hold_against_champion(challenge, challenger, data, world_changed=decision.world_changed)
        append_decision(log, "comparison", comparison.as_dict() | {"model": manifest.name}, now=now)
        result = RetrainingReport(
            _OUTCOMES[comparison.verdict],
            decision,
            manifest.version,
            challenger.manifest.version,
            len(rows.extra),
            len(rows.recent),
            comparison,
            (*notes, *more),
        )
        if comparison.verdict == "promote":
            store.promote(challenger.manifest.version)
            _record_promotion(log, manifest.name, challenger.manifest.version, manifest.version, now)
        return _recorded(log, result, manifest, now)


@contextmanager
def _only_retraining(store: ModelStore) -> Iterator[None]:
    """Hold the store's lock for retrainings; it ends with the process, killed or not."""
    store.versions()  # or there is no store
    try:
        descriptor = os.open(store.folder / LOCK, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
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
        msg = f"expected a store of {config.app.name!r}, the problem of the config, found {champion.manifest.name!r}"
        raise StoreError(msg)
    return champion


def _complete_record(log: Path, champion: Predictor, now: datetime) -> None:
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
        _record_promotion(log, name, version, promised["champion"], now)


def _record_promotion(log: Path, model: str, version: str, previous: str, now: datetime) -> None:
    append_decision(log, "promotion", {"model": model, "version": version, "previous": previous}, now=now)


def _recorded(log: Path, result: RetrainingReport, manifest: Manifest, now: datetime) -> RetrainingReport:
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
    append_decision(log, "retraining", content, now=now)
    return result
