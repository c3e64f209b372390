"""A challenger in the shadow: what it would have answered is counted, and nobody waits for it."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from classification_model.predict import make_prediction
from classification_model.runtime.model_folder.packaged import packaged_model
from classification_model.runtime.store.store import ModelStore
from conftest import ROW, Serve
from other_versions import make_version
from prometheus_client.parser import text_string_to_metric_families
from raw_http import eventually

from app.metrics import Metrics
from app.predicting.shadow import AT_ONCE, MOST_OFFERS, Shadow

NAME = "classification_api_shadow_predictions_total"
#: Passengers of both classes, more than are predicted at a time.
PEOPLE = (ROW, ROW | {"pclass": 1, "name": "Allen, Miss. Elisabeth", "sex": "female", "ticket": "24160", "fare": 211.3})
ROWS = [person | {"age": age, "sibsp": 0, "parch": 0} for age in range(1, 60) for person in PEOPLE]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a store of the packaged model and of one whose labels are the same and whose probabilities are not."""
    folder = tmp_path_factory.mktemp("filled")
    store = ModelStore(folder / "store")
    store.add(packaged_model())
    store.add(make_version(folder, "1.0.1", 0.99))
    store.promote("1.0.0")
    return store.folder


@pytest.fixture
def store(filled: Path, tmp_path: Path) -> ModelStore:
    return ModelStore(shutil.copytree(filled, tmp_path / "store"))


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def shadow(store: ModelStore, metrics: Metrics) -> Iterator[Shadow]:
    """Give a challenger that has not begun."""
    shadow = Shadow(store, "1.0.1", metrics)
    yield shadow
    shadow.close()


def counted(text: str) -> dict[str, float]:
    """Return how many rows had each outcome."""
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {sample.labels["outcome"]: sample.value for sample in samples if sample.name == NAME}


def shown(metrics: Metrics) -> dict[str, float]:
    return counted(metrics.render()[0].decode())


def test_agreement_is_counted_row_by_row(shadow: Shadow, metrics: Metrics) -> None:
    """Each row is one that both predict alike, or not, or that the challenger cannot predict."""
    labels = [label or "" for label in make_prediction(input_data=ROWS)["predictions"]]
    assert len(ROWS) > AT_ONCE
    assert len(set(labels)) == 2
    turned = ["died" if label == "survived" else "survived" for label in labels[:10]] + labels[10:]
    shadow.offer(ROWS, turned, "1.0.0")
    shadow.offer([{"pclass": "first"}], ["died"], "1.0.0")
    shadow.start()
    eventually(lambda: shown(metrics).get("failed"))
    assert shown(metrics) == {"agree": len(ROWS) - 10, "disagree": 10, "failed": 1}


def test_what_does_not_fit_is_dropped_and_counted(shadow: Shadow, metrics: Metrics) -> None:
    """Who offers never waits; what came in time is predicted."""
    for _ in range(MOST_OFFERS + 5):
        shadow.offer([ROW, ROW], ["died", "died"], "1.0.0")
    assert shown(metrics) == {"dropped": 10}
    shadow.start()
    eventually(lambda: sum(shown(metrics).values()) == 2 * (MOST_OFFERS + 5))


def test_a_challenger_is_not_compared_with_itself(shadow: Shadow, metrics: Metrics) -> None:
    """When it is promoted there is nothing left to compare."""
    shadow.offer([ROW], ["died"], "1.0.1")
    shadow.offer([ROW], [label or "" for label in make_prediction(input_data=[ROW])["predictions"]], "1.0.0")
    shadow.start()
    eventually(lambda: shown(metrics))
    assert shown(metrics) == {"agree": 1}


def test_a_challenger_that_cannot_be_loaded_harms_nobody(
    store: ModelStore, metrics: Metrics, caplog: pytest.LogCaptureFixture
) -> None:
    """What is wrong with it is in the log, offers are dropped once enough wait, and the thread ends when told."""
    (store.path("1.0.1") / "core.onnx").unlink()
    shadow = Shadow(store, "1.0.1", metrics)
    shadow.start()
    eventually(lambda: caplog.messages)
    for _ in range(MOST_OFFERS + 1):
        shadow.offer([ROW], ["died"], "1.0.0")
    shadow.close()
    assert shown(metrics) == {"dropped": 1}
    (message,) = caplog.messages
    assert message.startswith("the shadow version 1.0.1 cannot be loaded: core.onnx is missing from the model folder: ")
    assert "shadow" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.slow
def test_a_server_compares_what_it_answers(store: ModelStore, serve: Serve) -> None:
    """Requests on every way are compared, the answers are those of the version that serves, and the end is orderly."""
    server = serve(MODEL_STORE=str(store.folder), SHADOW_VERSION="1.0.1")
    plain = make_prediction(input_data=ROWS * 2)
    assert server.post(json={"inputs": ROWS * 2}).json()["probabilities"] == plain["probabilities"]
    assert server.post(json={"inputs": ROWS[:3]}).json()["version"] == "1.0.0"
    assert server.post("/predict?explain=true", json={"inputs": ROWS[:2]}).status_code == 200
    eventually(lambda: sum(counted(server.client.get("/metrics").text).values()) == len(ROWS) * 2 + 5)
    assert counted(server.client.get("/metrics").text) == {"agree": len(ROWS) * 2 + 5}
    assert server.stop() == 0
