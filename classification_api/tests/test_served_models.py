"""The model that serves: one reference, and nothing else that keeps a model once another one took its place."""

from __future__ import annotations

import asyncio
import gc
import json
import weakref
from time import perf_counter
from typing import Any

import pytest
from classification_model.predict import Predictor
from classification_model.runtime.model_folder.packaged import packaged_model
from conftest import ROW

from app.main import create_app
from app.predicting.calls import Call, Reply
from app.predicting.predictions import FIXED, Predictions
from app.served_models import ServingModel
from app.settings import Settings

pytestmark = pytest.mark.slow


def model_of(version: str) -> ServingModel:
    """Make the packaged model under another version."""
    loaded = Predictor.load()
    manifest = loaded.manifest.model_copy(update={"version": version})
    return ServingModel(Predictor(loaded.model, manifest), Settings(), packaged_model())


async def ask(predictions: Predictions, body: dict[str, Any], query: bytes = b"") -> Any:
    """Ask, and return the answer."""
    replied: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
    headers = [(b"content-type", b"application/json")]
    content = json.dumps(body).encode()
    call = Call(FIXED[b"/predict"], headers, query, content, "", perf_counter(), replied.set_result)
    predictions.answer(call)
    return json.loads((await replied).body)


def test_a_model_is_released_when_another_takes_its_place() -> None:
    """No document, turn, thread or frozen heap keeps it, and no collection of garbage is needed."""

    async def swap() -> bool:
        app = create_app(Settings(access_log=False, log_folder=None))
        predictions: Predictions = app.state.predictions
        predictions.prediction_logs.start(asyncio.get_running_loop())
        predictions.start(asyncio.get_running_loop())
        predictions.load()
        former = model_of("1.0.1")
        predictions.use(former)
        app.openapi()
        assert (await ask(predictions, {"inputs": [ROW]}))["version"] == "1.0.1"
        assert (await ask(predictions, {"inputs": [ROW] * 200}))["version"] == "1.0.1"
        assert (await ask(predictions, {"inputs": [ROW]}, b"explain=true"))["version"] == "1.0.1"
        kept = weakref.ref(former)
        del former
        predictions.use(model_of("1.0.2"))
        assert (await ask(predictions, {"inputs": [ROW] * 200}))["version"] == "1.0.2"
        assert (await ask(predictions, {"inputs": [ROW]}, b"explain=true"))["version"] == "1.0.2"
        predictions.close()
        predictions.prediction_logs.close()
        return kept() is None

    gc.disable()
    try:
        assert asyncio.run(swap())
    finally:
        gc.enable()
        gc.unfreeze()
