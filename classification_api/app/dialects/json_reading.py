"""Read strict JSON: no NaN, no repeated key, no NUL, no deep nesting."""

from __future__ import annotations

import json
import re
from typing import Any

from pydantic_core import from_json

from app.dialects.limits import Limits
from app.problem_details import Problem

_NUL = re.compile(rb"(?<!\\)(?:\\\\)*+\\u0000")
_SLICE = 2**14
_POSITION = re.compile(r" at line (\d+) column (\d+)$")


def parse(body: bytes, limits: Limits) -> Any:
    """Parse a document; call `check` afterwards for nesting and repeated keys.

    Raises
    ------
    Problem
        If the body is not JSON, contains NUL, or has more values than any valid request. Parsing two million values
        would block all other requests.
    """
    if _parts(body) > limits.values:
        outside = _without_texts(body)
        if outside.count(b",") > limits.values:
            detail = f"expected at most {limits.values} values, found more"
            raise Problem("too_many_values", detail, limit=limits.values, remedy="send several smaller requests")
        if _parts(outside) > limits.values:  # more arrays and objects than values, so they must be nested
            raise Problem("too_deep", f"expected at most {limits.depth} nested arrays and objects, found more")
    try:
        document = from_json(body, allow_inf_nan=False, cache_strings="keys")
    except ValueError as error:
        place = _POSITION.search(str(error))
        where = f" at line {place[1]}, column {place[2]}" if place else ""
        if "recursion limit" in str(error):
            detail = f"expected at most {limits.depth} nested arrays and objects, found hundreds{where}"
            raise Problem("too_deep", detail, limit=limits.depth) from None
        detail = (
            f"expected JSON in UTF-8, found something else{where}" if body else "expected JSON, found an empty body"
        )
        is_number = b"NaN" in body or b"Infinity" in body
        remedy = "NaN and Infinity are not JSON: send null" if is_number else "GET /docs shows the expected format"
        raise Problem("invalid_json", detail, remedy=remedy) from None
    if b"\\u0000" in body and _NUL.search(body):
        raise Problem("invalid_json", "expected text without NUL, found \\u0000", remedy="remove it")
    return document


def check(document: Any, body: bytes, most_depth: int) -> None:
    """Check the nesting and the keys of a parsed document.

    Raises
    ------
    Problem
        If the document is nested too deeply, or an object repeats a key.
    """
    keys, depth = _measure(document)
    if depth > most_depth:
        detail = f"expected at most {most_depth} nested arrays and objects, found {depth}"
        raise Problem("too_deep", detail, limit=most_depth)
    if body.count(b":") != keys and _without_texts(body).count(b":") != keys:
        json.loads(body, object_pairs_hook=_refuse_repeated)


def _parts(text: bytes) -> int:
    """Return a lower bound of the number of values, given a text with no commas or brackets inside strings."""
    return max(text.count(b","), text.count(b"{") + text.count(b"["))


def _measure(document: Any) -> tuple[int, int]:
    """Return the number of keys in a document, and its depth of nesting."""
    keys, depth = 0, 0
    level = [document]
    while level:
        inner: list[Any] = []
        is_nested = False
        for item in level:
            if type(item) is dict:
                keys += len(item)
                inner += item.values()
                is_nested = True
            elif type(item) is list:
                inner += item
                is_nested = True
        depth += is_nested
        level = inner
    return keys, depth


def _without_texts(body: bytes) -> bytes:
    """Return a document without its strings, much faster than a regular expression would.

    Works in slices, so that other threads can run in between.
    """
    plain = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    outside: list[bytes] = []
    is_inside = 0
    for start in range(0, len(plain), _SLICE):
        parts = plain[start : start + _SLICE].split(b'"')
        outside += parts[is_inside::2]
        is_inside ^= (len(parts) - 1) & 1
    return b"".join(outside)


def _refuse_repeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        seen: set[str] = set()
        name = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        shown = name[:100].encode("ascii", "replace").decode()
        raise Problem("duplicate_key", f"expected each key of an object once, found {shown!r} twice")
    return members
