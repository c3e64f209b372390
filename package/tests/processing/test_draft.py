"""A first config from a table that nobody has described, and a model from it without an edit."""

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from commands import Done
from hypothesis import given, reject
from hypothesis import strategies as st
from written import read_table, write_table

from classification_model.config.core import load_config, parse_config
from classification_model.errors import DataError
from classification_model.predict import Predictor
from classification_model.processing.data_manager import DataLoader
from classification_model.processing.data_pipeline import process_data
from classification_model.processing.draft import draft_config
from classification_model.processing.fields import bare_schema
from classification_model.runtime.input.checking import check_columns
from classification_model.train_pipeline import run_training

Table = dict[str, list[Any]]


def odd_table(classes: tuple[str, ...], rows: int = 400) -> Table:
    """Make a table as they come: prices, blanks, dates, codes, useless columns, names that mean something to YAML."""
    random = np.random.default_rng(7)
    outcome = random.integers(len(classes), size=rows)
    noise = random.normal(0, 1, rows)
    colours = ("red", "blue ", "  green")
    return {
        "customer id": [f"C{number * 7}" for number in range(rows)],
        "null": [f"${1200 + 300 * int(y) + 200 * z:,.0f}" for y, z in zip(outcome, noise, strict=True)],
        "true": [
            colours[(int(y) + int(extra)) % 3] for y, extra in zip(outcome, random.integers(2, size=rows), strict=True)
        ],
        "- x": [f"{number % 28 + 1:02}/{number % 12 + 1:02}/{2015 + number % 9}" for number in range(rows)],
        "# no: 'comment'": ["unknown" if number % 50 == 0 else f"{number % 28 + 1}.1.2024" for number in range(rows)],
        'say "hi" \\n': ["Yes" if number % 3 else "no" for number in range(rows)],
        "2nd naïve\u00a0名": [f"{50 + 9 * z:.1f}%" for z in noise],
        "a\nb": [f"code-{number % 61}" for number in range(rows)],
        "comment": [f"call number {number} took {number % 7} minutes" for number in range(rows)],
        "[x], {y}": [" " if number % 4 else str(number % 5) for number in range(rows)],
        "price": [f"{number % 90}.5" if number % 40 else "n.a." for number in range(rows)],
        "Price": [number % 17 for number in range(rows)],
        "constant": ["x"] * rows,
        "as good as": ["x"] * (rows - 1) + ["y"],
        "empty": [""] * rows,
        "~": [classes[y] for y in outcome],
    }


