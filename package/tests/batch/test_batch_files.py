"""Files predicted as a whole: formats, rejects, folders, and what is left behind when something goes wrong."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from commands import Command, Done, everything_below, shell
from hypothesis import given, settings
from hypothesis import strategies as st
from problems import make_config, make_table, train
from written import read_table, write_table

from classification_model.batch.predict_file import Options, predict_file
from classification_model.batch.predict_folder import MADE_FROM
from classification_model.predict import Predictor
from classification_model.tables.reading import json_files, parquet_files, text_blocks
from classification_model.tables.source import Batch
from classification_model.tables.writing.outputs import opened_output

FEATURES: dict[str, Any] = {"size": {"kind": "numeric"}, "shape": {"kind": "categorical"}}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train a small model; give its folder."""
    config = make_config(FEATURES, folder=tmp_path_factory.mktemp("model"), data={"index": "key"})
    return train(make_table(120, gaps=0), config).folder


@pytest.fixture(scope="module")
def predictor(model: Path) -> Predictor:
    """Load the small model."""
    return Predictor.load(model)


def rows_of(count: int) -> pd.DataFrame:
    """Make rows for the small model, each with a number of its own."""
    draw = np.random.default_rng(count)
    return pd.DataFrame(
        {"key": range(count), "size": draw.normal(size=count).round(3), "shape": draw.choice(["disc", "ball"], count)}
    )


json_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=5) | st.sampled_from(
    ['"', "\\", "a,b", "a\rb", "\t", "\x7f", "\x00", "\x1f", "\u2028"]
)
cells = {
    pa.string(): json_texts,
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.float64(): st.floats(allow_nan=False, allow_infinity=False),
    pa.bool_(): st.booleans(),
}
tables = st.lists(st.sampled_from(list(cells)), min_size=2, max_size=5).flatmap(
    lambda kinds: st.lists(st.tuples(*[st.none() | cells[kind] for kind in kinds]), min_size=1, max_size=5).map(
        lambda rows: {
            f'c"{number}, \u00e9': pa.array([row[number] for row in rows], kind) for number, kind in enumerate(kinds)
        }
    )
)


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["csv", "tsv", "json", "jsonl", "parquet"])
@settings(max_examples=150)
@given(columns=tables, parts=st.integers(1, 3), coded=st.booleans())
def test_what_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory,
    suffix: str,
    columns: dict[str, pa.Array],
    parts: int,
    coded: bool,
) -> None:
    """Values of every common type come back from every format, whether as they are or as codes of a dictionary."""
    path = str(tmp_path_factory.getbasetemp() / f"table.{suffix}")
    count = len(next(iter(columns.values())))
    batch = Batch({name: values.dictionary_encode() if coded else values for name, values in columns.items()}, count)
    with opened_output(path, {name: values.type for name, values in columns.items()}) as output:
        for _ in range(parts):
            output.write(output.render(batch))
        output.finish()
    found = read_table(path)
    assert list(found.columns) == list(columns)
    for name, values in columns.items():
        expected = values.to_pylist() * parts
        if suffix in {"csv", "tsv"}:
            expected = [
                "" if value is None else str(value).lower() if isinstance(value, bool) else value for value in expected
            ]
            kept = [
                type(value)(cell) if isinstance(value, (int, float)) else cell
                for value, cell in zip(expected, found[name], strict=True)
            ]
            assert kept == expected
        else:
            assert found[name].tolist() == expected
            assert list(map(type, found[name])) == list(map(type, expected))


MIXED: dict[str, Any] = {
    "mixed": [1, "a", None, True],
    "numbers": [1, 2.5, None, -3],
    "large": [2**63, -1, None, 2**64 - 1],
    "nested": [[1, None], {"x": "y"}, None, "z"],
}


