"""`classification-model predict --log`: each row is on record before it is written, and named in the output."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from commands import Command

from classification_model.predict import make_prediction
from classification_model.runtime.log.prediction_log import iter_predictions
from classification_model.runtime.log.sealed_lines import LogFaults

ROWS = [
    {"pclass": "3", "name": "Kelly, Mr. James", "sex": "male", "age": "34.5", "sibsp": 0, "parch": 0, "ticket": "16"},
    {"pclass": "1", "name": "Astor\n, Mrs.", "sex": "female", "age": None, "sibsp": 1, "parch": 0, "ticket": "17"},
    {"pclass": "2", "name": "Nobody", "sex": "male", "age": "old", "sibsp": 0, "parch": 0, "ticket": "18"},
]  # fmt: skip


def logged(folder: Path) -> list[dict[str, Any]]:
    """Return the records of a folder, in which nothing may be wrong."""
    faults = LogFaults()
    records = list(iter_predictions(folder, faults))
    assert faults == LogFaults()
    return records


def write(path: Path) -> None:
    """Write the rows as a file, with keys and a column that the model does not know about."""
    frame = pd.DataFrame(ROWS).assign(passenger=["a", "b", "c"], boat="2")
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_rows_are_on_record_and_named_in_the_output(command: Command, tmp_path: Path, suffix: str) -> None:
    """A row in error has neither name nor record; a record predicted again gives the same probabilities."""
    source, target = tmp_path / f"rows.{suffix}", tmp_path / f"out.{suffix}"
    write(source)
    done = command(
        "predict", str(source), "--output", str(target), "--log", str(tmp_path / "log"), "--index", "passenger"
    )
    assert done.code == 0, done.err
    out = pd.read_csv(target) if suffix == "csv" else pd.read_parquet(target)
    records = logged(tmp_path / "log")
    assert [record["prediction_id"] for record in records] == out["prediction_id"].dropna().tolist()
    assert out["prediction_id"].isna().tolist() == [False, False, True]
    assert [record["index"] for record in records] == ["a", "b"]
    for record in records:
        assert "boat" not in record["features"]
        assert "passenger" not in record["features"]
        answer = make_prediction(input_data=[record["features"]])
        assert answer["predictions"] == [record["prediction"]]
        assert answer["probabilities"] == [record["probabilities"]]


def test_every_passenger_is_on_record_once(command: Command, tmp_path: Path) -> None:
    """In the order of the file, whichever thread predicted it."""
    table = Path(__file__).parents[2] / "classification_model" / "datasets" / "titanic.csv"
    done = command("predict", str(table), "--output", str(tmp_path / "out.csv"), "--log", str(tmp_path / "log"))
    assert done.code == 0, done.err
    names = [record["features"]["name"] for record in logged(tmp_path / "log")]
    assert names == pd.read_csv(table)["name"].tolist()


def test_without_a_log_nothing_is_named(command: Command, tmp_path: Path) -> None:
    """The output is what it was."""
    write(tmp_path / "rows.csv")
    done = command("predict", str(tmp_path / "rows.csv"), "--output", str(tmp_path / "out.csv"), "--ignore-extra")
    assert done.code == 0
    assert "prediction_id" not in pd.read_csv(tmp_path / "out.csv")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--index", "passenger"],
            "expected --log with --index, whose values are logged, found --index alone: set --log",
        ),
        (["--log", "log", "--index", "nobody"], "--index: expected a column of the file (pclass, name"),
        (["--log", "rows.csv"], "the log in rows.csv cannot be written: File exists"),
    ],
)
def test_a_log_that_cannot_be_kept_ends_the_command(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], message: str
) -> None:
    """With exit code 2 and no output: what is not on record is not predicted."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "rows.csv")
    done = command("predict", "rows.csv", "--output", "out.csv", *options)
    assert done.code == 2
    assert message in done.err
    assert not Path("out.csv").exists()


def test_a_torn_line_that_is_repaired_is_told(command: Command, tmp_path: Path) -> None:
    """File, byte and how many bytes went stand on standard error."""
    write(tmp_path / "rows.csv")
    (tmp_path / "log").mkdir()
    torn = tmp_path / "log" / "predictions-20260101000000000000-1-00c0ffee.000001.jsonl"
    torn.write_bytes(b'{"prediction_id":"0199')
    done = command("predict", "rows.csv", "--output", "out.csv", "--log", "log", "--index", "passenger")
    assert done.code == 0
    assert f"warning: log/{torn.name} was repaired at byte 0: 22 bytes of a torn line removed" in done.err


def test_the_current_version_of_a_store_predicts(command: Command, tmp_path: Path, model_folder: Path) -> None:
    """Named by the option or the environment, as for every other command."""
    write(tmp_path / "rows.csv")
    done = command("predict", "rows.csv", "--store", "store", "--log", "log", "--index", "passenger")
    assert (done.code, done.out) == (2, "")
    assert command("promote", model_folder, "--store", "store").code == 0
    done = command("predict", "rows.csv", "--store", "store", "--log", "log", "--index", "passenger")
    assert done.code == 0, done.err
    assert len(logged(tmp_path / "log")) == 2
