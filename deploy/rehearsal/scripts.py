"""The story of the start scripts, with podman."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from build_all import TAG
from engine import GLOBAL_OPTIONS, ROOT, RUN_OPTIONS, podman
from http_client import ask, free_ports, wait_for
from story import Story, expect
from titanic import PASSENGER

_VOLUMES = {name: f"rehearsed-{name.lower()}" for name in ("MODELS", "LOG", "WORK")}
_PATIENCE = 60


def tell_scripts(story: Story) -> None:
    """Run each script, then what it says that is missing."""
    try:
        with story.step("start_model_container.sh: serves the model of the image on an empty volume, until Ctrl-C"):
            (port,) = free_ports(1)
            with _started("start_model_container.sh", "api", port) as output:
                wait_for(port, "/health/ready")
                ask(port, "/predict", {"inputs": [PASSENGER]})
                expect(f"http://localhost:{port}" in output.read_text(), "the address", output.read_text())
        with story.step("start_jupyterlab.sh: prints the address with its token, until Ctrl-C"):
            (port,) = free_ports(1)
            with _started("start_jupyterlab.sh", "jupyter", port) as output:
                wait_for(port, "/login")
                found = re.search(r"token=(\w+)", output.read_text())
                expect(found, "an address with a token", output.read_text())
                token = found[1] if found else ""
                ask(port, "/api/status", expected=403)
                ask(port, f"/api/status?token={token}")
        with story.step("start scripts: say what is missing: engine, image, port"):
            for script in ("start_model_container.sh", "start_jupyterlab.sh"):
                _refused(script, "install it", ENGINE="no-such-engine")
                _refused(script, "build it", IMAGE="no-such-image:latest")
                _refused(script, "PORT", PORT="eighty")
    finally:
        for volume in _VOLUMES.values():
            podman("volume", "rm", "--force", volume, check=False)


def _variables(image: str, port: int) -> dict[str, str]:
    options = {"ENGINE_OPTIONS": " ".join(GLOBAL_OPTIONS), "RUN_OPTIONS": " ".join(RUN_OPTIONS[1:]), "NETWORK": "host"}
    name = f"localhost/classification-model-{image}:{TAG}"
    return {**os.environ, **_VOLUMES, **options, "ENGINE": "podman", "IMAGE": name, "PORT": str(port)}


@contextmanager
def _started(script: str, image: str, port: int) -> Iterator[Path]:
    """Run a script for the time of a block; give the file with what it prints. Ctrl-C must end it."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "output"
        with output.open("w") as file:
            process = subprocess.Popen(
                [ROOT / "deploy" / script],
                env=_variables(image, port),
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            yield output
            os.killpg(process.pid, signal.SIGINT)
            process.wait(_PATIENCE)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _refused(script: str, remedy: str, **variables: str) -> None:
    done = subprocess.run(
        [ROOT / "deploy" / script], env=_variables("api", 9) | variables, capture_output=True, text=True, check=False
    )
    expect(done.returncode == 2 and remedy in done.stderr, f"exit code 2 and {remedy!r} of {script}", done)
