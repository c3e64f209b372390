"""What /metrics tells, by one process and by several that come and go."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import subprocess
import sys
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.metrics import Metrics, metrics_directory
from app.metrics import files as metric_files
from app.metrics.cells import Family
from app.metrics.metrics import BOUNDS

P = "classification_api_"
SPAWN = multiprocessing.get_context("spawn")


def told(metrics: Metrics) -> dict[str, float]:
    """Return each sample of what is rendered, as `name{label,...}`."""
    body, media_type = metrics.render()
    assert media_type == b"text/plain; version=0.0.4; charset=utf-8"
    samples = [sample for family in text_string_to_metric_families(body.decode()) for sample in family.samples]
    return {f"{sample.name.removeprefix(P)}{{{','.join(sample.labels.values())}}}": sample.value for sample in samples}


@pytest.fixture(params=["one process", "workers"])
def metrics(request: pytest.FixtureRequest, tmp_path: Path) -> Metrics:
    """Make metrics of both kinds."""
    return Metrics(tmp_path if request.param == "workers" else None)


def test_requests_are_counted_by_route_and_status(metrics: Metrics) -> None:
    """Requests, their rows and their durations add up."""
    for seconds, rows in [(0.0001, 1), (0.0003, 2), (99.0, 0)]:
        metrics.answered("/predict", 200, seconds, rows)
    metrics.answered("/predict", 422, 0.5)
    metrics.answered("/health", 200, 0.5)
    found = told(metrics)
    assert found["requests_total{/predict,200}"] == 3
    assert found["requests_total{/predict,422}"] == 1
    assert found["requests_total{/health,200}"] == 1
    assert found["rows_total{/predict}"] == 3
    assert found["request_duration_seconds_count{/predict}"] == 4
    assert found["request_duration_seconds_sum{/predict}"] == pytest.approx(99.5004)


def test_buckets_hold_what_is_at_most_their_bound(metrics: Metrics) -> None:
    """A duration that is a bound belongs to it, and each bucket includes those below."""
    for seconds in (0.0, *BOUNDS, 11.0):
        metrics.answered("/predict", 200, seconds)
    body = metrics.render()[0].decode()
    lines = [line for line in body.splitlines() if line.startswith(P + "request_duration_seconds_bucket")]
    assert [float(line.rpartition(" ")[2]) for line in lines] == [*range(2, len(BOUNDS) + 2), len(BOUNDS) + 2]
    assert 'le="0.0001"' in lines[0]
    assert 'le="+Inf"' in lines[-1]


@pytest.mark.parametrize("times", [1, 100])
def test_predictions_are_counted_by_label(metrics: Metrics, times: int) -> None:
    """Few labels and many are counted alike, also those that are not ASCII, or no text at all."""
    metrics.predicted("1.0.0", ["überlebt", 'a"\\\nb', "überlebt", "\ud800"] * times)
    metrics.predicted("1.0.1", [])
    found = told(metrics)
    assert found["predictions_total{überlebt,1.0.0}"] == 2 * times
    assert found['predictions_total{a"\\\nb,1.0.0}'] == times
    assert found["predictions_total{?,1.0.0}"] == times


def test_one_version_is_in_use(metrics: Metrics) -> None:
    """A version that was replaced is not shown any more."""
    metrics.model_loaded("titanic", "1.0.0")
    metrics.model_loaded("titanic", "1.0.1")
    metrics.model_loaded("titanic", "1.0.1")
    metrics.reloaded("ok")
    metrics.reloaded("failed")
    metrics.reloaded("ok")
    found = told(metrics)
    assert {name: value for name, value in found.items() if name.startswith("model_info")} == {
        "model_info{titanic,1.0.1}": 1
    }
    assert found["reloads_total{ok}"] == 2
    assert found["reloads_total{failed}"] == 1


def test_requests_in_hand_are_those_of_now(metrics: Metrics) -> None:
    """The number is asked for when it is shown."""
    in_hand = [1, 2, 3]
    metrics.watch_in_hand(lambda: len(in_hand))
    assert told(metrics)["requests_in_hand{}"] == 3
    in_hand.clear()
    assert told(metrics)["requests_in_hand{}"] == 0


def test_one_process_tells_its_memory_and_several_do_not(tmp_path: Path) -> None:
    """Numbers of one worker, which would jump from scrape to scrape, are not told."""
    assert told(Metrics())["process_resident_memory_bytes{}"] > 1e6
    assert "process_resident_memory_bytes{}" not in told(Metrics(tmp_path))


def test_apps_in_one_process_do_not_share(tmp_path: Path) -> None:
    """Each app counts for itself; on one folder their sum is told."""
    first, second = Metrics(), Metrics()
    first.answered("/predict", 200, 0.1)
    assert "requests_total{/predict,200}" not in told(second)
    third, fourth = Metrics(tmp_path), Metrics(tmp_path)
    for metrics in (third, fourth):
        metrics.answered("/predict", 200, 0.1)
        metrics.model_loaded("titanic", "1.0.0")
    assert told(third)["requests_total{/predict,200}"] == 2
    assert told(third) == told(fourth)


@pytest.mark.slow
def test_files_grow(tmp_path: Path) -> None:
    """More series than a new file has room for are all told, and the first ones go on."""
    metrics = Metrics(tmp_path)
    metrics.predicted("0", ["a"])
    for version in range(1000):
        metrics.predicted(str(version), ["a"])
    found = told(metrics)
    assert found["predictions_total{a,0}"] == 2
    assert all(found[f"predictions_total{{a,{version}}}"] == 1 for version in range(1, 1000))


def test_full_disk_stops_no_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without room in the folder the API goes on, and says that its numbers are not shared."""
    metrics = Metrics(tmp_path)
    monkeypatch.setattr(os, "pwrite", lambda *_: 0)
    alone = Metrics(tmp_path)
    for version in range(1000):
        metrics.predicted(str(version), ["a"])
        alone.predicted(str(version), ["a"])
    assert 100 < len(told(metrics)) < 1000
    assert len([name for name in told(alone) if name.startswith("predictions")]) == 1000


