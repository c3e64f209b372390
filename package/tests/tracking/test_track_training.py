"""A training is a run in MLflow, with its trials below it and the model in the registry; without one, it goes on."""

from __future__ import annotations

import importlib.metadata
import json
import logging
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from commands import MODEL, VERSION, Command, colours, shell
from mlflow_server import PASSWORD, MlflowServer, free_port, proxy, silent_server
from packaging.requirements import Requirement

import classification_model as cm
from classification_model.config.core import Config, parse_config
from classification_model.tracking.run_content import config_content

pytestmark = pytest.mark.slow

CONFIG = """app:
  name: {name}
data:
  source: table.csv
  target: y
features:
  size: numeric
  shape: categorical
training:
  folds: 3
  trials: 2
  candidates:
    logistic_regression:
      C:
        - 0.1
        - 1
    random_forest:
      n_estimators: 10
"""


@pytest.fixture
def tracking(mlflow_server: MlflowServer, monkeypatch: pytest.MonkeyPatch) -> MlflowServer:
    """Set the server's address, with a user and a password."""
    set_address(monkeypatch, mlflow_server.url)
    return mlflow_server


def set_address(monkeypatch: pytest.MonkeyPatch, url: str, rest: str = "") -> None:
    """Set an address in the environment, with a user and a password."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", url.replace("://", f"://somebody:{PASSWORD}@") + rest)


def make_problem(folder: Path, name: str) -> Config:
    """Write a table and the config of a problem with a name of its own."""
    colours().to_csv(folder / "table.csv", index=False)
    (folder / "config.yml").write_text(CONFIG.format(name=name), encoding="utf-8")
    return cm.load_config(folder / "config.yml")


def parents(runs: list[Any]) -> list[Any]:
    """Return the runs that are no trials."""
    return [run for run in runs if "mlflow.parentRunId" not in run.data.tags]


def warned(caplog: pytest.LogCaptureFixture) -> str:
    """Return the only warning; it is one line and repeats no secret."""
    (record,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    message = record.getMessage()
    assert len(message.splitlines()) == 1
    assert not any(secret in message for secret in (PASSWORD, "somebody", "ab-cd-ef"))
    return message


@pytest.fixture(scope="module")
def trained(mlflow_server: MlflowServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train by the command line, in a program of its own; give its folder."""
    folder = tmp_path_factory.mktemp("trained")
    make_problem(folder, "Tracked / colours")
    with pytest.MonkeyPatch.context() as patch:
        set_address(patch, mlflow_server.url)
        done = shell("$MODEL train --config config.yml --output models --json", folder)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["trained"], "MLflow prints nothing on standard output"
    assert "step: logging to MLflow" in done.stderr.splitlines()
    assert PASSWORD not in done.stderr
    assert "WARNING" not in done.stderr
    return folder


def test_a_training_is_a_run_with_parameters_metrics_and_tags(trained: Path, mlflow_server: MlflowServer) -> None:
    """The run has what the manifest says, to the last digit, and tells config and data by their hashes."""
    manifest = cm.read_manifest(trained / MODEL)
    (run,) = parents(mlflow_server.runs("Tracked - colours"))
    assert (run.info.status, run.info.run_name) == ("FINISHED", f"version {VERSION}")
    assert run.data.params["estimator"] == manifest.estimator
    assert {name: run.data.params[name] for name in manifest.parameters} == {
        name: str(value) for name, value in manifest.parameters.items()
    }
    assert (run.data.params["training.folds"], run.data.params["held_out"]) == ("3", str(manifest.holdout.rows))
    for name, metric in manifest.metrics.items():
        logged = [run.data.metrics[key] for key in (name, f"{name}_low", f"{name}_high")]
        assert logged == [metric.value, metric.low, metric.high]
        assert run.data.metrics[f"train_{name}"] >= 0
        assert run.data.metrics[f"cv_{name}"] >= 0
    tags = {"version": VERSION, "config_hash": manifest.config_hash, "data_sha256": manifest.data.sha256}
    assert run.data.tags.items() >= (tags | {"digest": manifest.digest}).items()
    (dataset,) = run.inputs.dataset_inputs
    profile = {"num_rows": 120, "num_columns": manifest.data.columns, "sha256": manifest.data.sha256}
    assert json.loads(dataset.dataset.profile) == profile
    assert json.loads(dataset.dataset.source) == {"uri": "table.csv"}


