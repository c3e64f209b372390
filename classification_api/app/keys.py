"""Check API keys by their hashes, in constant time; no key is stored or logged."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

from app.problem_details import Problem

_BEARER = b"bearer "


def check_key(hashes: tuple[str, ...], headers: Mapping[bytes, bytes]) -> None:
    """Refuse a request without an accepted API key.

    Parameters
    ----------
    hashes
        SHA-256 of each accepted key, in hexadecimal.
    headers
        Headers of the request: the key is in ``X-API-Key``, or in ``Authorization`` after ``Bearer``.

    Raises
    ------
    Problem
        If the key is missing or not accepted.
    """
    key = headers.get(b"x-api-key")
    if key is None:
        given = headers.get(b"authorization", b"")
        key = given[len(_BEARER) :].strip() if given[: len(_BEARER)].lower() == _BEARER else None
    if key:
        digest = hash_key(key)
        if any([hmac.compare_digest(digest, accepted) for accepted in hashes]):  # noqa: C419 - each is compared
            return
    found = "found one that is not accepted" if key else "found none"
    remedy = "send it in the header X-API-Key, or as Authorization: Bearer"
    headers_ = ((b"www-authenticate", b"Bearer"),)
    raise Problem("unauthorized", f"expected an API key, {found}", remedy=remedy, headers=headers_)


def hash_key(key: bytes) -> str:
    """Return the SHA-256 of a key, in hexadecimal.

    Examples
    --------
    >>> hash_key(b"a-key-of-at-least-16-characters")
    '162c18f6fddf8b1473f7933618feade0dc65f32f71f63a6a8587656768446cd7'
    """
    return hashlib.sha256(key).hexdigest()
