"""The notebooks of the repository: as they are committed, and as `make jupyter` opens them."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import httpx
import nbformat
import pytest
from conftest import PATIENCE, reserved_port
from executed import ROOT
from raw_http import eventually

NOTEBOOKS = sorted([*(ROOT / "notebooks").glob("*.ipynb"), *(ROOT / "examples").glob("*/notebooks/*.ipynb")])
#: What says that any kernel of Python 3 will do, and no more.
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_notebook_is_committed_without_what_running_it_leaves(path: Path) -> None:
    """It has no outputs, no numbers of executions, no metadata of an editor and no paths of a machine."""
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert notebook.metadata == METADATA
    for cell in notebook.cells:
        assert cell.metadata == {}, cell.id
        assert (cell.get("outputs", []), cell.get("execution_count")) == ([], None), cell.id
        assert not re.search(r"(?<![\w.:])/(home|Users|root|tmp|work)/", cell.source), cell.id


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_links_of_a_notebook_lead_somewhere(path: Path) -> None:
    """Each relative link in its text is a file that exists."""
    texts = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown"]
    for link in re.findall(r"\]\((?!https?:)([^)#]+)[^)]*\)", "\n".join(texts)):
        assert (path.parent / link).is_file(), link


@pytest.mark.slow
def test_make_jupyter_opens_the_notebooks(tmp_path: Path) -> None:
    """JupyterLab listens on this machine alone, asks for its token, and finds every notebook with a kernel for it."""
    make = shutil.which("make")
    assert make is not None, "make is not installed"
    variables = {f"JUPYTER_{name}_DIR": str(tmp_path) for name in ("CONFIG", "DATA", "RUNTIME")}
    variables |= {"JUPYTER_TOKEN": "a token of the test"}
    with reserved_port() as port, (tmp_path / "errors").open("wb") as errors:
        options = f"--port {port} --no-browser --allow-root"
        # In the environment of this test, where pip has nothing to install.
        given = [f"BIN={Path(sys.executable).parent}", "PIP=:", f"RUN_OPTIONS={options}"]
        command = [make, "--old-file=.venv/installed", "jupyter", *given]
        process = subprocess.Popen(
            command, cwd=ROOT, env=os.environ | variables, stdout=errors, stderr=errors, start_new_session=True
        )
        try:
            headers = {"Authorization": "token a token of the test"}
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=PATIENCE) as client:

                def answer() -> httpx.Response | None:
                    assert process.poll() is None, (tmp_path / "errors").read_text(encoding="utf-8")
                    try:
                        return client.get("/api/contents/notebooks")
                    except httpx.TransportError:
                        return None

                found = eventually(answer).raise_for_status().json()
                names = {entry["name"] for entry in found["content"] if entry["type"] == "notebook"}
                assert names == {path.name for path in NOTEBOOKS if path.parent == ROOT / "notebooks"}
                for path in NOTEBOOKS:
                    client.get(f"/api/contents/{path.relative_to(ROOT)}").raise_for_status()
                assert METADATA["kernelspec"]["name"] in client.get("/api/kernelspecs").json()["kernelspecs"]
                assert client.get("/", follow_redirects=False).headers["location"].startswith("/lab")
                assert httpx.get(f"http://127.0.0.1:{port}/api/contents").status_code == 403
                with pytest.raises(ConnectionRefusedError):  # on all addresses, it would listen on this one as well
                    socket.create_connection(("127.0.0.2", port))
        finally:
            with suppress(ProcessLookupError):  # it may have failed
                os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=PATIENCE)
