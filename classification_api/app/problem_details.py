"""Problem details (RFC 9457): the body of every error reply, and the HTTP status of each code."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import orjson

#: Most places listed in a reply, and most bytes of its body.
MOST_PLACES, LONGEST_REPLY = 20, 4096
MEDIA_TYPE = "application/problem+json"

#: Status of each code. A code is stable: clients may rely on it.
STATUS = {
    "bad_request": 400,  # not HTTP
    "unauthorized": 401,
    "not_found": 404,
    "method_not_allowed": 405,
    "receive_timeout": 408,
    "client_gone": 408,  # the client has disconnected, and does not receive it
    "body_too_large": 413,
    "too_many_rows": 413,
    "too_many_values": 413,
    "unsupported_media_type": 415,
    "unsupported_encoding": 415,
    "invalid_json": 422,
    "too_deep": 422,
    "duplicate_key": 422,
    "unknown_label": 422,
    "invalid_request": 422,
    "invalid_rows": 422,
    "invalid_parameter": 422,
    "headers_too_large": 431,
    "internal_error": 500,
    "log_unavailable": 503,
    "not_ready": 503,
    "overloaded": 503,
    "report_unavailable": 503,
}


class Problem(Exception):  # noqa: N818 - RFC 9457 calls it so
    """An error reply; raise it to refuse a request.

    Parameters
    ----------
    code
        One of `STATUS`.
    detail
        What was expected and what was found, in one line; never the input itself.
    places
        One dict per fault, with ``where`` (such as ``inputs[3].age``), ``code`` and ``message``.
    headers
        Additional headers of the reply.
    members
        Additional members of its body, such as ``limit`` and ``remedy``.
    """

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        places: list[dict[str, Any]] | None = None,
        headers: tuple[tuple[bytes, bytes], ...] = (),
        **members: Any,
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.places = places or []
        self.headers = headers
        self.members = members

    @classmethod
    def too_large_body(cls, most: int) -> Problem:
        """Return the 413 for a body of more than ``most`` bytes."""
        remedy = "send several smaller requests"
        return cls("body_too_large", f"expected at most {most} bytes, found more", limit=most, remedy=remedy)

    @classmethod
    def too_many_rows(cls, most: int, found: int | str, what: str = "rows") -> Problem:
        """Return the 413 for too many rows; ``what`` names them in the error."""
        detail = f"expected at most {most} {what}, found {found}"
        return cls("too_many_rows", detail, limit=most, remedy="send several smaller requests")

    @classmethod
    def internal_error(cls) -> Problem:
        """Return the 500 for a failure of the server itself."""
        return cls("internal_error", "the request could not be answered; the server's log says why")

    @property
    def status(self) -> int:
        """HTTP status of the reply."""
        return STATUS[self.code]

    def body(self, request_id: str | None = None) -> bytes:
        """Return the body of the reply, with as many places as fit."""
        content: dict[str, Any] = {
            "type": f"urn:classification-api:problem:{self.code}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            **self.members,
        }
        if request_id is not None:
            content["request_id"] = request_id
        if not self.places:
            return orjson.dumps(content)
        most = MOST_PLACES
        while True:
            shown = self.places[:most]
            content["errors"] = shown
            if len(shown) < len(self.places):
                content["more_errors"] = len(self.places) - len(shown)
            written = orjson.dumps(content)
            if len(written) <= LONGEST_REPLY or not most:
                return written
            most -= 1
