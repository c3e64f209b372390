"""Admission: as many requests as may be in hand, or arriving, and no more."""

from __future__ import annotations

import pytest

from app.predicting.admission import Admission
from app.problem_details import Problem


@pytest.fixture
def admission() -> Admission:
    return Admission(2)


def test_there_is_room_until_enough_requests_are_in_hand(admission: Admission) -> None:
    """One without room counts too, until it has its refusal; then there is as much room as before it came."""
    assert [admission.enter() for _ in range(3)] == [True, True, False]
    assert admission.in_hand == 3
    admission.leave()
    assert not admission.enter()
    admission.leave()
    admission.leave()
    assert admission.enter()


def test_a_request_that_may_not_arrive_takes_no_place(admission: Admission) -> None:
    """It is refused at once, and the next one has the place that another gave back."""
    admission.begin_arriving()
    admission.begin_arriving()
    with pytest.raises(Problem, match="expected at most 2 requests at once, found more"):
        admission.begin_arriving()
    assert admission.arriving == 2
    admission.end_arriving()
    admission.begin_arriving()


def test_requests_in_hand_leave_the_room_of_those_that_arrive(admission: Admission) -> None:
    """The limit holds for each kind alone, so that slow clients keep nobody from being answered."""
    admission.begin_arriving()
    admission.begin_arriving()
    assert admission.enter()
    assert (admission.in_hand, admission.arriving) == (1, 2)


def test_a_client_without_room_learns_the_limit_and_when_to_come_again(admission: Admission) -> None:
    problem = admission.overloaded()
    assert (problem.status, problem.code) == (503, "overloaded")
    assert problem.headers == ((b"retry-after", b"1"),)
    assert problem.members == {"limit": 2, "remedy": "retry after the seconds in Retry-After"}


def test_a_client_whose_work_cannot_begin_before_the_end_learns_when_to_come_again(admission: Admission) -> None:
    problem = admission.too_late()
    assert (problem.status, problem.code) == (503, "overloaded")
    assert problem.headers == ((b"retry-after", b"1"),)
    assert "limit" not in problem.members
