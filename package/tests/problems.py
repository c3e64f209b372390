"""Small problems to train on: a table of every kind of column, and configs that describe it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from written import write_table

from classification_model.config.core import Config
from classification_model.processing.data_manager import DataLoader, TrainingData
from classification_model.train_pipeline import run_training
from classification_model.training.training_report import TrainingReport

CLASSES = ("red", "green", "blue")

#: A feature of every kind; `day` is a date, `code` has many categories.
EVERY_KIND: dict[str, Any] = {
    "size": {"kind": "numeric"},
    "price": {"kind": "numeric", "impute": "mean"},
    "count": {"kind": "numeric", "impute": -1.0},
    "open": {"kind": "boolean"},
    "shape": {"kind": "categorical"},
    "grade": {"kind": "categorical", "encode": "ordinal"},
    "code": {"kind": "categorical", "encode": "target"},
    "note": {"kind": "text"},
    "day": {"kind": "datetime"},
}

DERIVED: dict[str, dict[str, Any]] = {
    "word": {"derive": "pattern", "from": ["note"], "pattern": r"^(\w+)"},
    "digits": {"derive": "pattern", "from": ["note"], "kind": "numeric", "pattern": r"\d+"},
    "urgent": {"derive": "contains", "from": ["note"], "words": ["now", "at once"]},
    "shape_and_open": {"derive": "combine", "from": ["shape", "open", "count"]},
    "total": {"derive": "sum", "from": ["size", "price"], "plus": 1.0},
    "size_a_price": {"derive": "ratio", "from": ["size", "price"]},
    "log_price": {"derive": "log", "from": ["price"]},
    "moment": {"derive": "date_parts", "from": ["day"], "parts": ["year", "hour", "day_of_year"]},
}


def make_table(rows: int = 120, classes: int = 2, seed: int = 0, gaps: float = 0.1) -> pd.DataFrame:
    """Make raw values of every kind, with gaps, and a target `colour` that depends on some of them."""
    draw = np.random.default_rng(seed)
    number = draw.integers(0, classes, rows)
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(draw.integers(0, 500, rows), unit="D")
    table = pd.DataFrame(
        {
            "size": (draw.normal(size=rows) + 1.5 * number).round(3),
            "price": draw.lognormal(3, 1, rows).round(2),
            "count": draw.integers(0, 9, rows),
            "open": draw.choice(["yes", "no"], rows),
            "shape": np.where(draw.random(rows) < 0.6, np.array(["disc", "cube", "cone"])[number], "ball"),
            "grade": draw.choice(["low", "middle", "high"], rows),
            "code": [f"K{code}" for code in draw.integers(0, 30, rows)],
            "note": [f"{word} {n} pieces" for word, n in zip(draw.choice(["now", "later"], rows), number, strict=True)],
            "day": [day.date().isoformat() for day in days],
        },
        dtype=object,
    )
    table = table.mask(draw.random(table.shape) < gaps, None)
    table.insert(0, "key", range(rows))
    table["colour"] = np.array(CLASSES)[number]
    return table


def make_config(
    features: dict[str, Any] | None = None, *, folder: Path = Path(), classes: int = 2, **sections: dict[str, Any]
) -> Config:
    """Describe the table; each section is laid over defaults that train quickly."""
    training = {"folds": 3, "encoding_folds": 3, "candidates": {"logistic_regression": {}}, "budget_seconds": 600}
    data = {
        "source": "table.csv",
        "target": "colour",
        "index": "key",
        "classes": {label: label for label in CLASSES[:classes]},
    }
    config = Config.model_validate(
        {
            "app": {"name": "colours"} | sections.pop("app", {}),
            "data": data | sections.pop("data", {}),
            "features": EVERY_KIND if features is None else features,
            "training": training | sections.pop("training", {}),
            **sections,
        }
    )
    return config.at(folder)


def load(table: pd.DataFrame, config: Config) -> TrainingData:
    """Write a table where a config looks for it, and load it."""
    write_table(table, str(config.folder / config.data.source))
    return DataLoader(config).load()


def train(table: pd.DataFrame, config: Config, **options: Any) -> TrainingReport:
    """Write a table where a config looks for it, and train on it into the same folder, whatever model is there."""
    write_table(table, str(config.folder / config.data.source))
    return run_training(config, output=config.folder, **{"jobs": 1, "replace": True, **options})
