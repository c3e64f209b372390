"""Row 19 of docs/faults.md: methods, paths and keys; and a reply for each status that errors have."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from clocked import StartClocked
from conftest import NO_HURRY, PATIENCE, ROW, Serve, Server, serving
from raw_http import GOOD, JSON, Answer, Wire, check_problem, eventually, exchange, get, post, running, unharmed

from app.problem_details import STATUS

pytestmark = pytest.mark.slow


KEY = "correct-horse-battery-staple"
GUARDED = ["/predict", "/invocations", "/model", "/metrics"]


@pytest.mark.parametrize("path", ["/predict", "/health", "/model", "/metrics", "/v2", "/invocations"])
@pytest.mark.parametrize("method", ["TRACE", "PUT", "DELETE", "PATCH", "PROPFIND"])
def test_row_19_another_method_is_refused_with_those_that_are_allowed(server: Server, method: str, path: str) -> None:
    """A reply of 405 says in Allow what the path knows; TRACE never shows what was sent."""
    with unharmed(server):
        answer = exchange(server, get(path, "Cookie: SECRET\r\n", method))
    check_problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"]
    assert method not in answer.headers["allow"]
    assert b"SECRET" not in answer.body


@pytest.mark.parametrize(
    "path",
    ["/../", "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2fetc/passwd", "//predict",
     "/predict/../model", "/predict%00", "/%00", "/predict;x", "/.env", "/health/../../x", "/static/../../x",
     "/\\..\\x", "/%ff", "/a" * 500,
     "/v2/models/../x", "/v2/models/%2e%2e/infer", "/docs/../app/main.py", "/static-offline-docs/../../main.py",
     "/static-offline-docs/%2e%2e/%2e%2e/main.py"],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_row_19_a_path_that_leads_elsewhere_leads_nowhere(server: Server, path: str, method: str) -> None:
    """No path leads out of what is served, and none is repeated in the reply."""
    with unharmed(server):
        answer = exchange(server, get(path, method=method))
    assert answer.status in {404, 405}
    check_problem(answer, answer.status, "not_found" if answer.status == 404 else "method_not_allowed")


@pytest.mark.parametrize("host", ["[", "a:b:c", "\x80\xff", "", "a" * 5000, "evil/..", "[::1", "t:99999999"])
@pytest.mark.parametrize("path", ["/health", "/predict/", "/health/", "/docs"])
def test_row_19_a_host_that_is_none_breaks_nothing(server: Server, host: str, path: str) -> None:
    """Whatever a client says of the server's name, it gets an answer."""
    with unharmed(server):
        answer = exchange(server, f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode("latin-1"))
        assert answer.status < 500


@pytest.mark.parametrize("path", GUARDED)
@pytest.mark.parametrize(
    "head",
    ["", "X-API-Key:\r\n", "X-API-Key: wrong\r\n", f"X-API-Key: {KEY}x\r\n", f"X-API-Key: {KEY[:-1]}\r\n",
     f"X-API-Key: {KEY.upper()}\r\n", f"Authorization: Basic {KEY}\r\n", "Authorization: Bearer\r\n",
     "Authorization: Bearer \r\n", f"Authorization: {KEY}\r\n", f"X-API-Key: \xe4{KEY}\r\n",
     f"Cookie: X-API-Key={KEY}\r\n",
     f"X-API-Key: {hashlib.sha256(KEY.encode()).hexdigest()}\r\n", f"X-API-Key: {'k' * 20_000}\r\n",
     f"X-API-Key: {'k' * 1_000_000}\r\n"],
    ids=lambda head: head[:40],
)  # fmt: skip
def test_row_19_without_the_key_there_is_no_answer(every: Server, path: str, head: str) -> None:
    """A missing, a wrong, a nearly right and a huge key are refused alike, and the way to send one is told."""
    request = get(path) if path in {"/model", "/metrics"} else post(path=path)
    request = request.replace(b"Host: t\r\n", f"Host: t\r\n{head}".encode("latin-1"), 1)
    answer = exchange(every, request)
    check_problem(answer, 401, "unauthorized")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert KEY.encode() not in answer.body