@pytest.mark.parametrize(
    ("suffix", "expected"),
    [
        ("json", MIXED),
        ("jsonl", MIXED),
        (
            "parquet",
            {
                "mixed": ["1", "a", None, "true"],
                "numbers": [1.0, 2.5, None, -3.0],
                "large": [str(2**63), "-1", None, str(2**64 - 1)],
                "nested": ["[1,null]", '{"x":"y"}', None, "z"],
            },
        ),
        (
            "csv",
            {
                "mixed": ["1", "a", "", "true"],
                "numbers": ["1", "2.5", "", "-3"],
                "large": [str(2**63), "-1", "", str(2**64 - 1)],
                "nested": ["[1,null]", '{"x":"y"}', "", "z"],
            },
        ),
    ],
)
@pytest.mark.parametrize("source", ["json", "jsonl"])
def test_columns_of_several_types_keep_their_values(
    predictor: Predictor, tmp_path: Path, source: str, suffix: str, expected: dict[str, list[Any]]
) -> None:
    """JSON's columns of several types stay what they are in JSON, and are numbers or texts elsewhere."""
    rows = [
        dict(zip(MIXED, row, strict=True)) | {"size": 1, "shape": "disc"} for row in zip(*MIXED.values(), strict=True)
    ]
    lines = [orjson.dumps(row) for row in rows]
    (tmp_path / f"in.{source}").write_bytes(b"\n".join(lines) if source == "jsonl" else b"[" + b",".join(lines) + b"]")
    options = Options(ignore_extra=True)
    predict_file(predictor, str(tmp_path / f"in.{source}"), str(tmp_path / f"out.{suffix}"), options)
    found = read_table(str(tmp_path / f"out.{suffix}"))
    assert {name: found[name].tolist() for name in MIXED} == expected


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["csv", "parquet", "jsonl", "json"])
def test_many_batches_are_written_in_the_order_of_the_file(
    predictor: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    """However many threads score them, rows come out as they went in, with their own answers."""
    monkeypatch.setattr(text_blocks, "LARGEST", 999)
    monkeypatch.setattr(parquet_files, "ROWS", 64)
    monkeypatch.setattr(json_files, "ROWS", 64)
    table = rows_of(2000)
    write_table(table, str(tmp_path / f"in.{suffix}"))
    expected: Any = predictor.predict(table)
    for threads in (1, 5):
        outcome = predict_file(
            predictor, str(tmp_path / f"in.{suffix}"), str(tmp_path / "out.parquet"), Options(threads=threads)
        )
        assert (outcome.rows, outcome.rejected, outcome.reason) == (2000, 0, None)
        found = read_table(str(tmp_path / "out.parquet"))
        assert found["key"].astype(int).tolist() == list(range(2000))
        assert found["prediction"].tolist() == expected["predictions"]
        shares = [row["red"] for row in expected["probabilities"]]
        assert found["probability_red"].tolist() == pytest.approx(shares, abs=1e-15)


def test_rejected_rows_are_listed_beside_the_output(
    predictor: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has a line with its number in the file and the reason; a later run without any removes the list."""
    monkeypatch.setattr(text_blocks, "LARGEST", 999)
    table = rows_of(1000).astype(object)
    bad = [3, 500, 501, 999]
    table.loc[bad, "size"] = "huge"
    write_table(table, str(tmp_path / "in.csv"))
    outcome = predict_file(predictor, str(tmp_path / "in.csv"), str(tmp_path / "out.csv"))
    reason = "size: expected a number, found text"
    assert (outcome.rows, outcome.rejected, outcome.reason) == (1000, 4, reason)
    lines = (tmp_path / "out.csv.rejects").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [{"row": row, "reason": reason} for row in bad]
    found = read_table(str(tmp_path / "out.csv"))
    assert found.index[found["prediction"] == ""].tolist() == bad
    write_table(rows_of(9), str(tmp_path / "in.csv"))
    predict_file(predictor, str(tmp_path / "in.csv"), str(tmp_path / "out.csv"))
    assert set(everything_below(tmp_path)) == {"in.csv", "out.csv"}


def test_types_are_the_same_from_the_first_batch_to_the_last(predictor: Predictor, tmp_path: Path) -> None:
    """A file without errors, one with nothing else, and an empty one have the same columns of the same types."""
    sizes: dict[str, list[str]] = {"good": ["1", "2"], "bad": ["x", "y"], "none": []}
    for name, cells_of_size in sizes.items():
        shapes = ["disc"] * len(cells_of_size)
        columns = {"shape": pa.array(shapes, pa.string()), "size": pa.array(cells_of_size, pa.string())}
        pq.write_table(pa.table(columns), tmp_path / "in.parquet")
        predict_file(predictor, str(tmp_path / "in.parquet"), str(tmp_path / f"{name}.parquet"))
        schema = pq.read_schema(tmp_path / f"{name}.parquet")
        assert {field.name: str(field.type) for field in schema} == dict.fromkeys(columns, "string") | {
            "prediction": "string",
            "probability_red": "double",
            "probability_green": "double",
            "warnings": "string",
            "errors": "string",
        }


@pytest.mark.slow
def test_a_url_and_a_pipe_are_read_like_a_file(command: Command, model: Path, tmp_path: Path) -> None:
    """Whatever fsspec opens is a source; of a pipe, what is read once can be read."""
    write_table(rows_of(20), str(tmp_path / "in.csv"))
    write_table(rows_of(20), str(tmp_path / "in.jsonl"))
    for name in ("in.csv", "in.jsonl"):
        done = command("predict", (tmp_path / name).as_uri(), "--model", model, "--output", f"{name}.csv")
        assert done == Done(0, "", "")
    call = "mkfifo pipe.{0}; cat in.{0} > pipe.{0} & $MODEL predict pipe.{0} --model {1} --output out.csv"
    assert shell(call.format("csv", model), tmp_path).stderr == ""
    assert (tmp_path / "out.csv").read_text() == (tmp_path / "in.csv.csv").read_text()
    assert shell(call.format("jsonl", model), tmp_path).stderr == (
        "error: pipe.jsonl: expected a file, as this format is read twice, found a pipe\n"
    )


def test_explanations_are_columns_of_a_file(command: Command, model: Path, tmp_path: Path) -> None:
    """The base value and the contributions stand between the probabilities and what is to be said of a row."""
    write_table(rows_of(3000), str(tmp_path / "in.csv"))
    assert command("predict", "in.csv", "--model", model, "--explain", "--output", "out.parquet") == Done(0, "", "")
    found = read_table(str(tmp_path / "out.parquet"))
    added = ["base_value", "contribution_size", "contribution_shape", "warnings", "errors"]
    assert list(found.columns)[-5:] == added
    shares = found["probability_green"].astype(float)
    sums = found[added[:3]].astype(float).sum(axis=1)
    assert np.allclose(sums, np.log(shares / (1 - shares)), rtol=0, atol=1e-9)


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Write a folder of Parquet files, and some that are none of its data."""
    folder = tmp_path / "data"
    for number, name in enumerate(["a.parquet", "b.parquet", "year=2024/a.parquet"]):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pandas(rows_of(10 + number), preserve_index=False), folder / name)
    for name in ["_SUCCESS", ".hidden.parquet", "_metadata.parquet", "notes.txt", "_temporary/a.parquet"]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("no data")
    return folder


def predicted(folder: Path) -> set[str]:
    """Return the files below a folder, hidden ones and all."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_folder_is_predicted_file_by_file_and_only_once(
    command: Command, model: Path, dataset: Path, tmp_path: Path
) -> None:
    """Each Parquet file has its predictions under its own name; a second run finds them whole."""
    run = ("predict", dataset, "--output", tmp_path / "out", "--model", model)
    assert command(*run) == Done(0, f"3 files predicted into {tmp_path / 'out'}\n", "")
    assert predicted(tmp_path / "out") == {"a.parquet", "b.parquet", "year=2024/a.parquet"}
    assert read_table(str(tmp_path / "out/year=2024/a.parquet"))["key"].tolist() == list(range(12))
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.parquet")}
    assert command(*run) == Done(0, f"0 files predicted into {tmp_path / 'out'}, 3 were complete before\n", "")
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.parquet")} == before


@pytest.mark.slow
@pytest.mark.parametrize("change", ["data", "touched", "torn", "missing", "model", "explain", "foreign"])
def test_what_is_out_of_date_is_predicted_again(
    command: Command, model: Path, dataset: Path, tmp_path: Path, change: str
) -> None:
    """Predictions of other data, by another model, in another way, or that are not whole, are made anew."""
    run = ["predict", dataset, "--output", tmp_path / "out", "--model", model]
    assert command(*run).code == 0
    path, again = tmp_path / "out" / "b.parquet", 1
    if change == "data":
        pq.write_table(pa.Table.from_pandas(rows_of(44), preserve_index=False), dataset / "b.parquet")
    elif change == "touched":
        os.utime(dataset / "b.parquet", ns=(0, 0))
    elif change == "torn":
        path.write_bytes(path.read_bytes()[:-20])
    elif change == "missing":
        path.unlink()
    elif change == "foreign":
        pq.write_table(pq.read_table(path).replace_schema_metadata({MADE_FROM: "something else"}), path)
    elif change == "model":
        again, run[-1] = 3, train(make_table(120, gaps=0, seed=9), make_config(FEATURES, folder=tmp_path)).folder
    else:
        again = 3
        run.append("--explain")
    assert command(*run).out.startswith(f"{again} files predicted into ")
    assert len(read_table(str(path))) == (44 if change == "data" else 11)
    assert command(*run).out.startswith("0 files predicted into ")


def test_a_fault_in_one_file_of_a_folder_leaves_the_others_whole(
    command: Command, model: Path, dataset: Path, tmp_path: Path
) -> None:
    """The file is named, and what is whole is kept for the next run."""
    content = (dataset / "b.parquet").read_bytes()
    (dataset / "b.parquet").write_bytes(content[:-9])
    run = ("predict", dataset, "--output", tmp_path / "out", "--model", model)
    done = command(*run)
    assert (done.code, done.out) == (2, "")
    assert re.fullmatch(
        r"error: \S+/b\.parquet: expected a Parquet file, .*; 1 of 3 files are complete: .* the rest\n", done.err
    )
    assert predicted(tmp_path / "out") == {"a.parquet"}
    (dataset / "b.parquet").write_bytes(content)
    assert command(*run).out == f"2 files predicted into {tmp_path / 'out'}, 1 were complete before\n"


def test_rejected_rows_of_a_folder_are_counted(command: Command, model: Path, dataset: Path, tmp_path: Path) -> None:
    """The files that hold them stand beside the predictions."""
    pq.write_table(pa.table({"key": [1, 2], "size": ["1", "huge"], "shape": ["disc", "disc"]}), dataset / "c.parquet")
    done = command("predict", dataset, "--output", tmp_path / "out", "--model", model)
    assert done.code == 0
    assert done.err == (
        f"1 of 35 rows could not be predicted, see the files {tmp_path / 'out'}/*.rejects; "
        "the first: size: expected a number, found text\n"
    )
    assert (
        tmp_path / "out/c.parquet.rejects"
    ).read_text() == '{"row":1,"reason":"size: expected a number, found text"}\n'


@pytest.mark.parametrize("output", ["data", "data/out", "link"])
def test_predictions_do_not_become_part_of_the_data(
    command: Command, model: Path, dataset: Path, tmp_path: Path, output: str
) -> None:
    """An output inside of the folder would be predicted by the next run."""
    (tmp_path / "link").symlink_to(dataset)
    before = predicted(tmp_path)
    done = command("predict", dataset, "--output", tmp_path / output, "--model", model)
    assert (done.code, done.out) == (2, "")
    assert re.fullmatch(r"error: expected an output folder outside \S+, found \S+: set another --output\n", done.err)
    assert predicted(tmp_path) == before
