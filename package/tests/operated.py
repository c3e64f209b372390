"""A small problem in operation: a model in a store, and a log of what became of its predictions."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pandas as pd

from classification_model.config.core import load_config
from classification_model.config.sections import Config
from classification_model.runtime.log.label_log import LabelLog
from classification_model.runtime.log.prediction_log import PredictionLog
from classification_model.runtime.mle.model import ServedModel
from classification_model.runtime.store.store import ModelStore
from classification_model.train_pipeline import run_training

# Trees learn a new world beside the old one. What a linear model loses in the old one is for a person to decide on.
CONFIG = """app:
  name: Parcels
  version: 1.0.0
data:
  source: table.csv
  target: late
  classes:
    0: in time
    1: late
features:
  distance: numeric
  carrier: categorical
training:
  folds: 3
  encoding_folds: 3
  estimator: extra_trees
  candidates:
    extra_trees:
      n_estimators: 30
      min_samples_leaf: 10
monitoring:
  minimum_count: 60
promotion:
  minimum_count: 40
"""
LABELS = ("in time", "late")


def make_rows(count: int, seed: int, *, world: str = "old") -> list[dict[str, Any]]:
    """Make rows with their labels: far parcels are late, but not those of a carrier that only the new world has."""
    draw = random.Random(seed)  # noqa: S311 - parcels are no secret
    rows = []
    for _ in range(count):
        distance = round(draw.uniform(0, 100), 2)
        is_late = distance > 50 and world == "old"
        carrier = "swift" if world == "new" else draw.choice(["horse", "van"])
        late = is_late if draw.random() > 0.04 else not is_late
        rows.append({"distance": distance, "carrier": carrier, "late": int(late)})
    return rows


def make_problem(folder: Path) -> Config:
    """Write table and config of the problem."""
    pd.DataFrame(make_rows(600, 0)).to_csv(folder / "table.csv", index=False)
    (folder / "config.yml").write_text(CONFIG, encoding="utf-8")
    return load_config(folder / "config.yml")


def make_store(folder: Path, config: Config) -> ModelStore:
    """Train the first model and let it serve."""
    report = run_training(config, output=folder / "models", jobs=1)
    store = ModelStore(folder / "store")
    store.promote(store.add(report.folder))
    return store


def log_rows(store: ModelStore, log: Path, rows: list[dict[str, Any]], *, labelled: bool = True) -> list[str]:
    """Predict rows by the model that serves, put them and their labels on record; return their names.

    A row's ``parcel`` is its key.
    """
    version = store.current()
    assert version is not None
    predictions, labels = PredictionLog(log), LabelLog(log)
    model = ServedModel(predictions).load(store.path(version))
    features = [{name: value for name, value in row.items() if name not in {"late", "parcel"}} for row in rows]
    keys = [row.get("parcel") for row in rows]
    answer = model.predict_with_logging(features, index=keys)
    names = [name for name in answer["prediction_ids"] if name is not None]
    if labelled:
        labels.add([(name, LABELS[row["late"]]) for name, row in zip(names, rows, strict=True)], "test")
    predictions.close()
    labels.close()
    return names
