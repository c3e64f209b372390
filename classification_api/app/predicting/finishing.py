"""Finish a prediction request: send its one reply, then count and log it."""

from __future__ import annotations

import logging
from time import perf_counter
from typing import TYPE_CHECKING

from app.dialects import Written
from app.predicting.calls import Call, Reply
from app.problem_details import MEDIA_TYPE, Problem

if TYPE_CHECKING:
    from app.logs.access_log import AccessLog
    from app.metrics import Metrics
    from app.predicting.admission import Admission

logger = logging.getLogger(__name__)

#: Shown as the path of a request that was refused before it was complete.
UNREAD = "(unread)"
_PROBLEM = MEDIA_TYPE.encode()


class Finisher:
    """Replies to prediction requests, in the event loop's thread.

    Parameters
    ----------
    admission
        Counts each request until it is answered.
    metrics, access_log
        Where each request is counted and logged.
    """

    def __init__(self, admission: Admission, metrics: Metrics, access_log: AccessLog) -> None:
        self._admission = admission
        self._metrics = metrics
        self._access_log = access_log

    def finish(self, call: Call, outcome: Written | Exception, rows: int = 0, version: str | None = None) -> None:
        """Reply to a request counted by `Admission.enter`, unless it has been answered; see `Finish`."""
        if isinstance(outcome, Written):
            reply = Reply(200, *outcome, call.request_id or call.name())
        else:
            reply = _refusal(call, outcome)
        if call.is_answered:
            return
        call.is_answered = True
        self._admission.leave()
        call.send(reply)
        seconds = perf_counter() - call.began
        path, status = call.route.path, reply.status
        self._metrics.answered(path, status, seconds, rows)
        self._access_log.add(reply.request_id, call.client, "POST", path, status, seconds, rows, version)

    def log_unread(self, reply: Reply, client: str, seconds: float) -> None:
        """Count and log a request that was refused before it was complete."""
        self._metrics.answered(UNREAD, reply.status, seconds)
        self._access_log.add(reply.request_id, client, "-", UNREAD, reply.status, seconds, 0)


def _refusal(call: Call, error: Exception) -> Reply:
    """Return the error reply: a `Problem` as raised, any other exception as a logged 500."""
    name = call.name().decode()
    if isinstance(error, Problem):
        problem = error
    else:
        logger.error("request %s failed", name, exc_info=error)
        problem = Problem.internal_error()
    problem.members |= call.route.dialect.explain(problem)
    return Reply(problem.status, problem.body(name), _PROBLEM, problem.headers, call.name())
