"""Formats of requests and answers: a `Dialect` reads `Asked` and writes `Answered`."""

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
        Values by column, one dict per row.
    places
        Path of the rows in the body, for errors: ``inputs`` gives ``inputs[3].age``.
    index
        The caller's key of each row, or None.
    explain
        Whether to explain each prediction.
    remembered
        State that the dialect needs to write the answer.
    """

    rows: list[dict[str, Any]]
    places: str = "inputs"
    index: list[str | int] | None = None
    explain: bool = False
    remembered: Any = None


@dataclass(slots=True)
class Answered:
    """Predictions of the rows, in order.

    Attributes
    ----------
    predictions
        Label of each row.
    probabilities
        Probability of each label, for each row.
    prediction_ids
        ID of each prediction, a UUID of version 7.
    name, version
        Name of the problem, and version of the model.
    warnings
        Values outside the range or categories of training, as dicts of ``row``, ``field``, ``code`` and ``message``.
    explanations
        Contributions of the fields of each row; None unless requested.
    """

    predictions: list[str]
    probabilities: list[dict[str, float]]
    prediction_ids: list[str]
    name: str
    version: str
    warnings: list[AnswerIssue]
    explanations: list[Any] | None = None


class Written(NamedTuple):
    """An encoded answer.

    Attributes
    ----------
    body, media_type
        Body, and its content type.
    headers
        Additional headers.
    """

    body: bytes
    media_type: bytes = b"application/json"
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Dialect(Protocol):
    """Format of requests and answers on one route.

    Attributes
    ----------
    media_types
        Accepted content types, in lower case and without parameters; includes ``b""`` if the header may be absent.
    """

    media_types: frozenset[bytes]

    def read(
        self, body: bytes, limits: Limits, query: bytes, media_type: bytes, header_length: bytes | None = None
    ) -> Asked:
        """Parse a request.

        Parameters
        ----------
        body
            Body as received.
        limits
            Limits on the body.
        query
            Query string of the URL as received.
        media_type
            One of `media_types`.
        header_length
            Value of the header ``Inference-Header-Content-Length`` as received.

        Raises
        ------
        Problem
            If the request is invalid or exceeds a limit.
        """

    def write(self, asked: Asked, answered: Answered) -> Written:
        """Encode the answer."""

    def explain(self, problem: Problem) -> dict[str, Any]:
        """Return additional members of an error body, in the format that the route's clients know."""
