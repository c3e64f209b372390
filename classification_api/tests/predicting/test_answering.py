"""The one order of steps to an answer: what is not on record is neither counted nor answered."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from typing import Any

import pytest
from classification_model.predict import Predictor
from classification_model.runtime.model_folder.packaged import packaged_model
from conftest import ROW

from app.dialects import Answered, Asked, Written
from app.logs.prediction_logs import Done
from app.predicting.answering import Answering, Request, predict_alone
from app.predicting.calls import Call
from app.predicting.predictions import FIXED
from app.served_models import ServingModel
from app.settings import Settings


class Steps:
    """Stands for all that an answer leads to, and remembers in which order.

    Attributes
    ----------
    is_writable
        Whether the log can be written.
    done
        What was done.
    outcomes
        What the requests came to.
    """

    def __init__(self) -> None:
        self.is_writable = True
        self.done: list[str] = []
        self.outcomes: list[Written | Exception] = []

    def offer(self, rows: list[dict[str, Any]], *_: Any) -> None:
        """Take the place of `Shadow.offer`."""
        self.done.append(f"{len(rows)} offered")

    def write(self, lines: bytes, done: Done) -> None:
        """Take the place of `PredictionLogs.write_now`."""
        self.done.append(f"{lines.count(b'prediction_id')} recorded")
        done(self.is_writable)

    def predicted(self, _: str, labels: list[str]) -> None:
        """Take the place of `Metrics.predicted`."""
        self.done.append(f"{len(labels)} counted")

    def finish(self, _: Call, outcome: Written | Exception, rows: int = 0, version: str | None = None) -> None:
        """Take the place of `Finisher.finish`."""
        self.done.append(f"{rows} finished by {version}")
        self.outcomes.append(outcome)


@pytest.fixture(scope="module")
def model() -> ServingModel:
    return ServingModel(Predictor.load(), Settings(), packaged_model())


def answer(model: ServingModel, steps: Any, *asked: Asked) -> None:
    """Answer requests together."""

    def run(model: ServingModel, requests: Sequence[Request]) -> list[Answered]:
        steps.done.append("predicted")
        return predict_alone(model, requests)

    call = Call(FIXED[b"/predict"], [], b"", b"", "", perf_counter(), lambda _: None)
    requests: list[Request] = [(call, one, (), ()) for one in asked]
    Answering(steps, steps, steps.write, steps.finish).answer(model, requests, run)


def test_requests_take_each_step_together_and_are_finished_one_by_one(model: ServingModel) -> None:
    """Predicted, offered to the challenger, on record, counted; then each gets its answer."""
    steps = Steps()
    answer(model, steps, Asked([ROW]), Asked([ROW, ROW]))
    finished = [f"{rows} finished by {model.version}" for rows in (1, 2)]
    assert steps.done == ["predicted", "3 offered", "3 recorded", "3 counted", *finished]
    assert all(isinstance(outcome, Written) for outcome in steps.outcomes)


def test_what_is_not_on_record_is_neither_counted_nor_answered(model: ServingModel) -> None:
    """Each client is refused instead."""
    steps = Steps()
    steps.is_writable = False
    answer(model, steps, Asked([ROW]), Asked([ROW]))
    assert steps.done == ["predicted", "2 offered", "2 recorded", *["0 finished by None"] * 2]
    assert [getattr(outcome, "code", None) for outcome in steps.outcomes] == ["log_unavailable"] * 2


def test_rows_that_cannot_be_predicted_take_no_further_step(model: ServingModel) -> None:
    """Their client is told what is wrong with them."""
    steps = Steps()
    answer(model, steps, Asked([ROW | {"age": "old"}]))
    assert steps.done == ["predicted", "0 finished by None"]
    assert [getattr(outcome, "code", None) for outcome in steps.outcomes] == ["invalid_rows"]
