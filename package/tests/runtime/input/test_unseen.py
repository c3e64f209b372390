"""Unseen categories of a column of thousands of them: counted in rows, columns and files alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from commands import Command, Done

from classification_model.config.core import parse_config
from classification_model.predict import Predictor
from classification_model.runtime.input.checking import Issue
from classification_model.runtime.input.unseen import count_unseen
from classification_model.train_pipeline import run_training
from classification_model.training.progress import Silent

CONFIG = """app:
  name: Cities
data:
  source: table.csv
  target: y
features:
  city:
    kind: categorical
    encode: target
  shape: categorical
training:
  folds: 2
  estimator: logistic_regression
"""
MESSAGE = "a category that training did not see"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train a model with a column of 1,100 categories and one of two."""
    draw = np.random.default_rng(0)
    cities = [f"city {number}" for number in range(1500)]
    table = pd.DataFrame({"city": cities * 2, "shape": draw.choice(["disc", "cube"], 3000)})
    table["y"] = np.where(draw.random(3000) < np.where(table["shape"] == "disc", 0.8, 0.2), "a", "b")
    place = tmp_path_factory.mktemp("cities")
    config = parse_config(CONFIG, folder=place)
    return run_training(config, output=place, source=table, progress=Silent()).folder


def said(answer: Any) -> list[tuple[int | None, str, str, str]]:
    """Return the warnings of an answer."""
    return [(each["row"], each["field"], each["code"], each["message"]) for each in answer["warnings"]]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["few rows", "many rows", "columns", "frame"])
def test_several_unseen_categories_of_such_a_column_are_one_warning(folder: Path, kind: str) -> None:
    """The column is named once with the number of rows; a column of few categories warns for each row as ever."""
    repeats = 1 if kind == "few rows" else 100
    rows = [{"city": "nowhere", "shape": "ball"}, {"city": "elsewhere", "shape": "disc"}] * repeats
    frame = pd.DataFrame(rows)
    given: dict[str, Any] = {"columns": frame.to_dict("list"), "frame": frame}
    answer = Predictor.load(folder).predict(given.get(kind, rows))
    column = (None, "city", "unseen_category", f"{len(rows)} rows have categories that training did not see")
    shapes = [(row, "shape", "unseen_category", MESSAGE) for row in range(0, len(rows), 2)]
    assert said(answer) == [column, *shapes]


@pytest.mark.slow
def test_a_single_one_keeps_its_row(folder: Path) -> None:
    """One row with an unseen category is told as in any column."""
    answer = Predictor.load(folder).predict([{"city": "city 7", "shape": "disc"}, {"city": "nowhere", "shape": "disc"}])
    assert said(answer) == [(1, "city", "unseen_category", MESSAGE)]


@pytest.mark.slow
def test_a_file_says_once_how_many_there_were(folder: Path, command: Command) -> None:
    """A row of the file says it in a word, and the command line says the number of rows once."""
    rows = {"city": ["nowhere", "city 7", "elsewhere"], "shape": ["disc", "ball", "cube"]}
    pd.DataFrame(rows).to_csv("in.csv", index=False)
    done = command("predict", "in.csv", "--model", folder, "--output", "out.csv")
    assert done == Done(0, "", "warning: city: 2 of 3 rows have categories that training did not see\n")
    warnings = pd.read_csv("out.csv", keep_default_na=False)["warnings"].tolist()
    assert warnings == ["city: unseen", f"shape: {MESSAGE}", "city: unseen"]


def test_other_warnings_of_the_column_stay() -> None:
    """Only what repeats is counted: other codes, other columns and their order stay."""
    issues = [
        Issue(0, "city", "unseen_category", MESSAGE),
        Issue(0, "age", "out_of_range", "below"),
        Issue(1, "city", "unexpected_missing", "missing"),
        Issue(2, "city", "unseen_category", MESSAGE),
    ]
    counted = Issue(None, "city", "unseen_category", "2 rows have categories that training did not see")
    assert count_unseen(issues, {"city"}) == [counted, issues[1], issues[2]]
    assert count_unseen(issues, {"town"}) == issues
