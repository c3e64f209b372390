"""Odd files from the first draft to predictions: every command reads the same columns and rows in them."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from commands import Command, Done, colours

import classification_model as cm
from classification_model.batch.added_columns import earlier_predictions
from classification_model.config.core import parse_config
from classification_model.errors import DataError
from classification_model.labels.sources import LabelSource
from classification_model.processing.data_manager import DataLoader
from classification_model.processing.draft import draft_config
from classification_model.train_pipeline import run_training

DONE = Done(0, "", "")
TABLE = colours()
MODEL = Path("models/classification_model_output_v1.0.0")
QUICK = "training:\n  estimator: logistic_regression\n  trials: 1\n"


def as_csv(table: pd.DataFrame = TABLE, **options: Any) -> str:
    """Write a table as a text."""
    return str(table.to_csv(None, **{"index": False} | options))


def as_workbook(*rows: list[Any], table: pd.DataFrame = TABLE, sheet: str = "Data", first: str | None = None) -> bytes:
    """Write a table below some rows of a workbook; `first` names an empty sheet before it."""
    book = openpyxl.Workbook()
    page = book.active
    if first is not None:
        page.title = first
        page = book.create_sheet()
    page.title = sheet
    for row in (*rows, list(table.columns), *table.astype(object).to_numpy().tolist()):
        page.append(row)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def without_last_cells(text: str) -> str:
    """Leave the last, empty cell out of each row but the header, as spreadsheets do."""
    return "".join(line.removesuffix(",\n") + "\n" if line.endswith(",\n") else line for line in text.splitlines(True))


#: Name of a file, its bytes, what the draft says of it, and what must be said to `init`.
ODD: dict[str, tuple[str, bytes, str, list[str]]] = {
    "pandas' index": ("t.csv", as_csv(index=True).encode(), "# In the file, column 1 has no name: read as", []),
    "R's row names": ("t.csv", as_csv(index=True)[1:].encode(), "# In the file, each row has one cell more than", []),
    "trailing delimiters": ("t.csv", as_csv().replace("\n", ",\n").encode(), "column 5 has no name and no value", []),
    "a name twice": ("t.csv", as_csv(TABLE.assign(z=1).rename(columns={"z": "size"})).encode(), "as 'size_2'.", []),
    "titles": ("t.csv", b"Colours of 2020\n\n" + as_csv().encode(), "\n  skip_rows: 2\n", []),
    "comments": ("t.csv", b"# colours\n# of 2020\n" + as_csv().encode(), "\n  skip_rows: 2\n", []),
    "sep=": ("t.csv", b"sep=;\r\n" + as_csv(sep=";").encode(), '\n  delimiter: ";"\n', []),
    "short rows": (
        "t.csv",
        without_last_cells(as_csv(TABLE.assign(note=["x" if row % 9 == 0 else "" for row in range(120)]))).encode(),
        "106 row(s) end before the last column",
        [],
    ),
    "gzip": ("t.csv.gz", gzip.compress(as_csv().encode()), "\n  source: t.csv.gz\n", []),
    "tabs and gzip": ("t.tsv.gz", gzip.compress(as_csv(sep="\t").encode()), "\n  source: t.tsv.gz\n", []),
    "lines of JSON and gzip": (
        "t.jsonl.gz",
        gzip.compress(TABLE.to_json(orient="records", lines=True).encode()),
        "\n  source: t.jsonl.gz\n",
        [],
    ),
    "a text": ("t.txt", as_csv(sep="|").encode(), '\n  delimiter: "|"\n', []),
    "a text of tildes": ("t.txt", as_csv(sep="~").encode(), '\n  delimiter: "~"\n', ["--delimiter", "~"]),
    "a workbook": ("t.xlsx", as_workbook(["Colours of 2020"], []), "\n  skip_rows: 2\n", []),
    "a sheet": ("t.xlsx", as_workbook(first="About"), "\n  sheet: Data\n", ["--sheet", "Data"]),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", ODD)
def test_every_command_reads_an_odd_file_alike(
    command: Command, tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Init drafts what trains; train, process, predict, the join of labels and `read_table` find the same columns."""
    file, content, said, options = ODD[name]
    (tmp_path / file).write_bytes(content)
    assert command("init", file, "--target", "y", *options).code == 0
    text = (tmp_path / "config.yml").read_text("utf-8")
    assert said in text
    (tmp_path / "config.yml").write_text(text.replace("training:\n", QUICK), "utf-8")
    config = cm.load_config(tmp_path / "config.yml")
    raw = DataLoader(config).read().table.frame
    expected = TABLE.reset_index(drop=True)
    assert raw["size"].astype(float).tolist() == expected["size"].tolist()
    assert raw["y"].tolist() == expected["y"].tolist()
    record = cm.process_data(None, "processed.parquet", config)
    assert (record.rows_in, record.rows_out) == (120, 120)

    layout = {key: value for key, value in config.data.layout.model_dump().items() if value is not None}
    table = cm.read_table(file, **layout)
    assert table.columns.tolist() == raw.columns.tolist()
    keys, labels = zip(*LabelSource(file, "order", "y", config.data.layout).parts(), strict=True)
    assert [str(key) for part in keys for key in part] == [str(key) for key in expected["order"]]
    assert [label for part in labels for label in part] == expected["y"].tolist()

    caplog.clear()
    assert command("train", "--config", "config.yml", "--output", "models").code == 0
    remarks = [line.removeprefix("  # In the file, ") for line in text.splitlines() if "# In the file, " in line]
    assert [f"{file}: {remark.removesuffix('.')}" for remark in remarks] == [
        record.message for record in caplog.records if record.name.endswith("raw_tables")
    ]
    done = command("predict", file, "--model", MODEL, "--output", "p.csv")
    assert (done.code, done.out) == (0, "")
    assert ("106 row(s) end before the last column" in done.err) == ("106 row(s)" in said)
    assert done.err.count("\n") == ("106 row(s)" in said)
    predicted = pd.read_csv("p.csv")
    assert predicted.columns.tolist()[: len(raw.columns)] == raw.columns.tolist()
    assert predicted["errors"].isna().all()
    (tmp_path / "plain.csv").write_text(as_csv(raw), "utf-8")
    assert command("predict", "plain.csv", "--model", MODEL, "--output", "q.csv") == DONE
    assert predicted["prediction"].tolist() == pd.read_csv("q.csv")["prediction"].tolist()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train a model on a file of semicolons below a title, in cp1252; give its folder."""
    folder = tmp_path_factory.mktemp("trained")
    table = TABLE.assign(shape=TABLE["shape"].replace("disc", "kreisförmig"))
    (folder / "t.csv").write_bytes(f"Formen von 2020\n{as_csv(table, sep=';')}".encode("cp1252"))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        text = draft_config("t.csv", "y", folder).replace("training:\n", QUICK)
    return run_training(parse_config(text, folder=folder), output=folder / "models").folder


def test_the_layout_of_the_training_table_is_that_of_files_to_predict(
    command: Command, model: Path, tmp_path: Path
) -> None:
    """Delimiter, encoding and titles are those of training; a file that evidently differs is read by what it is."""
    manifest = cm.read_manifest(model)
    layout = manifest.layout
    assert (layout.delimiter, layout.encoding, layout.skip_rows, layout.sheet) == (";", "cp1252", 1, None)
    plain = "size;shape\n1.5;kreisförmig\n"
    texts = {
        "as.csv": f"Formen von 2021\n{plain}".encode("cp1252"),
        "no title.csv": plain.encode("cp1252"),
        "utf-8.csv": plain.encode(),
        "commas.csv": plain.replace(";", ",").encode(),
        "wide.csv": plain.encode("utf-16"),
        "rows.jsonl": '{"size": 1.5, "shape": "kreisförmig"}\n'.encode(),
        "book.xlsx": as_workbook(table=pd.DataFrame({"size": [1.5], "shape": ["kreisförmig"]})),
    }
    answers = set()
    for name, content in texts.items():
        (tmp_path / name).write_bytes(content)
        assert command("predict", name, "--model", model, "--output", "p.csv") == DONE, name
        row = pd.read_csv("p.csv").iloc[0]
        assert row["shape"] == "kreisförmig", name
        answers.add((row["prediction"], row["probability_red"]))
    assert len(answers) == 1
    (tmp_path / "odd.csv").write_bytes("x\ny\nsize~shape\n1.5~kreisförmig\n".encode("utf-16-be"))
    options = ["--delimiter", "~", "--encoding", "utf-16-be", "--skip-rows", "2"]
    assert command("predict", "odd.csv", "--model", model, "--output", "p.csv", *options) == DONE
    assert pd.read_csv("p.csv")["shape"].tolist() == ["kreisförmig"]


def test_a_scored_file_is_scored_again_with_a_prefix(command: Command, model: Path, tmp_path: Path) -> None:
    """The error of a clash names a prefix that works, as often as a file is scored; earlier answers are no inputs."""
    (tmp_path / "0.csv").write_text(as_csv(TABLE[["size", "shape"]].head(3)), "utf-8")
    assert command("predict", "0.csv", "--model", model, "--output", "1.csv").code == 0
    for run, prefix in ((1, "model_"), (2, "model_2_")):
        done = command("predict", f"{run}.csv", "--model", model, "--output", f"{run + 1}.csv")
        if run == 1:
            assert done.err == (
                "error: 1.csv has a column 'prediction', which the predictions add: set another prefix for the added "
                "columns, as --prefix model_\n"
            )
        done = command("predict", f"{run}.csv", "--model", model, "--output", f"{run + 1}.csv", "--prefix", prefix)
        assert done == DONE
        table = pd.read_csv(f"{run + 1}.csv")
        assert table[f"{prefix}prediction"].tolist() == table["prediction"].tolist()
        assert table[f"{prefix}errors"].isna().all()
    explained = command("predict", "1.csv", "--model", model, "--output", "4.csv", "--prefix", "x.", "--explain")
    assert explained == DONE
    assert pd.read_csv("4.csv")["x.contribution_size"].notna().all()


def test_a_table_with_columns_called_like_predictions_trains_and_is_predicted(command: Command, tmp_path: Path) -> None:
    """Init decides on a prefix, the manifest keeps it, and predict uses it without being told."""
    table = TABLE.rename(columns={"size": "prediction", "shape": "errors"})
    (tmp_path / "t.csv").write_text(as_csv(table), "utf-8")
    assert command("init", "t.csv", "--target", "y").code == 0
    text = (tmp_path / "config.yml").read_text("utf-8")
    assert "\n  prediction_prefix: model_\n" in text
    (tmp_path / "config.yml").write_text(text.replace("training:\n", QUICK), "utf-8")
    assert command("train", "--config", "config.yml", "--output", "models").code == 0
    assert cm.read_manifest(MODEL).prediction_prefix == "model_"
    assert command("predict", "t.csv", "--model", MODEL, "--output", "p.csv") == DONE
    predicted = pd.read_csv("p.csv")
    assert predicted["prediction"].tolist() == table["prediction"].tolist()
    assert (predicted["model_prediction"] == predicted["y"]).mean() > 0.7
    assert command("predict", "p.csv", "--model", MODEL, "--output", "q.csv", "--prefix", "again_") == DONE
    assert pd.read_csv("q.csv")["again_prediction"].tolist() == predicted["model_prediction"].tolist()


def test_earlier_predictions_are_known_by_their_company() -> None:
    """Columns that predict adds are known together; one of them alone is a column like any other."""
    added = ["prediction", "probability_a", "warnings", "errors"]
    assert earlier_predictions(["x", "prediction", "errors"]) == set()
    assert earlier_predictions(["x", *added, "base_value"]) == {*added, "base_value"}
    assert earlier_predictions(["my_prediction", *(f"m.{name}" for name in added)]) == {f"m.{name}" for name in added}


def test_cells_of_a_workbook_keep_their_types(tmp_path: Path) -> None:
    """Numbers, days, moments and truth values come as such; gaps are missing, and a time of day is a text."""
    table = pd.DataFrame(
        {
            "whole": [1, None],
            "share": [0.5, 2],
            "day": [dt.date(2020, 2, 29), None],
            "moment": [pd.Timestamp(2020, 1, 2, 3, 4, 5), pd.Timestamp(2021, 1, 1)],
            "is": [True, False],
            "code": ["007", "8"],
            "at": [dt.time(14, 35), None],
        },
        dtype=object,
    )
    (tmp_path / "t.xlsx").write_bytes(as_workbook(table=table))
    found = cm.read_table(str(tmp_path / "t.xlsx"))
    assert found["whole"].tolist()[:1] == [1]
    assert found["share"].tolist() == [0.5, 2.0]
    assert found["day"].tolist() == [dt.date(2020, 2, 29), None]
    assert found["moment"].tolist() == [pd.Timestamp(2020, 1, 2, 3, 4, 5), pd.Timestamp(2021, 1, 1)]
    assert found["is"].tolist() == [True, False]
    assert found["code"].tolist() == ["007", "8"]
    assert found["at"].tolist()[0] == "14:35:00"


def wide_workbook() -> bytes:
    """Make a workbook of two cells, the second one the last that Excel has."""
    book = openpyxl.Workbook()
    book.active["A1"] = "a"
    book.active["XFD1048576"] = 1
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def inflated_workbook() -> bytes:
    """Make a workbook whose parts unpack to more than a gigabyte."""
    content = io.BytesIO()
    with (
        zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("xl/x.xml", "w", force_zip64=True) as part,
    ):
        for _ in range(1025):
            part.write(bytes(2**20))
    return content.getvalue()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            wide_workbook,
            r"expected a workbook of at most 20,000,000 cells in a sheet, found 17,179,869,184 cells up to",
        ),
        (inflated_workbook, r"expected a workbook of at most .*, found more than 1 GiB: save the sheet as a CSV file"),
        (lambda: b"", r"expected an Excel workbook, found a file that cannot be read: File is not a zip file"),
        (lambda: as_workbook()[:-40], r"expected an Excel workbook, found a file that cannot be read: "),
        (lambda: as_workbook(table=pd.DataFrame({"": []})), r"is empty: expected column names and at least one row"),
    ],
)
def test_a_workbook_that_is_none_or_too_large_is_refused(
    tmp_path: Path, make: Callable[[], bytes], message: str
) -> None:
    """A damaged workbook, and one that would fill the memory, are refused before they are read."""
    (tmp_path / "t.xlsx").write_bytes(make())
    with pytest.raises(DataError, match=message):
        cm.read_table(str(tmp_path / "t.xlsx"))


def test_a_sheet_that_is_not_there_is_named_with_the_others(tmp_path: Path) -> None:
    """The error lists the sheets of the workbook."""
    (tmp_path / "t.xlsx").write_bytes(as_workbook(first="About"))
    with pytest.raises(DataError, match=r"t\.xlsx has no sheet 'data': expected one of 'About', 'Data': set --sheet"):
        cm.read_table(str(tmp_path / "t.xlsx"), sheet="data")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a,b\n1,2\n", r"t\.csv\.gz cannot be read: Not a gzipped file"),
        (
            gzip.compress(b"a,b\n" + b"1,2\n" * 9999, mtime=0)[:-30],
            r"t\.csv\.gz cannot be read: Compressed file ended before",
        ),
        (b"", r"t\.csv\.gz is empty"),
    ],
)
def test_a_damaged_compressed_file_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    """What is no gzip, or is cut off, is named."""
    (tmp_path / "t.csv.gz").write_bytes(content)
    with pytest.raises(DataError, match=message):
        cm.read_table(str(tmp_path / "t.csv.gz"))


def test_the_mark_of_databases_is_a_gap_in_a_draft_in_training_and_in_predictions(
    command: Command, tmp_path: Path
) -> None:
    r"""A cell ``\N``, in any case, is missing as an empty one is, for a number and a category."""
    gaps = pd.Series(range(len(TABLE))) % 10 == 0
    table = TABLE.assign(size=TABLE["size"].mask(gaps), shape=TABLE["shape"].mask(gaps))
    (tmp_path / "t.csv").write_text(as_csv(table, na_rep="\\N"), "utf-8")
    assert command("init", "t.csv", "--target", "y").code == 0
    text = (tmp_path / "config.yml").read_text("utf-8").replace("training:\n", QUICK)
    report = run_training(parse_config(text, folder=tmp_path), output=tmp_path / "models")
    assert [field.nullable for field in report.manifest.input_schema.fields] == [True, True]
    given = [{"size": size, "shape": shape} for size, shape in ((None, None), ("\\N", "\\N"), ("\\n", "\\n"))]
    answer = cm.Predictor.load(report.folder).predict(given)
    assert answer["errors"] is None
    assert len({tuple(row.values()) for row in answer["probabilities"] if row is not None}) == 1
    assert command("predict", "t.csv", "--model", report.folder, "--output", "p.csv") == DONE
    (tmp_path / "e.csv").write_text(as_csv(table), "utf-8")
    assert command("predict", "e.csv", "--model", report.folder, "--output", "q.csv") == DONE
    assert pd.read_csv("p.csv")["prediction"].tolist() == pd.read_csv("q.csv")["prediction"].tolist()