def write_csv(table: Table, path: Path, delimiter: str = ",", encoding: str = "utf-8") -> Path:
    """Write a table with the standard library."""
    with path.open("w", newline="", encoding=encoding) as file:
        rows = csv.writer(file, delimiter=delimiter)
        rows.writerow(table)
        rows.writerows(zip(*table.values(), strict=True))
    return path


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the real command line in a folder."""
    return subprocess.run(
        [sys.executable, "-m", "classification_model", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def named(text: str) -> set[str]:
    """Return all columns that a drafted config speaks of."""
    config = parse_config(text)
    return {
        *config.features,
        *config.data.drop,
        *config.data.leakage,
        config.data.target,
        *filter(None, [config.data.index]),
    }


@pytest.mark.slow
def test_a_table_never_seen_becomes_a_model_by_four_commands(tmp_path: Path) -> None:
    """Init, train, verify and predict work one after the other on an odd table, without an edit."""
    table = odd_table(("no", "yes"))
    write_csv(table, tmp_path / "table.csv", delimiter=";")
    for command in [
        ["init", "table.csv", "--target", "~"],
        ["train", "--config", "config.yml", "--output", "models"],
        ["verify", "models/classification_model_output_v1.0.0"],
        ["predict", "table.csv", "--model", "models/classification_model_output_v1.0.0", "--output", "answer.csv"],
    ]:
        done = run(tmp_path, *command)
        ended = Done.of(done.returncode, done.stdout, done.stderr)
        assert (ended.code, ended.err) == (0, ""), done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"table.csv", "config.yml", "models", "answer.csv"}
    answer = read_table(str(tmp_path / "answer.csv"))
    assert answer["customer id"].tolist() == table["customer id"]
    assert set(answer["errors"]) == {""}
    assert np.mean(answer["prediction"] == answer["~"]) > 0.8


@pytest.mark.slow
def test_a_table_of_three_classes_becomes_a_model(tmp_path: Path) -> None:
    """A drafted config of three classes trains, and its model predicts every row of the table, in order."""
    table = odd_table(("high", "low", "none"))
    path = write_csv(table, tmp_path / "table.csv")
    text = draft_config(str(path), "~", tmp_path)
    quick = text.replace("training:\n", "training:\n  estimator: logistic_regression\n  trials: 1\n")
    report = run_training(parse_config(quick, folder=tmp_path), output=tmp_path / "models")
    answer = Predictor.load(report.folder).predict(read_table(str(path)))
    assert report.manifest.classes == ("high", "low", "none")
    assert answer["errors"] is None
    assert np.mean(np.array(answer["predictions"]) == np.array(table["~"])) > 0.7


def test_a_draft_says_what_it_found_and_why(tmp_path: Path) -> None:
    """The drafted file explains every column, and what could be added."""
    rows = range(100)
    table: Table = {
        "id": list(rows),
        "fee": [f"${3 * number}" for number in rows],
        "since": [f"{number % 28 + 1}.1.2024" for number in rows],
        "plan": ["basic" if number % 3 else "plus" for number in rows],
        "same": ["x" for _ in rows],
        "left": ["yes" if number % 4 else "no" for number in rows],
    }
    write_csv(table, tmp_path / "t.csv", delimiter="|")
    assert draft_config(str(tmp_path / "t.csv"), "left", tmp_path).splitlines() == [
        "# Drafted from 100 rows of 6 columns: read it, correct it, then train.",
        "# Fewer than 10 rows of a class in the hold-out, too few to judge the model by: about 5 of 'no'",
        "",
        "app:",
        "  # Name of the problem in reports, stores and logs: do not change it later.",
        "  name: left",
        "",
        "data:",
        "  source: t.csv",
        '  delimiter: "|"',
        "  target: left",
        "  # Label of each value of the target, the positive one last: yes, by its meaning.",
        "  classes:",
        "    no: no",
        "    yes: yes",
        "  # Different in every row: it identifies rows.",
        "  index: id",
        "  drop:",
        "    # every value is the same",
        "    - same",
        "  # List columns here that are known only after the outcome:",
        "  # leakage:",
        "  #   - name",
        "",
        "features:",
        "  # numbers",
        "  fee: numeric",
        "  # dates as %d.%m.%Y",
        "  since:",
        "    kind: datetime",
        '    datetime_format: "%d.%m.%Y"',
        "  # 2 categories",
        "  plan: categorical",
        "  # Features can be derived from those above, by pattern, contains, combine, sum, ratio, log or date_parts:",
        "  # title:",
        "  #   derive: pattern",
        "  #   from: name",
        r"  #   pattern: '^[^,]*,([^.]+)\.'",
        "",
        "training:",
        "  random_state: 0",
        "  # Metric to compare candidates by: log_loss, roc_auc, average_precision, brier, accuracy or f1.",
        "  metric: log_loss",
        "  folds: 5",
        "  split:",
        "    # random, group (set data.group) or time (set data.time)",
        "    kind: random",
        "    holdout: 0.2",
        "  # Settings to try for each candidate; by default the size of the table decides, the same for every run.",
        "  # trials: 4",
        "  # Seconds after which no further setting is tried.",
        "  budget_seconds: 300",
        "",
        "# Limits that the model must reach on the hold-out to be saved, such as",
        "# gates:",
        "#   roc_auc: 0.70",
    ]


def plain_table(rows: int = 200) -> Table:
    """Make a table of typed values with a letter that is not ASCII."""
    random = np.random.default_rng(3)
    return {
        "größe": [float(value) for value in random.normal(size=rows)],
        "ort": [("Köln", "Bonn", "Ulm")[value] for value in random.integers(3, size=rows)],
        "neu": [bool(value) for value in random.integers(2, size=rows)],
        "y": [int(value) for value in random.integers(2, size=rows)],
    }


def write_as(table: Table, path: Path) -> None:
    """Write a table in the format that the name of the file tells."""
    frame = pd.DataFrame(table)
    rows = frame.to_dict("records")
    match path.name.split("."):
        case [_, "parquet"]:
            frame.to_parquet(path)
        case [_, "json"]:
            path.write_text(json.dumps(rows), encoding="utf-8")
        case ["columns", "json", _]:
            path.write_text(json.dumps(table), encoding="utf-8")
        case [_, "jsonl"]:
            path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
        case [_, "tsv"]:
            write_csv(table, path, delimiter="\t")
        case [delimiter_and_encoding, _]:
            delimiter, _, encoding = delimiter_and_encoding.partition(" ")
            marks = {"semicolon": ";", "tab": "\t", "bar": "|"}
            write_csv(table, path, delimiter=marks.get(delimiter, ","), encoding=encoding or "utf-8")


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        *(
            "table.parquet",
            "table.json",
            "table.jsonl",
            "table.tsv",
            "comma.csv",
            "semicolon.csv",
            "tab.csv",
            "bar.csv",
        ),
        *("comma utf-8-sig.csv", "comma cp1252.csv", "semicolon utf-16.csv"),
    ],
)
def test_a_table_in_any_format_is_drafted_so_that_training_can_read_it(tmp_path: Path, name: str) -> None:
    """Delimiter, encoding and types are found out and written down; the rows that training reads are all there."""
    write_as(plain_table(), tmp_path / name)
    config = parse_config(draft_config(str(tmp_path / name), "y", tmp_path), folder=tmp_path)
    data = DataLoader(config).load()
    assert {key: feature.kind for key, feature in config.features.items()} == {
        "größe": "numeric",
        "ort": "categorical",
        "neu": "boolean",
    }
    assert len(data.train) + len(data.holdout) == 200
    assert set(data.train.features["ort"]) == {"Köln", "Bonn", "Ulm"}


def test_columns_that_no_feature_can_hold_are_dropped_from_a_draft(tmp_path: Path) -> None:
    """Lists, objects, times of day and infinite numbers are dropped with the reason, and training reads the rest."""
    frame = pd.DataFrame(plain_table())
    frame["list"] = [[1, 2]] * 200
    frame["object"] = pd.Series([{"a": 1}] * 200)
    frame["time"] = pd.Series(pd.date_range("2024", periods=200, freq="7min").time)
    frame["infinite"] = np.where(frame["neu"], np.inf, frame["größe"])
    frame.to_parquet(tmp_path / "t.parquet")
    text = draft_config(str(tmp_path / "t.parquet"), "y", tmp_path)
    assert "    # its values are of no known kind: expected text, found a list\n    - list\n" in text
    config = parse_config(text, folder=tmp_path)
    assert config.data.drop == ("list", "object", "time", "infinite")
    assert len(DataLoader(config).load().train) > 0


@pytest.mark.parametrize("classes", [("-", "+"), ("mild", "none"), ("None", "Mild")])
def test_a_class_that_elsewhere_means_missing_is_a_class(tmp_path: Path, classes: tuple[str, str]) -> None:
    """Where the target says none or -, that is an outcome; in other columns it still means missing."""
    table = plain_table()
    table["note"] = ["-" if number % 2 else "good" for number in range(200)]
    table["y"] = [classes[value] for value in table["y"]]
    path = write_csv(table, tmp_path / "t.csv")
    data = DataLoader(parse_config(draft_config(str(path), "y", tmp_path), folder=tmp_path)).load()
    assert set(data.classes) == set(classes)
    assert set(data.train.features["note"].dropna()) == {"good"}


def test_a_source_is_named_from_where_the_config_is(tmp_path: Path) -> None:
    """A config in another folder than its table finds it, whatever the table's file is called."""
    (tmp_path / "configs").mkdir()
    (tmp_path / "my data: #1").mkdir()
    path = write_csv(plain_table(), tmp_path / "my data: #1" / "'t' ü.csv")
    config = tmp_path / "configs" / "config.yml"
    config.write_text(draft_config(str(path), "y", config.parent), encoding="utf-8")
    assert load_config(config).data.source == "../my data: #1/'t' ü.csv"
    assert len(DataLoader(load_config(config)).load().train) > 0


