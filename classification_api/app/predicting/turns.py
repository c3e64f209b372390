"""Requests that arrive in one turn of the event loop, predicted in one run of the model."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from classification_model.runtime.system.identifiers import uuid7s

from app.dialects import Answered, Asked, Written
from app.logs.prediction_logs import unavailable
from app.predicting.calls import Call

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

    from classification_model.runtime.input.checking import Issue

    from app.logs.prediction_logs import PredictionLogs
    from app.metrics import Metrics
    from app.models import ServingModel
    from app.predicting.shadow import Shadow
    from app.problem_details import Problem

#: A run takes no further request once it has so many rows, a millisecond's work: others are listened to meanwhile.
ENOUGH_ROWS = 128


#: A request, what it asks, its rows as the model read them, what is odd in them.
_Waiting = tuple[Call, Asked, list[dict[str, Any]], list["Issue"]]


class Finisher(Protocol):
    """What takes the replies."""

    metrics: Metrics
    shadow: Shadow | None
    prediction_logs: PredictionLogs

    def refuse(self, call: Call, problem: Problem) -> None:
        """Answer a request with what is wrong."""

    def answer_with(self, call: Call, written: Written, rows: int, version: str) -> None:
        """Answer a request."""

    def fail(self, call: Call, error: Exception) -> None:
        """Answer a request that could not be answered."""


class Turn:
    """Gathers requests whose rows are read, and answers them at the end of the event loop's turn.

    A run of the model costs little more for many rows than for one, and a row's answer does not depend on its
    neighbours. Nothing waits: where one request comes alone, it runs alone.

    Parameters
    ----------
    finisher
        Takes the replies.
    model
        Predicts.
    loop
        Event loop whose turns they are.
    """

    def __init__(self, finisher: Finisher, model: ServingModel, loop: AbstractEventLoop) -> None:
        self._finisher = finisher
        self._model = model
        self._loop = loop
        self._waiting: list[_Waiting] = []

    @property
    def is_waiting(self) -> bool:
        """Whether requests wait for the end of the turn."""
        return bool(self._waiting)

    def add(self, call: Call, asked: Asked, values: list[dict[str, Any]], warnings: list[Issue]) -> None:
        """Let a request take part.

        Parameters
        ----------
        call, asked
            The request, and what it asks.
        values
            Its rows, as the model read them.
        warnings
            What is odd in them.
        """
        if not self._waiting:
            self._loop.call_soon(self._run)
        self._waiting.append((call, asked, values, warnings))

    def _run(self) -> None:
        rows, calls = 0, 0
        for _, _, values, _ in self._waiting:
            rows += len(values)
            calls += 1
            if rows >= ENOUGH_ROWS:
                break
        waiting, self._waiting = self._waiting[:calls], self._waiting[calls:]
        if self._waiting:
            self._loop.call_soon(self._run)
        logs = self._finisher.prediction_logs
        try:
            answered = self._answer(waiting)
            lines = self._records_of(waiting, answered) if logs.are_kept else b""
        except Exception as error:  # noqa: BLE001 - whatever breaks, each client is answered
            for call, _, _, _ in waiting:
                self._finisher.fail(call, error)
            return
        logs.write_then(lines, partial(self._reply, waiting, answered))

    def _answer(self, waiting: list[_Waiting]) -> list[Answered]:
        """Return each request's answer."""
        model = self._model
        labels, shares = model.answer_few_rows([row for _, _, values, _ in waiting for row in values])
        count = len(labels)
        if (shadow := self._finisher.shadow) is not None:
            shadow.offer([row for _, asked, _, _ in waiting for row in asked.rows], labels, model.version)
        names = uuid7s(count + len(waiting))
        answered = []
        begin = 0
        for number, (call, _, values, warnings) in enumerate(waiting, count):
            if not call.request_id:
                call.request_id = names[number].encode()
            end = begin + len(values)
            answered.append(
                Answered(
                    labels[begin:end],
                    shares[begin:end],
                    names[begin:end],
                    model.name,
                    model.version,
                    [warning.as_dict() for warning in warnings] if warnings else [],
                )
            )
            begin = end
        return answered

    def _records_of(self, waiting: list[_Waiting], answered: list[Answered]) -> bytes:
        """Return the records of a turn's predictions."""
        names: list[str] = []
        rows: list[dict[str, Any]] = []
        keys: list[str | int | None] = []
        labels: list[str] = []
        shares: list[dict[str, float]] = []
        for (_, asked, _, _), answer in zip(waiting, answered, strict=True):
            names += answer.prediction_ids
            rows += asked.rows
            keys += asked.index or [None] * len(asked.rows)
            labels += answer.predictions
            shares += answer.probabilities
        return self._model.encode_records(names, rows, keys, labels, shares)

    def _reply(self, waiting: list[_Waiting], answered: list[Answered], is_recorded: bool) -> None:
        """Answer the requests of a turn; with a refusal where their predictions are not on record."""
        if not is_recorded:
            for call, _, _, _ in waiting:
                self._finisher.refuse(call, unavailable())
            return
        self._finisher.metrics.predicted(
            self._model.version, [label for answer in answered for label in answer.predictions]
        )
        for (call, asked, values, _), answer in zip(waiting, answered, strict=True):
            try:
                written = call.route.dialect.write(asked, answer)
                self._finisher.answer_with(call, written, len(values), self._model.version)
            except Exception as error:  # noqa: BLE001 - it is no matter of the others
                self._finisher.fail(call, error)
