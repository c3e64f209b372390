"""Requests of one turn of the event loop: each gets its own answer, whatever becomes of its neighbours."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from time import perf_counter

from classification_model.predict import make_prediction
from conftest import ROW

from app.logs.access_log import AccessLog
from app.logs.prediction_logs import PredictionLogs
from app.metrics import Metrics
from app.predicting.calls import Call, Reply
from app.predicting.predictions import FIXED, Predictions
from app.served_models import Models
from app.settings import Settings

PREDICT = FIXED[b"/predict"]


def ask(predictions: Predictions, age: float, send: Callable[[Reply], None]) -> Call:
    """Ask for a passenger of an age."""
    body = json.dumps({"inputs": [ROW | {"age": age}]}).encode()
    call = Call(PREDICT, [(b"content-type", b"application/json")], b"", body, "", perf_counter(), send)
    predictions.answer(call)
    return call


async def in_one_turn(senders: list[Callable[[Reply], None]], most: int = 1000) -> Predictions:
    """Ask for passengers of 1, 2, 3 ... years, whose replies are sent by functions; return what answered them."""
    settings = Settings(access_log=False, limit_requests=most)
    metrics = Metrics()
    prediction_logs = PredictionLogs(settings, metrics)
    predictions = Predictions(settings, Models(settings), metrics, AccessLog(enabled=False), prediction_logs)
    prediction_logs.start(asyncio.get_running_loop())
    predictions.start(asyncio.get_running_loop())
    predictions.load()
    for age, send in enumerate(senders, 1):
        ask(predictions, age, send)
    assert predictions.admission.in_hand == min(len(senders), most)
    for _ in range(10):
        await asyncio.sleep(0)
    predictions.close()
    prediction_logs.close()
    return predictions


def test_hundreds_of_requests_of_one_turn_each_get_their_own_answer() -> None:
    """More than one run of the model takes are answered in several, in order."""
    replies: list[Reply] = []
    predictions = asyncio.run(in_one_turn([replies.append] * 300))
    expected = make_prediction(input_data=[ROW | {"age": age} for age in range(1, 301)])["probabilities"]
    assert [json.loads(reply.body)["probabilities"][0] for reply in replies] == expected
    assert predictions.admission.in_hand == 0


def test_row_16_of_ten_times_as_many_as_may_be_in_hand_the_first_are_answered() -> None:
    """The others are told at once when to come again, and take nobody's place."""
    replies: list[Reply] = []
    predictions = asyncio.run(in_one_turn([replies.append] * 80, most=8))
    refused, answered = replies[:72], replies[72:]
    assert [reply.status for reply in answered] == [200] * 8
    for reply in refused:
        assert reply.status == 503
        assert (b"retry-after", b"1") in reply.headers
    assert predictions.admission.in_hand == 0


def test_a_reply_that_cannot_be_sent_is_no_matter_of_its_neighbours() -> None:
    """A connection that breaks while it is written to costs nobody else the answer, and no slot."""

    def broken(_: Reply) -> None:
        raise RuntimeError

    replies: list[Reply] = []
    predictions = asyncio.run(in_one_turn([replies.append, broken, replies.append]))
    assert [reply.status for reply in replies] == [200, 200]
    assert predictions.admission.in_hand == 0
