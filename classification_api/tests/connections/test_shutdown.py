"""The end of connections once the server is told to stop: what has come is answered, then they are closed."""

from __future__ import annotations

from clocked import Gate, StartClocked
from heavy_requests import LARGE, SLOW
from raw_http import GOOD, HALF_HEAD, Wire, check_problem, eventually, get, is_predicted, post

from app.connections.limited import LAST_CALL
from app.connections.timeouts import LONGEST_END


def test_an_idle_connection_is_closed_after_the_last_call(clocked: StartClocked) -> None:
    """A request may be on its way; one that comes in time is answered, and is the connection's last."""
    server = clocked()
    with Wire(server) as fresh, Wire(server) as used, Wire(server) as late:
        for wire in (used, late):
            assert wire.send(get()).answer().status == 200
        eventually(lambda: server.connections == 3)
        server.tell_to_stop()
        server.forward(LAST_CALL - 0.05)
        assert server.connections == 3
        answer = server.take(late, post()).answer()
        assert is_predicted(answer)
        assert answer.headers["connection"] == "close"
        assert late.rest() == b""
        server.forward(0.1)
        assert server.connections == 0
        assert (fresh.rest(), used.rest()) == (b"", b"")


def test_a_connection_that_comes_after_that_has_one_request(clocked: StartClocked) -> None:
    """It was accepted by the system before listening ended, and does not stay."""
    server = clocked()
    server.tell_to_stop()
    server.predictions.end()
    with Wire(server) as asking, Wire(server) as silent:
        answer = asking.send(get()).answer()
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        eventually(lambda: server.connections == 1)
        server.forward(LAST_CALL + 0.05)
        assert silent.rest() == b""


def test_the_rest_of_a_request_is_waited_for_a_few_seconds(clocked: StartClocked) -> None:
    """Where it comes, it is answered, and the connection ends; where it does not, the client is told."""
    server = clocked()
    request = post()
    with Wire(server) as finished, Wire(server) as head, Wire(server) as body:
        server.take(finished, request[:-5])
        server.take(head, HALF_HEAD)
        server.take(body, request[:-5])
        server.tell_to_stop()
        server.forward(LONGEST_END - 0.1)
        assert server.connections == 3
        answer = finished.send(request[-5:]).answer()
        assert is_predicted(answer)
        assert answer.headers["connection"] == "close"
        assert finished.rest() == b""
        server.forward(0.3)
        for wire in (head, body):
            check_problem(wire.answer(), 408, "receive_timeout")


def test_what_waits_behind_a_request_in_hand_is_answered(clocked: StartClocked, gate: Gate) -> None:
    """Only the last reply says that the connection ends."""
    server = clocked()
    with Wire(server) as wire:
        server.take(wire, SLOW + get() + post())
        server.tell_to_stop()
        server.forward(1)
        assert not wire.is_answered()
        gate.open()
        answers = [wire.answer() for _ in range(3)]
        assert [answer.status for answer in answers] == [200] * 3
        assert [answer.headers.get("connection") for answer in answers] == [None, None, "close"]
        assert wire.rest() == b""


def test_a_half_request_behind_one_in_hand_keeps_the_connection(clocked: StartClocked, gate: Gate) -> None:
    """The reply before it is not the last one."""
    server = clocked()
    with Wire(server) as wire:
        server.take(wire, SLOW + post()[:-5])
        server.tell_to_stop()
        gate.open()
        answer = wire.answer()
        assert (answer.status, answer.headers.get("connection")) == (200, None)
        answer = wire.send(GOOD[-5:]).answer()
        assert is_predicted(answer)
        assert answer.headers["connection"] == "close"


def test_the_rest_of_a_request_that_has_its_answer_is_not_waited_for(clocked: StartClocked) -> None:
    """Its body is not read where it is not needed."""
    server = clocked()
    with Wire(server) as wire:
        wire.send(post(LARGE, path="/health")[:1000])
        assert wire.answer().status == 405
        server.tell_to_stop()
        assert wire.rest() == b""
