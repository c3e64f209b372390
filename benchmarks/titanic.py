"""What the benchmarks of speed measure with: models of the Titanic problem, and passengers to predict."""

from pathlib import Path
from typing import Any

import pandas as pd

from classification_model.config.core import load_config
from classification_model.processing.fitted_pipelines import load_pipeline
from classification_model.train_pipeline import run_training

ESTIMATORS = {"linear": "logistic_regression", "forest": "random_forest"}


def train(kind: str, folder: Path) -> Path:
    """Train the Titanic problem with one estimator, and return the model folder."""
    config = load_config()
    estimator = ESTIMATORS[kind]
    training = config.training.model_copy(update={"estimator": estimator, "candidates": {estimator: {}}})
    return run_training(config.model_copy(update={"training": training}), output=folder, replace=True).folder


def passengers(count: int) -> list[dict[str, Any]]:
    """Return rows as a caller sends them: passengers of the table, each with another name."""
    table = titanic()
    columns = {name: table[name].tolist() for name in table.columns}
    return [
        {name: values[row % len(table)] for name, values in columns.items()}
        | {"name": f"{columns['name'][row % len(table)]} {row}"}
        for row in range(count)
    ]


def titanic() -> pd.DataFrame:
    """Return the raw columns that the model reads: numbers, and texts or None."""
    config = load_config()
    table = pd.read_csv(config.folder / config.data.source)
    table = table[["pclass", "sex", "name", "age", "sibsp", "parch", "ticket", "fare", "cabin"]]
    return table.astype(object).where(table.notna(), None)


def frame_of(folder: Path, rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Return rows as the frame that the pickled pipeline takes."""
    _, manifest = load_pipeline(folder)
    texts = manifest.input_schema.texts
    frame = pd.DataFrame(rows)
    spelled = {name: [None if value is None else str(value) for value in frame[name]] for name in texts}
    return pd.DataFrame(
        {
            field.name: pd.Series(spelled[field.name], dtype=object)
            if field.name in texts
            else frame[field.name].astype(float)
            for field in manifest.input_schema.fields
        }
    )
