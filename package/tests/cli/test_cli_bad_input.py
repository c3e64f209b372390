"""What training answers to input that no model can come of: one line, exit code 2, and nothing written."""

import re
from pathlib import Path

import pytest
from commands import CONFIG, MODEL, Command, csv_with, everything_below

#: What is wrong: the table, what the config says more, and what training answers.
BAD_TABLES: dict[str, tuple[bytes, str, str]] = {
    "empty file": (b"", "", r"table\.csv is empty: expected column names and at least one row"),
    "blank file": (b"  \n\n", "", r"table\.csv is empty: expected column names and at least one row"),
    "header only": (b"size,shape,y\n", "", r"table\.csv has no rows: expected at least one"),
    "missing target": (
        csv_with(y=None),
        "",
        r"table\.csv has no column 'y', which data\.target names: expected one of: ",
    ),
    "one class": (csv_with(y="red"), "", r"column 'y', the target: expected two classes or more, found one \(red\)"),
    "tiny class": (
        csv_with(y=["green"] + ["red", "blue"] * 59 + ["red"]),
        "",
        r"expected 3 rows of each class to train on, .*, found [01] of 'green'",
    ),
    "gap in the target": (
        csv_with(y=["", *["red", "blue"] * 59, "red"]),
        "",
        r"column 'y', the target, is missing in 1 row",
    ),
    "unknown class": (
        csv_with(),
        "  classes:\n    red: r\n    green: g\n",
        r"column 'y', the target: expected a value of data\.classes \(red, green\), found 'blue'",
    ),
    "empty column": (
        csv_with(size=""),
        "",
        r"column 'size' cannot be a feature: every value is missing; list it in data\.",
    ),
    "constant column": (
        csv_with(size=7),
        "",
        r"column 'size' cannot be a feature: every value is the same; list it in ",
    ),
    "empty feature": (
        csv_with(size="", order=range(120)),
        "features:\n  size: numeric\n",
        r"column 'size' is missing in every row: remove it from features, or list it in data",
    ),
    "constant feature": (
        csv_with(size=7),
        "features:\n  size: numeric\n",
        r"column 'size' is the same in every row: remove it from features, or list it in data",
    ),
    "missing feature": (
        csv_with(),
        "features:\n  shap: categorical\n",
        r"table\.csv has no column 'shap', which features\.shap names: expected 'shape'",
    ),
    "columns without a name": (b",,\n1,2,red\n", "", r"table\.csv: column 1 of 3 has no name"),
    "index twice": (
        csv_with(key=[*range(119), 7]),
        "  index: key\n",
        r"column 'key', the index: expected unique values, found '7' in rows 7 and 119 \(counted from 0\)",
    ),
    "gap in the index": (
        csv_with(key=[*range(119), None]),
        "  index: key\n",
        r"column 'key', the index, is missing in row 119 \(counted from 0\)",
    ),
    "wrong delimiter": (
        csv_with().replace(b",", b";"),
        "",
        r"table\.csv has one column with the delimiter ',', and ';' in its header: set data\.delimiter in the config",
    ),
    "rows of other lengths": (
        csv_with() + b"1,2,3,4\n",
        "",
        r"table\.csv: line \d+: expected 3 cell\(s\), as in the header, found 4",
    ),
    "open quote": (csv_with() + b'1,"cube,red\n', "", r"table\.csv"),
    "not UTF-8": (
        csv_with(shape="gr\u00fcn").decode().encode("latin-1"),
        "",
        r"table\.csv is not text in the encoding 'utf-8' \(.*\): set data\.encoding in the config",
    ),
    "mixed types": (
        csv_with(size=[*range(119), "many"]),
        "features:\n  size: numeric\n",
        r"table\.csv: column 'size', numeric, row 119 .*: expected a number, found text \('many'\), in 1 row\(s\): ",
    ),
    "weight of nothing": (
        csv_with(w=0),
        "  weight: w\nfeatures:\n  size: numeric\n",
        r"column 'w', the weight, row 0 \(counted from 0\): expected a number above 0, found 0",
    ),
    "only a number for each row": (
        csv_with(size=range(120), shape=None),
        "",
        r"table\.csv: expected a column to learn from, found none besides y",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("table", "more", "expected"), [pytest.param(*case, id=name) for name, case in BAD_TABLES.items()]
)
def test_row_35_a_table_that_cannot_be_trained_on_is_one_line_and_no_model(
    command: Command, tmp_path: Path, table: bytes, more: str, expected: str
) -> None:
    """A fault of the table ends training with exit code 2 and one line that names it; nothing is written."""
    (tmp_path / "table.csv").write_bytes(table)
    head, training = CONFIG.split("training:")
    (tmp_path / "config.yml").write_text(f"{head}{more}training:{training}", encoding="utf-8")
    before = everything_below(tmp_path)
    done = command("train", "--config", "config.yml", "--output", "models")
    assert (done.code, done.out) == (2, "")
    assert re.fullmatch(rf"error: [^\n]*{expected}[^\n]*\n", done.err), done.err
    assert everything_below(tmp_path) == before
    assert not (tmp_path / "models").exists()


BAD_CONFIGS: dict[str, tuple[str, str]] = {
    "missing table": ("  source: none.csv", r"none\.csv cannot be read: No such file or directory"),
    "folder for a table": ("  source: .", r" cannot be read: Is a directory"),
    "unknown format": ("  source: config.yml", r"config\.yml: expected a file that ends in \.csv, .*, found \.yml"),
    "unknown scheme": (
        "  source: nowhere://table.csv",
        r"nothing opens a URL that begins with nowhere:// \(known are [^)]*postgresql[^)]*\): install what does",
    ),
    "text for Parquet": (
        "  source: table.parquet",
        r"table\.parquet: expected a Parquet file, found one that cannot be read: ",
    ),
    "text for JSON": ("  source: table.json", r"table\.json: line 1, column 1: expected JSON, found a syntax error: "),
    "missing second table": ("  source: table.csv\n  validation_source: none.csv", r"none\.csv cannot be read"),
}


@pytest.mark.slow
@pytest.mark.parametrize(("source", "expected"), BAD_CONFIGS.values(), ids=BAD_CONFIGS)
def test_a_source_that_cannot_be_read_is_one_line(command: Command, tmp_path: Path, source: str, expected: str) -> None:
    """A source that is not there, or not what its name says, ends training with exit code 2 and one line."""
    for name in ("table.csv", "table.parquet", "table.json"):
        (tmp_path / name).write_bytes(csv_with())
    (tmp_path / "config.yml").write_text(CONFIG.replace("  source: table.csv", source), encoding="utf-8")
    done = command("train", "--config", "config.yml", "--output", "models")
    assert (done.code, done.out) == (2, "")
    assert re.fullmatch(rf"error: [^\n]*{expected}[^\n]*\n", done.err), done.err
    assert not (tmp_path / "models").exists()


def test_every_fault_of_a_config_is_a_line_of_its_own(command: Command, tmp_path: Path) -> None:
    """All faults of a config are printed, each as an error with file and line."""
    (tmp_path / "config.yml").write_text(
        CONFIG.replace("folds: 3", "folds: x").replace("app:", "ap:"), encoding="utf-8"
    )
    done = command("train", "--config", "config.yml", "--output", "models")
    assert done.code == 2
    assert re.findall(r"^error: config\.yml:(\d+): (.*?): expected", done.err, re.MULTILINE) == [
        ("1", "app"),
        ("1", "ap"),
        ("7", "training.folds"),
    ]
    assert len(done.err.splitlines()) == 3


@pytest.mark.parametrize(
    ("parameter", "expected"),
    [
        ("D: 1", r"error: .*training\.candidates\.logistic_regression\.D: expected .*found an unknown parameter"),
        ("C: -1", r"error: candidate logistic_regression cannot be fitted with {'C': -1}: .*"),
    ],
)
def test_a_parameter_that_an_estimator_refuses_is_one_line(
    command: Command, tmp_path: Path, parameter: str, expected: str
) -> None:
    """A wrong parameter ends training with exit code 2, naming candidate and parameter."""
    (tmp_path / "table.csv").write_bytes(csv_with())
    (tmp_path / "config.yml").write_text(f"{CONFIG}      {parameter}\n", encoding="utf-8")
    done = command("train", "--config", "config.yml", "--output", "models")
    assert (done.code, done.out) == (2, "")
    assert re.fullmatch(f"{expected}\n", done.err), done.err
    assert not (tmp_path / "models").exists()


@pytest.mark.slow
@pytest.mark.parametrize("blocked", ["models", MODEL])
def test_a_place_that_no_model_can_be_written_to_is_one_line(command: Command, tmp_path: Path, blocked: str) -> None:
    """A file where the folder should be ends training with exit code 2; the file stays, and nothing else is left."""
    (tmp_path / "table.csv").write_bytes(csv_with())
    (tmp_path / "config.yml").write_text(CONFIG, encoding="utf-8")
    (tmp_path / blocked).parent.mkdir(exist_ok=True)
    (tmp_path / blocked).write_text("mine", encoding="utf-8")
    before = everything_below(tmp_path)
    done = command("train", "--config", "config.yml", "--output", "models")
    assert (done.code, done.out) == (2, "")
    assert re.fullmatch(rf"error: \S*{MODEL} [^\n]*\n", done.err), done.err
    assert everything_below(tmp_path) == before


@pytest.mark.parametrize("output", ["rows.csv", "link.csv", "../here/rows.csv"])
def test_a_file_is_not_replaced_by_its_predictions(command: Command, tmp_path: Path, output: str) -> None:
    """The output cannot be the input, under whatever name: the rows stay as they were."""
    folder = tmp_path / "here"
    folder.mkdir()
    rows = b"pclass,name,sex,sibsp,parch,ticket\n3,James,male,0,0,1\n"
    (folder / "rows.csv").write_bytes(rows)
    (folder / "link.csv").symlink_to("rows.csv")
    done = command("predict", folder / "rows.csv", "--output", folder / output)
    assert (done.code, done.out) == (2, "")
    assert re.fullmatch(
        r"error: expected another output than the input file, found .*csv: name another file\n", done.err
    )
    assert everything_below(folder) == {"rows.csv": rows, "link.csv": rows}
