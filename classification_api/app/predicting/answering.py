"""From rows to answers, in one order whichever way: predicted, shown to the challenger, on record, counted, written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from classification_model.runtime.system.identifiers import uuid7s

from app.dialects import Answered, Asked
from app.logs.prediction_logs import unavailable

if TYPE_CHECKING:
    from app.logs.prediction_logs import Write
    from app.metrics import Metrics
    from app.models import ServingModel
    from app.predicting.calls import Call, Finish
    from app.predicting.shadow import Shadow


class Answering:
    """Answers requests whose bodies are read.

    Parameters
    ----------
    metrics
        Where predictions are counted.
    shadow
        Predicts the same rows unseen; None where nothing does.
    write
        Puts predictions on record; None where they are not kept.
    finish
        Takes what each request comes to.
    """

    def __init__(self, metrics: Metrics, shadow: Shadow | None, write: Write | None, finish: Finish) -> None:
        self._metrics = metrics
        self._shadow = shadow
        self._write = write
        self._finish = finish

    def answer(
        self,
        model: ServingModel,
        calls: Sequence[Call],
        asked: Sequence[Asked],
        predict: Callable[[], Sequence[Answered]],
    ) -> None:
        """Answer requests together; with a refusal where their predictions are not on record.

        Parameters
        ----------
        model
            Predicts them.
        calls, asked
            The requests, and what each asks.
        predict
            Runs the model; returns the predictions of each request.
        """
        try:
            answered = predict()
            names: list[str] = []
            rows: list[dict[str, Any]] = []
            keys: list[str | int | None] = []
            labels: list[str] = []
            shares: list[dict[str, float]] = []
            for one, its in zip(asked, answered, strict=True):
                names += its.prediction_ids
                rows += one.rows
                keys += one.index or [None] * len(one.rows)
                labels += its.predictions
                shares += its.probabilities
            if self._shadow is not None:
                self._shadow.offer(rows, labels, model.version)
            reply = partial(self._reply, model.version, calls, asked, answered, labels)
            if self._write is None:
                reply(True)
            else:
                self._write(model.encode_records(names, rows, keys, labels, shares), reply)
        except Exception as error:  # noqa: BLE001 - whatever breaks, each client is answered
            for call in calls:
                self._finish(call, error)

    def _reply(  # noqa: PLR0917 - bound once a run
        self,
        version: str,
        calls: Sequence[Call],
        asked: Sequence[Asked],
        answered: Sequence[Answered],
        labels: Sequence[str],
        is_recorded: bool,
    ) -> None:
        """Count predictions that are on record, and write the answers."""
        if not is_recorded:
            for call in calls:
                self._finish(call, unavailable())
            return
        self._metrics.predicted(version, labels)
        for call, one, its in zip(calls, asked, answered, strict=True):
            try:
                self._finish(call, call.route.dialect.write(one, its), len(one.rows), version)
            except Exception as error:  # noqa: BLE001 - it is no matter of the others
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
        predictions=answer["predictions"],
        probabilities=answer["probabilities"],
        prediction_ids=uuid7s(len(asked.rows)),
        name=model.name,
        version=model.version,
        warnings=answer["warnings"],
        explanations=answer.get("explanations"),
    )
