"""The content types that a route accepts, and what the refusal of another one says."""

from __future__ import annotations

import pytest

from app.media_types import media_type_of
from app.problem_details import Problem

JSON = b"application/json"
BINARY = b"application/octet-stream"


@pytest.mark.parametrize("given", [JSON, b"Application/JSON ; charset=UTF-8", b'application/json;charset="utf-8"'])
def test_an_accepted_type_may_be_spelled_in_any_case_and_say_utf_8(given: bytes) -> None:
    """Case and blanks do not matter, and UTF-8 may be named."""
    assert media_type_of({b"content-type": given}, frozenset({JSON})) == (given if given == JSON else JSON)


def test_a_refusal_names_the_types_that_have_a_name() -> None:
    """Where the header may be absent, the refusal lists the other types and no empty one."""
    assert media_type_of({}, frozenset({b"", JSON})) == b""
    with pytest.raises(Problem) as refused:
        media_type_of({b"content-type": b"text/csv"}, frozenset({b"", JSON, BINARY}))
    expected = "application/json or application/octet-stream"
    assert refused.value.detail == f"expected {expected} in UTF-8, found something else"
