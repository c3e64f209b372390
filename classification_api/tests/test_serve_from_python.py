"""`Classifier.serve`: a model of a program is served by the API in a process of its own."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

import classification_model as cm
import httpx
import pytest
from classification_model.errors import InputError, MissingExtraError
from conftest import PATIENCE

PASSENGER = {"pclass": 3, "name": "Kelly, Mr. James", "sex": "male", "sibsp": 0, "parch": 0, "ticket": "330911"}


def test_a_loaded_model_is_served_until_it_is_stopped(tmp_path: Path) -> None:
    """The server answers with the model, logs where it is told to, and is gone after the block."""
    model = cm.load()
    with model.serve(port=0, log_folder=tmp_path / "log") as server:
        answer = httpx.post(f"{server.url}/predict", json={"inputs": [PASSENGER]}).raise_for_status().json()
        assert answer["version"] == model.manifest_.version
        assert server.url in server._repr_html_()
        assert "running" in repr(server)
    assert answer["predictions"] == ["died"]
    assert len(cm.read_log(tmp_path / "log")) == 1
    assert "stopped" in repr(server)
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{server.url}/health")


def test_by_default_nothing_is_logged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No folder appears beside the notebook."""
    monkeypatch.chdir(tmp_path)
    with cm.load().serve(port=0) as server:
        httpx.post(f"{server.url}/predict", json={"inputs": [PASSENGER]}).raise_for_status()
    assert list(tmp_path.iterdir()) == []


def test_a_port_that_is_taken_is_an_error_that_says_so() -> None:
    """The message is that of the server."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=re.escape(str(port))):
            cm.load().serve(port=port)


def test_serving_without_the_api_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package alone does not serve."""
    found = metadata.distribution

    def without_api(name: str) -> metadata.Distribution:
        if name == "classification-api":
            raise metadata.PackageNotFoundError(name)
        return found(name)

    monkeypatch.setattr(metadata, "distribution", without_api)
    with pytest.raises(MissingExtraError, match="serving needs classification-api, which is not installed"):
        cm.load().serve()


def test_the_page_on_notebooks_serves(capsys: pytest.CaptureFixture[str]) -> None:
    """Its block prints the address of a server that runs."""
    page = Path(__file__).resolve().parents[2] / "docs" / "in-a-notebook.md"
    (code,) = re.findall(r"```py\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    exec(code.replace("port=8002", "port=0"), {"model": cm.load()})  # noqa: S102 - the project's own page
    assert re.match(r"http://127\.0\.0\.1:\d+\n", capsys.readouterr().out)


STARTER = """
import signal, time
import classification_model as cm
signal.signal(signal.SIGINT, signal.default_int_handler)  # heeded, also where the tests run in the background
server, is_said = cm.load().serve(port=0), False
while True:
    try:
        if not is_said:
            is_said = True
            print(server.url, server._folder.name, flush=True)
        time.sleep(60)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
"""


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
def test_the_server_outlives_an_interrupt_and_ends_with_its_program(ending: signal.Signals) -> None:
    """An interrupted cell of a notebook leaves it running; however the program ends, nothing stays behind."""
    with subprocess.Popen(
        [sys.executable, "-c", STARTER], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as program:
        try:
            assert program.stdout is not None
            url, folder = program.stdout.readline().split()
            os.killpg(program.pid, signal.SIGINT)
            assert program.stdout.readline() == "interrupted\n"
            assert httpx.get(f"{url}/health").status_code == 200
            program.send_signal(ending)
            program.wait(PATIENCE)
        finally:
            program.kill()
    deadline = time.monotonic() + PATIENCE
    while Path(folder).exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not Path(folder).exists()
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{url}/health")
