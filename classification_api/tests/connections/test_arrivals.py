"""A request while it arrives: what is within its limits passes, one byte more is refused."""

from __future__ import annotations

import pytest

from app.connections.arrivals import COUNTED, Arrival, Bounds
from app.predicting.admission import Admission
from app.problem_details import Problem

BOUNDS = Bounds(body=2 * COUNTED, head=100, headers=9)


@pytest.fixture
def arrival() -> Arrival:
    return Arrival(BOUNDS)


@pytest.fixture
def admission() -> Admission:
    return Admission(1)


def test_a_request_begins_without_an_end(arrival: Arrival) -> None:
    assert not arrival.is_whole
    assert arrival.cycle is None
    arrival.end()
    assert arrival.is_whole


def test_a_head_of_the_limit_passes_and_one_byte_more_is_refused(arrival: Arrival) -> None:
    """Its size is that of the URL and the lines of its headers, whose colon, space and end are four bytes."""
    headers = [(b"a", b"1" * 35), (b"bcd", b"2" * 43)]
    arrival.check_head(b"/predict/x", headers)
    with pytest.raises(Problem, match=r"^expected at most 100 bytes of URL and headers, found more$") as caught:
        arrival.check_head(b"/predict/xy", headers)
    assert (caught.value.code, caught.value.members) == ("headers_too_large", {"limit": 100})


def test_each_part_of_a_head_counts(arrival: Arrival) -> None:
    """100 bytes pass and 101 do not, whichever part they are in."""
    for url, name, value in ((100, 0, 0), (0, 96, 0), (0, 0, 96), (30, 33, 33)):
        headers = [(b"n" * name, b"v" * value)] if name or value else []
        arrival.check_head(b"/" * url, headers)
        with pytest.raises(Problem, match="at most 100 bytes"):
            arrival.check_head(b"/" * (url + 1), headers)


def test_a_body_that_is_announced_too_large_is_refused_before_it_comes(arrival: Arrival) -> None:
    """The limit itself passes."""
    arrival.check_head(b"/", [(b"content-length", b"%d" % BOUNDS.body)])
    with pytest.raises(Problem, match=f"^expected at most {BOUNDS.body} bytes, found more$") as caught:
        arrival.check_head(b"/", [(b"content-length", b"%d" % (BOUNDS.body + 1))])
    assert caught.value.code == "body_too_large"


def test_a_body_that_comes_too_large_is_refused(arrival: Arrival) -> None:
    """Whatever was announced, all its parts count together."""
    arrival.add_body(BOUNDS.body - 5)
    arrival.add_body(5)
    with pytest.raises(Problem, match=f"^expected at most {BOUNDS.body} bytes, found more$"):
        arrival.add_body(1)


@pytest.mark.parametrize("codings", [[b"gzip, chunked"], [b"gzip", b"chunked"], [b"chunked", b"chunked"]])
def test_a_body_that_is_coded_for_its_transfer_is_refused(arrival: Arrival, codings: list[bytes]) -> None:
    """Chunks alone are read."""
    with pytest.raises(Problem, match="expected no transfer encoding except chunked, found another") as caught:
        arrival.check_head(b"/", [(b"transfer-encoding", coding) for coding in codings])
    assert (caught.value.code, caught.value.members) == (
        "unsupported_encoding",
        {"remedy": "send the body uncompressed"},
    )
    arrival.check_head(b"/", [(b"transfer-encoding", b"chunked")])
    arrival.check_head(b"/", [(b"accept", b"a, b"), (b"accept", b"c")])


def test_what_comes_without_a_body_has_the_limit_of_a_head(arrival: Arrival) -> None:
    """A head in small packets, and what stands between chunks; a part of the body begins the count anew."""
    arrival.check_part(50_000, None)  # the packet in which it begins may hold the end of another
    for _ in range(2):
        arrival.check_part(50, None)
    arrival.add_body(1)
    arrival.check_part(50_000, None)
    arrival.check_part(100, None)
    with pytest.raises(Problem, match="expected at most 100 bytes of URL and headers, found more"):
        arrival.check_part(1, None)


def test_a_large_body_has_a_place_while_it_arrives(arrival: Arrival, admission: Admission) -> None:
    """It takes one place, however many parts it has, and gives it back at its end."""
    arrival.add_body(COUNTED)
    arrival.check_part(COUNTED, admission)
    assert admission.arriving == 0
    for _ in range(2):
        arrival.add_body(1)
        arrival.check_part(1, admission)
        assert admission.arriving == 1
    arrival.end()
    assert admission.arriving == 0
    arrival.end()
    arrival.stop_counting()
    assert admission.arriving == 0


def test_a_large_body_is_refused_where_no_place_is_left(arrival: Arrival, admission: Admission) -> None:
    """It has no place to give back then; where nobody counts, it needs none."""
    admission.begin_arriving()
    arrival.add_body(COUNTED + 1)
    with pytest.raises(Problem) as caught:
        arrival.check_part(COUNTED + 1, admission)
    assert caught.value.code == "overloaded"
    arrival.stop_counting()
    assert admission.arriving == 1
    alone = Arrival(BOUNDS)
    alone.add_body(COUNTED + 1)
    alone.check_part(COUNTED + 1, None)
    alone.end()
