"""The units for one machine: systemd accepts them, and what they start serves and retrains on one folder."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import API, COMMAND, DEPLOY
from problem import ROW, write_problem
from serving import confined, free_port, served
from units import FOLDER, UNITS, command, environment, settings, writable

SERVICES = ("classification-api.service", "classification-retraining.service")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Make the folder of the page, with both programs in its environment."""
    folder = tmp_path / "place"
    write_problem(folder)
    for name in ("log", "store", ".venv/bin"):
        (folder / name).mkdir(parents=True)
    for program in (API, COMMAND):
        (folder / ".venv" / "bin" / program.name).symlink_to(program)
    return folder


@pytest.fixture
def analyze() -> str:
    """Return the program that judges units; skip the test if it is not installed, except where all is tested."""
    program = shutil.which("systemd-analyze")
    if program is None and "CI" not in os.environ:
        pytest.skip("systemd-analyze is not installed")
    assert program is not None, "expected the program systemd-analyze, found none"
    return program


def copies(place: Path, target: Path) -> list[Path]:
    """Copy the units, with a folder that exists in the place of theirs."""
    target.mkdir()
    for unit in sorted(UNITS.iterdir()):
        text = unit.read_text(encoding="utf-8").replace(FOLDER, str(place))
        (target / unit.name).write_text(text, encoding="utf-8")
    return sorted(target.iterdir())


def test_systemd_accepts_the_units(analyze: str, place: Path, tmp_path: Path) -> None:
    """Each setting is known and has an allowed value, and the programs are where the units look for them."""
    units = copies(place, tmp_path / "units")
    assert [unit.name for unit in units] == [*SERVICES, "classification-retraining.timer"]
    done = subprocess.run([analyze, "verify", *units], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    (units[0].parent / "classification-api.service").write_text("[Service]\nExecStart=/bin/true\nProtectSytem=strict\n")
    done = subprocess.run([analyze, "verify", *units], capture_output=True, text=True, check=False)
    assert "'ProtectSytem'" in done.stderr


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_may_do_little(analyze: str, name: str) -> None:
    """Systemd rates its exposure below 2 of 10; it may write to the shared folders alone."""
    judged: list[str | Path] = [analyze, "security", "--offline=true", "--threshold=20", "--no-pager", UNITS / name]
    done = subprocess.run(judged, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    unit = settings(name)
    folders = {SERVICES[0]: f"{FOLDER}/log", SERVICES[1]: f"{FOLDER}/log {FOLDER}/store"}
    assert (unit["ProtectSystem"], unit["ReadWritePaths"]) == (["strict"], [folders[name]])
    assert unit["User"] == unit["Group"] == ["classification-model"]
    assert {"MemoryMax", "TasksMax"} <= unit.keys()


def test_the_services_work_on_one_folder_of_which_they_may_write_a_part(place: Path) -> None:
    """The API is not ready before the first retraining, then predicts, and ends in time with exit code 0."""
    name, retraining = SERVICES
    port = free_port()
    serve = [part.replace("8002", str(port)) for part in command(name, place)]
    assert serve[-2:] == ["--port", str(port)]
    with served(confined(serve, place, writable(name, place)), environment(name, place), place, port) as api:
        api.wait("/health/live", 200)
        assert api.status("/health/ready") == 503
        writing = confined(command(retraining, place), place, writable(retraining, place))
        variables = environment(retraining, place) | {"HOME": str(place.parent)}
        done = subprocess.run(writing, cwd=place, env=variables, capture_output=True, text=True, check=False)
        assert "first model: " in done.stdout, done.stderr
        api.wait("/health/ready", 200)
        assert api.status("/predict", {"inputs": [ROW]}) == 200
        (seconds,) = settings(name)["TimeoutStopSec"]
        assert api.stop(float(seconds)) == 0, api.output.read_text(encoding="utf-8")
    assert [line for path in (place / "log").glob("*.jsonl") for line in path.read_text("utf-8").splitlines()]


def test_a_folder_that_is_not_named_is_read_only(place: Path) -> None:
    """The tests confine as the units do: a retraining that may not write the store fails, and leaves nothing there."""
    writing = confined(command(SERVICES[1], place), place, [place / "log"])
    variables = environment(SERVICES[1], place) | {"HOME": str(place.parent)}
    done = subprocess.run(writing, cwd=place, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stdout
    assert "Read-only file system" in done.stderr
    assert not list((place / "store").iterdir())


def test_the_timer_starts_the_retraining_at_the_time_of_the_dag(analyze: str) -> None:
    """It catches up on a night that the machine was off."""
    timer = settings("classification-retraining.timer")
    (calendar,) = timer["OnCalendar"]
    done = subprocess.run([analyze, "calendar", calendar], capture_output=True, text=True, check=True)
    assert "Normalized form: *-*-* 03:15:00" in done.stdout
    assert '"15 3 * * *"' in (DEPLOY / "dags" / "retraining.py").read_text(encoding="utf-8")
    assert timer["Persistent"] == ["yes"]


def test_the_page_installs_each_unit() -> None:
    """Its commands copy the folder, and enable the service and the timer."""
    page = (DEPLOY.parent / "docs" / "deploying.md").read_text(encoding="utf-8")
    assert "deploy/systemd/* /etc/systemd/system/" in page
    enabled = re.findall(r"systemctl enable --now (.+)", page)
    assert enabled == ["classification-api.service classification-retraining.timer"]
