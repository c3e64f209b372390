"""The Procfile, run by honcho the way a platform runs it: port from the environment, and no workshop to import."""

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep
from typing import NamedTuple

import httpx
import pytest

from app.cli import GRACE
from app.version import api_version

API = Path(__file__).resolve().parents[1]
ROOT = API.parent
PASSENGER = {"pclass": 3, "name": "Kelly, Mr. James", "sex": "male", "sibsp": 0, "parch": 0, "ticket": "330911"}
PATIENCE = 60.0

#: Stands for an environment in which the package was installed without its extra [train].
NO_WORKSHOP = """
import sys

for name in {names!r}:
    sys.modules[name] = None
"""


class Served(NamedTuple):
    """The Procfile's server: where it listens, the runner's process, and what it prints."""

    url: str
    runner: subprocess.Popen[bytes]
    output: Path


def start(folder: Path) -> Served:
    """Start honcho on the Procfile at a free port, with the programs of this environment."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    configured = tomllib.loads((API / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    (names,) = (names for each in configured["contracts"] if "pandas" in (names := each.get("forbidden_modules", [])))
    (folder / "sitecustomize.py").write_text(NO_WORKSHOP.format(names=sorted({*names} - {"pickle"})), encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("LIMIT_", "MODEL_"))}
    environment |= {
        "PORT": str(port),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": str(folder),
    }
    command = [sys.executable, "-m", "honcho", "--no-colour", "--env", os.devnull, "start", "web"]
    output = folder / "output"
    with output.open("wb") as file:
        runner = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=file, stderr=subprocess.STDOUT)
    return Served(f"http://127.0.0.1:{port}", runner, output)


def wait_until_ready(served: Served) -> None:
    """Ask until predictions can be asked for; fail with what the server printed."""
    deadline = monotonic() + PATIENCE
    while served.runner.poll() is None and monotonic() < deadline:
        try:
            if httpx.get(f"{served.url}/health/ready").status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            sleep(0.05)
    pytest.fail(f"the Procfile's server was not ready in time:\n{served.output.read_text(encoding='utf-8')}")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    server = start(tmp_path)
    try:
        wait_until_ready(server)
        yield server
    finally:
        server.runner.terminate()  # it ends what it started
        server.runner.wait(PATIENCE)


def calls() -> dict[str, list[str]]:
    """Return the arguments of each call by curl that Makefile and README show, by file."""
    texts = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "Makefile", API / "README.md")}
    return {
        name: shlex.split(re.findall(r"^ *curl (localhost:8002\S+ .+?\}')$", text, re.DOTALL | re.MULTILINE)[0])
        for name, text in texts.items()
    }


def test_procfile_serves_health_and_predictions_at_the_given_port(served: Served) -> None:
    """Started by a Procfile runner in an environment without the workshop, the API answers and names its versions."""
    health = httpx.get(f"{served.url}/health").json()
    assert (health["status"], health["api_version"]) == ("ready", api_version())
    answer = httpx.post(f"{served.url}/predict", json={"inputs": [PASSENGER]})
    assert answer.status_code == httpx.codes.OK, answer.text
    assert answer.json()["predictions"] == ["died"]
    assert answer.json()["version"] == health["model_version"]
    assert "server" not in answer.headers


def test_calls_that_makefile_and_readme_show_are_answered(served: Served) -> None:
    """What a new user is told to type gets a prediction, once the port is the one that is served here."""
    shown = calls()
    assert set(shown) == {"Makefile", "README.md"}
    for name, (address, *options) in shown.items():
        assert options[::2] == ["-H", "-d"], name
        header, _, value = options[1].partition(": ")
        url = f"{served.url}/{address.partition('/')[2]}"
        answer = httpx.post(url, headers={header: value}, content=options[3])
        assert answer.status_code == httpx.codes.OK, f"{name}: {answer.text}"
        assert len(answer.json()["predictions"]) == len(json.loads(options[3])["inputs"])


def test_procfile_limits_the_head_of_a_request(served: Served) -> None:
    """The Procfile names the protocol with limits: headers that are too large are refused while they arrive."""
    answer = httpx.get(f"{served.url}/health", headers={"x-large": "a" * 2**16})
    assert answer.status_code == httpx.codes.REQUEST_HEADER_FIELDS_TOO_LARGE


def test_procfile_ends_in_time_when_the_platform_says_so(served: Served) -> None:
    """SIGTERM ends runner and server well before the platform's ten seconds, and nobody listens any more."""
    began = monotonic()
    served.runner.send_signal(signal.SIGTERM)
    served.runner.wait(PATIENCE)
    assert monotonic() - began < 10
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{served.url}/health")


def test_procfile_and_command_line_give_requests_in_hand_the_same_time() -> None:
    """What is said in two places is the same in both, and leaves the platform's draining time some seconds."""
    assert f" --timeout-graceful-shutdown {GRACE}\n" in (ROOT / "Procfile").read_text(encoding="utf-8")
    draining = json.loads((ROOT / "railway.json").read_bytes())["deploy"]["drainingSeconds"]
    assert draining > GRACE
