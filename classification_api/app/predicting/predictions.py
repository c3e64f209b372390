"""From a request to its reply: checked, read, predicted together with its neighbours, answered."""

from __future__ import annotations

import gc
import logging
from asyncio import AbstractEventLoop
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING

from classification_model.runtime.system.identifiers import uuid7s

from app.dialects import Answered, Asked, Written
from app.dialects.mlflow_scoring import MLflowScoring
from app.dialects.native import Native
from app.dialects.open_inference import OpenInference
from app.identifiers import ACCEPTED
from app.keys import check_key
from app.media_types import media_type_of
from app.models import Fault, Models, ServingModel
from app.predicting.calls import Call, Reply, Route
from app.predicting.shadow import Shadow
from app.predicting.threads import Threads
from app.predicting.turns import Turn
from app.problem_details import MEDIA_TYPE, Problem

if TYPE_CHECKING:
    from classification_model.runtime.input.checking import Issue

    from app.logs.access_log import AccessLog
    from app.logs.prediction_logs import PredictionLogs
    from app.metrics import Metrics
    from app.settings import Settings

logger = logging.getLogger(__name__)

#: Larger bodies, and more rows, are worked on in a thread, so that the event loop answers others meanwhile.
LARGE_BODY, MANY_ROWS = 32 * 1024, 128
#: How long work of a thread may still begin once the server is told to stop, in seconds.
LAST_BEGIN = 4.0
NAMED = Route("/v2/models/{name}/infer", OpenInference())
VERSIONED = Route("/v2/models/{name}/versions/{version}/infer", NAMED.dialect)
FIXED = {b"/predict": Route("/predict", Native()), b"/invocations": Route("/invocations", MLflowScoring())}
#: Stands for the path of a request that was refused before it had arrived whole.
UNREAD = "(unread)"
_PROBLEM = MEDIA_TYPE.encode()
_FULL = "expected fewer requests at once"


