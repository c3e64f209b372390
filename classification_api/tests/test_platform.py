"""A platform that deploys a clone: an environment made from requirements.txt alone, started by the Procfile."""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import tomllib
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from conftest import ROW, Server
from procfile import started_by_honcho

from app.version import api_version

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
NAME = tomllib.loads((ROOT / "package" / "pyproject.toml").read_text(encoding="utf-8"))["project"]["name"]
BY_PATH = "--editable ./package\n"


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serve a folder and log nothing."""

    def log_message(self, *_: object) -> None:
        """Keep the output of the tests clean."""


@contextmanager
def web(folder: Path) -> Iterator[str]:
    """Serve a folder on loopback; give the address."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def run(*command: str | Path, cwd: Path, path: Path | None = None) -> str:
    """Run a command that must succeed, without what this process was given to import; give what it printed."""
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    if path is not None:
        variables["PATH"] = os.pathsep.join([str(path), variables["PATH"]])
    done = subprocess.run(command, cwd=cwd, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def clone(folder: Path) -> Path:
    """Copy what a clone of this checkout would hold, changes that are not committed included."""
    names = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT).split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():  # and was not removed
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


def environment(folder: Path) -> Path:
    """Make an empty environment; give the folder of its programs."""
    venv.create(folder, with_pip=True)
    return folder / "bin"


def requirement(wheel: Path, address: str, name: str = NAME, digest: str | None = None) -> str:
    """Write a requirement in the form of the README: an address and a hash."""
    digest = digest or hashlib.sha256(wheel.read_bytes()).hexdigest()
    return f"{name} @ {address}/{wheel.name}#sha256={digest}\n"


def check_answers(server: Server) -> None:
    """See that a server is ready and predicts."""
    health = server.client.get("/health").json()
    assert (health["status"], health["api_version"]) == ("ready", api_version())
    answer = server.post(json={"inputs": [ROW]})
    assert answer.status_code == 200, answer.text
    assert answer.json()["version"] == health["model_version"]


def build_command() -> str:
    """Return the commands of the README that train during the build."""
    text = (ROOT / "classification_api" / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"tests/test_platform\.py runs it -->\n```bash\n(.*?)```", text, re.DOTALL)
    return str(block)


def test_a_clone_is_installed_built_and_started_as_a_platform_does(tmp_path: Path) -> None:
    """After requirements.txt alone, the build command makes the model, and the Procfile's server answers on PORT."""
    root, programs = clone(tmp_path / "clone"), environment(tmp_path / "environment")
    run(programs / "python", "-m", "pip", "install", "--quiet", "--requirement", "requirements.txt", cwd=root)
    run(programs / "python", "-m", "pip", "check", cwd=root)
    listed = json.loads(run(programs / "python", "-m", "pip", "list", "--format", "json", cwd=root))
    names = {item["name"] for item in listed}
    assert {NAME, "classification-api", "uvicorn"} <= names
    assert not {"pandas", "scikit-learn", "honcho"} & names

    build = build_command().replace("/tmp/workshop", str(tmp_path / "workshop"))  # noqa: S108
    with started_by_honcho(root, programs, tmp_path) as server:
        assert server.client.get("/health/ready").status_code == 503  # there is no model yet
    run("bash", "-euo", "pipefail", "-c", build, cwd=root, path=programs)
    assert str(tmp_path / "workshop") in build
    with started_by_honcho(root, programs, tmp_path) as server:
        assert server.client.get("/health/ready").status_code == 200
        check_answers(server)


def test_the_python_of_the_platform_is_the_default_one() -> None:
    """`.python-version` names the lowest Python that both halves allow, on which everything is tested."""
    version = (ROOT / ".python-version").read_text(encoding="utf-8").strip()
    for folder in ("package", "classification_api"):
        project = tomllib.loads((ROOT / folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        assert project["requires-python"] == f">={version}"


@pytest.fixture(scope="module")
def wheels(model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the package's wheel with its model, and the two wheels of a model of one's own; give their folder."""
    folder = tmp_path_factory.mktemp("wheels")
    tree = clone(tmp_path_factory.mktemp("tree")) / "package"
    shutil.copytree(model_folder, tree / "classification_model" / "trained_models" / model_folder.name)
    hook = "import sys; sys.path.insert(0, '.'); import build_backend; build_backend.build_wheel(sys.argv[1])"
    run(sys.executable, "-c", hook, folder, cwd=tree)
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "classification_model",
        "wheel",
        model_folder,
        "--name",
        "churn-model",
    ]
    done = subprocess.run([*command, "--output", folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def test_the_readme_shows_the_form_of_a_released_wheel() -> None:
    """Each wheel that it names has an address and a hash, and pip reads the line."""
    text = (ROOT / "classification_api" / "README.md").read_text(encoding="utf-8")
    lines = re.findall(rf"^ +((?:{NAME}|churn-model) @ .+)$", text, re.MULTILINE)
    files = [re.fullmatch(r"\S+ @ https://wheels\.example\.org/(\S+)\.whl#sha256=\d{4}\.\.\.", line) for line in lines]
    file_name = NAME.replace("-", "_")
    assert [match and match[1] for match in files] == [
        f"{file_name}-1.0.0-py3-none-any",
        f"{file_name}-1.0.0+runtime-py3-none-any",
        "churn_model-1.0.0-py3-none-any",
    ]


@pytest.mark.parametrize("is_own", [False, True], ids=["the released wheel", "a model of one's own"])
def test_wheels_by_address_and_hash_are_deployed(is_own: bool, wheels: Path, tmp_path: Path) -> None:
    """In place of the folder, requirements.txt has wheels on a web server; without a build command the API answers."""
    root, programs = clone(tmp_path / "clone"), environment(tmp_path / "environment")
    (full,) = (path for path in wheels.glob(f"{NAME.replace('-', '_')}-*") if "+runtime" not in path.name)
    (runtime,) = wheels.glob("*+runtime-*")
    (own,) = wheels.glob("churn_model-*")
    requirements = (root / "requirements.txt").read_text(encoding="utf-8")
    assert BY_PATH in requirements
    with web(wheels) as address:
        ours = [requirement(runtime, address), requirement(own, address, "churn-model")]
        lines = "".join(ours) if is_own else requirement(full, address)
        (root / "requirements.txt").write_text(requirements.replace(BY_PATH, lines), encoding="utf-8")
        pip: list[str | Path] = [
            programs / "python",
            "-m",
            "pip",
            "install",
            "--quiet",
            "--requirement",
            "requirements.txt",
        ]
        run(*pip, cwd=root)
    shutil.rmtree(root / "package")
    with started_by_honcho(root, programs, tmp_path, **({"MODEL_PACKAGE": "churn_model"} if is_own else {})) as server:
        check_answers(server)


def test_a_wheel_of_another_hash_is_refused(wheels: Path, tmp_path: Path) -> None:
    """An installer names the hashes and installs nothing."""
    programs = environment(tmp_path / "environment")
    (own,) = wheels.glob("churn_model-*")
    with web(wheels) as address:
        (tmp_path / "requirements.txt").write_text(requirement(own, address, "churn-model", "0" * 64), encoding="utf-8")
        command: list[str | Path] = [programs / "python", "-m", "pip", "install", "--requirement", "requirements.txt"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "THESE PACKAGES DO NOT MATCH THE HASHES" in done.stderr
    assert "churn" not in run(programs / "python", "-m", "pip", "list", cwd=tmp_path)
