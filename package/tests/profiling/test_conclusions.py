"""Conclusions from a profile: each is drawn where its figure calls for it, and not elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from classification_model.profiling.conclusions import conclude
from classification_model.profiling.profile import profile_rows

ROWS = 400


def findings_of(columns: dict[str, Any], labels: Any = None, classes: tuple[str, ...] = ()) -> dict[str, str]:
    """Return the findings on a table by topic; texts are categories, all else numbers."""
    frame = pd.DataFrame(columns)
    kinds = {name: "categorical" if frame[name].dtype == object else "numeric" for name in columns}
    labels = None if labels is None else np.asarray(labels, dtype=object)
    return {one.topic: one.finding for one in conclude(profile_rows(frame, kinds, labels, classes))}


def noise(seed: int) -> Any:
    return np.random.default_rng(seed).normal(size=ROWS)


def halves() -> Any:
    return np.where(np.arange(ROWS) % 2 == 0, "no", "yes")


def test_columns_that_say_most_and_nothing_are_named() -> None:
    """The strongest columns are named with their figures, and those that say nothing."""
    labels = halves()

    found = findings_of({"size": noise(1) + 3 * (labels == "yes"), "noise": noise(2)}, labels, ("no", "yes"))

    assert found["Signal"].startswith("size (0.")
    assert found["No signal"] == "noise says nothing about the class by itself (association below 0.02)."


def test_a_table_without_signal_says_so() -> None:
    """Where no column goes with the class, that is the finding."""
    found = findings_of({"noise": noise(2), "more": noise(3)}, halves(), ("no", "yes"))

    assert found["Signal"].startswith("No column goes with the class by itself: the strongest is")


def test_gaps_that_tell_the_class_are_told() -> None:
    """A column that is missing mostly in one class is told with both shares."""
    labels = halves()
    values = np.where((labels == "yes") & (np.arange(ROWS) % 4 == 1), np.nan, noise(1))

    found = findings_of({"size": values, "other": noise(2)}, labels, ("no", "yes"))

    assert found["Telling gaps"].startswith("size is missing in 50.0% of 'yes' and in 0.0% of 'no' (association 0.5")


def test_mostly_missing_columns_are_told() -> None:
    """A column without a value in most rows is told."""
    found = findings_of({"size": np.where(np.arange(ROWS) < 300, np.nan, noise(1))})

    assert found["Mostly missing"] == "size (75.0%) is missing in most rows."


def test_columns_that_say_the_same_are_told() -> None:
    """A column and its multiple are a redundant pair."""
    found = findings_of({"euros": noise(1), "cents": 100 * noise(1), "other": noise(2)})

    assert found["Redundant"] == "cents and euros say about the same (association above 0.95)."


def test_imbalance_says_what_no_model_reaches() -> None:
    """A rare class is told with its share and with what always predicting the other reaches."""
    labels = np.where(np.arange(ROWS) < 20, "yes", "no")

    found = findings_of({"size": noise(1)}, labels, ("no", "yes"))

    assert found["Balance"] == (
        "'yes' has 5.0% of the rows (20), and always predicting 'no' is right in 95.0% of the rows."
    )
    assert found["Rare classes"] == "yes (20) has fewer than 30 rows."


def test_balanced_classes_are_told_with_what_to_beat() -> None:
    """Balanced classes come with the accuracy of always predicting one."""
    found = findings_of({"size": noise(1)}, halves(), ("no", "yes"))

    assert "right in 50.0% of the rows" in found["Balance"]
    assert "Rare classes" not in found


def test_a_small_class_of_several_is_told() -> None:
    """Two large classes do not hide a third one of few rows."""
    labels = np.array(["a"] * 260 + ["b"] * 135 + ["c"] * 5, dtype=object)
    found = findings_of({"size": noise(1)}, labels, ("a", "b", "c"))

    assert found["Balance"].startswith("Of 3 classes, 'a' has 65.0% of the rows and 'c' has 1.2%")


def test_shapes_are_told() -> None:
    """Long tails, many categories, constant columns and infinite numbers are told."""
    found = findings_of(
        {
            "price": np.random.default_rng(0).lognormal(0, 1.5, ROWS),
            "city": pd.Series([f"c{number % 80}" for number in range(ROWS)], dtype=object),
            "same": np.ones(ROWS),
            "ratio": np.where(np.arange(ROWS) == 3, np.inf, noise(1)),
        }
    )

    assert found["Skewed"].startswith("price (median ")
    assert found["Many categories"] == "city (80) has more than 50 categories."
    assert found["Constant"] == "same is the same in every row."
    assert found["Infinite numbers"] == "ratio (1) has infinite numbers."


def test_few_rows_are_told() -> None:
    """A table with few rows for its columns is told to be read with care."""
    columns = {f"x{number}": np.arange(20.0) % (number + 2) for number in range(5)}

    found = findings_of(columns, ["no", "yes"] * 10, ("no", "yes"))

    assert found["Few rows"] == "There are 20 rows for 5 columns."


def test_nothing_is_concluded_from_no_rows() -> None:
    """A table without rows has no conclusions."""
    assert findings_of({"x": np.array([])}) == {}


def test_many_columns_are_named_in_part() -> None:
    """Of many columns the first five are named, and how many more there are."""
    found = findings_of({f"x{number}": np.ones(ROWS) for number in range(9)})

    assert found["Constant"] == "x0, x1, x2, x3, x4 and 4 more are the same in every row."
