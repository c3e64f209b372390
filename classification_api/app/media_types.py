"""Check the content type of a request."""

from __future__ import annotations

from collections.abc import Mapping

from app.problem_details import Problem

JSON = frozenset({b"application/json"})


def media_type_of(headers: Mapping[bytes, bytes], accepted: frozenset[bytes]) -> bytes:
    """Return the content type of a request without parameters, or refuse it.

    Parameters
    ----------
    headers
        Headers of the request, names in lower case.
    accepted
        Content types that the route accepts; includes ``b""`` if the header may be absent.

    Raises
    ------
    Problem
        If the content type is not accepted, or the body is compressed.
    """
    given = headers.get(b"content-type", b"")
    if b"content-encoding" in headers and headers[b"content-encoding"].strip().lower() != b"identity":
        remedy = "send it without Content-Encoding"
        raise Problem("unsupported_encoding", "expected an uncompressed body, found a content encoding", remedy=remedy)
    if given in accepted:
        return given
    media_type, _, parameters = given.lower().partition(b";")
    media_type = media_type.strip()
    charset = parameters.strip().replace(b'"', b"")
    if media_type not in accepted or charset not in {b"", b"charset=utf-8"}:
        names = " or ".join(sorted(name.decode() for name in accepted if name))
        remedy = f"send the header Content-Type: {names}"
        raise Problem("unsupported_media_type", f"expected {names} in UTF-8, found something else", remedy=remedy)
    return media_type
