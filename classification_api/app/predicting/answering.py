"""Answer parsed requests: predict, offer the rows to the challenger, log, count and write, in this order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from classification_model.runtime.system.identifiers import uuid7s

from app.dialects import Answered, Asked
from app.logs.prediction_logs import unavailable
from app.predicting.calls import Call

if TYPE_CHECKING:
    from classification_model.runtime.input.checking import Issue

    from app.logs.prediction_logs import Write
    from app.metrics import Metrics
    from app.predicting.calls import Finish
    from app.predicting.shadow import Shadow
    from app.served_models import ServingModel

#: A request, its parsed body, its rows as read by the model, and their warnings. The last two are empty if the model
#: reads the rows while it predicts.
Request = tuple[Call, Asked, Sequence[dict[str, Any]], Sequence["Issue"]]


class Answering:
    """Answers requests whose bodies are parsed.

    Parameters
    ----------
    metrics
        Where predictions are counted.
    shadow
        Challenger that predicts the same rows in the background, or None.
    write
        Writes the prediction log; None without a log.
    finish
        Called with the outcome of each request.
    """

    def __init__(self, metrics: Metrics, shadow: Shadow | None, write: Write | None, finish: Finish) -> None:
        self._metrics = metrics
        self._shadow = shadow
        self._write = write
        self._finish = finish

    def answer(
        self,
        model: ServingModel,
        requests: Sequence[Request],
        predict: Callable[[ServingModel, Sequence[Request]], Sequence[Answered]],
    ) -> None:
        """Answer several requests; refuse them if their predictions cannot be logged.

        Parameters
        ----------
        model
            Model that predicts.
        requests
            Requests to answer with one call of ``predict``.
        predict
            Runs the model; returns the predictions of each request.
        """
        try:
            answered = predict(model, requests)
            names: list[str] = []
            rows: list[dict[str, Any]] = []
            keys: list[str | int | None] = []
            labels: list[str] = []
            shares: list[dict[str, float]] = []
            for (_, asked, _, _), its in zip(requests, answered, strict=True):
                names += its.prediction_ids
                rows += asked.rows
                keys += asked.index or [None] * len(asked.rows)
                labels += its.predictions
                shares += its.probabilities
            if self._shadow is not None:
                self._shadow.offer(rows, labels, model.version)
            reply = partial(self._reply, model.version, requests, answered, labels)
            if self._write is None:
                reply(True)
            else:
                self._write(model.encode_records(names, rows, keys, labels, shares), reply)
        except Exception as error:  # noqa: BLE001 - whatever breaks, each client is answered
            for call, _, _, _ in requests:
                self._finish(call, error)

    def _reply(
        self,
        version: str,
        requests: Sequence[Request],
        answered: Sequence[Answered],
        labels: Sequence[str],
        is_recorded: bool,
    ) -> None:
        """Count the logged predictions, and write the answers."""
        if not is_recorded:
            for call, _, _, _ in requests:
                self._finish(call, unavailable())
            return
        self._metrics.predicted(version, labels)
        for (call, asked, _, _), its in zip(requests, answered, strict=True):
            try:
                self._finish(call, call.route.dialect.write(asked, its), len(asked.rows), version)
            except Exception as error:  # noqa: BLE001 - it must not affect the other requests
                self._finish(call, error)


def predict(model: ServingModel, asked: Asked) -> Answered:
    """Predict the rows of one request.

    Raises
    ------
    Problem
        If a row breaks the schema.
    """
    answer = model.answer(asked)
    return Answered(
        # Neither holds None: a row with an error refused the request.
        predictions=cast("list[str]", answer["predictions"]),
        probabilities=cast("list[dict[str, float]]", answer["probabilities"]),
        prediction_ids=uuid7s(len(asked.rows)),
        name=model.name,
        version=model.version,
        warnings=answer["warnings"],
        explanations=answer.get("explanations"),
    )


def predict_alone(model: ServingModel, requests: Sequence[Request]) -> list[Answered]:
    """Predict the rows of each request separately; see `predict`."""
    return [predict(model, asked) for _, asked, _, _ in requests]
