"""Batches: requests that arrive in the same iteration of the event loop share one run of the model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from classification_model.runtime.system.identifiers import uuid7s

from app.dialects import Answered

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

    from classification_model.runtime.input.checking import Issue

    from app.dialects import Asked
    from app.predicting.answering import Answering, Request
    from app.predicting.calls import Call
    from app.served_models import ServingModel

#: Rows from which a run takes no further request: a millisecond's work, after which the event loop continues.
ENOUGH_ROWS = 128


class Turn:
    """Collects parsed requests and answers them together at the end of the event loop's iteration.

    A run of the model costs little more for many rows than for one, and the answer to a row does not depend on other
    rows. No request is delayed: a single one runs alone.

    Parameters
    ----------
    model
        Model that predicts.
    loop
        Event loop that runs the batch.
    answering
        Answers the requests, in the event loop's thread.
    """

    def __init__(self, model: ServingModel, loop: AbstractEventLoop, answering: Answering) -> None:
        self._model = model
        self._loop = loop
        self._answering = answering
        self._waiting: list[Request] = []

    @property
    def is_waiting(self) -> bool:
        """Whether requests wait for the end of the iteration."""
        return bool(self._waiting)

    def add(self, call: Call, asked: Asked, values: list[dict[str, Any]], warnings: list[Issue]) -> None:
        """Add a request to the batch.

        Parameters
        ----------
        call, asked
            The request, and its parsed body.
        values
            Rows as read by the model.
        warnings
            Warnings about the rows, such as unseen categories.
        """
        if not self._waiting:
            self._loop.call_soon(self._run)
        self._waiting.append((call, asked, values, warnings))

    def _run(self) -> None:
        rows, count = 0, 0
        for _, _, values, _ in self._waiting:
            rows += len(values)
            count += 1
            if rows >= ENOUGH_ROWS:
                break
        waiting, self._waiting = self._waiting[:count], self._waiting[count:]
        if self._waiting:
            self._loop.call_soon(self._run)
        self._answering.answer(self._model, waiting, _predict_together)


def _predict_together(model: ServingModel, requests: Sequence[Request]) -> list[Answered]:
    """Predict the rows of all requests in one run, and make an ID for each request without one."""
    labels, shares = model.answer_few_rows([row for _, _, values, _ in requests for row in values])
    count = len(labels)
    names = uuid7s(count + len(requests))
    answered = []
    begin = 0
    for number, (call, _, values, warnings) in enumerate(requests, count):
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
