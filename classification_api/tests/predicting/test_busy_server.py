"""Many heavy requests at once: probes and small requests are answered meanwhile, and SIGTERM is obeyed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from classification_model.predict import Predictor
from classification_model.runtime.model_folder.packaged import packaged_model
from clocked import Gate, StartClocked
from conftest import PATIENCE, ROW, Serve, Server
from heavy_requests import LARGE, SLOW
from raw_http import Wire, check_problem, eventually, exchange, gauge, get, is_predicted, post, unharmed

from app.dialects import json_reading
from app.predicting.predictions import LAST_BEGIN
from app.problem_details import Problem
from app.served_models import ServingModel
from app.settings import Settings

pytestmark = pytest.mark.slow

HOSTILE = {
    "empty rows": b'{"inputs":[' + b"{}," * 690_000 + b"{}]}",
    "empty arrays": b'{"inputs":[' + b"[]," * 690_000 + b"[]]}",
    "one row of many names": json.dumps({"inputs": [{f"n{number}": 0 for number in range(150_000)}]}).encode(),
    "zeros": b'{"inputs":[' + b"0," * 1_000_000 + b"0]}",
}


#: Sends the request in a file many times at once, in a process that does not slow the probes; prints the codes of the
#: replies.
ATTACK = """
import json, socket, sys, threading

def attack():
    with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as wire:
        wire.sendall(request)
        reply = b"".join(iter(lambda: wire.recv(65536), b""))
        codes.append(json.loads(reply.partition(b"\\r\\n\\r\\n")[2])["code"])

