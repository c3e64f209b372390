"""The prediction log behind the API: every answer is on record before it is given, or it is not given."""

from __future__ import annotations

import json
import os
import random
import resource
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from classification_model.predict import make_prediction
from classification_model.runtime.log.label_log import iter_labels
from classification_model.runtime.log.line_files import files_of
from classification_model.runtime.log.prediction_log import iter_predictions
from classification_model.runtime.log.sealed_lines import LogFaults
from clocked import StartClocked
from conftest import PATIENCE, ROW, Listening, Serve, Server
from raw_http import eventually

pytestmark = pytest.mark.slow


PARTS = 4
DURABILITIES = ("os", "disk")


def logged(folder: Path) -> list[dict[str, Any]]:
    """Return the records of a folder, in which nothing may be wrong."""
    faults = LogFaults()
    records = list(iter_predictions(folder, faults))
    assert faults == LogFaults()
    return records


def metric(server: Listening, name: str) -> float:
    """Return the value of a metric without labels."""
    lines = server.client.get("/metrics").text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.split()[0] == f"classification_api_{name}")


@contextmanager
def full_disk(server: Server) -> Iterator[None]:
    """Let no file of a server grow meanwhile."""
    _, hard = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (hard, hard))


@pytest.mark.parametrize("durability", DURABILITIES)
def test_each_prediction_is_on_record_as_it_was_answered(serve: Serve, log_folder: Path, durability: str) -> None:
    """With the caller's key, the features as they were given, and the version; columns without use are left out."""
    server = serve(LOG_DURABILITY=durability)
    rows = [ROW | {"age": age, "boat": "11"} for age in (2, 30)]
    answer = server.post(json={"inputs": rows, "index": ["passenger 7", 8]}).json()
    first, second = logged(log_folder)
    assert [first["prediction_id"], second["prediction_id"]] == answer["prediction_ids"]
    assert [first["prediction"], second["prediction"]] == answer["predictions"]
    assert [first["probabilities"], second["probabilities"]] == answer["probabilities"]
    assert [first["index"], second["index"]] == ["passenger 7", 8]
    assert first["features"] == {name: value for name, value in ROW.items() if name != "embarked"}
    assert (first["version"], first["model"]) == (answer["version"], "Titanic survival")
    assert first["timestamp"].endswith("Z")
    assert make_prediction(input_data=[first["features"]])["probabilities"] == [answer["probabilities"][0]]


@pytest.mark.parametrize("durability", DURABILITIES)
def test_every_way_to_ask_is_on_record(clocked: StartClocked, log_folder: Path, durability: str) -> None:
    """Few rows and many, explanations, rows under other names, the Open Inference Protocol and MLflow's."""
    server = clocked(log_durability=durability)
    ids = []
    for path, body in (
        ("/predict", {"inputs": [ROW] * 3}),
        ("/predict", {"inputs": [ROW] * 1000}),
        ("/predict?explain=true", {"inputs": [ROW]}),
    ):
        ids += server.post(path, json=body).json()["prediction_ids"]
    columns = {name: [value] for name, value in ROW.items()}
    assert server.post("/invocations", json={"inputs": columns}).status_code == 200
    described = server.client.get("/v2/models/titanic-survival").json()["inputs"]
    tensors = []
    for item in described:
        value = ROW.get(item["name"])
        if value is not None:
            data = [str(value) if item["datatype"] == "BYTES" else value]
            tensors.append({"name": item["name"], "datatype": item["datatype"], "shape": [1], "data": data})
    assert server.post("/v2/models/titanic-survival/infer", json={"inputs": tensors}).status_code == 200
    records = logged(log_folder)
    assert len(records) == 1006
    assert {record["prediction_id"] for record in records} >= set(ids)
    assert all(type(record["features"]["age"]) in {int, float} for record in records)