def test_a_run_has_the_config_the_plots_and_the_reports(
    trained: Path, mlflow_server: MlflowServer, tmp_path: Path
) -> None:
    """The reports are those of the model folder, and the config is the one that trained it."""
    (run,) = parents(mlflow_server.runs("Tracked - colours"))
    client = mlflow_server.client()
    there = {item.path for folder in (None, "plots") for item in client.list_artifacts(run.info.run_id, folder)}
    assert there >= {"config.yml", "reports", "plots", "plots/roc.png", "plots/confusion.png", "plots/gain.png"}
    reports = Path(client.download_artifacts(run.info.run_id, "reports", str(tmp_path)))
    ours = trained / MODEL / "reports"
    assert {file.name: file.read_bytes() for file in reports.iterdir()} == {
        file.name: file.read_bytes() for file in ours.iterdir()
    }
    plot = Path(client.download_artifacts(run.info.run_id, "plots/roc.png", str(tmp_path)))
    assert plot.read_bytes().startswith(b"\x89PNG")
    config = Path(client.download_artifacts(run.info.run_id, "config.yml", str(tmp_path)))
    assert parse_config(config.read_text(encoding="utf-8")).hash == cm.read_manifest(trained / MODEL).config_hash


def test_each_trial_is_a_run_below_that_of_the_training(trained: Path, mlflow_server: MlflowServer) -> None:
    """The runs below are the lines of the leaderboard: the candidates, their settings and metrics."""
    runs = mlflow_server.runs("Tracked - colours")
    (parent,) = parents(runs)
    trials = [run for run in runs if run.data.tags.get("mlflow.parentRunId") == parent.info.run_id]
    board = pd.read_csv(trained / MODEL / "reports" / "leaderboard.csv")
    assert len(trials) == len(board) == 3
    assert {run.info.status for run in trials} == {"FINISHED"}
    assert [run.info.run_name[0] for run in trials] == ["1", "2", "3"], "MLflow lists the best one first"
    assert sorted(run.data.params["candidate"] for run in trials) == sorted(board["candidate"])
    assert {run.data.params.get("C") for run in trials} == {"0.1", "1", None}
    assert np.allclose(sorted(run.data.metrics["cv_log_loss"] for run in trials), sorted(board["log_loss"]))
    assert all(run.data.metrics["fit_seconds"] > 0 for run in trials)


def test_the_registered_model_predicts_in_mlflow_as_here(trained: Path, mlflow_server: MlflowServer) -> None:
    """MLflow's own loader runs the ONNX model: signature, example, labels and probabilities."""
    client = mlflow_server.client()
    (version,) = client.search_model_versions("name='Tracked - colours'")
    assert (version.version, version.tags["version"], version.status) == ("1", VERSION, "READY")
    rows = colours().head(20)
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("ignore")
        patch.setenv("MLFLOW_TRACKING_URI", mlflow_server.url)
        import mlflow.pyfunc  # noqa: PLC0415 - importing it warns

        model = mlflow.pyfunc.load_model("models:/Tracked - colours/1")
        found = model.predict({"size": rows[["size"]].to_numpy(np.float64), "shape": rows[["shape"]].to_numpy(object)})
        assert model.metadata.signature.inputs.input_names() == ["size", "shape"]
        assert len(model.input_example["size"]) == 3
    answer = cm.Predictor.load(trained / MODEL).predict(rows.drop(columns=["order", "y"]))
    assert found["label"].tolist() == answer["predictions"]
    probabilities = [list((row or {}).values()) for row in answer["probabilities"]]
    assert np.abs(found["probabilities"] - probabilities).max() < 1e-9


def test_a_training_in_python_is_tracked(tracking: MlflowServer, tmp_path: Path) -> None:
    """`train` of a notebook and `fit` of a model class are tracked as the command is; fit of a classifier is not."""
    for name in ("Notebook", "Class"):
        (tmp_path / name).mkdir()
    cm.train(config=make_problem(tmp_path / "Notebook", "Notebook"))
    config = make_problem(tmp_path / "Class", "Class")
    table = colours()
    model = cm.ClassificationModel(config).fit(table.drop(columns="y"), table["y"])
    model.save(tmp_path / "saved")
    for name in ("Notebook", "Class"):
        assert len(parents(tracking.runs(name))) == 1
        assert len(tracking.client().search_model_versions(f"name='{name}'")) == 1
    (version,) = tracking.client().search_model_versions("name='Class'")
    assert version.tags["digest"] == cm.read_manifest(tmp_path / "saved").digest, "what is saved is what is registered"
    cm.Classifier(config).fit(table.drop(columns="y"), table["y"])
    assert len(parents(tracking.runs("Class"))) == 1


