"""Rows 27 to 33 of docs/faults.md: another version takes the place of the one that serves, or does not."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import re
import shutil
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import onnx
import orjson
import pytest
from classification_model.runtime.model_folder.artifact import MANIFEST, read_manifest
from classification_model.runtime.model_folder.manifest import seal
from classification_model.runtime.model_folder.packaged import packaged_model
from classification_model.runtime.store.current import CURRENT, write_current
from classification_model.runtime.store.store import ModelStore
from conftest import PATIENCE, ROW, Serve, Server, serving
from other_versions import make_version
from raw_http import Wire, check_problem, eventually, post

pytestmark = pytest.mark.slow


RETRAINED = "1.0.0+20261121t130430z.a1b2c3d"
ROWS = [ROW | {"age": age, "fare": 3.0 * age} for age in range(1, 61)]
MODEL = "/v2/models/titanic-survival"
TENSORS = {
    "inputs": [
        {"name": name, "shape": [2], "datatype": "BYTES" if isinstance(value, str) else "FP64", "data": [value] * 2}
        for name, value in ROW.items()
        if value is not None
    ]
}
#: Requests of each kind: alone, in a thread, explained, and of other servers' clients.
KINDS: tuple[tuple[str, Any], ...] = (
    ("/predict", {"inputs": ROWS[:1]}),
    ("/predict", {"inputs": ROWS}),
    ("/predict", {"inputs": ROWS * 4}),
    ("/predict?explain=true", {"inputs": ROWS[:2]}),
    ("/invocations", {"dataframe_records": ROWS[:3]}),
    (MODEL + "/infer", TENSORS),
)
_IDS = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a store of three versions that differ in what they predict, for copies."""
    folder = tmp_path_factory.mktemp("filled")
    store = ModelStore(folder / "store")
    store.add(packaged_model())
    for version, weight in ((RETRAINED, 0.9), ("1.0.1", 0.8)):
        store.add(make_version(folder, version, weight))
    return store.folder


@pytest.fixture
def store(filled: Path, tmp_path: Path) -> ModelStore:
    return ModelStore(shutil.copytree(filled, tmp_path / "store"))


@pytest.fixture(scope="module")
def kept(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, ModelStore]]:
    """Give one server for all that does not end it, and its store."""
    folder = tmp_path_factory.mktemp("kept")
    store = ModelStore(shutil.copytree(filled, folder / "store"))
    store.promote("1.0.0")
    with serving(folder) as start:
        yield start(MODEL_STORE=str(store.folder)), store


@pytest.fixture
def following(kept: tuple[Server, ModelStore]) -> tuple[Server, ModelStore]:
    """Give a server that follows a store in which 1.0.0 serves, and the store."""
    server, store = kept
    store.promote("1.0.0", schema_change=True)  # the test before may have left another schema
    wait_until_served(server, "1.0.0")
    return server, store


def ready(server: Server) -> dict[str, Any]:
    """Return what the server says of its readiness, which it must."""
    response = server.client.get("/health/ready")
    assert response.status_code == 200
    content: dict[str, Any] = response.json()
    return content


def wait_until_served(server: Server, version: str) -> None:
    eventually(lambda: ready(server) == {"status": "ready", "model_version": version})


def wait_until_failed(server: Server, version: str | None) -> dict[str, Any]:
    def failed() -> Any:
        told = ready(server).get("reload_failed")
        return told if told and told.get("version") == version else None

    found: dict[str, Any] = eventually(failed)
    return found


def told(server: Server, name: str) -> dict[str, float]:
    """Return the samples of a metric by their labels."""
    lines = server.client.get("/metrics").text.splitlines()
    samples = [line.rpartition(" ") for line in lines if line.startswith(name + "{")]
    return {labels.removeprefix(name): float(value) for labels, _, value in samples}


