"""Thousands of requests that a tool makes of the OpenAPI document, good and bad ones, against a real server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import KEY, Server

pytestmark = pytest.mark.slow


#: How many requests are made at least.
CASES = int(os.environ.get("SCHEMATHESIS_CASES", "2000"))

_CONFIG = Path(__file__).with_name("schemathesis.toml")


def run(server: Server, folder: Path, examples: int, *options: str) -> dict[str, Any]:
    """Let schemathesis make as many requests of each operation; return its report."""
    report = folder / "report.json"
    command = [
        sys.executable, "-m", "schemathesis.cli", "--config-file", str(_CONFIG), "run", f"{server.url}/openapi.json",
        "--checks", "all", "--max-examples", str(examples), "--report-json-path", str(report), *options,
    ]  # fmt: skip
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    shown = "\n".join(line[:500] for line in done.stdout.splitlines())
    assert done.returncode == 0, shown + done.stderr[-2000:]
    answer: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    return answer


def test_the_api_is_what_its_document_says(server: Server, tmp_path: Path) -> None:
    """Whatever is sent, each reply is documented, bad requests are refused, and the server never fails."""
    report = run(server, tmp_path, CASES // 20)
    assert report["test_cases"]["generated"] >= CASES
    assert {name: phase["status"] for name, phase in report["phases"].items()} == dict.fromkeys(
        ("examples", "coverage", "fuzzing", "stateful"), "success"
    )
    accepted = report["valid_rates"]["POST /predict"]
    assert sum(rate["accepted"] for rate in accepted.values()) >= 10
    assert server.post().status_code == 200


def test_keys_are_asked_for_where_the_document_says(locked: Server, tmp_path: Path) -> None:
    """Where API keys are on, no operation that is documented to need one answers without it, or with another."""
    run(locked, tmp_path, 5, "--header", f"X-API-Key: {KEY}", "--phases", "examples,fuzzing")
