"""The class of docs/your-own-model-class.md: verified, loaded, logged and judged like a model of a config."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from commands import Command

from classification_model.errors import ArtifactError
from classification_model.predict import Predictor
from classification_model.runtime.log.prediction_log import PredictionLog, iter_predictions
from classification_model.runtime.mle.model import MLEModel

PAGE = Path(__file__).resolve().parents[3] / "docs" / "your-own-model-class.md"
DRAW = np.random.default_rng(7)
SPECIES = DRAW.choice(["adelie", "gentoo"], 300)
ROWS = pd.DataFrame(
    {
        "flipper_mm": DRAW.normal(np.where(SPECIES == "adelie", 190.0, 217.0), 6.0).round(1),
        "mass_g": DRAW.normal(np.where(SPECIES == "adelie", 3700.0, 5070.0), 450.0).round(),
    }
)
ROWS.loc[::25, "mass_g"] = np.nan


def source() -> str:
    """Return the class as the page has it."""
    found = re.search(r"write_text\('''\n(.*?)'''\)", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture(scope="module")
def penguins(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """Import the module of the page."""
    path = tmp_path_factory.mktemp("page") / "penguins.py"
    path.write_text(source(), encoding="utf-8")
    spec = importlib.util.spec_from_file_location("penguins", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def folder(penguins: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fit and save the class."""
    place = tmp_path_factory.mktemp("saved") / "model"
    penguins.PenguinModel().fit(ROWS[:200], SPECIES[:200]).save(place, evaluation=(ROWS[200:], SPECIES[200:]))
    return place


def test_the_class_is_short() -> None:
    """What somebody has to write is some twenty lines."""
    lines = [line for line in source().partition("class ")[2].splitlines() if line.strip()]
    assert len(lines) <= 20


def test_the_class_is_a_model_that_predicts_as_its_estimator_does(penguins: ModuleType, folder: Path) -> None:
    """Loaded from its folder it gives what the estimator gives that was fitted."""
    model = penguins.PenguinModel().load(folder)
    assert isinstance(model, MLEModel)
    answer: Any = model.predict(ROWS)
    shares = np.array([[row["adelie"], row["gentoo"]] for row in answer["probabilities"]])
    assert np.abs(shares - model.model.predict_proba(ROWS)).max() <= 1e-12
    assert Predictor.load(folder).predict(ROWS) == answer
    with pytest.raises(ArtifactError, match="expected a loaded model in this PenguinModel, found none"):
        penguins.PenguinModel(PredictionLog(folder)).predict_with_logging(ROWS)


def test_the_folder_is_verified_by_the_command_line(folder: Path, command: Command) -> None:
    """`verify` takes it, and says no when a byte of it is another one."""
    assert command("verify", folder).code == 0
    core = (folder / "core.onnx").read_bytes()
    try:
        (folder / "core.onnx").write_bytes(core[:-1] + bytes([core[-1] ^ 1]))
        changed = command("verify", folder)
        assert changed.code == 1
        assert "core.onnx was changed" in changed.err
    finally:
        (folder / "core.onnx").write_bytes(core)


def test_its_predictions_are_on_record_and_judged(penguins: ModuleType, folder: Path, tmp_path: Path) -> None:
    """Records carry its name, version and raw features, and the labels that come back are counted."""
    model = penguins.PenguinModel(log=PredictionLog(tmp_path / "log")).load(folder)
    answer = model.predict_with_logging(ROWS[200:], index=list(range(200, 300)))
    found = list(iter_predictions(tmp_path / "log"))
    assert [record["index"] for record in found] == list(range(200, 300))
    assert {(record["model"], record["version"]) for record in found} == {("penguins", "1.0.0")}
    again = model.predict([record["features"] for record in found])
    assert again["probabilities"] == answer["probabilities"]
    truth: dict[Any, str] = dict(zip(answer["prediction_ids"], SPECIES[200:].tolist(), strict=True))
    verdict = model.needs_retraining(truth)
    right = sum(map(str.__eq__, answer["predictions"], truth.values()))
    assert (verdict.count, verdict.right, verdict.retrain) == (100, right, "no")
    assert model.manifest.metrics["accuracy"].value == verdict.accuracy


def test_its_records_can_be_read_as_a_frame(penguins: ModuleType, folder: Path, tmp_path: Path) -> None:
    """What monitoring reads is there: the raw features, and a distribution of the training rows for each of them."""
    log_frame = pytest.importorskip("classification_model.log_frames.log_frame")
    model = penguins.PenguinModel(log=PredictionLog(tmp_path / "log")).load(folder)
    model.predict_with_logging(ROWS[:50])
    frame = log_frame.read_log(tmp_path / "log")
    assert len(frame) == 50
    for name in ROWS.columns:
        logged = frame[f"features.{name}"].astype(float)
        assert sorted(logged.dropna()) == sorted(ROWS[name][:50].dropna())
        assert model.manifest.training_distribution[name]["kind"] == "numeric"
    assert set(model.manifest.prediction_distribution) == {"adelie", "gentoo"}
