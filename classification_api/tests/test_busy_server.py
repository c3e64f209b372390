"""Many heavy requests at once: probes and small requests are answered meanwhile, and SIGTERM is obeyed in time."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from conftest import ROW, Serve, Server
from raw_http import Wire, check_problem, exchange, gauge, get, is_predicted, post, unharmed

TO_EXPLAIN = post(json.dumps({"inputs": [ROW] * 100}).encode(), path="/predict?explain=true")
HOSTILE = {
    "empty rows": b'{"inputs":[' + b"{}," * 690_000 + b"{}]}",
    "empty arrays": b'{"inputs":[' + b"[]," * 690_000 + b"[]]}",
    "one row of many names": json.dumps({"inputs": [{f"n{number}": 0 for number in range(150_000)}]}).encode(),
    "zeros": b'{"inputs":[' + b"0," * 1_000_000 + b"0]}",
}


#: Sends the request in a file sixty times at once, in a process that does not slow the probes; prints the replies.
ATTACK = """
import socket, sys, threading

def attack():
    with socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=60) as wire:
        wire.sendall(request)
        print(wire.recv(65536).partition(b" ")[2][:3].decode(), flush=True)

request = open(sys.argv[2], "rb").read()
threads = [threading.Thread(target=attack) for _ in range(60)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_sixty_hostile_bodies_at_once_do_not_keep_probes_waiting(serve: Serve, body: bytes, tmp_path: Path) -> None:
    """Each is refused before it is parsed: 120 MiB at once keep a probe waiting for less than a second."""
    server = serve()
    request = tmp_path / "request"
    request.write_bytes(post(body))
    waits = []
    with unharmed(server):
        command = [sys.executable, "-c", ATTACK, str(server.port), str(request)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as attack:
            while attack.poll() is None:
                began = time.perf_counter()
                assert exchange(server, get()).status == 200
                waits.append(time.perf_counter() - began)
            assert attack.stdout is not None
            assert attack.stdout.read().split() == ["413"] * 60
    assert max(waits) < 1
    assert gauge(server) == 0


def test_many_commas_and_brackets_in_texts_are_no_values(server: Server) -> None:
    """What looks like a million values, and is one text, is told apart."""
    body = {"inputs": [ROW | {"home.dest": "[{," * 200_000}]}
    assert server.post(json=body).status_code == 200


def test_small_requests_good_and_bad_overtake_explanations(serve: Serve) -> None:
    """While explanations queue, a row is predicted and a wrong one is refused as if nothing else were asked."""
    server = serve()
    with ExitStack() as stack:
        slow = [stack.enter_context(Wire(server)).send(TO_EXPLAIN) for _ in range(30)]
        began = time.perf_counter()
        for _ in range(5):
            assert is_predicted(exchange(server, post()))
            check_problem(server.post(json={"inputs": [ROW | {"age": "old"}]}), 422, "invalid_rows")
        passed = time.perf_counter() - began
        answers = [wire.answer() for wire in slow]
        took = time.perf_counter() - began
    assert {answer.status for answer in answers} == {200}
    assert passed < took / 2


def test_row_18_a_full_queue_is_answered_in_time(serve: Serve) -> None:
    """What a thread cannot begin in time is refused with 503; the server ends with 0 within 10 s."""
    server = serve(LIMIT_EXPLAINED_ROWS="2000", LIMIT_BODY="4MiB")
    request = post(json.dumps({"inputs": [ROW] * 1000}).encode(), path="/predict?explain=true")
    with ExitStack() as stack:
        wires = [stack.enter_context(Wire(server)).send(request) for _ in range(60)]
        assert exchange(server, get()).status == 200
        time.sleep(0.5)
        told = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        answers = [wire.answer() for wire in wires]
        for answer in answers:
            if answer.status != 200:
                check_problem(answer, 503, "overloaded")
                assert answer.headers["retry-after"]
        assert server.process.wait(timeout=30) == 0
        assert time.monotonic() - told < 10
    assert 200 in {answer.status for answer in answers}


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


def test_a_key_is_asked_for_before_the_name_of_a_model(serve: Serve) -> None:
    """Who has no key does not learn which model serves."""
    server = serve(API_KEY_HASHES="a" * 64)
    for path in ("/v2/models/x/infer", "/v2/models/titanic-survival/infer", "/v2/models/x/versions/1/infer"):
        content = check_problem(server.post(path), 401, "unauthorized")
        assert "error" in content


def test_no_address_is_made_from_the_host_header(server: Server) -> None:
    """A path with a slash too many is not found, rather than led to wherever the header says."""
    assert server.post("/predict/").status_code == 404