def test_requests_that_are_refused_leave_no_record(clocked: StartClocked, log_folder: Path) -> None:
    """Of a request with one bad row nothing is predicted, so nothing is logged."""
    server = clocked()
    assert server.post(json={"inputs": [ROW, ROW | {"age": "old"}]}).status_code == 422
    assert server.post(content=b"{", headers={"content-type": "application/json"}).status_code == 422
    assert logged(log_folder) == []


def test_row_26_line_breaks_and_escape_codes_make_no_second_line(clocked: StartClocked, log_folder: Path) -> None:
    """One line a prediction, whatever its texts hold."""
    server = clocked()
    nasty = 'a\nb\r\n\x1b[31mred\x1b[0m\u2028\u2029\x85","crc":"00000000"}\n{"prediction_id":"x"}'
    body = {"inputs": [ROW | {"name": nasty}], "index": [nasty[:200]]}
    assert server.post(json=body).status_code == 200
    [record] = logged(log_folder)
    assert record["features"]["name"] == nasty
    assert record["index"] == nasty
    [file] = files_of(log_folder, "predictions")
    assert file.path.read_bytes().count(b"\n") == 1
    assert b"\x1b" not in file.path.read_bytes()


def test_the_log_can_be_switched_off(clocked: StartClocked, tmp_path: Path) -> None:
    """Then predictions are given without, and labels have no place to go."""
    server = clocked(log_folder="off")
    prediction_id = server.post().json()["prediction_ids"][0]
    refused = server.post("/feedback", json={"prediction_id": prediction_id, "label": "died"})
    assert (refused.status_code, refused.json()["code"]) == (503, "log_unavailable")
    assert not (tmp_path / "log").exists()


@pytest.mark.parametrize("durability", DURABILITIES)
def test_row_25_no_answer_is_given_that_is_not_on_record(serve: Serve, log_folder: Path, durability: str) -> None:
    """While the disk is full every way to ask is refused, and the process recovers unaided when there is room."""
    server = serve(LOG_DURABILITY=durability)
    assert server.post().status_code == 200
    ways = ({"inputs": [ROW]}, {"inputs": [ROW] * 1000}, {"inputs": [ROW | {"sex": "MALE"}] * 3})
    with full_disk(server):
        for body in ways:
            refused = server.post(json=body)
            assert (refused.status_code, refused.json()["code"]) == (503, "log_unavailable")
            assert refused.headers["retry-after"] == "1"
            assert str(log_folder) not in refused.text
        assert server.client.get("/health/ready").json()["code"] == "log_unavailable"
        assert server.client.get("/health/live").status_code == 200
        label = {"prediction_id": "0" * 8 + "-0000-0000-0000-" + "0" * 12, "label": "died"}
        assert server.post("/feedback", json=label).json()["code"] == "log_unavailable"
        assert metric(server, "log_failures_total") == 4
    assert server.client.get("/health/ready").status_code == 200
    for body in ways:
        assert server.post(json=body).status_code == 200
    assert len(logged(log_folder)) == 1 + 1 + 1000 + 3
    assert list(iter_labels(log_folder)) == []
    assert server.stop() == 0


def test_row_25_a_folder_that_cannot_be_written_at_first_is_no_end(clocked: StartClocked, tmp_path: Path) -> None:
    """The server runs, says why it is not ready, and answers once the folder can be made."""
    blocked = tmp_path / "blocked"
    blocked.write_text("in the way", encoding="utf-8")
    server = clocked(log_folder=blocked / "log")
    assert server.client.get("/health/live").status_code == 200
    assert server.client.get("/health/ready").json()["code"] == "log_unavailable"
    assert server.post().json()["code"] == "log_unavailable"
    blocked.unlink()
    assert server.client.get("/health/ready").status_code == 200
    assert server.post().status_code == 200
    assert len(logged(blocked / "log")) == 1


