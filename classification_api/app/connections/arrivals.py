"""A request while it arrives: how much of it has come, and whether that is too much."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

from app.problem_details import Problem

if TYPE_CHECKING:
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

    from app.predicting.admission import Admission

#: Bodies beyond so many bytes count as arriving; that of a few rows does not, so that clients who are slow on purpose
#: keep nobody from asking for a few predictions.
COUNTED = 16 * 1024


@dataclass(frozen=True, slots=True)
class Bounds:
    """How large a request may be.

    Attributes
    ----------
    body, head
        Most bytes of each.
    headers
        Most headers, and most trailers.
    """

    body: int
    head: int
    headers: int


class Arrival:
    """A request that arrives, or the last one that has arrived.

    Parameters
    ----------
    bounds
        How large it may be.

    Attributes
    ----------
    began
        When its first byte came, as of `time.perf_counter`, in seconds.
    is_whole
        Whether it has come to its end.
    cycle
        What uvicorn made of its head, and gives its body to; none on another way, and once uvicorn has all of it.
    """

    __slots__ = ("_body", "_bounds", "_counted_by", "_seen_body", "_without_body", "began", "cycle", "is_whole")

    def __init__(self, bounds: Bounds) -> None:
        self.began = perf_counter()
        self.is_whole = False
        self.cycle: RequestResponseCycle | None = None
        self._bounds = bounds
        self._body = 0
        self._seen_body = -1  # the packet in which it begins may hold the end of another
        self._without_body = 0
        self._counted_by: Admission | None = None

    def check_head(self, url: bytes, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Refuse a head that is too long, or that announces a body which is, or which is not sent as it is."""
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
            detail = "expected the transfer encoding chunked alone, found another one"
            raise Problem("unsupported_encoding", detail, remedy="send it as it is")

    def add_body(self, size: int) -> None:
        """Count bytes of the body, and refuse one that is too large."""
        self._body += size
        if self._body > self._bounds.body:
            raise Problem.too_large_body(self._bounds.body)

    def check_part(self, size: int, admission: Admission | None) -> None:
        """Refuse a request of which a part has arrived, and that breaks a limit already.

        Parameters
        ----------
        size
            Bytes that came with this part.
        admission
            Where requests that arrive are counted.
        """
        if self._seen_body != self._body:
            self._seen_body = self._body
            self._without_body = 0
        else:  # a head, or what stands between the chunks of a body or behind them
            self._without_body += size
            if self._without_body > self._bounds.head:
                raise self._too_large_head()
        if self._body > COUNTED and self._counted_by is None and admission is not None:
            admission.begin_arriving()
            self._counted_by = admission

    def end(self) -> None:
        """Take it that the request has come to its end."""
        self.is_whole = True
        if self._counted_by is not None:
            self.stop_counting()

    def stop_counting(self) -> None:
        """Give back its place among those that arrive, if it has one."""
        if self._counted_by is not None:
            self._counted_by.end_arriving()
            self._counted_by = None

    def _too_large_head(self) -> Problem:
        most = self._bounds.head
        return Problem("headers_too_large", f"expected headers of at most {most} bytes, found more", limit=most)
