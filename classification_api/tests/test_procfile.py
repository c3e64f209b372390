"""The Procfile, run by honcho the way a platform runs it: port from the environment, and no workshop to import."""

import json
import re
import shlex
import signal
import sys
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import httpx
import pytest
from conftest import Server
from procfile import started_by_honcho

from app.cli import GRACE
from app.version import api_version

pytestmark = pytest.mark.slow


API = Path(__file__).resolve().parents[1]
ROOT = API.parent
PASSENGER = {"pclass": 3, "name": "Kelly, Mr. James", "sex": "male", "sibsp": 0, "parch": 0, "ticket": "330911"}

#: Stands for an environment in which the package was installed without its extra [train].
NO_WORKSHOP = """
import sys

for name in {names!r}:
    sys.modules[name] = None
"""


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """Run honcho on the Procfile at a free port, with the programs of this environment."""
    configured = tomllib.loads((API / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    (names,) = (names for each in configured["contracts"] if "pandas" in (names := each.get("forbidden_modules", [])))
    (folder / "sitecustomize.py").write_text(NO_WORKSHOP.format(names=sorted({*names} - {"pickle"})), encoding="utf-8")
    with started_by_honcho(ROOT, Path(sys.executable).parent, folder, PYTHONPATH=str(folder)) as server:
        yield server


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Give the Procfile's server, for all that does not end it."""
    with serving(tmp_path_factory.mktemp("served")) as server:
        yield server


def calls() -> dict[str, list[str]]:
    """Return the arguments of each call by curl that Makefile and README show, by file."""
    texts = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "Makefile", API / "README.md")}
    return {
        name: shlex.split(re.findall(r"^ *curl (localhost:8002\S+ .+?\}')$", text, re.DOTALL | re.MULTILINE)[0])
        for name, text in texts.items()
    }


def test_procfile_serves_health_and_predictions_at_the_given_port(served: Server) -> None:
    """Started by a Procfile runner in an environment without the workshop, the API answers and names its versions."""
    health = served.client.get("/health").json()
    assert (health["status"], health["api_version"]) == ("ready", api_version())
    answer = served.post(json={"inputs": [PASSENGER]})
    assert answer.status_code == httpx.codes.OK, answer.text
    assert answer.json()["predictions"] == ["died"]
    assert answer.json()["version"] == health["model_version"]
    assert "server" not in answer.headers


def test_calls_that_makefile_and_readme_show_are_answered(served: Server) -> None:
    """What a new user is told to type gets a prediction, once the port is the one that is served here."""
    shown = calls()
    assert set(shown) == {"Makefile", "README.md"}
    for name, (address, *options) in shown.items():
        assert options[::2] == ["-H", "-d"], name
        header, _, value = options[1].partition(": ")
        answer = served.post(f"/{address.partition('/')[2]}", headers={header: value}, content=options[3])
        assert answer.status_code == httpx.codes.OK, f"{name}: {answer.text}"
        assert len(answer.json()["predictions"]) == len(json.loads(options[3])["inputs"])


def test_procfile_limits_the_head_of_a_request(served: Server) -> None:
    """The Procfile names the protocol with limits: headers that are too large are refused while they arrive."""
    answer = served.client.get("/health", headers={"x-large": "a" * 2**16})
    assert answer.status_code == httpx.codes.REQUEST_HEADER_FIELDS_TOO_LARGE


@pytest.mark.faults
def test_procfile_ends_when_a_platform_says_so(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    """SIGTERM ends runner and server, in good order, and nobody listens any more."""
    with serving(tmp_path) as served:
        began = monotonic()
        served.stop(signal.SIGTERM)
        ended = monotonic() - began
        assert "Application shutdown complete" in served.output.read_text(encoding="utf-8")
        with pytest.raises(ConnectionError):
            served.connect()
    record_property("figures", f"SIGTERM to the Procfile's runner: ended after {ended:.1f} s, 10 are allowed")


def test_procfile_and_command_line_give_requests_in_hand_the_same_time() -> None:
    """What is said in two places is the same in both, and leaves the platform's draining time some seconds."""
    assert f" --timeout-graceful-shutdown {GRACE}\n" in (ROOT / "Procfile").read_text(encoding="utf-8")
    draining = json.loads((ROOT / "railway.json").read_bytes())["deploy"]["drainingSeconds"]
    assert draining > GRACE
