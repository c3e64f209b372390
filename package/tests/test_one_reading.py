"""A cell means the same wherever it is read: in training, in files, in rows from Python and in the wheel's reader."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import classification_model as cm
from classification_model.batch.predict_file import predict_file
from classification_model.config.core import parse_config
from classification_model.runtime.input.row_model import row_model
from classification_model.runtime.predictor import Predictor
from classification_model.train_pipeline import run_training

#: Columns of one number each, in a spelling that the config explains; the target depends on the number.
OPTIONS = {
    "comma": {"decimal": '","', "missing_values": '"-999"'},
    "length": {"unit": "km"},
    "limit": {"censored": "true"},
    "hour": {"number_format": "clock"},
    "span": {"number_format": "duration"},
}
ROWS = 240


def table() -> pd.DataFrame:
    """Make a table whose target follows from its first column."""
    draw = np.random.default_rng(0)
    number = draw.integers(1, 40, ROWS)
    return pd.DataFrame(
        {
            "comma": [f"{n // 8},{n % 8 * 125:03}" if n % 7 else "-999,0" for n in number.tolist()],
            "length": [f"{n} km" for n in draw.integers(1, 90, ROWS)],
            "limit": [f"{n}+" if n > 30 else str(n) for n in draw.integers(1, 32, ROWS)],
            "hour": [f"{n}:30" for n in draw.integers(0, 24, ROWS)],
            "span": [f"{n}h 5m" for n in draw.integers(0, 24, ROWS)],
            "day": [f"2019{n:02}15" for n in draw.integers(1, 13, ROWS)],
            "phone": draw.choice(["none", "yes"], ROWS),
            "y": np.where(number + draw.normal(0, 6, ROWS) > 20, "yes", "no"),
        }
    )


CONFIG = "\n".join(
    [
        "app:",
        "  name: one reading",
        "data:",
        "  source: table.csv",
        "  target: y",
        "features:",
        *(
            line
            for name, options in OPTIONS.items()
            for line in (f"  {name}:", "    kind: numeric", *(f"    {key}: {value}" for key, value in options.items()))
        ),
        '  day:\n    kind: datetime\n    datetime_format: "%Y%m%d"',
        "  phone:\n    kind: categorical\n    not_missing: none",
        "training:",
        "  estimator: logistic_regression",
    ]
)
#: One row in several spellings: as cells of CSV, and as values of JSON and Parquet.
CELLS = {
    "comma": "3,125",
    "length": "12 km",
    "limit": "30+",
    "hour": "2:30 PM",
    "span": "PT1H5M",
    "day": "20190315",
    "phone": "none",
}
VALUES = {"comma": 3.125, "length": 12, "limit": 30.0, "hour": 52200, "span": 3900.0, "day": 20190315, "phone": "none"}
MISSING_CELLS = CELLS | {"comma": "-999"}
MISSING_VALUES = VALUES | {"comma": -999.0}
NULL = VALUES | {"comma": None}


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    """Train on the table as a file of texts."""
    folder = tmp_path_factory.mktemp("one_reading")
    table().to_csv(folder / "table.csv", index=False)
    report = run_training(parse_config(CONFIG, folder=folder), output=folder / "models")
    return Predictor.load(report.folder)


def from_csv(predictor: Predictor, folder: Path, row: dict[str, Any]) -> dict[str, float]:
    """Predict a row of a CSV file."""
    with (folder / "rows.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(row))
        writer.writeheader()
        writer.writerow(row)
    return _predicted(predictor, folder, "rows.csv")


def from_parquet(predictor: Predictor, folder: Path, row: dict[str, Any]) -> dict[str, float]:
    """Predict a row of a file with types."""
    pq.write_table(pa.table({name: [value] for name, value in row.items()}), folder / "rows.parquet")
    return _predicted(predictor, folder, "rows.parquet")


def from_json(predictor: Predictor, folder: Path, row: dict[str, Any]) -> dict[str, float]:
    """Predict a row of a file of JSON lines."""
    (folder / "rows.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    return _predicted(predictor, folder, "rows.jsonl")


def _predicted(predictor: Predictor, folder: Path, name: str) -> dict[str, float]:
    outcome = predict_file(predictor, str(folder / name), str(folder / "out.parquet"))
    assert (outcome.rejected, outcome.reason) == (0, None)
    (row,) = pq.read_table(folder / "out.parquet").to_pylist()
    return {label: row[f"probability_{label}"] for label in ("no", "yes")}


def _alone(answer: cm.Answer) -> dict[str, float]:
    (probabilities,) = answer["probabilities"]
    assert probabilities is not None, answer["errors"]
    return probabilities


def from_python(predictor: Predictor, _: Path, row: dict[str, Any]) -> dict[str, float]:
    """Predict a row given as a dict."""
    return _alone(predictor.predict([row]))


def from_frame(predictor: Predictor, _: Path, row: dict[str, Any]) -> dict[str, float]:
    """Predict a row of a frame."""
    return _alone(predictor.predict(pd.DataFrame([row])))


def from_pydantic(predictor: Predictor, _: Path, row: dict[str, Any]) -> dict[str, float]:
    """Predict what the pydantic model of a row has read: numbers, and categories as texts."""
    read = row_model(predictor.manifest.input_schema).model_validate_json(json.dumps(row)).values()
    assert isinstance(read["day"], float)
    return _alone(predictor.predict([read | {"day": row["day"]}]))


READERS = [from_csv, from_parquet, from_json, from_python, from_frame, from_pydantic]


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(("given", "meant"), [(CELLS, VALUES), (MISSING_CELLS, NULL)], ids=["spelled", "marked"])
def test_a_spelled_row_is_the_row_that_it_spells(
    predictor: Predictor, tmp_path: Path, reader: Any, given: dict[str, Any], meant: dict[str, Any]
) -> None:
    """A file of texts, a file of types, JSON and Python give the probabilities of the plain numbers."""
    assert reader(predictor, tmp_path, given) == from_python(predictor, tmp_path, meant)


@pytest.mark.parametrize("reader", READERS[1:])
def test_a_mark_among_numbers_is_missing_in_every_reader(predictor: Predictor, tmp_path: Path, reader: Any) -> None:
    """The number -999 is the mark "-999"."""
    assert reader(predictor, tmp_path, MISSING_VALUES) == from_python(predictor, tmp_path, NULL)
    assert from_python(predictor, tmp_path, NULL) != from_python(predictor, tmp_path, VALUES)


def test_a_row_of_the_training_file_reads_as_in_training(predictor: Predictor, tmp_path: Path) -> None:
    """No row of it is refused or odd."""
    rows = table().drop(columns="y")
    rows.to_csv(tmp_path / "rows.csv", index=False)
    outcome = predict_file(predictor, str(tmp_path / "rows.csv"), str(tmp_path / "out.parquet"))
    assert (outcome.rows, outcome.rejected) == (ROWS, 0)
    assert predictor.predict(rows)["errors"] is None
    assert sum(value is None for value in pq.read_table(tmp_path / "out.parquet")["warnings"].to_pylist()) > 0.7 * ROWS


def test_none_is_a_value_where_the_config_says_so(predictor: Predictor) -> None:
    """It is a category that training saw."""
    (field,) = (field for field in predictor.manifest.input_schema.fields if field.name == "phone")
    assert (field.categories, field.nullable) == (("none", "yes"), False)