def shows(server: Server, name: str, samples: dict[str, float]) -> bool:
    """Tell whether a metric has these samples and no others."""
    return told(server, name) == samples


def answer_of(client: httpx.Client, path: str, body: Any) -> tuple[int, bytes]:
    """Ask; return the status and the reply, without the names of predictions."""
    response = client.post(path, json=body)
    return response.status_code, _IDS.sub(b"", response.content)


def resident(server: Server) -> int:
    """Return the memory of a server in KiB."""
    status = Path(f"/proc/{server.process.pid}/status").read_text(encoding="ascii")
    found = re.search(r"VmRSS:\s+(\d+)", status)
    assert found is not None
    return int(found[1])


def reseal(folder: Path, **changes: Any) -> None:
    """Change a manifest and give it hashes and a digest that fit, as an attacker would."""
    plain = orjson.loads((folder / MANIFEST).read_bytes()) | changes
    for name in plain["files"]:
        content = (folder / name).read_bytes()
        plain["files"][name] = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
    (folder / MANIFEST).write_bytes(seal(plain))


# What is wrong with a version


class Attack:
    """What a pickle is that ends the process which loads it."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os._exit, (77,)


def truncated(path: Path) -> None:
    os.truncate(path / "core.onnx", 100)


def empty(path: Path) -> None:
    (path / MANIFEST).write_bytes(b"")


def wrong_hash(path: Path) -> None:
    content = bytearray((path / "core.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (path / "core.onnx").write_bytes(content)


def wrong_schema(path: Path) -> None:
    reseal(path, input_schema={"fields": [], "ignored": []})


def half_written(path: Path) -> None:
    (path / MANIFEST).unlink()


def absent(path: Path) -> None:
    shutil.rmtree(path)


def another_version(path: Path) -> None:
    reseal(path, version="1.0.1")


def not_compiled(path: Path) -> None:
    reseal(path, compiled=None, not_compiled="no converter")


def malicious_pickle(path: Path) -> None:
    (path / "extra.pkl").write_bytes(pickle.dumps(Attack()))


def malicious_pipeline(path: Path) -> None:
    for name in (read_manifest(path).pipeline, "core.onnx"):
        (path / name).write_bytes(pickle.dumps(Attack()))
    reseal(path)


def escape(path: Path) -> None:
    plain = orjson.loads((path / MANIFEST).read_bytes())
    record = {"sha256": hashlib.sha256(b"").hexdigest(), "size": 0}
    (path / MANIFEST).write_bytes(seal(plain | {"files": plain["files"] | {"../../lock": record}}))


def link(path: Path) -> None:
    shutil.move(path / "core.onnx", path.parents[1] / f"elsewhere-{path.name}")
    (path / "core.onnx").symlink_to(path.parents[1] / f"elsewhere-{path.name}")


def linked_version(path: Path) -> None:
    path.rename(path.parents[1] / f"elsewhere-{path.name}")
    path.symlink_to(path.parents[1] / f"elsewhere-{path.name}")


def pipe(path: Path) -> None:
    (path / "core.onnx").unlink()
    os.mkfifo(path / "core.onnx")


def ten_gigabytes(path: Path) -> None:
    os.truncate(path / "core.onnx", 10 * 2**30)


def external_data(path: Path) -> None:
    core = onnx.load(path / "core.onnx")
    tensor = core.graph.initializer[0]
    tensor.data_location = onnx.TensorProto.DataLocation.EXTERNAL
    tensor.external_data.add(key="location", value="elsewhere.bin")
    (path / "core.onnx").write_bytes(core.SerializeToString())
    reseal(path)


def wrong_golden_rows(path: Path) -> None:
    golden = orjson.loads((path / MANIFEST).read_bytes())["golden_rows"]
    golden[0]["probabilities"].reverse()
    reseal(path, golden_rows=golden)


DAMAGES: list[tuple[Callable[[Path], None], str]] = [
    (truncated, "model_unverified"),
    (empty, "model_unverified"),
    (wrong_hash, "model_unverified"),
    (wrong_schema, "model_unverified"),
    (half_written, "model_missing"),
    (absent, "store_damaged"),
    (another_version, "store_damaged"),
    (not_compiled, "model_missing"),
    (malicious_pickle, "model_unverified"),
    (malicious_pipeline, "model_unverified"),
    (escape, "model_unverified"),
    (link, "model_unverified"),
    (linked_version, "store_damaged"),
    (pipe, "model_unverified"),
    (ten_gigabytes, "model_unverified"),
    (external_data, "model_unverified"),
    (wrong_golden_rows, "model_unverified"),
]


def make_bad(store: ModelStore, damage: Callable[[Path], None], version: str) -> None:
    """Put a version into a store that is damaged in one way."""
    folder = shutil.copytree(store.path(RETRAINED), store.folder / "versions" / version)
    reseal(folder, version=version)
    damage(folder)


# Row 27


class Load:
    """Clients that ask without a pause, and hold each answer against that of the version which it names.

    Parameters
    ----------
    server
        Who is asked.
    expected
        For each version and kind of request the answer.
    """

    def __init__(self, server: Server, expected: dict[str, list[tuple[int, bytes]]]) -> None:
        self._server = server
        self._expected = expected
        self._ended = threading.Event()
        self.answers: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.probes: list[float] = []
        self._threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(3)]
        self._threads.append(threading.Thread(target=self._probe))

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def has_more_than(self, count: int, version: str) -> bool:
        """Tell whether more answers of a version have come, or there is no use in waiting for them."""
        return self.answers[version] > count or bool(self.wrong)

    def _ask(self, number: int) -> None:
        with httpx.Client(base_url=self._server.url, timeout=PATIENCE) as client:
            while not self._ended.is_set():
                kind = number % len(KINDS)
                number += 1
                try:
                    answer = answer_of(client, *KINDS[kind])
                except httpx.HTTPError as error:
                    self.wrong.append(repr(error))
                    return
                versions = [version for version, known in self._expected.items() if known[kind] == answer]
                if len(versions) != 1:
                    self.wrong.append(f"{KINDS[kind][0]}: {answer[0]} {answer[1][:300]!r}")
                    return
                self.answers[versions[0]] += 1

    def _probe(self) -> None:
        with httpx.Client(base_url=self._server.url, timeout=PATIENCE) as client:
            while not self._ended.wait(0.05):
                began = time.monotonic()
                assert client.get("/health").status_code == 200
                self.probes.append(time.monotonic() - began)


@pytest.mark.faults
def test_row_27_no_answer_is_wrong_while_versions_are_swapped(
    following: tuple[Server, ModelStore], is_measured: bool, record_property: Callable[[str, object], None]
) -> None:
    """Each answer is 200 and that of one version to the bit, its label included; of bad versions there is none."""
    server, store = following
    swaps = int(os.environ.get("RELOAD_SWAPS", "200" if is_measured else "32"))  # half of them to a bad version
    good = ("1.0.1", RETRAINED, "1.0.0")
    bad = [f"9.0.{number}" for number in range(len(DAMAGES))]
    for (damage, _), version in zip(DAMAGES, bad, strict=True):
        make_bad(store, damage, version)
    expected = {}
    for version in good:
        store.promote(version)
        wait_until_served(server, version)
        expected[version] = [answer_of(server.client, *kind) for kind in KINDS]
        assert {status for status, _ in expected[version]} == {200}
    assert len({json.dumps([str(known) for known in of_version]) for of_version in expected.values()}) == len(good)
    before, began = told(server, "classification_api_reloads_total"), time.monotonic()
    sizes = []
    with Load(server, expected) as load:
        served = good[-1]
        for swap in range(swaps):
            if load.wrong:
                break
            if swap % 2:
                version = bad[swap // 2 % len(bad)]
                write_current(store.folder, version, ())
                wait_until_failed(server, version)
                assert ready(server)["model_version"] == served
            else:
                served = good[swap // 2 % len(good)]
                store.promote(served, schema_change=True)  # a bad one has another schema, and says so itself
                wait_until_served(server, served)
                eventually(partial(load.has_more_than, load.answers[served], served))
            if swap == swaps // 4 or swap == swaps - 1:
                sizes.append(resident(server))
        eventually(lambda: load.probes or load.wrong)
    seconds = time.monotonic() - began
    assert load.wrong == []
    assert set(load.answers) == set(good)
    reloads = told(server, "classification_api_reloads_total")
    ok, failed = (f'{{outcome="{outcome}"}}' for outcome in ("ok", "failed"))
    assert reloads[ok] - before[ok] == swaps // 2
    assert reloads[failed] - before.get(failed, 0) >= swaps // 2
    assert sizes[-1] - sizes[0] < 16 * 1024
    p99 = sorted(load.probes)[int(0.99 * len(load.probes))]
    record_property(
        "figures",
        f"{swaps} swaps in {seconds:.0f} s, half of them bad: {load.answers.total()} answers, none wrong; "
        f"/health p99 {1000 * p99:.0f} ms; memory {(sizes[-1] - sizes[0]) / 1024:+.1f} MiB",
    )


def test_row_27_a_url_that_names_a_version_is_never_answered_by_another(following: tuple[Server, ModelStore]) -> None:
    """A request that began to come before a swap, and names the version that served then, is told it is gone."""
    server, store = following
    request = post(json.dumps(TENSORS).encode(), path=f"{MODEL}/versions/1.0.0/infer")
    slow = post(json.dumps(TENSORS).encode(), path="/v2/models/%74itanic-survival/versions/1.0.0/infer")
    with Wire(server) as wire, Wire(server) as other, Wire(server) as unnamed:
        assert wire.send(request).answer().status == other.send(slow).answer().status == 200
        wire.send(request[:-20])
        other.send(slow[:-20])
        unnamed.send(post()[:-20])
        store.promote("1.0.1")
        wait_until_served(server, "1.0.1")
        check_problem(wire.send(request[-20:]).answer(), 404, "not_found")
        check_problem(other.send(slow[-20:]).answer(), 404, "not_found")
        assert unnamed.send(post()[-20:]).answer().content["version"] == "1.0.1"
    assert server.post(f"{MODEL}/versions/1.0.1/infer", json=TENSORS).json()["model_version"] == "1.0.1"


def test_what_is_told_of_the_model_follows_the_swap(following: tuple[Server, ModelStore]) -> None:
    """The description of the API, the manifest, the health and the metrics are those of the version that serves."""
    server, store = following
    assert "version 1.0.0." in server.client.get("/openapi.json").json()["info"]["description"]
    store.promote(RETRAINED)
    wait_until_served(server, RETRAINED)
    assert f"version {RETRAINED}." in server.client.get("/openapi.json").json()["info"]["description"]
    assert server.client.get("/model").json()["version"] == RETRAINED
    assert server.client.get("/health").json()["model_version"] == RETRAINED
    assert server.client.get(MODEL).json()["versions"] == [RETRAINED]
    name = "classification_api_model_info"
    assert told(server, name) == {f'{{name="Titanic survival",version="{RETRAINED}"}}': 1}
    assert store.rollback().version == "1.0.0"
    wait_until_served(server, "1.0.0")


def test_a_version_that_is_removed_while_it_serves_is_told(
    following: tuple[Server, ModelStore], tmp_path: Path
) -> None:
    """What serves goes on, and ready says that the store no longer holds it, before a restart finds out."""
    server, store = following
    store.path("1.0.0").rename(tmp_path / "away")
    failed = eventually(lambda: ready(server).get("reload_failed"))
    assert failed["code"] == "store_damaged"
    assert server.post().json()["version"] == "1.0.0"
    (tmp_path / "away").rename(store.folder / "versions" / "1.0.0")
    eventually(lambda: "reload_failed" not in ready(server))


def test_every_worker_follows(store: ModelStore, serve: Serve) -> None:
    """After a swap all workers serve the version, and none serves the one before."""
    store.promote("1.0.0")
    server = serve("--workers", "2", MODEL_STORE=str(store.folder))
    name = "classification_api_model_info"
    for version in ("1.0.0", "1.0.1", RETRAINED):
        store.promote(version)
        served = {f'{{name="Titanic survival",version="{version}"}}': 2.0}
        eventually(partial(shows, server, name, served))
    assert server.post().json()["version"] == RETRAINED


@pytest.mark.parametrize("polling", ["true", "false"])
def test_a_store_is_followed_where_nobody_tells_of_changes_too(store: ModelStore, serve: Serve, polling: str) -> None:
    """On a network volume the file system is asked; the outcome is the same."""
    store.promote("1.0.0")
    server = serve(MODEL_STORE=str(store.folder), MODEL_STORE_POLLING=polling)
    for version in ("1.0.1", RETRAINED):
        store.promote(version)
        wait_until_served(server, version)


# Rows 28, 29, 30 and 32


@pytest.mark.parametrize(("damage", "code"), DAMAGES, ids=lambda value: getattr(value, "__name__", ""))
def test_rows_28_to_32_the_old_version_goes_on(
    following: tuple[Server, ModelStore], damage: Callable[[Path], None], code: str
) -> None:
    """Readiness stays and says which version failed and why; a good version clears it."""
    server, store = following
    before = answer_of(server.client, *KINDS[1])
    version = f"2.0.{[known for known, _ in DAMAGES].index(damage)}"
    make_bad(store, damage, version)
    write_current(store.folder, version, ())
    failed = wait_until_failed(server, version)
    assert failed["code"] == code
    assert "/" not in failed["detail"]
    assert "\n" not in failed["detail"]
    assert answer_of(server.client, *KINDS[1]) == before
    assert server.client.get("/health").json()["model_version"] == "1.0.0"
    assert f"version {version} cannot be served: " in server.errors.read_text(encoding="utf-8")
    assert "Traceback" not in server.errors.read_text(encoding="utf-8")
    store.promote("1.0.1", schema_change=damage is wrong_schema)
    wait_until_served(server, "1.0.1")


def test_row_28_a_model_of_another_problem_never_takes_over(following: tuple[Server, ModelStore]) -> None:
    """A pointer to one, written by hand or by an earlier release, changes no answer; the log names both problems."""
    server, store = following
    store.promote("1.0.0")
    wait_until_served(server, "1.0.0")
    before = answer_of(server.client, *KINDS[1])
    folder = shutil.copytree(store.path(RETRAINED), store.folder / "versions" / "3.0.0")
    reseal(folder, version="3.0.0", name="Tickets")
    write_current(store.folder, "3.0.0", ("1.0.0",))
    failed = wait_until_failed(server, "3.0.0")
    assert failed["code"] == "other_problem"
    assert failed["detail"].startswith("the version is a model of another problem")
    assert answer_of(server.client, *KINDS[1]) == before
    said = "version 3.0.0 cannot be served: expected a model of 'Titanic survival', which is served, found one of 'T"
    assert said in server.errors.read_text(encoding="utf-8")
    store.rollback()
    wait_until_served(server, "1.0.0")


def test_a_changed_schema_of_the_same_problem_is_taken(following: tuple[Server, ModelStore]) -> None:
    """The store was told that it may change; the server asks for the new fields from then on."""
    server, store = following
    folder = shutil.copytree(store.path(RETRAINED), store.folder / "versions" / "3.1.0")
    schema = orjson.loads((folder / MANIFEST).read_bytes())["input_schema"]
    ignored = [name for name in schema["ignored"] if name != "boat"]
    assert len(ignored) < len(schema["ignored"])
    reseal(folder, version="3.1.0", input_schema=schema | {"ignored": ignored})
    rows = {"inputs": [ROW | {"boat": "2"}]}
    assert server.post(json=rows).status_code == 200
    store.promote("3.1.0", schema_change=True)
    wait_until_served(server, "3.1.0")
    assert server.post(json=rows).status_code == 422
    assert server.post().json()["version"] == "3.1.0"


@pytest.mark.parametrize("name", ["../1.0.0", "..", "/etc", "", "v1", "1.0.0\n"])
def test_row_30_a_pointer_to_elsewhere_is_not_followed(following: tuple[Server, ModelStore], name: str) -> None:
    """A strange name in CURRENT is refused, and is in no reply."""
    server, store = following
    document = orjson.loads((store.folder / CURRENT).read_bytes())
    (store.folder / CURRENT).write_bytes(orjson.dumps(document | {"version": name}))
    failed = wait_until_failed(server, None)
    assert failed == {"code": "store_damaged", "detail": failed["detail"]}
    assert server.post().json()["version"] == "1.0.0"


def test_row_28_a_version_that_is_completed_serves_by_itself(following: tuple[Server, ModelStore]) -> None:
    """A copy that was pointed to too early is tried again when the rest of it is there."""
    server, store = following
    path = store.path("1.0.1")
    (path / "core.onnx").rename(path.parents[1] / "core.onnx")
    write_current(store.folder, "1.0.1", ())
    assert wait_until_failed(server, "1.0.1")["code"] == "model_unverified"
    (path.parents[1] / "core.onnx").rename(path / "core.onnx")
    wait_until_served(server, "1.0.1")


def test_row_28_a_store_that_vanishes_takes_no_model_away(following: tuple[Server, ModelStore]) -> None:
    """Without its store the server goes on, says so, and follows the store when it is there again."""
    server, store = following
    away = store.folder.rename(store.folder.with_name("away"))
    assert wait_until_failed(server, None)["code"] == "model_missing"
    assert server.post().json()["version"] == "1.0.0"
    ModelStore(away).promote("1.0.1")
    away.rename(store.folder)
    wait_until_served(server, "1.0.1")


# Row 33


@pytest.mark.parametrize("start", ["no store", "nothing promoted", "bad version", "damaged pointer"])
def test_row_33_without_a_model_it_waits_for_one(store: ModelStore, serve: Serve, start: str) -> None:
    """It lives, is not ready, refuses predictions, and serves by itself once a good version is promoted."""
    away = store.folder.with_name("away")
    if start == "no store":
        store.folder.rename(away)
    elif start == "bad version":
        make_bad(store, wrong_golden_rows, "9.0.0")
        write_current(store.folder, "9.0.0", ())
    elif start == "damaged pointer":
        (store.folder / CURRENT).write_bytes(b"{")
    server = serve(MODEL_STORE=str(store.folder))
    assert server.client.get("/health/live").status_code == 200
    assert server.client.get("/health").json()["status"] == "not_ready"
    for response in (server.client.get("/health/ready"), server.post()):
        check_problem(response, 503, "not_ready")
    if start == "no store":
        away.rename(store.folder)
    store.promote("1.0.1")
    eventually(lambda: server.client.get("/health/ready").status_code == 200)
    assert server.post().json()["version"] == "1.0.1"
    assert server.stop(signal.SIGTERM) == 0


def test_a_server_that_follows_a_store_ends_when_told(store: ModelStore, serve: Serve) -> None:
    """Watching does not keep it."""
    store.promote("1.0.0")
    server = serve(MODEL_STORE=str(store.folder))
    assert server.stop(signal.SIGTERM) == 0
    assert "Traceback" not in server.errors.read_text(encoding="utf-8")
