"""Requests that arrive in one turn of the event loop, predicted in one run of the model."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

from app.calls import Call
from app.dialects import Answered, Asked, Written
from app.identifiers import uuid7s

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

    from classification_model.checking import Issue

    from app.metrics import Metrics
    from app.models import ServingModel

#: A run takes no further request once it has so many rows, a millisecond's work: others are listened to meanwhile.
ENOUGH_ROWS = 128


class Finisher(Protocol):
    """What takes the replies."""

    metrics: Metrics

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
        self._waiting: list[tuple[Call, Asked, list[dict[str, Any]], list[Issue]]] = []

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
        try:
            answered = self._answer(waiting)
        except Exception as error:  # noqa: BLE001 - whatever breaks, each client is answered
            for call, _, _, _ in waiting:
                self._finisher.fail(call, error)
            return
        for (call, asked, values, _), answer in zip(waiting, answered, strict=True):
            try:
                written = call.route.dialect.write(asked, answer)
                self._finisher.answer_with(call, written, len(values), self._model.version)
            except Exception as error:  # noqa: BLE001 - it is no matter of the others
                self._finisher.fail(call, error)

    def _answer(self, waiting: list[tuple[Call, Asked, list[dict[str, Any]], list[Issue]]]) -> list[Answered]:
        """Return each request's answer."""
        model = self._model
        rows = [row for _, _, values, _ in waiting for row in values]
        answers = model.answer_few_rows(rows)
        self._finisher.metrics.predicted(model.version, [label for label, _ in answers])
        left, names = iter(answers), iter(uuid7s(len(answers) + len(waiting)))
        answered = []
        for call, _, values, warnings in waiting:
            if not call.request_id:
                call.request_id = next(names).encode()
            mine = list(islice(left, len(values)))
            answered.append(
                Answered(
                    [label for label, _ in mine],
                    [shares for _, shares in mine],
                    list(islice(names, len(values))),
                    model.name,
                    model.version,
                    [warning.as_dict() for warning in warnings] if warnings else [],
                )
            )
        return answered
