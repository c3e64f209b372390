"""The content type of a request, held against those that a route reads."""

from __future__ import annotations

from collections.abc import Mapping

from app.problem_details import Problem

JSON = frozenset({b"application/json"})


def media_type_of(headers: Mapping[bytes, bytes], accepted: frozenset[bytes]) -> bytes:
    """Return the content type of a request, without parameters.

    Parameters
    ----------
    headers
        Of the request, names in lower case.
    accepted
        Content types that the route reads; empty where none may be given.

    Raises
    ------
    Problem
        If it is another one, or the body is compressed.
    """
    given = headers.get(b"content-type", b"")
    if b"content-encoding" in headers and headers[b"content-encoding"].strip().lower() != b"identity":
        raise Problem("unsupported_encoding", "expected a body that is not compressed", remedy="send it as it is")
    if given in accepted:
        return given
    media_type, _, parameters = given.lower().partition(b";")
    media_type = media_type.strip()
    charset = parameters.strip().replace(b'"', b"")
    if media_type not in accepted or charset not in {b"", b"charset=utf-8"}:
        names = " or ".join(sorted(name.decode() for name in accepted))
        remedy = f"send the header Content-Type: {names}"
        raise Problem("unsupported_media_type", f"expected {names} in UTF-8, found something else", remedy=remedy)
    return media_type
