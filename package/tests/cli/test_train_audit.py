"""A leak is told by every face of a training: the draft, the output, the report, the card and the manifest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from commands import MODEL, Command, colours

from classification_model.config.core import load_config
from classification_model.runtime.model_folder.artifact import MANIFEST, read_manifest
from classification_model.train_pipeline import run_training

pytestmark = pytest.mark.slow

CONFIG = """app:
  name: Colours
data:
  source: table.csv
  target: y
  index: order
{more}
features:
  size: numeric
  shape: categorical
  refund: numeric
  flag: categorical
training:
  folds: 3
  estimator: logistic_regression
  candidates:
    logistic_regression:
"""


def leaking_table() -> pd.DataFrame:
    """Make colours with a refund for red ones alone, a nearly constant flag, and forty rows that come twice."""
    frame = colours(400)
    red = frame["y"] == "red"
    frame["refund"] = np.where(red, 10 + frame["size"].abs(), np.nan)
    again = frame.iloc[:40].assign(order=range(400, 440))
    table = pd.concat([frame, again], ignore_index=True)
    return table.assign(flag=np.where(table["order"] < 4, "on", "off"))


def write_problem(folder: Path, more: str = "") -> None:
    """Write the table and its config into a folder."""
    leaking_table().to_csv(folder / "table.csv", index=False)
    (folder / "config.yml").write_text(CONFIG.format(more=more), encoding="utf-8")


def found(folder: Path) -> list[dict[str, Any]]:
    """Read the findings in a written manifest."""
    audit: list[dict[str, Any]] = json.loads((folder / MODEL / MANIFEST).read_bytes())["audit"]
    return audit


def test_a_leak_is_told_by_output_report_card_and_manifest_and_the_model_is_made(
    command: Command, tmp_path: Path
) -> None:
    """The config decides: training goes on with a column that gives the target away, and says so in four places."""
    write_problem(tmp_path)
    done = command("train", "--config", "config.yml", "--output", "models")
    assert (done.code, done.err) == (0, "")
    red = int((leaking_table()["y"] == "red").sum())
    leak = f"filled in all {red} rows of class 'red', and in no other row"
    remedy = "list it under data.leakage unless it is known when a prediction is made"
    warnings = [line for line in done.out.splitlines() if line.startswith("warning: ")]
    assert warnings[0] == f"warning: column 'refund' gives the target away: {leak}; {remedy}"
    assert warnings[1] == "warning: column 'flag' hardly varies: the same in all but 4 of 440 rows"
    assert "held-out rows have the features of a training row, " in warnings[2]
    assert len(warnings) == 3
    page = (tmp_path / MODEL / "reports" / "report.html").read_text(encoding="utf-8")
    card = (tmp_path / MODEL / "reports" / "model_card.md").read_text(encoding="utf-8")
    for text in (page.replace("&#39;", "'"), card):
        assert "Audit of the rows" in text
        assert f"gives the target away: {leak}; {remedy}" in text
        assert "held-out rows have the features of a training row" in text
    assert [(item["kind"], item["column"]) for item in found(tmp_path)] == [
        ("leak", "refund"),
        ("hardly_varying", "flag"),
        ("repeated_rows", None),
    ]
    assert read_manifest(tmp_path / MODEL).audit[0].message == leak
    assert (command("verify", MODEL).code, command("predict", "table.csv", "--model", MODEL).code) == (0, 0)


def test_columns_under_leakage_are_not_audited(command: Command, tmp_path: Path) -> None:
    """What the config calls leakage, or does not use, is told by nobody; the rest still is."""
    write_problem(tmp_path, more="  leakage:\n    - refund\n  drop:\n    - flag")
    config = tmp_path / "config.yml"
    config.write_text(config.read_text().replace("  refund: numeric\n", "").replace("  flag: categorical\n", ""))
    done = command("train", "--config", "config.yml", "--output", "models")
    assert (done.code, done.err) == (0, "")
    assert [item["kind"] for item in found(tmp_path)] == ["repeated_rows", "conflicting_labels"]
    assert "refund" not in done.out


def test_a_training_from_python_returns_the_findings(tmp_path: Path) -> None:
    """The report of `run_training` holds what the manifest holds."""
    write_problem(tmp_path)
    report = run_training(load_config(tmp_path / "config.yml"), output=tmp_path / "models", jobs=1)
    assert report.audit == report.manifest.audit
    assert report.audit[0].kind == "leak"


def test_nothing_odd_is_said_to_be_so(command: Command, tmp_path: Path) -> None:
    """A table without oddities trains without a warning, and its report says that none was found."""
    colours(400).to_csv(tmp_path / "table.csv", index=False)
    text = CONFIG.format(more="").replace("  refund: numeric\n", "").replace("  flag: categorical\n", "")
    (tmp_path / "config.yml").write_text(text, encoding="utf-8")
    done = command("train", "--config", "config.yml", "--output", "models")
    assert (done.code, done.err) == (0, "")
    assert "warning" not in done.out
    assert found(tmp_path) == []
    page = (tmp_path / MODEL / "reports" / "report.html").read_text(encoding="utf-8")
    assert "No leak, no repeated row and no other oddity was found." in page


def test_init_drafts_a_leaking_table_so_that_it_trains_without_the_leak(command: Command, tmp_path: Path) -> None:
    """From the file to a model in two commands: the leak is left out with its reason, and the metrics are honest."""
    leaking_table().drop(columns="flag").to_csv(tmp_path / "table.csv", index=False)
    assert command("init", "table.csv", "--target", "y").code == 0
    config = (tmp_path / "config.yml").read_text(encoding="utf-8")
    assert "  leakage:\n    # It gives the target away: filled in all " in config
    assert "    - refund\n" in config
    quick = config.replace("training:\n", "training:\n  estimator: logistic_regression\n  trials: 1\n")
    (tmp_path / "config.yml").write_text(quick, encoding="utf-8")
    done = command("train", "--config", "config.yml", "--output", "models")
    assert (done.code, done.err) == (0, "")
    assert "refund" not in done.out
    assert read_manifest(tmp_path / MODEL).metrics["roc_auc"].value < 0.99


def test_a_class_with_few_held_out_rows_is_named(command: Command, tmp_path: Path) -> None:
    """With three held-out rows of a class, training says how many there are."""
    frame = colours(400)
    frame.loc[frame.index % 20 == 0, "y"] = "green"
    frame.to_csv(tmp_path / "table.csv", index=False)
    text = CONFIG.format(more="").replace("  refund: numeric\n", "").replace("  flag: categorical\n", "")
    (tmp_path / "config.yml").write_text(text, encoding="utf-8")
    done = command("train", "--config", "config.yml", "--output", "models")
    assert (done.code, done.err) == (0, "")
    (warning,) = [line for line in done.out.splitlines() if line.startswith("warning: ")]
    expected = "warning: fewer than 10 rows of a class in the hold-out, too few to judge the model by: "
    assert warning.startswith(expected)
    assert warning.endswith(" of 'green'")
