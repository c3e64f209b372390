"""What a drafted config says of leaks and oddities: leaks under leakage, suspicion beside the column."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from written import write_table

from classification_model.config.core import parse_config
from classification_model.processing import draft_audit
from classification_model.processing.data_manager import DataLoader
from classification_model.processing.draft import draft_config


def customers(rows: int = 600) -> pd.DataFrame:
    """Make customers who left or not, with three leaks, a suspect and good features."""
    random = np.random.default_rng(0)
    left = random.random(rows) < 0.4
    score = left + random.normal(0, 0.28, rows)
    return pd.DataFrame(
        {
            "calls": random.poisson(2 + 3 * left),
            "city": random.choice(["York", "york", "Cork", "Bath", "Hull"], rows, p=[0.3, 0.1, 0.2, 0.2, 0.2]),
            "end_date": [f"2024-0{1 + row % 9}-11" if yes else "" for row, yes in enumerate(left)],
            "why": [f"the customer number {row} moved away" if yes else "" for row, yes in enumerate(left)],
            "active": np.where(left, "N", "Y"),
            "risk": score.round(3),
            "income": [f"{value:.0f}" if value > 0 else "" for value in random.normal(30 - 10 * left, 20)],
            "y": np.where(left, "left", "stayed"),
        }
    )


def draft(frame: pd.DataFrame, folder: Path, **options: Any) -> str:
    """Write a table to a file, and draft its config."""
    write_table(frame, str(folder / "table.csv"))
    return draft_config(str(folder / "table.csv"), "y", folder, **options)


def comments_above(text: str, line: str) -> str:
    """Return the comment above a line, its lines joined."""
    lines = text.splitlines()
    place = lines.index(line)
    comment: list[str] = []
    while lines[place - 1 - len(comment)].strip().startswith("#"):
        comment.insert(0, lines[place - 1 - len(comment)].strip().lstrip("# "))
    return " ".join(comment)


def test_sure_leaks_are_listed_with_their_reason_and_are_no_features(tmp_path: Path) -> None:
    """A date, a text and a code that give the target away stand under data.leakage, and what is drafted loads."""
    frame = customers()
    left = int((frame["y"] == "left").sum())
    text = draft(frame, tmp_path)
    config = parse_config(text, folder=tmp_path)
    assert config.data.leakage == ("end_date", "why", "active")
    assert {*config.features} == {"calls", "city", "risk", "income"}
    filled = f"It gives the target away: filled in all {left} rows of class 'left', and in no other row"
    assert comments_above(text, "    - end_date") == filled
    assert comments_above(text, "    - why") == filled
    assert comments_above(text, "    - active") == "It gives the target away: one-to-one with the target"
    data = DataLoader(config).load()
    assert {*data.train.features} == {"calls", "city", "risk", "income"}


def test_a_suspected_leak_stays_a_feature_with_its_figure_and_what_to_do(tmp_path: Path) -> None:
    """A score with an AUC near 1 is remarked; gaps that are only correlated, and good features, are not."""
    text = draft(customers(), tmp_path)
    remark = comments_above(text, "  risk: numeric")
    assert remark.startswith(
        "numbers It may give the target away: predicts the target almost alone, out of fold: ROC AUC 0.9"
    )
    assert remark.endswith("list it under data.leakage if it is known only after the outcome")
    assert comments_above(text, "  calls: numeric") == "numbers"
    assert comments_above(text, "  income: numeric") == "numbers"
    city = comments_above(text, "  city: categorical")
    assert city == "5 categories It has categories that differ in case or blanks only: 'York' and 'york'"
    assert all(len(line) <= 120 for line in text.splitlines())


def test_the_columns_of_the_titanic_that_are_known_afterwards_are_found() -> None:
    """The number of a body was given to none who survived: sure. The lifeboat has exceptions: suspected, and kept."""
    titanic = Path(draft_audit.__file__).parents[1] / "datasets" / "titanic.csv"
    text = draft_config(str(titanic), "survived", titanic.parent)
    config = parse_config(text)
    assert config.data.leakage == ("body",)
    reason = "filled in 121 rows, all of class '0', and missing in all 1,188 others"
    assert comments_above(text, "    - body") == f"It gives the target away: {reason}"
    assert "its gaps tell the class with ROC AUC 0.9714: filled in 1.1% of the rows of" in comments_above(
        text, "  boat:"
    )
    suspected = [line for line in text.splitlines() if "may give" in line]
    assert len(suspected) == 1


@pytest.mark.parametrize("filled", [1, 2, 9])
def test_a_column_that_is_filled_in_a_handful_of_rows_is_no_leak(tmp_path: Path, filled: int) -> None:
    """Two rows of one class prove nothing, and neither do nine."""
    frame = customers()
    rows = np.flatnonzero(frame["y"] == "left")[:filled]
    frame["note"] = ""
    frame.loc[rows, "note"] = "x"
    text = draft(frame, tmp_path)
    assert "note" not in parse_config(text).data.leakage
    assert "give the target away" not in comments_above(text, "  note: categorical") if "  note:" in text else True


def test_leaks_stay_features_where_nothing_else_is_left_to_learn_from(tmp_path: Path) -> None:
    """A draft trains: with the leak alone, or beside texts that enter no model, the leak is remarked instead."""
    frame = customers().assign(id=range(600))
    for columns in (["active"], ["active", "why"]):
        text = draft(frame[[*columns, "y", "id"]], tmp_path)
        config = parse_config(text, folder=tmp_path)
        assert (config.data.leakage, [*config.features]) == ((), columns)
        assert "It gives the target away: one-to-one" in comments_above(text, "  active: boolean")
        DataLoader(config).load()


def test_rare_classes_and_repeated_rows_stand_at_the_top(tmp_path: Path) -> None:
    """What concerns the table as a whole is said below the first line."""
    frame = customers(80).drop(columns=["end_date", "why", "active"])
    frame = pd.concat([frame, frame.iloc[:5], frame.iloc[:5].assign(y=["stayed", "left"] * 2 + ["left"])])
    first, _, rest = draft(frame, tmp_path).partition("\n")
    assert first.startswith("# Drafted from 90 rows")
    head = rest.partition("\n\n")[0]
    assert "# 15 rows have the features of another row\n" in head
    assert "rows have the features of another row, but another label: no model can be right" in head
    assert "# Fewer than 10 rows of a class in the hold-out, too few to judge the model by: about 7 of 'left'" in head


def test_a_binned_target_under_another_name_is_found(tmp_path: Path) -> None:
    """Of a price in bins, the price in other units is listed; other numbers are not."""
    random = np.random.default_rng(0)
    price = random.lognormal(5, 1, 300).round(2)
    frame = pd.DataFrame({"rooms": random.integers(1, 9, 300), "cents": (price * 100).round(), "y": price})
    text = draft(frame, tmp_path, target_bins=4)
    assert parse_config(text).data.leakage == ("cents",)
    assert comments_above(text, "    - cents").endswith("one-to-one with the number that is to be predicted")


def test_a_large_table_is_sampled_and_its_sure_leaks_are_held_against_all_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Figures of sure leaks are those of all rows; a suspicion says how many rows it rests on."""
    monkeypatch.setattr(draft_audit, "MOST_VALUES", 7 * 1500)
    frame = customers(4000)
    left = int((frame["y"] == "left").sum())
    text = draft(frame, tmp_path)
    assert f"filled in all {left:,} rows of class 'left'" in comments_above(text, "    - end_date")
    assert "(of 1,500 of 4,000 rows, sampled); list it" in comments_above(text, "  risk: numeric")


def test_odd_names_and_categories_break_no_comment(tmp_path: Path) -> None:
    """A category with a line break or a hash stays inside its comment."""
    frame = customers()
    name = "a\nb: # 'c'"
    frame[name] = ["x\ny: - #" if row % 2 else "X\nY: - #" for row in range(len(frame))]
    frame["e\nf"] = frame["end_date"]
    config = parse_config(draft(frame, tmp_path))
    assert name in config.features
    assert "e\nf" in config.data.leakage
