"""A checkout that is started by its Procfile, as a platform does."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from conftest import NO_HURRY, Server, reserved_port


@contextmanager
def started_by_honcho(root: Path, programs: Path, folder: Path, **variables: str) -> Iterator[Server]:
    """Run honcho on a Procfile at a free port.

    Parameters
    ----------
    root
        The folder of the Procfile.
    programs
        The folder of the programs that it names.
    folder
        Where output and prediction log go.
    variables
        More of the environment, in which no setting is inherited.
    """
    with reserved_port() as port:
        ours = ("LIMIT_", "MODEL_", "PYTHONPATH")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        environment |= NO_HURRY | {
            "LOG_FOLDER": str(folder / "log"),
            "PORT": str(port),
            "PATH": os.pathsep.join([str(programs), os.environ["PATH"]]),
        }
        command = [sys.executable, "-m", "honcho", "--no-colour", "--env", os.devnull, "start", "web"]
        output = folder / "output"
        with output.open("wb") as file:
            runner = subprocess.Popen(
                command, cwd=root, env=environment | variables, stdout=file, stderr=subprocess.STDOUT
            )
        server = Server(port, runner, output, output)
        try:
            server.wait()
            yield server
        finally:
            server.stop()  # the runner ends what it started
