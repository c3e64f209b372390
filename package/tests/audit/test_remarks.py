"""What the audit says of columns, classes and repeated rows that are no leaks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from classification_model.audit.class_labels import class_labels
from classification_model.audit.coded_column import CodedColumn, code_column
from classification_model.audit.column_remarks import hardly_varies, looks_like_an_id, spelled_alike
from classification_model.audit.rare_classes import rare_classes
from classification_model.audit.repeated_rows import Repetition, count_repeated


def column(values: Sequence[str | float | None], kind: str = "categorical", name: str = "column") -> CodedColumn:
    """Code a column."""
    dtype = object if kind in {"categorical", "text"} else np.float64
    return code_column(name, kind, pd.Series(values, dtype=dtype))


@pytest.mark.parametrize(
    ("others", "rows", "expected"),
    [
        (0, 50, "the same in every row"),
        (2, 50, "the same in all but 2 of 50 rows"),
        (3, 50, None),
        (10, 1000, "the same in all but 10 of 1,000 rows"),
        (11, 1000, None),
        (1, 10, None),
    ],
)
def test_a_column_hardly_varies_where_one_row_in_a_hundred_differs(
    others: int, rows: int, expected: str | None
) -> None:
    """The boundary is 1% of the rows, and 5% in a table of a few dozen."""
    assert hardly_varies(column(["x"] * (rows - others) + ["y"] * others)) == expected


def test_a_gap_is_a_value_that_may_hardly_vary() -> None:
    """A column that is missing nearly everywhere is told so."""
    assert hardly_varies(column([None] * 995 + ["y"] * 5)) == "missing in all but 5 of 1,000 rows"


def test_categories_that_differ_in_case_or_blanks_only_are_named() -> None:
    """Two pairs are named, the one with the most rows first; blanks that a reader could not count are shown."""
    values = ["York"] * 9 + ["york"] * 5 + ["New Ulm"] * 9 + ["New  Ulm"] * 8 + ["NewUlm"] * 2 + ["a", "A", "b"]
    pair = "'New Ulm' and 'New\N{OPEN BOX}\N{OPEN BOX}Ulm'"
    assert spelled_alike(column([*values])) == f"{pair}; 'York' and 'york'; and 1 more"
    assert spelled_alike(column(["Straße", "STRASSE"])) == "'Straße' and 'STRASSE'"


@pytest.mark.parametrize(
    "values", [["York", "Cork"], ["no-one", "no one"], ["1", "1.0"], ["é", "e"], ["x"], [None, "x"]], ids=str
)
def test_categories_that_differ_otherwise_are_left_alone(values: list[str | None]) -> None:
    """Other letters, hyphens, digits and accents are other categories."""
    assert spelled_alike(column(values)) is None


def test_texts_are_not_compared() -> None:
    """A free text may be written as it likes."""
    assert spelled_alike(column(["York", "york"], "text")) is None


def test_columns_that_look_like_ids() -> None:
    """Codes that nearly all differ, whole numbers under the name of an id, and numbers that count the rows."""
    random = np.random.default_rng(0)
    codes: list[str | None] = [f"C{number}" for number in range(98)]
    assert looks_like_an_id(column([*codes, "C1", "C2"])) == "looks like an id: 98 different categories in 100 rows"
    named = looks_like_an_id(column([float(number % 30) for number in range(100)], "numeric", "host_id"))
    assert named == "looks like an id: whole numbers under the name 'host_id', whose size means nothing"
    counted = looks_like_an_id(column(random.permutation(100).astype(float).tolist(), "numeric"))
    assert counted == "looks like an id: whole numbers that follow each other, another one in every row"


@pytest.mark.parametrize(
    ("values", "kind", "name"),
    [
        ([float(number) for number in range(0, 300, 3)], "numeric", "price"),  # all differ, with gaps between them
        ([number + 0.5 for number in range(100)], "numeric", "shop_id"),  # no whole numbers
        ([float(number) for number in range(100)], "datetime", "day"),
        ([float(number % 60) for number in range(100)], "numeric", "paid"),
        ([float(number % 5) for number in range(100)], "numeric", "type_id"),  # five kinds of a thing
        ([f"C{number % 50}" for number in range(100)], "categorical", "host_id"),  # an id that comes again
        ([f"C{number}" for number in range(19)], "categorical", "code"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_columns_that_do_not_look_like_ids(values: list[float], kind: str, name: str) -> None:
    """Quantities, dates, a handful of kinds and ids that come again as categories are features."""
    assert looks_like_an_id(column(values, kind, name)) is None


def test_classes_with_fewer_than_ten_held_out_rows_are_named() -> None:
    """Nine rows are too few and ten are not; a class without any is named too; before the draw it is an estimate."""
    labels = np.repeat(np.array(["a", "b", "c"], dtype=object), [60, 59, 50])
    held_out = np.concatenate([np.arange(60) < 10, np.arange(59) < 9, np.zeros(50, dtype=bool)])
    about = "fewer than 10 rows of a class in the hold-out, too few to judge the model by"
    assert rare_classes(labels, ("a", "b", "c"), held_out) == f"{about}: 0 of 'c', 9 of 'b'"
    assert rare_classes(labels, ("a", "b"), np.ones(169, dtype=bool)) is None
    assert rare_classes(labels, ("a", "b", "c", "d"), 0.18) == f"{about}: about 0 of 'd', about 9 of 'c'"
    many = rare_classes(labels, tuple("efghijk"), 0.2)
    assert many is not None
    assert many.endswith("about 0 of 'i', and 2 more classes")


def repeated(frame: pd.DataFrame, labels: list[str], held_out: list[bool] | None = None) -> Repetition | None:
    """Count the repeated rows of a frame."""
    columns = [
        code_column(str(name), "numeric" if frame[name].dtype == np.float64 else "categorical", frame[name])
        for name in frame
    ]
    mask = None if held_out is None else np.array(held_out)
    return count_repeated(columns, class_labels(np.array(labels, dtype=object)), mask)


def test_rows_are_counted_on_both_sides_of_the_hold_out_with_the_same_label_or_not() -> None:
    """Of 100 rows, three held-out ones have the features of a training row, gaps and all, and two its label."""
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"size": random.normal(size=100), "word": random.choice(["x", "y", "z"], 100)})
    frame["word"] = frame["word"].astype(object).where(frame["word"] != "z", None)
    frame.loc[0] = [np.nan, None]
    labels = ["a", "b"] * 50
    for row, original in ((97, 0), (98, 1), (99, 2)):
        frame.loc[row] = frame.loc[original]
    labels[97], labels[98], labels[99] = labels[0], labels[1], "ab"[labels[2] == "a"]
    held_out = [row >= 90 for row in range(100)]
    assert repeated(frame, labels, held_out) == Repetition(rows=6, conflicting=2, held_out=3, held_out_alike=2)
    assert repeated(frame, labels) == Repetition(rows=6, conflicting=2)
    assert repeated(frame, labels, [False] * 100) == Repetition(rows=6, conflicting=2)


def test_rows_that_all_differ_are_no_repetition() -> None:
    """A table without equal rows has none."""
    assert repeated(pd.DataFrame({"size": np.arange(50.0)}), ["a", "b"] * 25) is None


def test_few_columns_of_few_values_make_equal_rows_without_a_remark() -> None:
    """Where there are only six different rows to have, equal rows and other labels are no wonder."""
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"sex": random.choice(["m", "f"], 300), "class": random.choice(["1", "2", "3"], 300)})
    assert repeated(frame.astype(object), random.choice(["a", "b"], 300).tolist()) is None


def test_a_table_that_was_joined_threefold_is_told() -> None:
    """Each row three times, with ordinary columns, is reported in full."""
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"size": random.normal(size=80).round(1), "age": random.integers(90, size=80).astype(float)})
    frame = pd.concat([frame] * 3, ignore_index=True)
    found = repeated(frame, ["a", "b"] * 120)
    assert found is not None
    assert found.rows == 240