def work(folder: Path, pipe: Connection, version: str) -> None:
    """Count what is asked for, as a worker; end when nobody asks any more."""
    metrics = Metrics(folder)
    metrics.model_loaded("titanic", version)
    metrics.watch_in_hand(lambda: 2)
    with contextlib.suppress(EOFError):
        while True:
            for _ in range(pipe.recv()):
                metrics.answered("/predict", 200, 0.25, 3)
                metrics.predicted(version, ["died", "died", "überlebt"])
            pipe.send(told(metrics))


def start(folder: Path, version: str) -> tuple[SpawnProcess, Connection]:
    """Start a worker."""
    ours, theirs = SPAWN.Pipe()
    process = SPAWN.Process(target=work, args=(folder, theirs, version))
    process.start()
    theirs.close()
    return process, ours


def ask(pipe: Connection, requests: int) -> dict[str, float]:
    """Let a worker answer some requests, and return what it tells then."""
    pipe.send(requests)
    found: dict[str, float] = pipe.recv()
    return found


@pytest.mark.slow
def test_sums_are_those_of_all_workers_also_of_the_dead(tmp_path: Path) -> None:
    """Counts of a killed worker stay, its gauges go, and its successor goes on with its files."""
    (first, to_first), (second, to_second) = start(tmp_path, "1.0.0"), start(tmp_path, "1.0.1")
    ask(to_first, 1000)
    found = ask(to_second, 500)
    assert found["requests_total{/predict,200}"] == found["request_duration_seconds_count{/predict}"] == 1500
    assert found["request_duration_seconds_sum{/predict}"] == 375
    assert found["rows_total{/predict}"] == 4500
    assert found["predictions_total{überlebt,1.0.0}"] == 1000
    assert found["predictions_total{died,1.0.1}"] == 1000
    assert found["model_info{titanic,1.0.0}"] == found["model_info{titanic,1.0.1}"] == 1
    assert found["requests_in_hand{}"] == 4

    first.kill()
    first.join()
    found = ask(to_second, 0)
    assert found["requests_total{/predict,200}"] == 1500
    assert "model_info{titanic,1.0.0}" not in found
    assert found["requests_in_hand{}"] == 2

    files = sorted(tmp_path.iterdir())
    third, to_third = start(tmp_path, "1.0.1")
    found = ask(to_third, 10)
    assert found["requests_total{/predict,200}"] == 1510
    assert found["model_info{titanic,1.0.1}"] == 2
    assert sorted(tmp_path.iterdir()) == files
    for process, pipe in ((second, to_second), (third, to_third)):
        pipe.close()
        process.join()
        assert process.exitcode == 0
    assert told(Metrics(tmp_path))["requests_total{/predict,200}"] == 1510


def test_forked_process_counts_in_its_own_file(tmp_path: Path) -> None:
    """A parent and its forked child add up."""
    code = (
        "import os, sys; from pathlib import Path; from app.metrics import Metrics\n"
        "metrics = Metrics(Path(sys.argv[1])); metrics.watch_in_hand(lambda: 1); metrics.model_loaded('titanic', '1')\n"
        "metrics.answered('/predict', 200, 0.1)\n"
        "child = os.fork()\n"
        "for _ in range(1000): metrics.answered('/predict', 200, 0.1)\n"
        "if not child: os._exit(0)\n"
        "os.waitpid(child, 0); sys.stdout.buffer.write(metrics.render()[0])"
    )
    command = [sys.executable, "-W", "ignore", "-c", code, str(tmp_path)]
    body = subprocess.run(command, capture_output=True, check=True).stdout.decode()
    assert 'requests_total{route="/predict",status="200"} 2001.0' in body
    assert 'model_info{name="titanic",version="1"} 1.0' in body


