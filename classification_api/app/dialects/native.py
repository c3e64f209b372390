"""`POST /predict`: rows as objects in, predictions with their probabilities out."""

from __future__ import annotations

import math
from typing import Any
from urllib.parse import parse_qsl

import orjson
from classification_model.runtime.mle.model import KEYS, LONGEST_KEY

from app.dialects import Answered, Asked, Written
from app.dialects.json_reading import check, parse
from app.dialects.limits import Limits
from app.media_types import JSON
from app.problem_details import Problem

_MEMBERS = {"inputs", "index"}


class Native:
    """The dialect of `/predict`."""

    media_types = JSON

    def read(
        self,
        body: bytes,
        limits: Limits,
        query: bytes,
        media_type: bytes,  # noqa: ARG002 - there is one
        header_length: bytes | None = None,  # noqa: ARG002 - of the Open Inference Protocol alone
    ) -> Asked:
        """Read ``{"inputs": [{...}, ...], "index": [...]}``; see `Dialect.read`."""
        document = parse(body, limits)
        rows, index = _members(document, limits)
        _check_quickly(document, rows, index, body, limits)
        if index is not None:
            _check_index(index, len(rows))
        return Asked(rows, index=index, explain=_wants_explanation(query) if query else False)

    def write(self, asked: Asked, answered: Answered) -> Written:
        """Write predictions with their probabilities; see `Dialect.write`."""
        content: dict[str, Any] = {
            "predictions": answered.predictions,
            "probabilities": answered.probabilities,
            "prediction_ids": answered.prediction_ids,
            "version": answered.version,
            "warnings": answered.warnings,
            "errors": None,
        }
        if asked.explain:
            content["explanations"] = answered.explanations
        return Written(orjson.dumps(content))

    def explain(self, problem: Problem) -> dict[str, Any]:  # noqa: ARG002
        """Return no members: these clients read problem details."""
        return {}


def _members(document: Any, limits: Limits) -> tuple[list[Any], list[Any] | None]:
    """Return the rows of a document and their index."""
    if type(document) is not dict or "inputs" not in document:
        raise Problem("invalid_request", 'expected an object with "inputs"', remedy='send {"inputs": [{...}]}')
    if not document.keys() <= _MEMBERS:
        unknown = min(document.keys() - _MEMBERS)[:100].encode("ascii", "replace").decode()
        raise Problem("invalid_request", f'expected only "inputs" and "index", found {unknown!r}')
    rows, index = document["inputs"], document.get("index")
    if type(rows) is not list or not rows:
        raise Problem("invalid_request", 'expected "inputs" as an array of at least one object')
    limits.check_rows(len(rows))
    if index is not None and type(index) is not list:
        raise Problem("invalid_request", 'expected "index" as an array of one key per row, or null')
    return rows, index


def _check_quickly(document: Any, rows: list[Any], index: list[Any] | None, body: bytes, limits: Limits) -> None:
    """Check a body quickly, and call `check` only if that leaves a doubt.

    If a body has as many colons as its objects have keys, no key is repeated. If it opens only as many arrays and
    objects as its rows need, nothing is nested deeper.
    """
    keys, infinite = len(document), False
    for number, row in enumerate(rows):
        if type(row) is not dict:
            raise Problem("invalid_request", f"expected inputs[{number}] as an object, found something else")
        keys += len(row)
        infinite = infinite or math.inf in row.values() or -math.inf in row.values()
    if infinite:
        raise Problem("invalid_request", "expected finite numbers, found one too large for a 64-bit float")
    opened = body.count(b"{") + body.count(b"[")
    if body.count(b":") != keys or opened != len(rows) + (2 if index is None else 3):
        check(document, body, limits.depth)


def _check_index(index: list[Any], count: int) -> None:
    if len(index) != count:
        raise Problem("invalid_request", f'expected "index" with one key per row, found {len(index)} for {count} rows')
    for number, key in enumerate(index):
        is_key = len(key) <= LONGEST_KEY if type(key) is str else type(key) is int and key in KEYS
        if not is_key:
            expected = f"a text of at most {LONGEST_KEY} characters or a 64-bit integer"
            raise Problem("invalid_request", f"expected index[{number}] as {expected}")


def _wants_explanation(query: bytes) -> bool:
    try:
        given = parse_qsl(query.decode("ascii"), keep_blank_values=True, max_num_fields=8)
    except ValueError:
        given = [("", "")]
    if len(given) != 1 or given[0][0] != "explain" or given[0][1] not in {"true", "false"}:
        raise Problem("invalid_parameter", "expected no query parameter except explain=true or explain=false")
    return given[0][1] == "true"
