"""Frames of a prediction log, as `read_log` and `with_labels` give them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from classification_model.runtime.model_folder.manifest import Manifest

START = pd.Timestamp("2026-11-16", tz="UTC")


def make_frame(
    manifest: Manifest,
    rows: int = 300,
    *,
    every: str = "1min",
    labelled: float = 1.0,
    seed: int = 0,
    **features: Any,
) -> pd.DataFrame:
    """Make a log of predictions whose probabilities are calibrated.

    Parameters
    ----------
    manifest
        Of the model that predicted; of two classes.
    every
        Time from one prediction to the next.
    labelled
        Share of the rows whose label is known.
    features
        Values of features, for which others are left out.
    """
    draw = np.random.default_rng(seed)
    first, second = manifest.classes
    probability = draw.choice(reference_values(manifest.prediction_distribution[second]), rows)
    assert manifest.threshold is not None
    label = np.where(draw.random(rows) < probability, second, first).astype(object)
    label[draw.random(rows) >= labelled] = None
    frame: dict[str, Any] = {
        "prediction_id": [f"id{number}" for number in range(rows)],
        "timestamp": pd.date_range(START, periods=rows, freq=every, unit="us"),
        "model": manifest.name,
        "version": manifest.version,
        "index": None,
        "prediction": np.where(probability >= manifest.threshold, second, first),
    }
    frame |= {f"features.{name}": pd.Series(values, dtype=object) for name, values in features.items()}
    frame |= {f"probabilities.{first}": 1 - probability, f"probabilities.{second}": probability, "label": label}
    return pd.DataFrame(frame)


def reference_values(distribution: dict[str, Any]) -> np.ndarray:
    """Return a thousand numbers that are spread over the bins of a reference as it says."""
    edges, shares = np.array(distribution["edges"]), np.array(distribution["shares"])
    return np.asarray(np.interp(np.linspace(0, 1, 1000), np.append(0, shares.cumsum()), edges))
