"""A retraining that is overtaken, or has nothing new to learn from, changes nothing that serves."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import Command
from operated import CONFIG, log_rows, make_problem, make_rows, make_store

from classification_model.config.core import load_config
from classification_model.retrain_pipeline import run_retraining
from classification_model.retraining.challenger import hold_against_champion
from classification_model.runtime.log.decision_log import read_decisions
from classification_model.train_pipeline import run_training

pytestmark = pytest.mark.slow


def test_a_version_that_was_promoted_meanwhile_serves_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The challenger was not compared with it: nobody's promotion is undone by a retraining that began before."""
    config = make_problem(tmp_path)
    store = make_store(tmp_path, config)
    log_rows(store, tmp_path / "log", make_rows(400, 1, world="new"))

    def slow(*arguments: object, **options: object) -> object:
        report = run_training(config, output=tmp_path / "models", version="1.0.1", jobs=1)
        store.promote(store.add(report.folder))
        return hold_against_champion(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr("classification_model.retrain_pipeline.hold_against_champion", slow)
    report = run_retraining(config, store, tmp_path / "log", jobs=1)
    assert report.outcome == "overtaken"
    assert report.notes[-1] == "version 1.0.1 was promoted meanwhile, and was not compared with the challenger"
    assert store.current() == "1.0.1"
    assert report.challenger in store.versions()
    assert [entry["kind"] for entry in read_decisions(tmp_path / "log")] == [
        "retrain-check",
        "comparison",
        "retraining",
    ]


def test_where_nothing_is_new_no_model_is_trained(command: Command, tmp_path: Path) -> None:
    """A log that cannot be learned from, and the same table, would only make the same model again."""
    make_problem(tmp_path)
    (tmp_path / "config.yml").write_text(
        CONFIG.replace("monitoring:\n", "monitoring:\n  masked: carrier\n"), encoding="utf-8"
    )
    config = load_config(tmp_path / "config.yml")
    store = make_store(tmp_path, config)
    log_rows(store, tmp_path / "log", make_rows(400, 1, world="new"))
    done = command(
        "retrain", "--config", tmp_path / "config.yml", "--store", tmp_path / "store", "--log", tmp_path / "log"
    )
    assert done.code == 0, done.err
    assert done.out.startswith("nothing new to train on: 1.0.0 stays current")
    assert "note: logged rows are not used, as monitoring.masked leaves out carrier" in done.out
    assert store.versions() == ["1.0.0"]
