"""Predictions over HTTP are those of the package, whichever way they travel."""

from __future__ import annotations

import asyncio
import csv
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path
from shutil import copytree
from typing import Any

import httpx
import pytest
from classification_model.predict import make_prediction, packaged_predictor
from clocked import StartClocked
from conftest import PATIENCE, ROW, Serve, Server

from app.main import create_app
from app.settings import Settings

COLUMNS = ("pclass", "name", "sex", "age", "sibsp", "parch", "ticket", "fare", "cabin")
NUMBERS = {"age", "fare", "sibsp", "parch", "pclass"}


def passengers() -> tuple[list[dict[str, Any]], list[str]]:
    """Return the rows of the Titanic, and who survived."""
    with (files("classification_model") / "datasets" / "titanic.csv").open(encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    rows = [{name: read(name, row[name]) for name in COLUMNS} for row in table]
    labels = [{"0": "died", "1": "survived"}[row["survived"]] for row in table]
    return rows, labels


def read(name: str, text: str) -> float | str | None:
    """Return a cell as JSON has it."""
    if not text or text == "?":
        return None
    return float(text) if name in NUMBERS else text


@pytest.mark.slow
def test_accuracy_through_http_is_accuracy_through_the_package(server: Server) -> None:
    """All 1,309 passengers, one a request from several clients at once and all in one: equal to the last bit."""
    rows, labels = passengers()
    expected = make_prediction(input_data=rows)
    together = server.post(json={"inputs": rows}).json()
    assert together["predictions"] == expected["predictions"]
    assert together["probabilities"] == expected["probabilities"]
    with httpx.Client(base_url=server.url, timeout=PATIENCE) as client, ThreadPoolExecutor(8) as threads:
        alone = list(threads.map(lambda row: client.post("/predict", json={"inputs": [row]}).json(), rows))
    assert [answer["predictions"][0] for answer in alone] == expected["predictions"]
    assert [answer["probabilities"][0] for answer in alone] == expected["probabilities"]
    right = sum(predicted == label for predicted, label in zip(together["predictions"], labels, strict=True))
    assert right / len(labels) > 0.8


def test_an_answer_holds_what_the_contract_says(server: Server) -> None:
    """Predictions, probabilities, ids, version, warnings, and no errors."""
    answer = server.post(json={"inputs": [ROW, ROW], "index": ["a", 7]}).json()
    assert list(answer) == ["predictions", "probabilities", "prediction_ids", "version", "warnings", "errors"]
    assert len(set(answer["prediction_ids"])) == 2
    assert answer["version"] == packaged_predictor().manifest.version
    assert answer["errors"] is None
    for shares in answer["probabilities"]:
        assert sum(shares.values()) == pytest.approx(1)


def test_what_is_odd_is_warned_of(server: Server) -> None:
    """An unseen category and a value outside the training range are predicted, with warnings."""
    row = ROW | {"age": 99, "ticket": "never sold"}
    answer = server.post(json={"inputs": [ROW, row]}).json()
    assert {(warning["row"], warning["field"], warning["code"]) for warning in answer["warnings"]} >= {
        (1, "age", "out_of_range"),
        (1, "ticket", "unseen_category"),
    }


@pytest.mark.parametrize("count", [1, 25, 200])
def test_explanations_are_those_of_the_package(server: Server, count: int) -> None:
    """`?explain=true` adds an explanation for each row; too many rows are refused."""
    response = server.post("/predict?explain=true", json={"inputs": [ROW] * count})
    if count > Settings().limit_explained_rows:
        assert response.status_code == 413
        assert response.json()["limit"] == Settings().limit_explained_rows
        return
    expected = make_prediction(input_data=[ROW], explain=True)["explanations"][0]
    assert expected is not None
    for found in response.json()["explanations"]:
        assert found["value"] == expected["value"]
        assert found["contributions"] == pytest.approx(expected["contributions"])


@pytest.mark.slow
def test_other_servers_get_the_same_answers() -> None:
    """The plain ASGI application answers like the protocol class does: good rows, bad rows, large requests."""

    async def ask() -> list[httpx.Response]:
        app = create_app(Settings(access_log=False, limit_body=4096))
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                return [
                    await client.post("/predict", json={"inputs": [ROW]}, headers={"x-request-id": "mine"}),
                    await client.post("/predict", json={"inputs": [ROW | {"age": "old"}]}),
                    await client.post("/predict", json={"inputs": [ROW] * 60}),
                    await client.get("/predict"),
                    await client.get("/health"),
                ]

    good, bad, large, wrong_method, health = asyncio.run(ask())
    assert good.json()["probabilities"] == make_prediction(input_data=[ROW])["probabilities"]
    assert good.headers["x-request-id"] == "mine"
    assert (bad.status_code, bad.json()["errors"][0]["where"]) == (422, "inputs[0].age")
    assert (large.status_code, large.json()["code"]) == (413, "body_too_large")
    assert (wrong_method.status_code, wrong_method.headers["allow"]) == (405, "POST")
    assert health.json()["status"] == "ready"


def test_requests_of_one_turn_are_answered_each_on_its_own(server: Server) -> None:
    """Good, odd and wrong rows that arrive together get their own answers."""
    bodies = [
        {"inputs": [ROW | {"age": age}]} if age % 3 else {"inputs": [ROW | {"age": "old"}] * (age % 5 + 1)}
        for age in range(1, 61)
    ]

    async def ask() -> list[httpx.Response]:
        async with httpx.AsyncClient(base_url=server.url, timeout=PATIENCE) as client:
            return await asyncio.gather(*(client.post("/predict", json=body) for body in bodies))

    for age, response in enumerate(asyncio.run(ask()), 1):
        if age % 3:
            expected = make_prediction(input_data=[ROW | {"age": age}])
            assert response.json()["probabilities"] == expected["probabilities"]
        else:
            assert response.status_code == 422
            assert len(response.json()["errors"]) == age % 5 + 1


@pytest.mark.slow
def test_a_missing_model_is_told_and_probed(serve: Serve, tmp_path: Path) -> None:
    """Row 33: without a model the process lives, is not ready, and predicts nothing; no path is told."""
    server = serve(MODEL_FOLDER=str(tmp_path / "nowhere"))
    assert server.client.get("/health/live").status_code == 200
    assert server.client.get("/health").json()["status"] == "not_ready"
    for response in (server.client.get("/health/ready"), server.client.get("/ping"), server.client.get("/model"),
                     server.post(), server.post("/invocations"), server.post("/v2/models/any/infer")):  # fmt: skip
        assert response.status_code == 503
        assert response.json()["code"] == "not_ready"
        assert response.headers["retry-after"]
        assert "nowhere" not in response.text
    assert "nowhere" in server.errors.read_text(encoding="utf-8")


def test_a_changed_model_is_not_served(clocked: StartClocked, tmp_path: Path, model_folder: Path) -> None:
    """One changed byte of the compiled model: it is never run, and readiness says why."""
    folder = copytree(model_folder, tmp_path / model_folder.name)
    content = bytearray((folder / "core.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "core.onnx").write_bytes(content)
    server = clocked(model_folder=folder)
    ready = server.client.get("/health/ready")
    assert ready.status_code == 503
    assert "does not match its manifest" in ready.json()["detail"]
