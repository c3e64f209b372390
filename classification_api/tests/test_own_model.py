"""A model of somebody's own class is served like any other: what its `save` wrote is all that the API needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from classification_model.own_models.save_estimator import save_estimator
from classification_model.runtime.log.prediction_log import iter_predictions
from classification_model.runtime.mle.model import ServedModel
from conftest import Serve
from sklearn.ensemble import RandomForestClassifier

pytestmark = pytest.mark.slow


class Forest(ServedModel):
    """A forest, fitted without a config."""

    estimator = RandomForestClassifier(20, random_state=0)

    def fit(self, features: Any = None, labels: Any = None) -> Forest:
        """Fit it."""
        self.estimator.fit(features, labels)
        self.learned = features, labels
        return self

    def save(self, folder: Path | str) -> None:
        """Write a model folder."""
        save_estimator(self.estimator, *self.learned, name="wood", version="3.1.0", folder=folder)


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    """Make rows with gaps."""
    draw = np.random.default_rng(0)
    frame = pd.DataFrame({"rings": draw.integers(1, 90, 200).astype(float), "is_hard": draw.random(200) < 0.5})
    frame.loc[::9, "rings"] = np.nan
    return frame


@pytest.fixture(scope="module")
def forest(rows: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> tuple[Forest, Path]:
    """Fit, save and load the class."""
    folder = tmp_path_factory.mktemp("own") / "model"
    model = Forest().fit(rows, np.where(rows["is_hard"] & (rows["rings"] > 30), "oak", "fir"))
    model.save(folder)
    return model.load(folder), folder


def test_a_class_of_ones_own_is_served(
    forest: tuple[Forest, Path], rows: pd.DataFrame, serve: Serve, tmp_path: Path
) -> None:
    """Over HTTP it gives what it gives here, under its name and version; what it cannot read is refused."""
    model, folder = forest
    server = serve(MODEL_FOLDER=str(folder), LOG_FOLDER=str(tmp_path / "log"))
    inputs = [
        {"rings": None if pd.isna(r) else r, "is_hard": bool(h)}
        for r, h in zip(rows["rings"], rows["is_hard"], strict=True)
    ]
    reply = server.post(json={"inputs": inputs, "index": list(range(len(inputs)))})
    assert reply.status_code == 200
    answer = reply.json()
    expected = model.predict(inputs)
    assert answer["predictions"] == expected["predictions"]
    assert answer["probabilities"] == expected["probabilities"]
    assert answer["version"] == "3.1.0"
    shares = np.array([[row["fir"], row["oak"]] for row in answer["probabilities"]])
    assert np.abs(shares - model.estimator.predict_proba(rows)).max() <= 1e-12
    described = server.client.get("/model").json()
    assert (described["name"], described["metrics"]) == ("wood", {})
    assert server.post(json={"inputs": [{"rings": "many", "is_hard": True}]}).status_code == 422
    found = list(iter_predictions(tmp_path / "log"))
    assert [record["prediction_id"] for record in found] == answer["prediction_ids"]
    assert [record["features"] for record in found] == inputs
