"""A target as tables have them, from its draft to the retraining: values of one class, NA as a class, rows left out."""

from __future__ import annotations

import csv
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest
from classification_model.runtime.log.label_log import iter_labels
from classification_model.runtime.model_folder.artifact import read_manifest
from classification_model.runtime.store.reader import StoreReader
from conftest import Serve

pytestmark = pytest.mark.slow

CLASSES = """  classes:
    great: good
    NA: unknown
    fine: good
    poor: bad
  other_classes: drop
"""
LABELS = {"great": "good", "fine": "good", "NA": "unknown", "poor": "bad"}


def rows(count: int, start: int, seed: int) -> list[dict[str, Any]]:
    """Make rows whose outcome depends on their size and shape."""
    draw = random.Random(seed)  # noqa: S311 - rows of a test
    made = []
    for number in range(start, start + count):
        outcome = draw.choice(list(LABELS))
        size = {"great": 3.0, "fine": 3.5, "NA": 0.0, "poor": -3.0}[outcome] + draw.gauss(0, 1)
        shape = draw.choice(["disc", "cube", "ball"])
        made.append({"id": number, "size": f"{size:.3f}", "shape": shape, "outcome": outcome})
    return made


def write(path: Path, table: list[dict[str, Any]]) -> None:
    """Write rows as a CSV file."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, table[0])
        writer.writeheader()
        writer.writerows(table)


def run(folder: Path, *arguments: str) -> str:
    """Run the real command line in a folder; return what it printed."""
    command = [sys.executable, "-m", "classification_model", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_values_of_a_target_mean_one_thing_from_the_draft_to_the_retraining(tmp_path: Path, serve: Serve) -> None:
    """Training, feedback over HTTP, a table of labels and the retraining read a value of the target alike."""
    table = rows(300, 0, seed=1)
    for row in table[::50]:
        row["outcome"] = ""
    for row in table[1::60]:
        row["outcome"] = "withdrawn"
    write(tmp_path / "table.csv", table)
    run(tmp_path, "init", "table.csv", "--target", "outcome", "--drop-unlabelled")
    draft = (tmp_path / "config.yml").read_text(encoding="utf-8")
    assert "  unlabelled: drop\n" in draft
    assert " hold NA: if it is a class, list it below" in draft
    before, rest = draft.split("  classes:\n")
    rest = rest[rest.index("  # Different in every row") :]
    quick = f"{before}{CLASSES}{rest}".replace(
        "training:\n", "training:\n  estimator: logistic_regression\n  trials: 1\n"
    )
    (tmp_path / "config.yml").write_text(quick, encoding="utf-8")

    out = run(tmp_path, "train", "--config", "config.yml", "--output", "models", "--record", "runs.jsonl")
    told = "6 without a target (data.unlabelled: drop), 5 of values that data.classes does not list"
    assert f"rows left out: {told} (data.other_classes: drop)\n" in out
    (model,) = (tmp_path / "models").iterdir()
    manifest = read_manifest(model)
    assert (manifest.classes, manifest.label_values) == (("good", "unknown", "bad"), LABELS)
    assert (manifest.left_out.unlabelled, manifest.left_out.other_classes, manifest.data.rows) == (6, 5, 289)
    assert told in (model / "reports" / "report.html").read_text(encoding="utf-8")
    assert "Rows left out: 6 without a target" in (model / "reports" / "model_card.md").read_text(encoding="utf-8")
    record = orjson.loads((tmp_path / "runs.jsonl").read_bytes())
    assert (record["rows_in"], record["dropped"]) == (
        300,
        {"outcome: the target is missing": 6, "outcome: the target is no class": 5},
    )

    shared = ["--config", "config.yml", "--store", "store", "--log", "log"]
    assert "first model" in run(tmp_path, "retrain", *shared)
    server = serve(MODEL_STORE=str(tmp_path / "store"))
    asked = rows(200, 1000, seed=2)
    inputs = [{"size": float(row["size"]), "shape": row["shape"]} for row in asked]
    answer = server.post(json={"inputs": inputs, "index": [row["id"] for row in asked]}).json()
    feedback = [
        {"prediction_id": name, "label": row["outcome"]}
        for name, row in zip(answer["prediction_ids"][:100], asked, strict=False)
    ]
    assert server.post("/feedback", json={"feedback": feedback}).json() == {"recorded": 100}
    refused = server.post("/feedback", json=feedback[0] | {"label": "withdrawn"})
    assert refused.status_code == 422
    assert "send one of the labels good, unknown, bad, NA, fine, great, poor" in refused.json()["remedy"]

    write(tmp_path / "labels.csv", [*asked[100:], asked[0] | {"id": 9999}, asked[0] | {"outcome": "withdrawn"}])
    arguments = ["--store", "store", "--log", "log", "--key", "id", "--label", "outcome"]
    joined = run(tmp_path, "labels", "join", "labels.csv", *arguments)
    assert "100 labels added to the log" in joined
    assert "1 rows whose label is not one of good, unknown, bad, NA, fine, great, poor" in joined
    recorded = {entry["prediction_id"]: entry["label"] for entry in iter_labels(server.log_folder)}
    assert [recorded[name] for name in answer["prediction_ids"]] == [LABELS[row["outcome"]] for row in asked]

    out = run(tmp_path, "retrain", *shared, "--force", "--json")
    report = orjson.loads(out)
    assert 100 < report["learned_rows"] < 150
    assert report["recent_rows"] == 50
    store = StoreReader(tmp_path / "store")
    challenger = read_manifest(store.folder / "versions" / report["challenger"])
    assert (challenger.classes, challenger.label_values) == (manifest.classes, LABELS)
    assert challenger.data.rows == 289 + 150
