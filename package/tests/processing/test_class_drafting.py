"""The classes that `init` drafts: the positive one, the rare ones, and the words that are none."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_draft import Table, write_csv

from classification_model.config.core import load_config, parse_config
from classification_model.errors import DataError
from classification_model.processing.data_manager import DataLoader
from classification_model.processing.draft import draft_config


def draft(folder: Path, labels: list[Any], **options: Any) -> str:
    """Draft a config for a table with these labels, and write it."""
    draw = np.random.default_rng(0)
    table: Table = {
        "id": list(range(len(labels))),
        "size": [f"{value:.4f}" for value in draw.normal(size=len(labels))],
        "kind": [("a", "b", "c")[number % 3] for number in range(len(labels))],
        "y": labels,
    }
    text = draft_config(str(write_csv(table, folder / "t.csv")), "y", folder, **options)
    (folder / "config.yml").write_text(text, encoding="utf-8")
    return text


def classes(text: str) -> dict[str, str]:
    """Return the drafted classes."""
    return parse_config(text).data.classes


def uncommented(text: str, start: str) -> str:
    """Return a draft with its commented lines that begin so made lines of the config."""
    return "\n".join(line.replace("# ", "", 1) if line.startswith(start) else line for line in text.split("\n"))


@pytest.mark.parametrize(
    ("labels", "expected", "why"),
    [
        (["yes"] * 70 + ["no"] * 30, ["no", "yes"], "the positive one last: yes, by its meaning."),
        ([1] * 70 + [0] * 30, ["0", "1"], "the positive one last: 1, by its meaning."),
        (["a"] * 30 + ["b"] * 70, ["b", "a"], "the positive one last: a, the rarer one (30 of 100 rows)."),
        ([1] * 70 + [2] * 30, ["1", "2"], "the positive one last: 2, the rarer one (30 of 100 rows)."),
        ([1] * 30 + [2] * 70, ["2", "1"], "the positive one last: 1, the rarer one (30 of 100 rows)."),
        (["b"] * 50 + ["a"] * 50, ["a", "b"], "positive one last: b, as both have 50 rows."),
    ],
)
def test_the_draft_says_which_of_two_classes_is_the_positive_one_and_why(
    tmp_path: Path, labels: list[Any], expected: list[str], why: str
) -> None:
    """A word for yes is the positive class, else the rarer one, else the last in order."""
    text = draft(tmp_path, labels)
    assert list(classes(text)) == expected
    assert f"{why}\n  classes:\n" in text
    assert DataLoader(load_config(tmp_path / "config.yml")).load().classes == tuple(expected)


RARE = ["a"] * 60 + ["b"] * 30 + ["c"] * 5 + ["d"] * 3


def test_rare_classes_are_left_out_and_the_draft_trains_as_drafted(tmp_path: Path) -> None:
    """Classes of fewer than six rows are named with their rows, and left out by the draft."""
    text = draft(tmp_path, RARE)
    assert classes(text) == {"b": "b", "a": "a"} or classes(text) == {"a": "a", "b": "b"}
    assert "    # Left out, as there are fewer than 6 rows: c (5), d (3).\n" in text
    assert "  # Rows of values that are not listed are left out and counted: 8 of 98.\n  other_classes: drop\n" in text
    data = DataLoader(load_config(tmp_path / "config.yml")).load()
    assert (data.left_out.other_classes, len(data.train) + len(data.holdout)) == (8, 90)


def test_the_drafted_merge_works_as_printed(tmp_path: Path) -> None:
    """With the lines of the merge uncommented, the rare values are one class, the last."""
    text = uncommented(draft(tmp_path, RARE), "    # c: ").replace("    # d: ", "    d: ")
    (tmp_path / "config.yml").write_text(text.replace("folds: 5", "folds: 2"), encoding="utf-8")
    data = DataLoader(load_config(tmp_path / "config.yml")).load()
    assert data.classes[2:] == ("other",)
    assert data.left_out.other_classes == 0
    assert sum(list(rows.labels).count("other") for rows in (data.train, data.holdout)) == 8


def test_too_few_rare_rows_for_a_class_get_that_of_another(tmp_path: Path) -> None:
    """Where even together they are too rare, the draft suggests the label of a class that there is, and that works."""
    text = draft(tmp_path, ["a"] * 60 + ["b"] * 30 + ["c"] * 2 + ["other"])
    assert "    # c: a\n    # other: a\n" in text
    (tmp_path / "config.yml").write_text(uncommented(text, "    # c: ").replace("    # other", "    other"))
    data = DataLoader(load_config(tmp_path / "config.yml")).load()
    assert sum(list(rows.labels).count("a") for rows in (data.train, data.holdout)) == 63


def test_many_values_of_which_most_are_rare_are_drafted_without_those(tmp_path: Path) -> None:
    """More than fifty values are no reason to refuse a table where those beyond are few rows."""
    labels = ["a"] * 1000 + ["b"] * 1000 + [f"r{number}" for number in range(60)]
    text = draft(tmp_path, labels)
    assert list(classes(text)) == ["a", "b"]
    assert "r3 (1), r4 (1) and 55 more.\n" in text
    assert "    # r19: other\n" in text
    assert "    # r20: other\n" not in text
    assert DataLoader(load_config(tmp_path / "config.yml")).load().left_out.other_classes == 60
    with pytest.raises(DataError, match=r"expected a target of 2 to 50 classes, found 62 distinct value\(s\) in 'y'"):
        draft(tmp_path, labels[900:1100] + labels[2000:])


def test_two_classes_of_which_one_is_rare_stay_and_the_draft_says_so(tmp_path: Path) -> None:
    """No class is left out where fewer than two would stay."""
    text = draft(tmp_path, ["fraud"] * 4 + ["honest"] * 90)
    assert list(classes(text)) == ["honest", "fraud"]
    assert "  # Of few rows, so that training may refuse them: fraud (4).\n" in text
    assert parse_config(text).training.folds == 2


def test_a_word_for_missing_is_a_class_where_there_would_be_one_class_only(tmp_path: Path) -> None:
    """NA and yes are two classes; NA beside yes and no is a gap, of which the draft says how it would be a class."""
    text = draft(tmp_path, ["NA"] * 40 + ["yes"] * 50 + [""] * 4)
    assert list(classes(text)) == ["NA", "yes"]
    assert "  # It is missing in 4 of 94 rows" in text
    text = draft(tmp_path, ["NA"] * 20 + ["yes"] * 50 + ["no"] * 30)
    assert list(classes(text)) == ["no", "yes"]
    assert "  # 20 of them hold NA: if it is a class, list it below, under classes.\n" in text
    (tmp_path / "config.yml").write_text(text.replace("  classes:\n", "  classes:\n    NA: unknown\n"))
    data = DataLoader(load_config(tmp_path / "config.yml")).load()
    assert data.classes == ("unknown", "no", "yes")
    assert len(data.train) + len(data.holdout) == 100


def test_a_draft_that_drops_rows_without_a_target_trains_as_drafted(tmp_path: Path) -> None:
    """With the option the draft leaves such rows out, and counts them."""
    text = draft(tmp_path, ["a", "b", "", "?"] * 20, drop_unlabelled=True)
    assert "  # It is missing in 40 of 80 rows, which are left out and counted.\n" in text
    assert parse_config(text).data.unlabelled == "drop"
    assert DataLoader(load_config(tmp_path / "config.yml")).load().left_out.unlabelled == 40
    assert parse_config(draft(tmp_path, ["a", "b"] * 20, drop_unlabelled=True)).data.unlabelled == "drop"


def test_odd_values_neither_break_the_draft_nor_its_comments(tmp_path: Path) -> None:
    """Values with line breaks, quotes and colons are escaped wherever the draft names them."""
    odd = ['a\n"b": c', "# x", "null"]
    text = draft(tmp_path, ["a"] * 40 + ["b"] * 40 + odd[:2] * 4)
    assert list(classes(text)) == ["a", "b"]
    merged = uncommented(text, '    # "a').replace('    # "#', '    "#')
    assert classes(merged)[odd[0]] == "other"
    assert list(classes(draft(tmp_path, [odd[0]] * 40 + [odd[1]] * 30))) == [odd[0], odd[1]]
