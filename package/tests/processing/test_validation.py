"""What a training table must be: each rule, in each format, with the error that names column and rule."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from problems import EVERY_KIND, load, make_config, make_table

from classification_model.errors import DataError
from classification_model.processing.data_manager import DataLoader
from classification_model.training.model_selection import select_model

FORMATS = ("csv", "parquet", "json", "jsonl")


def change(**columns: Any) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Return a function that sets columns of the table; of a list, the first rows."""

    def apply(table: pd.DataFrame) -> pd.DataFrame:
        for name, values in columns.items():
            column = table[name].astype(object).tolist() if name in table else [None] * len(table)
            table[name] = [*values, *column[len(values) :]] if isinstance(values, list) else [values] * len(table)
        return table

    return apply


#: What is wrong with the table, what else the config says, and the error.
RULES: dict[str, tuple[Callable[[pd.DataFrame], pd.DataFrame], dict[str, Any], str]] = {
    "no rows": (
        lambda table: table[:0],
        {},
        "(table.{0} has no rows: expected at least one|table.{0} is empty: expected)",
    ),
    "no target": (
        lambda table: table.drop(columns="colour"),
        {},
        "table.{0} has no column 'colour', which data.target names: expected one of: key, size, price",
    ),
    "a feature is not there": (
        lambda table: table.rename(columns={"price": "prices"}),
        {},
        "table.{0} has no column 'price', which features.price names: expected 'prices'",
    ),
    "an index is not there": (
        lambda table: table,
        {"data": {"index": "keys"}},
        "table.{0} has no column 'keys', which data.index names: expected 'key'",
    ),
    "a dropped column is not there": (
        lambda table: table,
        {"data": {"drop": ["keys"]}},
        "table.{0} has no column 'keys', which data.drop names",
    ),
    "a renamed column is not there": (
        lambda table: table,
        {"data": {"rename": {"colr": "hue"}}},
        "table.{0} has no column 'colr', which data.rename names: expected 'colour'",
    ),
    "a new name is taken": (
        lambda table: table,
        {"data": {"rename": {"note": "size"}}},
        "data.rename.note: expected a name that no other column of table.{0} has, found 'size': rename",
    ),
    "a target is missing": (
        change(colour=["red", "green", None, None]),
        {},
        "column 'colour', the target, is missing in 2 row\\(s\\), first in row 2 .*: fill it, or leave such rows out",
    ),
    "a target is a word for missing": (
        change(colour=["red", "N/A"]),
        {},
        "column 'colour', the target, is missing in 1 row\\(s\\), first in row 1 .* unless data.classes in the config",
    ),
    "a target is no class": (
        change(colour=["red", "pink"]),
        {},
        "column 'colour', the target: expected a value of data.classes .*, found 'pink' in row 1 .*: list it there",
    ),
    "one class": (
        change(colour="red"),
        {},
        "column 'colour', the target: expected two classes or more, found one \\(red\\)",
    ),
    "a class without rows": (
        lambda table: table,
        {"classes": 3},
        "column 'colour', the target: expected 3 rows of each class to train on, .*, found 0 of 'blue'",
    ),
    "a class with fewer rows than folds": (
        change(colour=["blue"]),
        {"classes": 3},
        "as many as training.folds, found [01] of 'blue': add rows, give its values the label of another class",
    ),
    "a hold-out of one class": (
        change(colour=["red"] * 115 + ["green"] * 5),
        {"data": {"time": "key"}, "training": {"split": {"kind": "time", "holdout": 0.05}, "folds": 2}},
        "expected 2 rows of each class to train on, .*, found 0 of 'green'",
    ),
    "an empty column": (
        change(size=None),
        {},
        "column 'size' is missing in every row: remove it from features, or list it in data.drop",
    ),
    "a column of marks": (change(size="?"), {}, "column 'size' is missing in every row"),
    "a constant number": (
        change(size=1.5),
        {},
        "column 'size' is the same in every row: remove it from features, or list it in data.drop",
    ),
    "a constant category": (change(shape="disc"), {}, "column 'shape' is the same in every row"),
    "a repeated index": (
        change(key=[7, 1, 2, 7]),
        {},
        "column 'key', the index: expected unique values, found '7' in rows 0 and 3 \\(counted from 0\\)",
    ),
    "a missing index": (change(key=[0, None]), {}, "column 'key', the index, is missing in row 1 \\(counted from 0\\)"),
    "mixed types": (
        change(size=[1.5, "large", "small"]),
        {},
        "table.{0}: column 'size', numeric, row 1 .*: expected a number, found text \\('large'\\), in 2 row\\(s\\): ",
    ),
    "no truth value": (
        change(open=["maybe"]),
        {},
        "column 'open', boolean, row 0 .*: expected true or false, found something else \\('maybe'\\)",
    ),
    "no date": (
        change(day=["31.12.2024"]),
        {},
        "column 'day', datetime, row 0 \\(counted from 0\\): expected a date .* \\('31.12.2024'\\)",
    ),
    "a weight of nothing": (
        change(weight=[1, 0] + [1] * 118),
        {"data": {"weight": "weight"}},
        "column 'weight', the weight, row 1 \\(counted from 0\\): expected a number above 0, found",
    ),
    "a missing weight": (
        change(weight=[1, None] + [1] * 118),
        {"data": {"weight": "weight"}},
        "column 'weight', the weight, is missing in row 1 \\(counted from 0\\)",
    ),
    "no weight": (
        change(weight=["heavy"] + [1] * 119),
        {"data": {"weight": "weight"}},
        "column 'weight', the weight, row 0 \\(counted from 0\\): expected a number, found text",
    ),
    "no time": (
        change(day=["soon"]),
        {"data": {"time": "day"}, "features": {"size": "numeric"}},
        "column 'day', the time, row 0 \\(counted from 0\\): expected a date as in ISO 8601",
    ),
    "a missing time": (
        change(when=["2024-01-01", None] + [f"2024-02-{day % 28 + 1:02}" for day in range(118)]),
        {"data": {"time": "when"}},
        "column 'when', the time, is missing in row 1 \\(counted from 0\\)",
    ),
    "one time": (
        change(when="2024-01-01"),
        {"data": {"time": "when"}},
        "column 'when', the time, cannot order the rows: every value is the same",
    ),
}


