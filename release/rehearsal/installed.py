"""An empty environment with the released wheel and the API, which serves the model."""

from __future__ import annotations

import json
import subprocess
import venv
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from index import free_port, wait_for
from report import RehearsalError
from workflow import environment, run

PASSENGER = {"pclass": 3, "name": "Kelly, Mr. James", "sex": "male", "sibsp": 0, "parch": 0, "ticket": "330911"}


def install(folder: Path, *distributions: Path) -> Path:
    """Make an environment, install files and folders by path, and return the folder of its programs."""
    venv.create(folder, with_pip=True)
    programs = folder / "bin"
    command: list[str | Path] = [programs / "python", "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    done = run([*command, *distributions], folder)
    if done.returncode:
        msg = f"the wheel cannot be installed with the API:\n{done.stdout}"
        raise RehearsalError(msg)
    return programs


def served_answer(programs: Path, folder: Path) -> dict[str, Any]:
    """Serve the installed model on loopback in a folder of its own, and return its answer for one passenger."""
    folder.mkdir()
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [str(programs / "classification-api"), "serve", "--port", str(port)]
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(command, cwd=folder, env=environment(), stdout=log, stderr=log) as server,
    ):
        try:
            wait_for(f"{url}/health/ready", server)
            body = json.dumps({"inputs": [PASSENGER]}).encode()
            request = Request(f"{url}/predict", body, {"Content-Type": "application/json"})  # noqa: S310 - loopback
            with urlopen(request, timeout=30) as reply:  # noqa: S310 - as above
                answer: dict[str, Any] = json.loads(reply.read())
        finally:
            server.terminate()
    return answer
