"""A retraining on labels that come sooner for one class than for the other does not promote a model that is worse."""

from __future__ import annotations

import math
import random
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from operated import CONFIG, log_rows, make_store

from classification_model.config.core import load_config
from classification_model.config.sections import Config
from classification_model.retrain_pipeline import run_retraining
from classification_model.runtime.log.decision_log import read_decisions
from classification_model.runtime.store.store import ModelStore

pytestmark = pytest.mark.slow


def make_rows(count: int, seed: int) -> list[dict[str, Any]]:
    """Make parcels of a world that never changes: the farther, the likelier late, and few are sure to be."""
    draw = random.Random(seed)  # noqa: S311 - parcels are no secret
    rows = []
    for _ in range(count):
        distance = round(draw.uniform(0, 100), 2)
        late = draw.random() < 1 / (1 + math.exp(-(distance - 75) / 25))
        rows.append({"distance": distance, "carrier": draw.choice(["horse", "van"]), "late": int(late)})
    return rows


def operate(tmp_path: Path) -> tuple[Config, ModelStore]:
    """Let a model serve that predicted many parcels, of which those that were late are known alone."""
    pd.DataFrame(make_rows(3000, 0)).to_csv(tmp_path / "table.csv", index=False)
    trees = "    extra_trees:\n      n_estimators: 30\n      min_samples_leaf: 10\n"
    text = CONFIG.replace(trees, "    logistic_regression:\n").replace("extra_trees", "logistic_regression")
    (tmp_path / "config.yml").write_text(text, encoding="utf-8")
    config = load_config(tmp_path / "config.yml")
    store = make_store(tmp_path, config)
    rows = make_rows(4500, 2)
    log_rows(store, tmp_path / "log", [row for row in rows if not row["late"]], labelled=False)
    log_rows(store, tmp_path / "log", [row for row in rows if row["late"]])
    return config, store


def test_labels_of_one_class_do_not_outvote_the_holdout(tmp_path: Path) -> None:
    """Who is late complains at once, and who is not is known months later: a person decides, with the evidence."""
    config, store = operate(tmp_path)
    report = run_retraining(config, store, tmp_path / "log", jobs=1)
    assert report.decision.world_changed  # all that is labelled went wrong more often than right
    assert report.comparison is not None
    holdout, recent = report.comparison.sets
    assert (holdout.name, holdout.finding, recent.finding) == ("holdout", "worse", "better")
    assert holdout.accuracy.difference.value > -config.promotion.margin
    assert (report.outcome, report.comparison.verdict, store.current()) == ("held", "hold", "1.0.0")
    loss = holdout.differences["log_loss"]
    reason = report.comparison.reasons[0]
    assert reason.startswith("holdout: the challenger is significantly worse on the held-out rows")
    assert "a person has to decide" in reason
    assert f"log loss changes by {loss.value:+.4f} ({loss.low:+.4f} to {loss.high:+.4f})" in reason
    recorded = [entry["content"] for entry in read_decisions(tmp_path / "log") if entry["kind"] == "comparison"]
    assert [content["reasons"][0] for content in recorded] == [reason]


def test_labels_of_one_class_decide_nothing_where_more_rows_are_held_out_than_before(tmp_path: Path) -> None:
    """The champion learned from some rows of the new hold-out, so that no hold-out can forbid, and a person decides."""
    _, store = operate(tmp_path)
    path = tmp_path / "config.yml"
    text = path.read_text(encoding="utf-8").replace("training:\n", "training:\n  split:\n    holdout: 0.3\n")
    path.write_text(text, encoding="utf-8")
    report = run_retraining(load_config(path), store, tmp_path / "log", jobs=1)
    assert report.comparison is not None
    assert [(item.name, item.finding) for item in report.comparison.sets] == [("recent", "better")]
    assert (report.outcome, report.comparison.verdict, store.current()) == ("held", "hold", "1.0.0")
    assert report.comparison.reasons[0].startswith("without rows held out from both models, it is unknown")
    assert "rows are held out by another rule than the champion's, which may have been trained on them" in report.notes