def test_a_folder_that_is_removed_is_made_anew(clocked: StartClocked, log_folder: Path) -> None:
    """Nothing is written where nobody will find it."""
    server = clocked()
    assert server.post().status_code == 200
    for path in log_folder.iterdir():
        path.unlink()
    log_folder.rmdir()
    assert server.post().status_code == 200
    assert len(logged(log_folder)) == 1


def test_row_21_torn_lines_of_a_killed_server_are_repaired_counted_and_named(serve: Serve, log_folder: Path) -> None:
    """The next server does it when it starts."""
    log_folder.mkdir()
    torn = log_folder / "predictions-20260101000000000000-1-00c0ffee.000001.jsonl"
    torn.write_bytes(b'{"prediction_id":"0199')
    server = serve()
    assert metric(server, "log_repairs_total") == 1
    assert f"{torn.name} was repaired at byte 0: 22 bytes" in server.errors.read_text(encoding="utf-8")
    assert server.post().status_code == 200
    assert len(logged(log_folder)) == 1


def test_workers_write_files_of_their_own(serve: Serve, log_folder: Path) -> None:
    """What two processes answer at once is on record once."""
    server = serve("--workers", "2", LOG_FILE_SIZE="4KiB")
    ids: list[str] = []

    def ask() -> None:
        for _ in range(50):
            ids.extend(server.post(json={"inputs": [ROW] * 2}).json()["prediction_ids"])

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(record["prediction_id"] for record in logged(log_folder)) == sorted(ids)
    assert len(files_of(log_folder, "predictions")) > 10
    assert server.stop() == 0


def _ask_until_killed(port: int, answered: dict[str, str]) -> None:
    """Ask on one connection, again and again; remember what was answered whole."""
    body = json.dumps({"inputs": [ROW, ROW | {"sex": "female"}]})
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        while True:
            connection.request("POST", "/predict", body, {"Content-Type": "application/json"})
            answer = json.loads(connection.getresponse().read())
            answered |= dict(zip(answer["prediction_ids"], answer["predictions"], strict=True))
    except (OSError, ValueError, KeyError):
        pass
    finally:
        connection.close()


def _kill_once_answered(server: Server, answered: dict[str, str], count: int, generator: random.Random) -> None:
    """Kill a server that is asked all the time, somewhere behind so many answers."""
    threads = [threading.Thread(target=_ask_until_killed, args=(server.port, answered)) for _ in range(4)]
    wanted = len(answered) + count
    for thread in threads:
        thread.start()
    eventually(lambda: len(answered) >= wanted)
    time.sleep(generator.uniform(0, 0.005))
    server.process.kill()
    server.process.wait()
    for thread in threads:
        thread.join()


@pytest.mark.faults
@pytest.mark.parametrize("part", range(PARTS))
def test_row_20_kill_9_under_load_loses_no_answered_prediction(
    serve: Serve, log_folder: Path, part: int, is_measured: bool, record_property: Callable[[str, object], None]
) -> None:
    """Whatever was answered before a kill is in the log, and nothing is there twice."""
    kills = int(os.environ.get("LOG_KILLS", "100" if is_measured else "8"))  # over all parts
    generator = random.Random(part)  # noqa: S311 - when to kill is no secret
    answered: dict[str, str] = {}
    for number in range(part, kills, PARTS):
        durability = DURABILITIES[number // PARTS % 2]
        server = serve(LOG_FILE_SIZE="16KiB", LOG_DURABILITY=durability)
        _kill_once_answered(server, answered, generator.randint(1, 1200 if durability == "os" else 200), generator)
    server = serve()
    server.stop()
    records = {record["prediction_id"]: record["prediction"] for record in logged(log_folder)}
    assert len(records) == len(logged(log_folder))
    assert answered.items() <= records.items()
    mine = len(range(part, kills, PARTS))
    record_property(
        "figures", f"{mine} of {kills} kills -9 under load: {len(answered)} predictions answered, 0 lost, 0 twice"
    )