def test_texts_alone_are_nothing_to_learn_from(tmp_path: Path) -> None:
    """Texts enter a model through what is derived from them: where nothing is, that is said."""
    table = pd.DataFrame({"note": [f"note {n}" for n in range(60)], "colour": ["blue", "red"] * 30})
    table["key"] = range(60)
    config = make_config({"note": {"kind": "text"}}, folder=tmp_path)
    with pytest.raises(
        DataError, match=r"expected a feature that enters the model, found texts alone \('note'\): list an"
    ):
        load(table, config)


@pytest.mark.slow
@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("rule", RULES)
def test_a_table_that_breaks_a_rule_is_refused(tmp_path: Path, rule: str, suffix: str) -> None:
    """Each rule is held in each format, by an error of one line that names the column and what to do."""
    breaks, options, message = RULES[rule]
    sections = {name: dict(section) for name, section in options.items() if name in {"data", "training"}}
    sections.setdefault("data", {})["source"] = f"table.{suffix}"
    config = make_config(options.get("features"), folder=tmp_path, classes=options.get("classes", 2), **sections)
    with pytest.raises(DataError, match=message.format(suffix)) as caught:
        load(breaks(make_table(120)), config)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_table_that_breaks_none_is_taken(tmp_path: Path, suffix: str) -> None:
    """The table that the rules are tried on is fine in every format."""
    data = load(make_table(120), make_config(folder=tmp_path, data={"source": f"table.{suffix}"}))
    assert len(data.train) + len(data.holdout) == 120


@pytest.mark.parametrize(
    ("content", "source", "message"),
    [
        (b"", "table.csv", "table.csv is empty: expected column names and at least one row"),
        (b"size,colour", "table.csv", "table.csv has no rows: expected at least one"),
        (
            b"size;colour\n1;red\n",
            "table.csv",
            "table.csv has one column with the delimiter ',', and ';' in its header",
        ),
        (b"size,colour\n1,red,\n2,red\n", "table.csv", "table.csv: line 2: expected 2 cell.* found 3"),
        (
            b'{"size": [1], "size": [2], "colour": ["red"]}',
            "table.json",
            "table.json: the column 'size' is there twice",
        ),
        (b"[]", "table.json", "table.json has no rows: expected at least one"),
        (b"[{}, {}]", "table.json", "table.json has no rows: expected at least one"),
        (None, "table.csv", "table.csv cannot be read: No such file or directory"),
        (None, ".", ".* cannot be read: Is a directory"),
        (b"size,colour\n", "table.doc", "table.doc: expected a file that ends in .csv, .tsv, .txt, .* found .doc"),
    ],
)
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, content: bytes | None, source: str, message: str) -> None:
    """An empty file, a header alone, a wrong delimiter and a file that is not there are named."""
    if content is not None:
        (tmp_path / source).write_bytes(content)
    with pytest.raises(DataError, match=message):
        DataLoader(make_config({"size": "numeric"}, folder=tmp_path, data={"source": source, "index": None})).load()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("values", "problem"),
    [([1], "a list"), ({"a": 1}, "an object"), ("x\0y", "a NUL"), ("x" * 10_001, "more")],
)
@pytest.mark.parametrize("role", ["target", "index", "group", "weight", "time", "feature"])
def test_values_that_cannot_be_read_are_named(tmp_path: Path, role: str, values: Any, problem: str) -> None:
    """A list, an object, a NUL or an endless text where a value belongs is an error that names the column."""
    table = change(odd=[values], colour=["red"])(make_table(120))
    table["odd"] = [values, *table["colour"][1:]]
    features: dict[str, Any] = {"size": "numeric"} | ({"odd": "categorical"} if role == "feature" else {})
    data = {} if role == "feature" else {role: "odd"}
    with pytest.raises(DataError, match="column 'odd'"):
        load(table, make_config(features, folder=tmp_path, data={"source": "table.json", "classes": {}} | data))


def test_columns_that_are_not_used_may_hold_anything(tmp_path: Path) -> None:
    """A dropped column of lists, NULs and endless texts harms nothing, though rows are told apart by all columns."""
    table = make_table(120)
    table["odd"] = pd.Series([[1], {"a": 1}, "x\0y", "x" * 10_001] * 30, dtype=object)
    config = make_config(folder=tmp_path, data={"source": "table.json", "index": None, "drop": ["odd", "key"]})
    assert len(load(table, config).holdout) > 10


def test_a_pattern_that_nothing_matches_is_refused(tmp_path: Path) -> None:
    """A derived feature that is missing in every row is named with its sources, before anything is fitted."""
    features = EVERY_KIND | {"nothing": {"derive": "pattern", "from": ["note"], "pattern": "zzz"}}
    data = load(make_table(120), make_config(features, folder=tmp_path))
    with pytest.raises(DataError, match=r"feature 'nothing', derived from note, is missing in every row: .* remove it"):
        select_model(data, jobs=1)
