"""Notebooks, run in a kernel of their own from the folder that they are in."""

from __future__ import annotations

import os
import re
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
    texts
        What each cell between them says.
    """

    outputs: dict[str, str]
    pictures: dict[str, int]
    texts: dict[str, str]

    def unfounded(self, text: str = "conclusions") -> list[str]:
        """Return the shares and decimals in a text that no cell printed."""
        printed = "\n".join(self.outputs.values())
        stated = re.findall(r"\d+%|\d+\.\d+", self.texts[text])
        assert stated, "the text states no number"
        return [number for number in stated if not re.search(rf"(?<![\d.]){re.escape(number)}(?!\d)", printed)]


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
    outputs, pictures, texts = {}, {}, {}
    for cell in nbformat.read(folder / notebook.name, as_version=4).cells:
        if cell.cell_type == "markdown":
            texts[cell.id] = cell.source
            continue
        shown = cell.outputs
        assert [output.text for output in shown if output.get("name") == "stderr"] == [], cell.id
        outputs[cell.id] = "".join(output.get("text") or f"{output.data.get('text/plain', '')}\n" for output in shown)
        data = [output.get("data", {}) for output in shown]
        pictures[cell.id] = sum("image/png" in each or each.get("text/html", "").startswith("<svg") for each in data)
    return Executed(outputs, pictures, texts)
