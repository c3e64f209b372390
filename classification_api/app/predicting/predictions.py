"""Which way a request for predictions takes: checked, read, then answered with its neighbours, alone or in a thread."""

from __future__ import annotations

import gc
from asyncio import AbstractEventLoop
from functools import partial
from typing import TYPE_CHECKING

from app.dialects import Asked
from app.dialects.mlflow_scoring import MLflowScoring
from app.dialects.native import Native
from app.dialects.open_inference import OpenInference
from app.keys import check_key
from app.media_types import media_type_of
from app.predicting.admission import Admission
from app.predicting.answering import Answering, predict_alone
from app.predicting.calls import Call, Route
from app.predicting.finishing import Finisher
from app.predicting.shadow import Shadow
from app.predicting.threads import Threads
from app.predicting.turns import Turn
from app.problem_details import Problem
from app.request_ids import ACCEPTED
from app.served_models import Fault, Models, ServingModel

if TYPE_CHECKING:
    from classification_model.runtime.input.checking import Issue

    from app.logs.access_log import AccessLog
    from app.logs.prediction_logs import PredictionLogs
    from app.metrics import Metrics
    from app.settings import Settings

#: Larger bodies, and more rows, are worked on in a thread, so that the event loop answers others meanwhile.
LARGE_BODY, MANY_ROWS = 32 * 1024, 128
#: How long work of a thread may still begin once the server is told to stop, in seconds.
LAST_BEGIN = 4.0
NAMED = Route("/v2/models/{name}/infer", OpenInference())
VERSIONED = Route("/v2/models/{name}/versions/{version}/infer", NAMED.dialect)
FIXED = {b"/predict": Route("/predict", Native()), b"/invocations": Route("/invocations", MLflowScoring())}


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
    admission
        Counts the requests in hand, and those that arrive.
    finisher
        Replies to requests.
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
        self.admission = Admission(settings.limit_requests)
        self.finisher = Finisher(self.admission, metrics, access_log)
        self.routes = dict(FIXED)
        self._hashes = settings.api_key_hashes
        self._turns: dict[ServingModel, Turn] = {}
        self._shadow = _shadow(settings, models, metrics)

    def start(self, loop: AbstractEventLoop) -> None:
        """Begin to answer in an event loop."""
        self._loop = loop
        finish, logs = self.finisher.finish, self.prediction_logs
        self._threads = Threads(loop, finish)
        here, in_threads = (logs.write_then, logs.write_now) if logs.are_kept else (None, None)
        self._answering = Answering(self.metrics, self._shadow, here, finish)
        self._answering_in_threads = Answering(self.metrics, self._shadow, in_threads, self._threads.hand_on)
        if self._shadow is not None:
            self._shadow.start()

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
        if not self.admission.is_ending:
            self.admission.is_ending = True
            self._loop.call_later(LAST_BEGIN, self._give_up_waiting)

    def _give_up_waiting(self) -> None:
        for call in self._threads.give_up_waiting():
            self.finisher.finish(call, self.admission.too_late())

    def close(self) -> None:
        """End the threads, and refuse what waits for them."""
        self._give_up_waiting()
        self._threads.close()
        if self._shadow is not None:
            self._shadow.close()

    def answer(self, call: Call) -> None:
        """Answer a request: at once, at the end of this turn of the event loop, or when a thread has done the work."""
        headers = dict(call.headers)
        given = headers.get(b"x-request-id")
        if given is not None and ACCEPTED(given):
            call.request_id = given
        has_room = self.admission.enter()
        try:
            if not has_room:
                raise self.admission.overloaded()  # noqa: TRY301 - one place answers problems
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
                self._answering.answer(model, [(call, asked, (), ())], predict_alone)
                return
            turn = self._turns.get(model) or self._new_turn(model)
            turn.add(call, asked, values, warnings)
        except Exception as error:  # noqa: BLE001 - whatever breaks, the client is answered
            self.finisher.finish(call, error)

    def refuse_unread(self, call: Call, problem: Problem) -> None:
        """Answer a request whose rest is not waited for."""
        self.admission.enter()
        self.finisher.finish(call, problem)

    def _new_turn(self, model: ServingModel) -> Turn:
        """Return the turn of a model that has come anew; those of models that have gone end."""
        self._turns = {other: turn for other, turn in self._turns.items() if turn.is_waiting}
        turn = self._turns[model] = Turn(model, self._loop, self._answering)
        return turn

    def _hand_over(self, call: Call, model: ServingModel, media_type: bytes, asked: Asked | None = None) -> None:
        """Let a thread do the work."""
        explains = asked is not None and asked.explain
        self._threads.submit(call, partial(self._work, call, model, media_type, asked), explains=explains)

    def _work(self, call: Call, model: ServingModel, media_type: bytes, asked: Asked | None) -> None:
        """Answer a request in a thread."""
        try:
            if call.is_gone:
                raise Problem("client_gone", "the client left before its turn")  # noqa: TRY301 - as above
            if asked is None:
                asked = self._read(call, model, media_type, dict(call.headers).get(b"inference-header-content-length"))
        except Exception as error:  # noqa: BLE001 - whatever breaks, the client is answered
            self._threads.hand_on(call, error)
        else:
            self._answering_in_threads.answer(model, [(call, asked, (), ())], predict_alone)

    def _read(self, call: Call, model: ServingModel, media_type: bytes, header_length: bytes | None) -> Asked:
        """Return what a request asks for."""
        asked = call.route.dialect.read(call.body, model.limits, call.query, media_type, header_length)
        if asked.explain and len(asked.rows) > (most := self.settings.limit_explained_rows):
            raise Problem.too_many_rows(most, len(asked.rows), "rows to explain")
        return asked


def _shadow(settings: Settings, models: Models, metrics: Metrics) -> Shadow | None:
    """Return what predicts unseen, where the settings ask for it."""
    if settings.shadow_version is None or models.store is None:
        return None
    return Shadow(models.store, settings.shadow_version, metrics)
