"""The size of a request while it is received, checked against the limits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

from app.problem_details import Problem

if TYPE_CHECKING:
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

    from app.predicting.admission import Admission

#: Bytes above which a body counts as large while it is received. Smaller bodies are not counted, so that deliberately
#: slow clients cannot block requests for a few rows.
COUNTED = 16 * 1024


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits on the size of a request.

    Attributes
    ----------
    body
        Most bytes in the body.
    head
        Most bytes in the URL and headers.
    headers
        Most headers, and most trailers.
    """

    body: int
    head: int
    headers: int


class Arrival:
    """The request being received, or the last one received.

    Parameters
    ----------
    bounds
        Limits on its size.

    Attributes
    ----------
    began
        Time at which its first byte arrived, in seconds of `time.perf_counter`.
    is_whole
        Whether it is complete.
    cycle
        uvicorn's request cycle, until the body is complete; None on the fast path.
    """

    __slots__ = ("_body", "_bounds", "_counted_by", "_seen_body", "_without_body", "began", "cycle", "is_whole")

    def __init__(self, bounds: Bounds) -> None:
        self.began = perf_counter()
        self.is_whole = False
        self.cycle: RequestResponseCycle | None = None
        self._bounds = bounds
        self._body = 0
        self._seen_body = -1  # the packet in which it begins may also end another request
        self._without_body = 0
        self._counted_by: Admission | None = None

    def check_head(self, url: bytes, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Refuse a head that is too large, declares too large a body, or has an unsupported transfer encoding."""
        size = len(url)
        declared = b""
        for name, value in headers:
            size += len(name) + len(value) + 4
            if name == b"content-length":
                declared = value
        if size > self._bounds.head:
            raise self._too_large_head()
        if declared:
            if int(declared) > self._bounds.body:
                raise Problem.too_large_body(self._bounds.body)
            return
        codings = [value for name, value in headers if name == b"transfer-encoding"]
        if len(codings) > 1 or (codings and b"," in codings[0]):
            detail = "expected no transfer encoding except chunked, found another"
            raise Problem("unsupported_encoding", detail, remedy="send the body uncompressed")

    def add_body(self, size: int) -> None:
        """Count bytes of the body, and refuse one that is too large."""
        self._body += size
        if self._body > self._bounds.body:
            raise Problem.too_large_body(self._bounds.body)

    def check_part(self, size: int, admission: Admission | None) -> None:
        """Refuse an incomplete request that already exceeds a limit.

        Parameters
        ----------
        size
            Bytes of the packet that has just arrived.
        admission
            Counts the large requests being received.
        """
        if self._seen_body != self._body:
            self._seen_body = self._body
            self._without_body = 0
        else:  # the head, chunk sizes or trailers
            self._without_body += size
            if self._without_body > self._bounds.head:
                raise self._too_large_head()
        if self._body > COUNTED and self._counted_by is None and admission is not None:
            admission.begin_arriving()
            self._counted_by = admission

    def end(self) -> None:
        """Mark the request complete."""
        self.is_whole = True
        if self._counted_by is not None:
            self.stop_counting()

    def stop_counting(self) -> None:
        """Stop counting the request as being received, if it was counted."""
        if self._counted_by is not None:
            self._counted_by.end_arriving()
            self._counted_by = None

    def _too_large_head(self) -> Problem:
        most = self._bounds.head
        detail = f"expected at most {most} bytes of URL and headers, found more"
        return Problem("headers_too_large", detail, limit=most)
