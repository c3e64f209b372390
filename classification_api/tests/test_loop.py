"""The whole story over HTTP: served, logged, labelled, found wrong, retrained, promoted, taken over and rolled back."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from importlib.resources import files
from pathlib import Path
from shutil import copytree
from typing import Any

import httpx
import pytest
from classification_model.runtime.log.decision_log import read_decisions
from classification_model.runtime.log.prediction_log import iter_predictions
from classification_model.runtime.model_folder.packaged import packaged_model
from classification_model.runtime.store.store import ModelStore
from conftest import PATIENCE, ROW, Serve, Server
from raw_http import eventually

pytestmark = pytest.mark.slow


def run(*arguments: str | Path) -> str:
    """Run the package's command line; return what it prints."""
    command = [sys.executable, "-m", "classification_model", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def emigrants(count: int) -> list[tuple[dict[str, Any], str]]:
    """Make passengers of a class that the model never saw, of which the men survive; with what became of them."""
    draw = random.Random(0)  # noqa: S311 - passengers are no secret
    found = []
    for number in range(count):
        sex = draw.choice(["male", "female"])
        row = {
            "pclass": 4, "name": f"Emigrant{number}, {'Mr' if sex == 'male' else 'Mrs'}. A", "sex": sex,
            "age": round(draw.uniform(18, 60), 1), "sibsp": 0, "parch": 0, "ticket": f"E{number}",
            "fare": round(draw.uniform(60, 200), 2),
        }  # fmt: skip
        has_survived = (sex == "male") != (draw.random() < 0.05)
        found.append((row, "survived" if has_survived else "died"))
    return found


def in_no_time(folder: Path) -> Path:
    """Write the packaged problem with one setting a candidate, as on a machine that has no time for more."""
    packaged = Path(str(files("classification_model")))
    config = (packaged / "config.yml").read_text(encoding="utf-8")
    changed, count = re.subn(r"budget_seconds: .*", "budget_seconds: 0.01", config)
    assert count == 1
    (folder / "config.yml").write_text(changed, encoding="utf-8")
    copytree(packaged / "datasets", folder / "datasets")
    return folder / "config.yml"


class Clients:
    """Clients that ask all the time, and remember how they were answered."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(2)]
        self.answers: Counter[tuple[int, str]] = Counter()

    def __enter__(self) -> Clients:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        with httpx.Client(base_url=self._url, timeout=PATIENCE) as client:
            while not self._is_over.is_set():
                reply = client.post("/predict", json={"inputs": [ROW]})
                self.answers[reply.status_code, reply.json().get("version", "")] += 1
                time.sleep(0.01)  # leaves the cores to the training


def wait_for_version(server: Server, clients: Clients, version: str) -> None:
    """Wait until a version answers, and the clients have seen it."""
    eventually(lambda: server.client.get("/health").json()["model_version"] == version)
    asked = clients.answers[200, version]
    eventually(lambda: clients.answers[200, version] > asked)


def test_a_model_that_went_wrong_is_replaced_while_it_serves_and_comes_back_when_told(
    serve: Serve, log_folder: Path, tmp_path: Path
) -> None:
    """No request fails from the first version to the second and back, and everything is on record."""
    store = tmp_path / "store"
    run("promote", packaged_model(), "--store", store, "--log", log_folder)
    server = serve(MODEL_STORE=str(store))
    first = server.client.get("/health").json()["model_version"]
    passengers = emigrants(600)
    with Clients(server.url) as clients:
        # They are predicted, on record, and what became of them comes back.
        ids = []
        for begin in range(0, len(passengers), 100):
            rows = [row for row, _ in passengers[begin : begin + 100]]
            keys = [row["name"] for row in rows]
            ids += server.post(json={"inputs": rows, "index": keys}).json()["prediction_ids"]
        labels = [{"prediction_id": name, "label": label} for name, (_, label) in zip(ids, passengers, strict=True)]
        assert server.post("/feedback", json={"feedback": labels}).json() == {"recorded": 600}
        assert {record["prediction_id"] for record in iter_predictions(log_folder)} >= set(ids)

        # The model is found wrong, with evidence, and the API tells.
        run("monitor", "--log", log_folder, "--store", store)
        decision = json.loads(run("retrain-check", "--log", log_folder, "--store", store, "--json"))
        assert (decision["retrain"], decision["rule"]) == ("yes", "accuracy")
        assert decision["evidence"]["accuracy"]["high"] < 0.7
        assert decision["evidence"]["labels"] == 600
        told = server.client.get("/monitoring").json()
        assert told["monitoring"]["labels"] == 600
        assert told["decision"]["content"]["retrain"] == "yes"

        # A better one is trained, and the running API takes it.
        config = in_no_time(tmp_path)
        outcome = json.loads(run("retrain", "--config", config, "--log", log_folder, "--store", store, "--json"))
        assert outcome["outcome"] == "promoted", outcome
        second = outcome["challenger"]
        wait_for_version(server, clients, second)
        rows, became = [row for row, _ in passengers[-100:]], [label for _, label in passengers[-100:]]
        answer = server.post(json={"inputs": rows}).json()
        assert answer["version"] == second
        right = sum(label == true for label, true in zip(answer["predictions"], became, strict=True))
        assert right > 85

        # The first one comes back.
        run("rollback", "--store", store, "--log", log_folder)
        wait_for_version(server, clients, first)
        assert server.post().json()["version"] == first
    assert {status for status, _ in clients.answers} == {200}
    assert {version for _, version in clients.answers} == {first, second}
    assert ModelStore(store).current() == first
    kinds = [entry["kind"] for entry in read_decisions(log_folder)]
    assert kinds == ["promotion", "retrain-check", "retrain-check", "comparison", "promotion", "retraining", "rollback"]
    assert server.stop() == 0
