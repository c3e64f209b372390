"""The page on MLflow: its blocks run one after the other, on a server of the tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from mlflow_server import MlflowServer
from test_docs import ROOT, blocks, run

import classification_model as cm

pytestmark = pytest.mark.slow


def test_the_blocks_of_the_page_run(
    mlflow_server: MlflowServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A training is logged, promoted and pulled, and MLflow's loader predicts with it."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_server.url)
    for language, code in blocks(ROOT / "docs" / "tracking.md"):
        done = run(language, code, tmp_path)
        assert done.returncode == 0, f"{code}\n{done.stdout}\n{done.stderr}"
        assert "WARNING" not in done.stderr
    version = cm.ModelStore(tmp_path / "models").current()
    assert version is not None
    assert mlflow_server.champion("Titanic survival") == version
    assert cm.ModelStore(tmp_path / "elsewhere").current() == version
