"""Train a challenger on the table and the log, keep it in the store, and compare it with the current model."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from classification_model.comparison import SharedRows, compare, features_of, latency_of, outcome_of
from classification_model.errors import DataError
from classification_model.evaluation.slice_metrics import readable
from classification_model.processing.data_manager import DataLoader
from classification_model.processing.raw_tables import hash_of_rows
from classification_model.retraining.training_into_store import train_into_store
from classification_model.training.describe_model import code_hash

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import pandas as pd

    from classification_model.comparison import Comparison
    from classification_model.config.sections import Config
    from classification_model.processing.data_manager import Tables, TrainingData
    from classification_model.processing.rows import Rows
    from classification_model.runtime.model_folder.manifest import Holdout
    from classification_model.runtime.predictor import Predictor
    from classification_model.runtime.store.store import ModelStore
    from classification_model.training.progress import Progress


@dataclass(frozen=True)
class Challenge:
    """What a challenger learns from, and whom it challenges.

    Attributes
    ----------
    config
        The problem.
    tables
        Tables to learn from and to hold out, as they were read.
    extra
        Rows to put below it.
    recent, recent_labels
        The newest labelled rows, which neither model learns from.
    champion
        The model that serves.
    """

    config: Config
    tables: Tables
    extra: pd.DataFrame
    recent: Sequence[dict[str, Any]]
    recent_labels: Sequence[str]
    champion: Predictor

    @property
    def target_edges(self) -> tuple[float, ...]:
        """Edges of the bins of the target: the champion's, so that a class means the same for both models.

        Empty if the config has other bins, so that they must be learned anew.
        """
        edges, bins = self.champion.manifest.target_edges, self.config.data.target_bins
        return edges if bins is not None and len(edges) == bins - 1 else ()

    @property
    def digest(self) -> str:
        """What the challenger is named for: all that it depends on, its code included."""
        parts = [self.config.hash, code_hash(), *self.tables.hashes, self.champion.manifest.digest]
        parts.append(hash_of_rows(self.extra))
        parts.append(hashlib.sha256(orjson.dumps([self.recent, self.recent_labels])).hexdigest())
        return hashlib.sha256("".join(parts).encode()).hexdigest()[:8]

    def loader(self, extra: pd.DataFrame | None = None) -> DataLoader:
        """Return a loader of the tables, and of further rows."""
        return DataLoader(self.config, self.tables, extra=extra, target_edges=self.target_edges)


@dataclass(frozen=True)
class Challenger:
    """A challenger, and what it was judged by.

    Attributes
    ----------
    predictor
        The model, loaded from the store.
    rule
        How rows were held out.
    holdout
        Rows that it did not learn from: those of the table alone, since logged rows that are held out, too, are of
        another time; where the latest rows are held out, the latest of both.
    learned_rows
        Number of logged rows that it learned from.
    """

    predictor: Predictor
    rule: Holdout
    holdout: Rows
    learned_rows: int


def train_challenger(
    challenge: Challenge, store: ModelStore, *, now: datetime, progress: Progress | None = None, jobs: int = -1
) -> Challenger:
    """Return the challenger.

    One that is there already, from a retraining that was killed, is not trained again.

    Raises
    ------
    GateError
        If it misses a gate of the config; nothing is saved then.
    ClassificationModelError
        If it cannot be trained or saved.
    """
    version, data = train_into_store(
        store,
        challenge.config,
        challenge.tables,
        challenge.digest,
        extra=challenge.extra,
        target_edges=challenge.target_edges,
        now=now,
        progress=progress,
        jobs=jobs,
    )
    predictor = store.load(version)
    if data is None:
        data = challenge.loader(challenge.extra).load()
    return _challenger(challenge, predictor, data)


def _challenger(challenge: Challenge, predictor: Predictor, data: TrainingData) -> Challenger:
    """Tell the rows of the table from those of the log."""
    rule = data.holdout_rule
    if challenge.extra.empty:
        return Challenger(predictor, rule, data.holdout, 0)
    table = challenge.loader().load()
    if rule.cutoff is None:
        return Challenger(predictor, rule, table.holdout, len(data.train) - len(table.train))
    moments = [rows.moments for rows in (table.train, table.holdout) if rows.moments is not None]
    of_table = int((np.concatenate(moments) < rule.cutoff).sum())
    return Challenger(predictor, rule, data.holdout, len(data.train) - of_table)


def hold_against_champion(
    challenge: Challenge, challenger: Challenger, *, world_changed: bool
) -> tuple[Comparison, list[str]]:
    """Compare champion and challenger on the rows that neither was trained on.

    Parameters
    ----------
    challenge
        The champion, and the data of the retraining.
    challenger
        Result of `train_challenger`.
    world_changed
        Whether the challenger was trained because the data has changed; see `comparison.compare`.

    Returns
    -------
    tuple
        The comparison, and notes on it.

    Raises
    ------
    DataError
        If there are no such rows, or one breaks the schema of a model.
    """
    champion, other_model, config = challenge.champion, challenger.predictor, challenge.config
    schema = other_model.manifest.input_schema
    sets, notes = [], []
    if shares_holdout(champion.manifest.holdout, challenger.rule):
        labels, features = challenger.holdout.labels.tolist(), challenger.holdout.features
        one, other = (outcome_of(model, features, labels) for model in (champion, other_model))
        sets.append(SharedRows("holdout", one, other, readable(features, schema)))
    else:
        notes.append("rows are held out by another rule than the champion's, which may have been trained on them")
    if challenge.recent:
        one, other = (outcome_of(model, challenge.recent, challenge.recent_labels) for model in (champion, other_model))
        sets.append(SharedRows("recent", one, other, readable(features_of(schema, challenge.recent), schema)))
    if not sets:
        msg = (
            "expected rows that neither model was trained on, found none: add labels, or keep the champion's "
            "training.split and data.index"
        )
        raise DataError(msg)
    asked = challenge.recent or [row.inputs for row in champion.manifest.golden_rows]
    comparison = compare(
        sets,
        config.promotion,
        champion=champion.manifest.version,
        challenger=other_model.manifest.version,
        latency_ms=(latency_of(champion, asked), latency_of(other_model, asked)),
        gates={str(metric): limit for metric, limit in config.gates.items()},
        world_changed=world_changed,
        random_state=config.training.random_state,
    )
    return comparison, notes


def shares_holdout(champion: Holdout, challenger: Holdout) -> bool:
    """Tell whether the champion, too, did not learn from the rows that the challenger holds out."""
    if champion.kind != challenger.kind:
        return False
    if challenger.kind == "hash":
        return champion.key == challenger.key and challenger.share <= champion.share
    if challenger.kind == "time":
        return champion.cutoff is not None and challenger.cutoff is not None and challenger.cutoff >= champion.cutoff
    return champion.rule == challenger.rule