class Predictions:
    """Answers requests for predictions; all but the work on large ones happens in the thread of the event loop.

    Parameters
    ----------
    settings
        Limits and keys.
    models
        Holds the model.
    metrics, access_log
        Where each request is counted and written.
    prediction_logs
        Where each prediction is on record before it is answered.

    Attributes
    ----------
    shadow
        Predicts the same rows unseen; None where nothing does.
    in_hand
        Number of requests that have arrived and are not answered.
    receiving
        Number of requests that have arrived in part; whoever receives them counts.
    is_ending
        Whether the server was told to stop.
    routes
        Where predictions are asked for, by path; those that name the model come with it. It is one dict for good.
    """

    def __init__(
        self,
        settings: Settings,
        models: Models,
        metrics: Metrics,
        access_log: AccessLog,
        prediction_logs: PredictionLogs,
    ) -> None:
        self.settings = settings
        self.models = models
        self.metrics = metrics
        self.access_log = access_log
        self.prediction_logs = prediction_logs
        self.in_hand = 0
        self.receiving = 0
        self.routes = dict(FIXED)
        self._most = settings.limit_requests
        self._hashes = settings.api_key_hashes
        self._turns: dict[ServingModel, Turn] = {}
        self.shadow = _shadow(settings, models, metrics)
        self.is_ending = False

    def start(self, loop: AbstractEventLoop) -> None:
        """Begin to answer in an event loop."""
        self._loop = loop
        self._threads = Threads(loop)
        if self.shadow is not None:
            self.shadow.start()

    def load(self) -> None:
        """Load the model that is to serve first."""
        wanted = self.models.wanted()
        self.use(wanted if isinstance(wanted, Fault) else self.models.load(wanted))
        gc.collect()
        gc.freeze()  # what stays for good need not be looked at again: that takes longer than many requests

    def use(self, outcome: ServingModel | Fault) -> None:
        """Answer with a model from the next request on, also where its name is part of the path.

        Requests that have begun are answered by the model that they began with.

        Parameters
        ----------
        outcome
            The model; or why it cannot serve, which is told while another one goes on.
        """
        self.models.use(outcome)
        if isinstance(outcome, ServingModel):
            model = outcome
            self._turns.clear()  # those with requests end by themselves
            self.metrics.model_loaded(model.name, model.version)
            path = f"/v2/models/{model.url_name}"
            self.routes.clear()
            self.routes |= FIXED
            self.routes[f"{path}/infer".encode()] = NAMED._replace(name=model.url_name)
            named = VERSIONED._replace(name=model.url_name, version=model.version)
            self.routes[f"{path}/versions/{model.version}/infer".encode()] = named

    def end(self) -> None:
        """Make sure that all requests have their replies soon: what has not begun by then is refused."""
        if not self.is_ending:
            self.is_ending = True
            self._loop.call_later(LAST_BEGIN, self._give_up_waiting)

    def _give_up_waiting(self) -> None:
        for call in self._threads.give_up_waiting():
            headers = ((b"retry-after", b"1"),)
            self.refuse(call, Problem("overloaded", "the server ends before the work could begin", headers=headers))

    def close(self) -> None:
        """End the threads, and refuse what waits for them."""
        self._give_up_waiting()
        self._threads.close()
        if self.shadow is not None:
            self.shadow.close()

    def is_full(self, number: int) -> bool:
        """Tell whether a number of requests is as many as may be in hand, or arriving."""
        return number >= self._most

    def overloaded(self) -> Problem:
        """Return what a client is told that comes when enough requests are in hand."""
        remedy = "try again after the seconds in Retry-After"
        return Problem(
            "overloaded", f"{_FULL}, found {self._most}", limit=self._most, remedy=remedy,
            headers=((b"retry-after", b"1"),),
        )  # fmt: skip

    def answer(self, call: Call) -> None:
        """Answer a request: at once, at the end of this turn of the event loop, or when a thread has done the work."""
        self.in_hand += 1
        try:
            headers = dict(call.headers)
            given = headers.get(b"x-request-id")
            if given is not None and ACCEPTED(given):
                call.request_id = given
            if self.in_hand > self._most:
                raise self.overloaded()  # noqa: TRY301 - one place answers problems
            if self._hashes is not None:
                check_key(self._hashes, headers)
            media_type = media_type_of(headers, call.route.dialect.media_types)
            model = self.models.require()
            if call.route.name is not None:  # another model may have come since the URL was read
                model.check_url(call.route.name, call.route.version)
            if len(call.body) > LARGE_BODY:
                self._hand_over(call, model, media_type)
                return
            asked = self._read(call, model, media_type, headers.get(b"inference-header-content-length"))
            if asked.explain or len(asked.rows) > MANY_ROWS:
                self._hand_over(call, model, media_type, asked)
                return
            warnings: list[Issue] = []
            values = model.read_few_rows(asked.rows, warnings)
            if values is None:  # in error, or under other names: to be read with all that is to be said of it
                if self.prediction_logs.waits:
                    self._hand_over(call, model, media_type, asked)
                    return
                self._finish_work(model, call, self._answered(call, model, asked))
                return
            turn = self._turns.get(model) or self._new_turn(model)
            turn.add(call, asked, values, warnings)
        except Problem as problem:
            self.refuse(call, problem)
        except Exception as error:  # noqa: BLE001 - whatever breaks, the client is answered
            self.fail(call, error)

    def _new_turn(self, model: ServingModel) -> Turn:
        """Return the turn of a model that has come anew; those of models that have gone end."""
        self._turns = {other: turn for other, turn in self._turns.items() if turn.is_waiting}
        turn = self._turns[model] = Turn(self, model, self._loop)
        return turn

    def _hand_over(self, call: Call, model: ServingModel, media_type: bytes, asked: Asked | None = None) -> None:
        """Let a thread do the work."""
        explains = asked is not None and asked.explain
        work = partial(self._work, call, model, media_type, asked)
        self._threads.submit(call, work, partial(self._finish_work, model), explains=explains)

    def _work(
        self, call: Call, model: ServingModel, media_type: bytes, asked: Asked | None
    ) -> Exception | tuple[Written, int]:
        """Return the answer and its number of rows, or what is wrong with the request, or broke."""
        if call.is_gone:
            return Problem("client_gone", "the client left before its turn")
        try:
            if asked is None:
                asked = self._read(call, model, media_type, dict(call.headers).get(b"inference-header-content-length"))
            return self._answered(call, model, asked)
        except Exception as error:  # noqa: BLE001 - whatever breaks, the client is answered
            return error

    def _answered(self, call: Call, model: ServingModel, asked: Asked) -> tuple[Written, int]:
        """Return the answer to one request alone, which is on record, and its number of rows."""
        answered = predict(model, asked)
        if self.shadow is not None:
            self.shadow.offer(asked.rows, answered.predictions, model.version)
        if self.prediction_logs.are_kept:
            self.prediction_logs.write(
                model.encode_records(
                    answered.prediction_ids, asked.rows, asked.index, answered.predictions, answered.probabilities
                )
            )
        self.metrics.predicted(model.version, answered.predictions)
        return call.route.dialect.write(asked, answered), len(asked.rows)

    def _finish_work(self, model: ServingModel, call: Call, outcome: Exception | tuple[Written, int]) -> None:
        if isinstance(outcome, Problem):
            self.refuse(call, outcome)
        elif isinstance(outcome, Exception):
            self.fail(call, outcome)
        else:
            written, rows = outcome
            self.answer_with(call, written, rows, model.version)

    def _read(self, call: Call, model: ServingModel, media_type: bytes, header_length: bytes | None) -> Asked:
        """Return what a request asks for."""
        asked = call.route.dialect.read(call.body, model.limits, call.query, media_type, header_length)
        most = self.settings.limit_explained_rows
        if asked.explain and len(asked.rows) > most:
            detail = f"expected at most {most} rows to explain, found {len(asked.rows)}"
            raise Problem("too_many_rows", detail, limit=most, remedy="send several requests")
        return asked

    def refuse(self, call: Call, problem: Problem) -> None:
        """Answer a request with what is wrong with it."""
        problem.members |= call.route.dialect.explain(problem)
        body = problem.body(call.name().decode())
        self._finish(call, Reply(problem.status, body, _PROBLEM, problem.headers, call.name()))

    def refuse_unread(self, call: Call, problem: Problem) -> None:
        """Answer a request whose rest is not waited for."""
        self.in_hand += 1
        self.refuse(call, problem)

    def fail(self, call: Call, error: Exception) -> None:
        """Log what broke, and answer a request that nothing is wrong with."""
        logger.error("request %s failed", call.name().decode(), exc_info=error)
        self.refuse(call, Problem("internal_error", "the request could not be answered; the server's log says why"))

    def answer_with(self, call: Call, written: Written, rows: int, version: str) -> None:
        """Answer a request.

        Parameters
        ----------
        call, written
            The request and its answer.
        rows
            How many rows were predicted.
        version
            Of the model that predicted them.
        """
        self._finish(call, Reply(200, *written, call.name()), rows, version)

    def _finish(self, call: Call, reply: Reply, rows: int = 0, version: str | None = None) -> None:
        """Send a reply, and put the request on record."""
        if call.is_answered:
            return
        call.is_answered = True
        self.in_hand -= 1
        call.send(reply)
        seconds = perf_counter() - call.began
        path, status = call.route.path, reply.status
        self.metrics.answered(path, status, seconds, rows)
        self.access_log.add(call.name(), call.client, "POST", path, status, seconds, rows, version)

    def refused(self, reply: Reply, client: str, seconds: float) -> None:
        """Put a request on record that was refused before it had arrived whole."""
        self.metrics.answered(UNREAD, reply.status, seconds)
        self.access_log.add(reply.request_id, client, "-", UNREAD, reply.status, seconds, 0)


def _shadow(settings: Settings, models: Models, metrics: Metrics) -> Shadow | None:
    """Return what predicts unseen, where the settings ask for it."""
    if settings.shadow_version is None or models.store is None:
        return None
    return Shadow(models.store, settings.shadow_version, metrics)


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