@pytest.fixture(scope="module")
def every(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Give one server with a key for all tests that only knock."""
    with serving(tmp_path_factory.mktemp("locked")) as start:
        yield start(API_KEY_HASHES=hashlib.sha256(KEY.encode()).hexdigest(), LIMIT_HEADER_BYTES="1MiB")


def test_row_19_a_key_of_1_mb_is_refused_as_too_large_by_default(server: Server) -> None:
    """Where headers have their usual limit, it is not even looked at."""
    check_problem(exchange(server, get(head=f"X-API-Key: {'k' * 1_000_000}\r\n")), 431, "headers_too_large")


def test_row_19_the_key_is_in_no_log(serve: Serve) -> None:
    """Neither a right nor a wrong key, wherever a client puts it, is in an output or a reply."""
    locked = serve(API_KEY_HASHES=hashlib.sha256(KEY.encode()).hexdigest())
    with httpx.Client(base_url=locked.url, headers={"X-API-Key": KEY}, timeout=PATIENCE) as client:
        for path in ("/model", "/metrics", "/nothing"):
            assert client.get(path).status_code in {200, 404}
        assert client.post("/predict", json={"inputs": [ROW]}).status_code == 200
        assert client.post("/predict", json={"inputs": [ROW | {"age": "old"}]}).status_code == 422
        assert client.post(f"/predict?{KEY}", json={"inputs": [ROW]}).status_code == 422
        bearer = {"Authorization": f"bearer {KEY}", "X-API-Key": ""}
        assert client.post("/predict", json={"inputs": [ROW]}, headers=bearer).status_code in {200, 401}
        replies = client.get("/metrics").text + client.get("/health").text
    for data in (
        b"GARBAGE\r\nX-API-Key: %b\r\n\r\n" % KEY.encode(),
        get(f"/health?key={KEY}"),
        b"%b / \r\n" % KEY.encode(),
    ):
        with Wire(locked) as wire:
            assert KEY.encode() not in wire.send(data).answer().body
    eventually(lambda: locked.output.read_text(encoding="utf-8").count('"path":"/predict"') == 4)
    locked.stop()
    logged = locked.output.read_text(encoding="utf-8") + locked.errors.read_text(encoding="utf-8")
    assert KEY not in logged + replies
    assert hashlib.sha256(KEY.encode()).hexdigest() not in logged + replies


def test_a_trailer_is_no_key(every: Server) -> None:
    """What follows a body comes too late to open anything."""
    head = f"POST /predict HTTP/1.1\r\nHost: t\r\n{JSON}Transfer-Encoding: chunked\r\n\r\n".encode()
    request = head + b"%x\r\n%b\r\n0\r\nX-API-Key: %b\r\n\r\n" % (len(GOOD), GOOD, KEY.encode())
    check_problem(exchange(every, request), 401, "unauthorized")
    check_problem(exchange(every, request.replace(b"/predict", b"/%70redict")), 401, "unauthorized")


def test_probes_need_no_key(every: Server) -> None:
    """Health is told to everybody."""
    for path in ("/health", "/health/live", "/health/ready", "/ping"):
        assert exchange(every, get(path)).status == 200


Provoke = Callable[[Server], Answer | httpx.Response]


def of(data: bytes) -> Provoke:
    """Return what sends bytes."""
    return lambda server: exchange(server, data)


def posted(content: bytes = GOOD, path: str = "/predict", header: tuple[str, str] | None = None) -> Provoke:
    """Return what posts a body, with a header besides or instead."""
    headers = dict([("content-type", "application/json"), *([header] if header else [])])
    return lambda server: server.post(path, content=content, headers=headers)


PROVOKED: dict[str, Provoke] = {
    "bad_request": of(b"GARBAGE\r\n\r\n"),
    "not_found": of(get("/nothing")),
    "method_not_allowed": of(get("/predict")),
    "body_too_large": of(b"POST /predict HTTP/1.1\r\nContent-Length: 999999999\r\n\r\n"),
    "too_many_rows": posted(b'{"inputs":[' + b"{}," * 5000 + b"{}]}"),
    "too_many_values": posted(b"[" + b"0," * 100_000 + b"0]"),
    "unsupported_media_type": posted(header=("content-type", "text/plain")),
    "unsupported_encoding": posted(header=("content-encoding", "gzip")),
    "invalid_json": posted(b"{"),
    "too_deep": posted(b'{"inputs":[{"age":' + b"[" * 20 + b"]" * 20 + b"}]}"),
    "duplicate_key": posted(b'{"inputs":[{"age":1,"age":1}]}'),
    "invalid_request": posted(b'{"inputs":[]}'),
    "invalid_rows": posted(json.dumps({"inputs": [ROW | {"age": "old"}]}).encode()),
    "invalid_parameter": posted(path="/predict?explain=maybe"),
    "headers_too_large": of(get(head="a: b\r\n" * 101)),
}
ELSEWHERE = {
    "unauthorized": "test_row_19_without_the_key_there_is_no_answer",
    "receive_timeout": "test_faults_load.py",
    "overloaded": "test_faults_load.py",
    "not_ready": "test_without_a_model_it_is_not_ready",
    "log_unavailable": "test_no_answer_is_given_that_is_not_on_record",
    "unknown_label": "test_what_is_no_label_is_refused_and_nothing_is_recorded",
    "internal_error": "test_what_breaks_inside_is_told_without_its_reason",
    "report_unavailable": "test_a_report_that_is_not_the_verified_one_is_withheld",
    "client_gone": "nobody reads it",
}


def test_each_status_of_an_error_has_a_test() -> None:
    """A code that is added is provoked here, or somewhere else."""
    assert PROVOKED.keys() | ELSEWHERE.keys() == STATUS.keys()


@pytest.mark.parametrize("code", PROVOKED)
def test_a_refusal_has_its_status_and_code(server: Server, code: str) -> None:
    """Each error comes with the status that its table says."""
    with unharmed(server):
        check_problem(PROVOKED[code](server), STATUS[code], code)


def test_without_a_model_it_is_not_ready(clocked: StartClocked, tmp_path: Path) -> None:
    """It lives, and says that there is nothing to ask, and never where it looked."""
    server = clocked(model_folder=tmp_path)
    assert exchange(server, get("/health/live")).status == 200
    for request in (get("/health/ready"), post(), post(path="/%70redict"), get("/model")):
        answer = exchange(server, request)
        check_problem(answer, 503, "not_ready")
        assert int(answer.headers["retry-after"]) > 0
        assert str(tmp_path).encode() not in answer.body


BROKEN = """
import sys
from app.served_models import ServingModel
def broken(*args, **kwargs):
    raise RuntimeError("SECRET of the inside")
ServingModel.predict = broken
ServingModel.__init__.__globals__["Predictor"].answer_few_rows = broken
from app.cli import main
sys.argv = ["classification-api", "serve", *sys.argv[1:]]
main()
"""


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Give a server that has a fault of ours."""
    with running(tmp_path_factory.mktemp("broken"), "-c", BROKEN, LOG_FOLDER="off", **NO_HURRY) as server:
        yield server


@pytest.mark.parametrize("body", [GOOD, GOOD[:-1] + b" " * 40_000 + b"}"], ids=["short way", "thread"])
def test_what_breaks_inside_is_told_without_its_reason(broken: Server, body: bytes) -> None:
    """A fault of ours is 500 with a code, its reason is in the log, and the next request is answered."""
    for _ in range(2):
        answer = exchange(broken, post(body))
        found = check_problem(answer, 500, "internal_error")
        assert b"SECRET" not in answer.body
        assert exchange(broken, get()).status == 200
        assert found["request_id"] in broken.errors.read_text(encoding="utf-8")
    assert "SECRET of the inside" in broken.errors.read_text(encoding="utf-8")
