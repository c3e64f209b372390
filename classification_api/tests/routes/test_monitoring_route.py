"""`GET /monitoring`: what the workshop measured and decided last, as it stands beside the log."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from classification_model.runtime.log.decision_log import append_decision
from clocked import StartClocked
from conftest import KEY, Server


@pytest.mark.slow
@pytest.mark.parametrize("has_log", [True, False])
def test_where_nothing_was_measured_there_is_nothing(clocked: StartClocked, log_folder: Path, has_log: bool) -> None:
    """With a log, and without one."""
    server = clocked(log_folder=log_folder if has_log else None)
    reply = server.client.get("/monitoring")
    assert (reply.status_code, reply.json()) == (200, {"monitoring": None, "decision": None})


def test_the_last_report_and_the_last_decision_are_told(clocked: StartClocked, log_folder: Path) -> None:
    """As they were written; what comes later is told at once."""
    server = clocked()
    (log_folder / "monitoring.json").write_text(json.dumps({"labels": 7}), encoding="utf-8")
    for verdict in ("wait", "yes"):
        content = {"model": "Titanic survival", "retrain": verdict}
        append_decision(log_folder, "retrain-check", content)
        append_decision(log_folder, "retrain-check", {"model": "another problem", "retrain": "no"})
        told = server.client.get("/monitoring").json()
        assert told["monitoring"] == {"labels": 7}
        assert told["decision"]["content"] == content
        assert told["decision"]["kind"] == "retrain-check"


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["half", "folder", "link"])
def test_a_report_that_cannot_be_read_is_no_traceback(clocked: StartClocked, log_folder: Path, damage: str) -> None:
    """The reply says so without a path, and predictions go on."""
    server = clocked()
    report = log_folder / "monitoring.json"
    if damage == "half":
        report.write_text('{"labels":', encoding="utf-8")
    elif damage == "folder":
        report.mkdir()
    else:
        report.symlink_to("/etc/hostname")
    reply = server.client.get("/monitoring")
    assert (reply.status_code, reply.json()["code"]) == (503, "log_unavailable")
    assert str(log_folder) not in reply.text
    assert server.post().status_code == 200


def test_a_stranger_is_told_nothing(locked: Server) -> None:
    """Where keys are asked for."""
    assert locked.client.get("/monitoring").status_code == 401
    assert locked.client.get("/monitoring", headers={"x-api-key": KEY}).status_code == 200