def test_a_small_class_gets_as_few_folds_as_it_can_fill(tmp_path: Path) -> None:
    """The drafted number of folds is one that the smallest class can be spread over, less the hold-out."""
    table = plain_table() | {"y": ["rare"] * 10 + ["a", "b"] * 95}
    assert "  folds: 3\n" in draft_config(str(write_csv(table, tmp_path / "t.csv")), "y", tmp_path)


def test_marks_with_odd_letters_neither_break_the_draft_nor_its_comments(tmp_path: Path) -> None:
    """A mark of missing values is escaped where it is listed, and put on one line where it is explained."""
    mark = '\x07 a\n"b" # c\u2028\\'
    table = plain_table()
    table["größe"][:3] = [mark] * 3
    text = draft_config(str(write_csv(table, tmp_path / "t.csv")), "y", tmp_path)
    feature = parse_config(text).features["größe"]
    assert feature.model_dump(exclude_unset=True) == {"kind": "numeric", "missing_values": (mark.lower(),)}
    assert '  # numbers, and a few words: a "b" # c \\\n' in text


NUMBERS, LETTERS = list(range(100)), ["a", "b"] * 50
REFUSED: dict[str, tuple[Table, str]] = {
    "table.xls": ({"x": NUMBERS}, r"table\.xls: expected a file that ends in \.csv, .*, found \.xls"),
    "header.csv": ({"x": [], "y": []}, r"header\.csv has no rows: expected at least one"),
    "target.csv": ({"x": NUMBERS, "Y": LETTERS}, r"target\.csv has no column 'y', .*: expected one of: x, Y"),
    "one.csv": (
        {"x": NUMBERS, "y": ["a"] * 100},
        r"expected a target of 2 to 50 classes, found 1 distinct value\(s\) in 'y'",
    ),
    "many.csv": (
        {"x": LETTERS, "y": NUMBERS},
        r"expected a target of 2 to 50 classes, found 100 distinct value\(s\) in 'y'",
    ),
    "empty.csv": ({"x": NUMBERS, "y": [""] * 100}, r"found 0 distinct value\(s\) in 'y'"),
    "ids.csv": (
        {"id": NUMBERS, "y": LETTERS},
        r"expected a column to learn from, found none: each is empty, the same in every row",
    ),
    "alone.csv": ({"y": LETTERS}, r"expected a column to learn from, found none"),
    "long.csv": (
        {"x" * 1001: LETTERS, "y": LETTERS},
        r"expected names of at most 1000 characters as YAML keys, found 'x+'\.\.\. of 1001: shorten",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_table_without_a_draft_says_why(tmp_path: Path, name: str) -> None:
    """What cannot be learned from is refused before a config is written, with the column and the rule."""
    table, expected = REFUSED[name]
    write_csv(table, tmp_path / name)
    with pytest.raises(DataError, match=expected):
        draft_config(str(tmp_path / name), "y", tmp_path)


@pytest.mark.parametrize(("labels", "bins"), [(LETTERS, None), ([str(number) for number in NUMBERS], 2)])
def test_rows_without_a_target_are_told_with_two_remedies_that_work(
    tmp_path: Path, labels: list[str], bins: int | None
) -> None:
    """The draft says how many there are and how to train without them: by its next line, or by a processed table."""
    write_csv(
        {"x": [number * 7 % 50 for number in NUMBERS], "y": ["", *labels[1:98], "NA", " "]}, tmp_path / "table.csv"
    )
    text = draft_config(str(tmp_path / "table.csv"), "y", tmp_path, target_bins=bins)
    assert "  # It is missing in 3 of 100 rows, which training refuses. To leave them out, uncomment the next\n" in text
    assert "  # 1 of them hold NA: if it is a class, list it below, under classes.\n" in text
    (tmp_path / "config.yml").write_text(text, encoding="utf-8")
    config = load_config(tmp_path / "config.yml")
    with pytest.raises(DataError, match=r"is missing in .*row.* 0 .*leave such rows out with data\.unlabelled: drop"):
        DataLoader(config).load()
    record = process_data(None, str(tmp_path / "processed.parquet"), config, drop_bad_rows=True)
    assert (record.rows_in, record.rows_out) == (100, 97)
    data = DataLoader(config, str(tmp_path / "processed.parquet")).load()
    assert len(data.train) + len(data.holdout) == 97

    (tmp_path / "config.yml").write_text(
        text.replace("  # unlabelled: drop\n", "  unlabelled: drop\n"), encoding="utf-8"
    )
    data = DataLoader(load_config(tmp_path / "config.yml")).load()
    assert len(data.train) + len(data.holdout) == 97
    assert (data.left_out.unlabelled, data.fingerprint.rows) == (3, 97)


def test_standard_input_cannot_be_named_in_a_config(tmp_path: Path) -> None:
    """A draft needs a file or URL that training can read again."""
    with pytest.raises(DataError, match=r"expected a file or URL, .*, found standard input"):
        draft_config("-", "y", tmp_path)


names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12).filter(lambda name: bool(name.strip()))
strange = st.sampled_from(
    ["null", "true", "- x", "#", "a: b", "'", '"', "\\", "?", "[a]", "{a}", "&a", "*a", "!a", "%", "@", "`"]
)
columns = st.sampled_from(
    [
        ["1", "2.5", "n.a.", ""],
        [1, 2, None],
        [True, False],
        ["$1,200", " ", "12"],
        ["a", "b", "c: d # e"],
        ["2024-01-31", "2023-12-24"],
        ["31.01.2024", "1.1.2023"],
        ["", None],
        ["x"],
        [[1], [2]],
        ["\x85\u2028", "\ufeff'"],
    ]
)


@pytest.mark.slow
@given(
    content=st.dictionaries(names | strange, columns, min_size=1, max_size=6),
    target=names | strange,
    classes=st.lists(names | strange, min_size=2, max_size=3, unique=True),
)
def test_whatever_columns_and_classes_are_called_the_draft_loads(
    tmp_path_factory: pytest.TempPathFactory, content: Table, target: str, classes: list[str]
) -> None:
    """The drafted file is strict YAML that names every column of the table, and its kinds read every row."""
    cells = {name: [values[row % len(values)] for row in range(30)] for name, values in content.items()}
    table = {**cells, target: [classes[row % len(classes)] for row in range(30)]}
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_text(json.dumps(table), encoding="utf-8")
    try:
        text = draft_config(str(path), target, path.parent)
    except DataError:
        reject()
    config = parse_config(text, folder=path.parent)
    frame = read_table(str(path))
    schema = bare_schema(config, frame)
    assert named(text) == set(table)
    assert not check_columns(schema, {field.name: frame[field.name].tolist() for field in schema.fields}).errors


def test_a_number_is_drafted_as_bins(tmp_path: Path) -> None:
    """With a number of bins, the draft has them with their ranges in this table, and trains as it stands."""
    draw = np.random.default_rng(0)
    size = draw.uniform(10, 100, 300).round(1)
    table = pd.DataFrame({"size": size, "price": [f"${value:,.2f}" for value in size * 30]})
    write_table(table, str(tmp_path / "rooms.csv"))
    with pytest.raises(
        DataError, match=r"distinct value.* in 'price': .* divide a number into classes with --target-bins"
    ):
        draft_config(str(tmp_path / "rooms.csv"), "price", tmp_path)
    text = draft_config(str(tmp_path / "rooms.csv"), "price", tmp_path, target_bins=3)
    prices = (size * 30).round(2)
    low, high = np.quantile(prices, [1 / 3, 2 / 3], method="inverted_cdf")
    assert f"    # above {low:g}, at most {high:g} in this table\n    2: bin 2\n" in text
    (tmp_path / "config.yml").write_text(text, encoding="utf-8")
    data = DataLoader(load_config(tmp_path / "config.yml")).load()
    assert data.classes == ("bin 1", "bin 2", "bin 3")
    write_table(table[:10], str(tmp_path / "few.csv"))
    with pytest.raises(DataError, match=r"column 'size', the target: expected numbers that fill 20 bins"):
        draft_config(str(tmp_path / "few.csv"), "size", tmp_path, target_bins=20)
