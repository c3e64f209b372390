"""Formats of requests: what a `Dialect` reads (`Asked`) and answers (`Answered`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from app.dialects.limits import Limits
from app.problem_details import Problem

if TYPE_CHECKING:
    from classification_model.runtime.answers import AnswerIssue


@dataclass(slots=True)
class Asked:
    """Rows to predict.

    Attributes
    ----------
    rows
        Values by column, one dict a row.
    places
        Where the rows stand in the body, for errors: ``inputs`` makes ``inputs[3].age``.
    index
        The caller's key of each row, or None.
    explain
        Whether each prediction is to be explained.
    remembered
        What the dialect needs again when it writes the answer.
    """

    rows: list[dict[str, Any]]
    places: str = "inputs"
    index: list[str | int] | None = None
    explain: bool = False
    remembered: Any = None


@dataclass(slots=True)
class Answered:
    """Predictions of the rows, in their order.

    Attributes
    ----------
    predictions
        Label of each row.
    probabilities
        Probability of each label, for each row.
    prediction_ids
        Name of each prediction, a UUID of version 7.
    name, version
        The problem, and the version of the model.
    warnings
        Values unlike those of training, as ``row``, ``field``, ``code``, ``message``.
    explanations
        For each row what its fields contributed; None where it was not asked for.
    """

    predictions: list[str]
    probabilities: list[dict[str, float]]
    prediction_ids: list[str]
    name: str
    version: str
    warnings: list[AnswerIssue]
    explanations: list[Any] | None = None


class Written(NamedTuple):
    """An answer as it is sent.

    Attributes
    ----------
    body, media_type
        Its bytes, and what they are.
    headers
        Further headers.
    """

    body: bytes
    media_type: bytes = b"application/json"
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Dialect(Protocol):
    """How requests and answers are written on one route.

    Attributes
    ----------
    media_types
        Content types of requests, in lower case and without parameters; empty where none may be given.
    """

    media_types: frozenset[bytes]

    def read(
        self, body: bytes, limits: Limits, query: bytes, media_type: bytes, header_length: bytes | None = None
    ) -> Asked:
        """Read a body.

        Parameters
        ----------
        body
            As it was received.
        limits
            What it may hold.
        query
            What stands behind the question mark of the URL, as it was received.
        media_type
            One of `media_types`.
        header_length
            Value of the header ``Inference-Header-Content-Length``, as it was received.

        Raises
        ------
        Problem
            If it breaks the route's contract or a limit.
        """

    def write(self, asked: Asked, answered: Answered) -> Written:
        """Write the answer."""

    def explain(self, problem: Problem) -> dict[str, Any]:
        """Return what the body of an error has besides its problem details, for the route's own clients."""