codes = []
request = open(sys.argv[2], "rb").read()
threads = [threading.Thread(target=attack) for _ in range(int(sys.argv[3]))]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(*codes)
"""


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_body_is_refused_before_it_is_parsed(monkeypatch: pytest.MonkeyPatch, body: bytes) -> None:
    """While it was parsed, which is done in one go, nobody else would be answered."""
    parsed: list[bytes] = []
    monkeypatch.setattr(json_reading, "from_json", lambda given, **_: parsed.append(given))
    with pytest.raises(Problem, match="values, found more") as caught:
        json_reading.parse(body, ServingModel(Predictor.load(), Settings(), packaged_model()).limits)
    assert caught.value.code == "too_many_values"
    assert parsed == []


@pytest.mark.faults
def test_many_hostile_bodies_at_once_do_not_keep_probes_waiting(
    server: Server, tmp_path: Path, is_measured: bool, record_property: Callable[[str, object], None]
) -> None:
    """Each of sixty is refused, however many come at once, and probes are answered meanwhile."""
    count = 60 if is_measured else 15
    worst: dict[str, float] = {}
    for name, body in HOSTILE.items():
        request = tmp_path / "request"
        request.write_bytes(post(body, "Connection: close\r\n"))
        waits = []
        with unharmed(server):
            command = [sys.executable, "-c", ATTACK, str(server.port), str(request), str(count)]
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as attack:
                while attack.poll() is None:
                    began = time.perf_counter()
                    assert exchange(server, get()).status == 200
                    waits.append(time.perf_counter() - began)
                assert attack.stdout is not None
                assert attack.stdout.read().split() == ["too_many_values"] * count
        worst[name] = max(waits)
    assert gauge(server) == 0
    told = ", ".join(f"{name} {1000 * seconds:.0f} ms" for name, seconds in worst.items())
    record_property("figures", f"/health while {count} bodies of 2 MiB are refused at once, at most: {told}")


def test_many_commas_and_brackets_in_texts_are_no_values(server: Server) -> None:
    """What looks like a million values, and is one text, is told apart."""
    body = {"inputs": [ROW | {"home.dest": "[{," * 200_000}]}
    assert server.post(json=body).status_code == 200


def test_small_and_large_requests_overtake_explanations(clocked: StartClocked, gate: Gate) -> None:
    """While explanations queue, rows are predicted and wrong ones are refused as if nothing else were asked."""
    gate.holds_large = False
    server = clocked()
    with ExitStack() as stack:
        slow = [server.take(stack.enter_context(Wire(server)), SLOW) for _ in range(30)]
        assert is_predicted(exchange(server, post()))
        check_problem(server.post(json={"inputs": [ROW | {"age": "old"}]}), 422, "invalid_rows")
        assert exchange(server, post(LARGE)).status == 200
        assert server.predictions.admission.in_hand == len(slow)
        gate.open()
        assert {wire.answer().status for wire in slow} == {200}


def test_row_18_what_cannot_begin_in_time_is_refused_and_what_has_begun_is_answered(
    clocked: StartClocked, gate: Gate
) -> None:
    """Of requests that queue for a thread when the server is told to stop, those whose turn does not come get 503."""
    server = clocked()
    with ExitStack() as stack:
        wires = [server.take(stack.enter_context(Wire(server)), SLOW) for _ in range(3)]
        eventually(gate.reached.is_set)
        server.tell_to_stop()
        server.forward(LAST_BEGIN - 0.1)
        assert not any(wire.is_answered() for wire in wires)
        server.forward(0.2)
        for wire in wires[1:]:
            answer = wire.answer()
            check_problem(answer, 503, "overloaded")
            assert answer.headers["retry-after"]
        gate.open()
        assert wires[0].answer().status == 200
        assert {wire.rest() for wire in wires} == {b""}


@pytest.mark.faults
def test_row_18_a_full_queue_is_answered(
    serve: Serve, is_measured: bool, record_property: Callable[[str, object], None]
) -> None:
    """A server that is told to stop with its hands full answers each request, one way or the other, and ends with 0."""
    server = serve(LIMIT_EXPLAINED_ROWS="2000", LIMIT_BODY="4MiB")
    rows = 1000 if is_measured else 100  # of which it does more in its last seconds than it may have in hand
    request = post(json.dumps({"inputs": [ROW] * rows}).encode(), path="/predict?explain=true")
    with ExitStack() as stack:
        wires = [stack.enter_context(Wire(server)).send(request) for _ in range(60)]
        eventually(wires[0].is_answered)
        told = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        answers = [wire.answer() for wire in wires]
        for answer in answers:
            if answer.status != 200:
                check_problem(answer, 503, "overloaded")
                assert answer.headers["retry-after"]
        assert server.process.wait(timeout=PATIENCE) == 0
        ended = time.monotonic() - told
    statuses = [answer.status for answer in answers]
    assert statuses[0] == 200
    record_property(
        "figures",
        f"SIGTERM with {len(wires)} requests in hand, {rows} rows to explain each: {statuses.count(200)} answered, "
        f"{statuses.count(503)} told to come again, ended after {ended:.1f} s, 10 are allowed",
    )


def test_a_pipeline_of_offered_upgrades_is_answered_to_the_end(server: Server) -> None:
    """Thousands of requests in one packet that each offer another protocol: all answered, none left in hand."""
    request = post(b"{}", "Connection: upgrade\r\nUpgrade: h2c\r\n")
    with unharmed(server), Wire(server) as wire:
        for _ in range(30):
            wire.send(request * 90)
            for _ in range(90):
                check_problem(wire.answer(), 422, "invalid_request")
        bare = post(b"", "Connection: upgrade\r\n") * 3000
        with Wire(server) as flood:
            flood.send(bare)
            flood.socket.shutdown(1)
            assert flood.rest()
    assert gauge(server) == 0


def test_a_key_is_asked_for_before_the_name_of_a_model(locked: Server) -> None:
    """Who has no key does not learn which model serves."""
    for path in ("/v2/models/x/infer", "/v2/models/titanic-survival/infer", "/v2/models/x/versions/1/infer"):
        content = check_problem(locked.post(path), 401, "unauthorized")
        assert "error" in content


def test_no_address_is_made_from_the_host_header(server: Server) -> None:
    """A path with a slash too many is not found, rather than led to wherever the header says."""
    assert server.post("/predict/").status_code == 404
