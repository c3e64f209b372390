"""Check and read each prediction request, then answer it in a batch, alone or in a thread."""

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

#: Bytes and rows above which a request is answered in a thread, so that the event loop stays free.
LARGE_BODY, MANY_ROWS = 32 * 1024, 128
#: Seconds after a shutdown signal in which threads may still start queued work.
LAST_BEGIN = 4.0
NAMED = Route("/v2/models/{name}/infer", OpenInference())
VERSIONED = Route("/v2/models/{name}/versions/{version}/infer", NAMED.dialect)
FIXED = {b"/predict": Route("/predict", Native()), b"/invocations": Route("/invocations", MLflowScoring())}


class Predictions:
    """Answers prediction requests in the event loop's thread, or in other threads if they take long.

    Parameters
    ----------
    settings
        Limits and keys.
    models
        Holds the model.
    metrics, access_log
        Where each request is counted and logged.
    prediction_logs
        Where each prediction is logged before it is answered.

    Attributes
    ----------
    admission
        Counts the requests in progress and those being received.
    finisher
        Replies to requests.
    routes
        Prediction routes by path, updated in place when the model's name or version changes.
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
        """Start the threads for an event loop."""
        self._loop = loop
        finish, logs = self.finisher.finish, self.prediction_logs
        self._threads = Threads(loop, finish)
        here, in_threads = (logs.write_then, logs.write_now) if logs.are_kept else (None, None)
        self._answering = Answering(self.metrics, self._shadow, here, finish)
        self._answering_in_threads = Answering(self.metrics, self._shadow, in_threads, self._threads.hand_on)
        if self._shadow is not None:
            self._shadow.start()

    def load(self) -> None:
        """Load the first model."""
        wanted = self.models.wanted()
        self.use(wanted if isinstance(wanted, Fault) else self.models.load(wanted))
        gc.collect()
        gc.freeze()  # exclude permanent objects from later collections, which take longer than many requests

    def use(self, outcome: ServingModel | Fault) -> None:
        """Serve a model from the next request on, and update the paths that contain its name.

        Requests in progress keep their model.

        Parameters
        ----------
        outcome
            The model, or why it cannot be served; the current model then goes on.
        """
        self.models.use(outcome)
        if isinstance(outcome, ServingModel):
            model = outcome
            self._turns.clear()  # the event loop still runs those with requests
            self.metrics.model_loaded(model.name, model.version)
            path = f"/v2/models/{model.url_name}"
            self.routes.clear()
            self.routes |= FIXED
            self.routes[f"{path}/infer".encode()] = NAMED._replace(name=model.url_name)
            named = VERSIONED._replace(name=model.url_name, version=model.version)
            self.routes[f"{path}/versions/{model.version}/infer".encode()] = named

    def end(self) -> None:
        """Start the shutdown deadline: requests not started within `LAST_BEGIN` seconds are refused."""
        if not self.admission.is_ending:
            self.admission.is_ending = True
            self._loop.call_later(LAST_BEGIN, self._give_up_waiting)

    def _give_up_waiting(self) -> None:
        for call in self._threads.give_up_waiting():
            self.finisher.finish(call, self.admission.too_late())

    def close(self) -> None:
        """Stop the threads, and refuse the requests queued for them."""
        self._give_up_waiting()
        self._threads.close()
        if self._shadow is not None:
            self._shadow.close()

    def answer(self, call: Call) -> None:
        """Answer a request: at once, at the end of this iteration of the event loop, or from a thread."""
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
            if call.route.name is not None:  # the model may have changed since the URL was parsed
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
            if values is None:  # errors or aliases, which only the full reader handles
                self._answering.answer(model, [(call, asked, (), ())], predict_alone)
                return
            turn = self._turns.get(model) or self._new_turn(model)
            turn.add(call, asked, values, warnings)
        except Exception as error:  # noqa: BLE001 - whatever breaks, the client is answered
            self.finisher.finish(call, error)

    def refuse_unread(self, call: Call, problem: Problem) -> None:
        """Refuse a request without reading the rest of it."""
        self.admission.enter()
        self.finisher.finish(call, problem)

    def _new_turn(self, model: ServingModel) -> Turn:
        """Return the turn of a new model, and drop idle turns of earlier ones."""
        self._turns = {other: turn for other, turn in self._turns.items() if turn.is_waiting}
        turn = self._turns[model] = Turn(model, self._loop, self._answering)
        return turn

    def _hand_over(self, call: Call, model: ServingModel, media_type: bytes, asked: Asked | None = None) -> None:
        """Queue a request for a thread."""
        explains = asked is not None and asked.explain
        self._threads.submit(call, partial(self._work, call, model, media_type, asked), explains=explains)

    def _work(self, call: Call, model: ServingModel, media_type: bytes, asked: Asked | None) -> None:
        """Read and answer a request; runs in a thread."""
        try:
            if call.is_gone:
                raise Problem("client_gone", "the client disconnected before the start")  # noqa: TRY301 - as above
            if asked is None:
                asked = self._read(call, model, media_type, dict(call.headers).get(b"inference-header-content-length"))
        except Exception as error:  # noqa: BLE001 - whatever breaks, the client is answered
            self._threads.hand_on(call, error)
        else:
            self._answering_in_threads.answer(model, [(call, asked, (), ())], predict_alone)

    def _read(self, call: Call, model: ServingModel, media_type: bytes, header_length: bytes | None) -> Asked:
        """Parse the body of a request."""
        asked = call.route.dialect.read(call.body, model.limits, call.query, media_type, header_length)
        if asked.explain and len(asked.rows) > (most := self.settings.limit_explained_rows):
            raise Problem.too_many_rows(most, len(asked.rows), "rows to explain")
        return asked


def _shadow(settings: Settings, models: Models, metrics: Metrics) -> Shadow | None:
    """Return the shadow challenger, if one is configured."""
    if settings.shadow_version is None or models.store is None:
        return None
    return Shadow(models.store, settings.shadow_version, metrics)