def test_the_logged_config_has_no_password() -> None:
    """The URL of a table is logged without its secrets."""
    text = CONFIG.format(name="Secret").replace("table.csv", f"postgresql://me:{PASSWORD}@host/base#table")
    content = config_content(parse_config(text))
    assert content["data"]["source"]
    assert PASSWORD not in json.dumps(content)


@pytest.mark.parametrize("kind", ["refusing", "silent"])
def test_a_server_that_is_away_leaves_the_training_as_it_is(
    kind: str, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """One line says that the training is not in MLflow, and why; the model is saved."""
    make_problem(tmp_path, "Away")
    with silent_server() as silent:
        url = silent if kind == "silent" else f"http://127.0.0.1:{free_port()}"
        set_address(monkeypatch, url, "/?key=ab-cd-ef")
        done = command("train", "--config", "config.yml", "--output", "models")
    assert done.code == 0
    assert "saved in" in done.out
    cm.verify(tmp_path / MODEL)
    reason = "it did not answer in time" if kind == "silent" else "connection refused"
    assert warned(caplog) == f"version {VERSION} of Away is not in MLflow: the MLflow server at {url}: {reason}"


def test_a_server_that_fails_in_the_middle_leaves_a_failed_run(
    command: Command,
    mlflow_server: MlflowServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The model is saved, the run is marked as failed, and nothing is registered."""
    make_problem(tmp_path, "Broken")
    with proxy(mlflow_server, lambda _, path, body: None if "mlflow-artifacts" in path else body) as url:
        set_address(monkeypatch, url)
        done = command("train", "--config", "config.yml", "--output", "models")
    assert done.code == 0
    cm.verify(tmp_path / MODEL)
    assert "it answered with errors of its own (5xx)" in warned(caplog)
    (run,) = parents(mlflow_server.runs("Broken"))
    assert run.info.status == "FAILED"
    assert not mlflow_server.client().search_model_versions("name='Broken'")


def test_a_missing_extra_is_named_and_the_training_goes_on(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Where MLflow is not installed, the warning says what to install."""
    make_problem(tmp_path, "No extra")
    set_address(monkeypatch, "http://127.0.0.1:1")
    monkeypatch.setitem(sys.modules, "mlflow", None)
    assert command("train", "--config", "config.yml", "--output", "models").code == 0
    cm.verify(tmp_path / MODEL)
    assert re.search(r"needs mlflow, which is not installed: run pip install .*\[mlflow\]", warned(caplog))


ONLY_THE_CLIENT = """
import sys

class Without:
    def __init__(self, finder):
        self.finder = finder
    def __getattr__(self, name):
        return getattr(self.finder, name)
    def find_spec(self, name, path=None, target=None):
        return None if name.partition(".")[0] in {modules!r} else self.finder.find_spec(name, path, target)

sys.meta_path[:] = map(Without, sys.meta_path)
from classification_model.cli import main
main()
"""


def required(distribution: str, extra: str = "") -> set[str]:
    """Return the names of what a distribution requires, with an extra."""
    found = map(Requirement, importlib.metadata.requires(distribution) or [])
    return {each.name.lower() for each in found if each.marker is None or each.marker.evaluate({"extra": extra})}


def test_the_client_alone_is_enough(mlflow_server: MlflowServer, tmp_path: Path) -> None:
    """A training is tracked, and its model pulled, without what only MLflow's server installs."""
    (this,) = set(importlib.metadata.packages_distributions()["classification_model"])
    ours = required(this, "train") | required(this, "mlflow") | required("mlflow-skinny")
    modules = {name.replace("-", "_") for name in required("mlflow") - ours}
    assert {"alembic", "flask", "graphene", "sqlalchemy"} <= modules
    make_problem(tmp_path, "Skinny")
    for arguments in (
        ["train", "--config", "config.yml", "--output", "models"],
        ["store", "pull", "mlflow://Skinny/1", "--store", "store"],
    ):
        done = subprocess.run(
            [sys.executable, "-c", ONLY_THE_CLIENT.format(modules=modules), *arguments],
            cwd=tmp_path,
            env=os.environ | {"MLFLOW_TRACKING_URI": mlflow_server.url},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "not in MLflow" not in done.stderr
    assert (tmp_path / "store" / "versions" / VERSION).is_dir()
