"""notebooks/call_the_api.ipynb, run against a real server."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from conftest import KEY, Serve
from executed import ROOT, execute

from app.keys import hash_key

pytestmark = pytest.mark.slow

NOTEBOOK = ROOT / "notebooks" / "call_the_api.ipynb"


def test_what_the_text_says_is_what_the_server_answers(serve: Serve, tmp_path: Path) -> None:
    """Each cell succeeds, on a server that needs a key, and shows what the text around it says."""
    server = serve(API_KEY_HASHES=hash_key(KEY.encode()))
    done = execute(NOTEBOOK, tmp_path, CLASSIFICATION_API=server.url, CLASSIFICATION_API_KEY=KEY)
    outputs = done.outputs
    assert "'status': 'ready'" in outputs["connect"]
    assert "Titanic survival, version 1.0.0, predicts one of these labels: died, survived" in outputs["model"]
    assert "'predictions': ['survived']" in outputs["one"]
    accuracy = float(re.findall(r"accuracy on the hold-out: ([\d.]+)", outputs["model"])[0])
    (right,) = re.findall(r"(\d+)% of 200 predictions are right", outputs["table"])
    assert int(right) / 100 >= accuracy  # too good, as the text says
    typical, columns, this = map(float, re.findall(r"[+-]\d\.\d{3}", outputs["explain"]))
    assert typical + columns == pytest.approx(this, abs=0.002)
    assert done.pictures["explain"] == 1
    assert "'field': 'age'" in outputs["warning"]
    assert outputs["errors"].count("422 invalid_rows") == 2
    assert set(re.findall(r"inputs\S+(?=:)", outputs["errors"])) == {
        f"inputs[1].{column}" for column in ("age", "sibsp", "parch", "ticket")
    }
    assert outputs["feedback"] == "{'recorded': 200}\n"
