"""Notebooks, run in a kernel of their own from the folder that they are in."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Executed:
    """A notebook that ran to its end.

    Attributes
    ----------
    outputs
        What each cell printed and showed as text, by the ID of the cell.
    pictures
        Number of pictures that each cell showed.
    """

    outputs: dict[str, str]
    pictures: dict[str, int]


def execute(notebook: Path, folder: Path, **variables: str) -> Executed:
    """Run a notebook by nbclient, with variables of its environment; a warning in a cell is a failure, as an error is.

    Files of Jupyter and IPython are in the folder. nbclient is a process of its own, as it leaves sockets open.
    """
    own = {name: str(folder) for name in ("IPYTHONDIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "MPLCONFIGDIR")}
    environment = os.environ | own | variables
    environment.pop("COVERAGE_PROCESS_CONFIG", None)  # a kernel is killed before it writes what it measured
    program = str(Path(sys.executable).with_name("jupyter-execute"))
    command = [program, str(notebook), f"--output={folder / notebook.name}"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    outputs, pictures = {}, {}
    for cell in nbformat.read(folder / notebook.name, as_version=4).cells:
        shown = cell.get("outputs", [])
        assert [output.text for output in shown if output.get("name") == "stderr"] == [], cell.id
        outputs[cell.id] = "".join(output.get("text") or output.data.get("text/plain", "") for output in shown)
        pictures[cell.id] = sum("image/png" in output.get("data", {}) for output in shown)
    return Executed(outputs, pictures)