def find_directory(pipe: Connection) -> None:
    """Tell the folder of a worker."""
    folder = metrics_directory()
    assert folder is not None
    pipe.send((folder, metrics_directory() == folder, folder.stat().st_mode & 0o777))


def directory_of_a_worker() -> Path:
    """Return the folder that a worker of this process finds."""
    ours, theirs = SPAWN.Pipe()
    process = SPAWN.Process(target=find_directory, args=(theirs,))
    process.start()
    theirs.close()
    folder, is_stable, mode = ours.recv()
    process.join()
    assert is_stable
    assert mode == 0o700
    assert isinstance(folder, Path)
    return folder


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a folder of temporary files, for workers too."""
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    return tmp_path


def test_process_that_is_the_only_one_shares_nothing(temporary: Path) -> None:
    """Without a supervisor there is no folder."""
    assert metrics_directory() is None
    assert not list(temporary.iterdir())


def test_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder that prometheus_client is told is used, and made."""
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path / "a" / "b"))
    assert metrics_directory() == tmp_path / "a" / "b"
    assert (tmp_path / "a" / "b").is_dir()


@pytest.mark.slow
def test_workers_of_one_supervisor_share_a_private_folder(temporary: Path) -> None:
    """Every worker finds the same folder; those of supervisors that are gone are removed, others are left."""
    gone = temporary / f"classification-api-metrics-{os.getpid()}-1-0123456789abcdef"
    used = temporary / "classification-api-metrics-4194305-1-0123456789abcdef"
    other = temporary / "classification-api-metrics-of-somebody"
    for folder in (gone, used, other):
        folder.mkdir(mode=0o700)
    (gone / "counter_1.db").write_bytes(b"")
    worker_elsewhere = Metrics(used)
    folder = directory_of_a_worker()
    assert directory_of_a_worker() == folder
    assert folder.name.startswith(f"classification-api-metrics-{os.getpid()}-")
    assert sorted(temporary.iterdir()) == sorted([folder, used, other])
    del worker_elsewhere


class Supervisor:
    """Stands for the parent process of a worker."""

    pid = os.getpid()


@pytest.mark.parametrize("kind", ["open to others", "link", "file"])
def test_folder_that_is_not_private_is_refused(temporary: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """What somebody else may have put there is not written to."""
    monkeypatch.setattr("multiprocessing.parent_process", Supervisor)
    folder = metrics_directory()
    assert folder is not None
    if kind == "open to others":
        folder.chmod(0o777)
    else:
        folder.rmdir()
        (temporary / "elsewhere").mkdir(mode=0o700)
        folder.symlink_to(temporary / "elsewhere")
    if kind == "file":
        folder.unlink()
        folder.touch()
        assert metrics_directory() is None
        return
    with pytest.raises(PermissionError, match="set PROMETHEUS_MULTIPROC_DIR"):
        metrics_directory()


def test_folder_of_another_user_is_refused(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The owner is looked at."""
    monkeypatch.setattr("multiprocessing.parent_process", Supervisor)
    monkeypatch.setattr("os.geteuid", lambda: 12345)
    with pytest.raises(PermissionError, match="not private to this user"):
        metrics_directory()


def test_without_room_for_a_folder_the_worker_is_alone(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A read-only system serves, and its metrics show one worker."""
    monkeypatch.setattr("multiprocessing.parent_process", Supervisor)
    monkeypatch.setattr("tempfile.tempdir", str(temporary / "missing"))
    assert metrics_directory() is None
    assert told(Metrics(temporary / "missing"))["process_resident_memory_bytes{}"] > 0


def test_files_are_those_of_prometheus_client(tmp_path: Path) -> None:
    """What is added to a cell is what prometheus_client reads in the file."""
    cells = metric_files.FileCells(tmp_path)
    numbers, places = cells.find(Family("counter", "seen", "Seen.", ("what",)), ("é",))
    numbers[places[0]] += 2.5
    (metric,) = cells.collect()
    assert (metric.name, metric.documentation, metric.type) == ("seen", "Seen.", "counter")
    assert [(sample.name, sample.labels, sample.value) for sample in metric.samples] == [
        ("seen_total", {"what": "é"}, 2.5)
    ]
