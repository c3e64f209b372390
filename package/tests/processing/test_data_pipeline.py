"""Raw data to a table to train on: each step, what is dropped and why, and the same model as from the raw data."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
from commands import Command
from problems import DERIVED, EVERY_KIND, make_config, make_table

import classification_model as cm
from classification_model.config.core import Config
from classification_model.errors import DataError, InputError
from classification_model.processing.data_manager import DataLoader
from classification_model.processing.data_pipeline import (
    as_table,
    checked_rows,
    derived_features,
    process_data,
    process_frame,
    renamed,
    without_bad_rows,
)
from classification_model.processing.processed_tables import KEY, reading_hash
from classification_model.train_pipeline import run_training

FORMATTED = {"kind": "datetime", "datetime_format": "%d.%m.%Y"}


@pytest.fixture
def raw() -> pd.DataFrame:
    """Make a table of every kind of column, one with another name, one that is not used."""
    table = make_table(120)
    table["written"] = [f"{1 + row % 28:02}.{1 + row % 12:02}.2024" if row % 9 else None for row in range(120)]
    table["weight in kg"] = [row / 4 if row % 8 else None for row in range(120)]
    return table.assign(unused="x")


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """Make a config that renames, drops and derives."""
    features = {"measure": {"kind": "numeric"}, **EVERY_KIND, **DERIVED, "written": FORMATTED}
    return make_config(
        features,
        folder=tmp_path,
        data={"rename": {"weight in kg": "measure"}, "drop": ["unused"], "index": "key", "source": "raw.csv"},
    )


def test_a_processed_table_is_trained_on_as_the_raw_one(raw: pd.DataFrame, config: Config, tmp_path: Path) -> None:
    """The same rows, schema, hold-out and fingerprint, though its columns are renamed and cast, and some are gone."""
    raw.to_csv(tmp_path / "raw.csv", index=False)
    record = process_data(None, str(tmp_path / "processed.parquet"), config)
    assert (record.rows_in, record.rows_out, record.dropped, record.source) == (120, 120, {}, "raw.csv")
    expected, found = (DataLoader(config, source).load() for source in (None, str(tmp_path / "processed.parquet")))
    assert found.fingerprint == expected.fingerprint
    assert found.fingerprint.sha256 == record.fingerprint
    assert found.schema == expected.schema
    assert found.holdout_rule == expected.holdout_rule
    pd.testing.assert_frame_equal(found.train.features, expected.train.features)


@pytest.mark.slow
def test_the_model_is_the_same(
    raw: pd.DataFrame, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the digest of its manifest, and both runs are on record."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    raw.to_csv(tmp_path / "raw.csv", index=False)
    process_data(None, str(tmp_path / "processed.parquet"), config)
    records = tmp_path / "runs.jsonl"
    digests = {
        run_training(config, output=tmp_path / name, source=source, jobs=1, record=records).manifest.digest
        for name, source in (("a", None), ("b", str(tmp_path / "processed.parquet")), ("c", lambda: raw))
    }
    assert len(digests) == 1
    lines = [json.loads(line) for line in records.read_text().splitlines()]
    assert [line["source"] for line in lines] == ["raw.csv", "processed.parquet", "the given table"]
    assert {line["rows_out"] + line["held_out"] for line in lines} == {120}
    assert {line["run"] for line in lines} == {"train"}


def test_columns_have_the_types_of_their_kinds(raw: pd.DataFrame, config: Config) -> None:
    """Numbers, truth values, texts and moments; the target and the index are texts; derived features follow."""
    table = process_frame(renamed(raw, config, "raw"), config, "raw").table
    types = dict(zip(table.column_names, map(str, table.schema.types), strict=True))
    assert "unused" not in types
    assert (types["colour"], types["key"], types["measure"]) == ("string", "string", "double")
    assert types["written"] == "timestamp[us, tz=UTC]"
    kinds = {each.name: each.kind for each in DataLoader(config, raw).load().schema.fields}
    expected = {"boolean": "bool", "categorical": "string", "text": "string", "numeric": "double"}
    for name, kind in kinds.items():
        assert types[name] == expected.get(kind, "timestamp[us, tz=UTC]")
    assert {"total", "size_a_price"} <= set(types)
    moments = table["written"].to_pylist()
    assert (moments[0], moments[1]) == (None, datetime(2024, 2, 2, tzinfo=UTC))


def test_each_step_is_a_function(raw: pd.DataFrame, config: Config) -> None:
    """Rename, check, derive and cast, each on its own."""
    with pytest.raises(DataError, match=r"has no column 'weight in kg', which data.rename names"):
        renamed(raw.drop(columns="weight in kg"), config, "raw.csv")
    table = renamed(raw, config, "raw.csv")
    assert "measure" in table
    assert "weight in kg" in raw
    rows, schema = checked_rows(table, config, "raw.csv")
    assert rows.features["measure"].isna().sum() == 15
    derived = derived_features(rows.features, config)
    total = rows.features["size"] + rows.features["price"] + 1.0
    assert np.allclose(derived["total"].to_numpy(dtype=float), total, equal_nan=True)
    assert not set(derived) & set(rows.features)
    cast = as_table(rows, table, derived, schema, config)
    assert cast.column_names[:2] == ["colour", "key"]
    assert cast.num_rows == 120


def test_bad_rows_are_errors_or_counted(raw: pd.DataFrame, config: Config, tmp_path: Path) -> None:
    """By default the first one is an error, and nothing is written; else each is counted for its first reason."""
    cells = {"colour": {3: None, 4: "mauve"}, "key": {5: None, 7: raw["key"][6]}, "size": {8: "huge", 9: "tiny"}}
    for name, values in cells.items():
        raw[name] = [values.get(row, value) for row, value in enumerate(raw[name])]
    target = tmp_path / "processed.parquet"
    with pytest.raises(DataError):
        process_data(raw, str(target), config)
    assert not target.exists()
    classes = config.model_copy(
        update={"data": config.data.model_copy(update={"classes": {"red": "red", "green": "green"}})}
    )
    record = process_data(raw, str(target), classes, drop_bad_rows=True)
    assert record.dropped == {
        "colour: the target is missing": 1,
        "colour: the target is no class": 1,
        "key: the index is missing": 1,
        "key: the index is repeated": 1,
        "size: expected a number, found text": 2,
    }
    assert (record.rows_in, record.rows_out) == (120, 114)
    assert len(cm.read_table(str(target))) == 114
    kept, dropped = without_bad_rows(renamed(raw, config, "raw"), classes, "raw")
    assert len(kept) == 120 - sum(dropped.values())


def test_a_dropped_row_does_not_keep_its_index(raw: pd.DataFrame, config: Config) -> None:
    """A good row of the same index stays; a weight that is no weight, and a row without a time, are dropped."""
    raw = raw.assign(mass=[0.0 if row == 5 else 1.0 for row in range(120)])
    raw["day"] = [None if row == 6 else f"2024-01-{1 + row % 28:02}" for row in range(120)]
    raw["colour"] = [None if row == 3 else value for row, value in enumerate(raw["colour"])]
    raw["key"] = [3 if row == 4 else value for row, value in enumerate(raw["key"])]
    data = config.data.model_copy(update={"weight": "mass", "time": "day"})
    kept, dropped = without_bad_rows(renamed(raw, config, "raw"), config.model_copy(update={"data": data}), "raw")
    assert dropped == {
        "colour: the target is missing": 1, "mass: the weight is not above 0": 1, "day: the time is missing": 1
    }  # fmt: skip
    assert len(kept) == 117


def test_the_hold_out_does_not_depend_on_how_values_are_spelled(tmp_path: Path) -> None:
    """Without an index, a row belongs to it by its values: 7.10 is 7.1, and NA is missing."""
    table = make_table(200)
    spelled = table.assign(size=[f"{value:.3f}0" for value in table["size"].fillna(1)], shape=table["shape"])
    spelled.to_csv(tmp_path / "raw.csv", index=False)
    config = make_config(folder=tmp_path, data={"source": "raw.csv"})
    process_data(None, str(tmp_path / "t.parquet"), config)
    one, other = (DataLoader(config, source).load() for source in (None, str(tmp_path / "t.parquet")))
    assert one.fingerprint == other.fingerprint
    pd.testing.assert_frame_equal(one.holdout.features, other.holdout.features)


def test_a_table_of_bad_rows_alone_is_refused(raw: pd.DataFrame, config: Config, tmp_path: Path) -> None:
    """There is nothing to train on."""
    with pytest.raises(DataError, match="the given table has no rows: expected at least one"):
        process_data(raw.assign(colour=None), str(tmp_path / "t.parquet"), config, drop_bad_rows=True)
    assert not (tmp_path / "t.parquet").exists()


def test_sources_and_sinks_may_be_functions(raw: pd.DataFrame, config: Config) -> None:
    """A function gives the frame, and another takes the table."""
    taken: list[pa.Table] = []
    record = process_data(lambda: raw, taken.append, config)
    assert taken[0].num_rows == record.rows_out == 120
    assert (record.source, record.sink) == ("the given table", "a function")
    with pytest.raises(InputError, match="a function that returns a frame, found list"):
        process_data(lambda: [1], taken.append, config)  # type: ignore[arg-type]


def test_what_was_changed_since_processing_is_refused(raw: pd.DataFrame, config: Config, tmp_path: Path) -> None:
    """A column of another type, a new one and a missing one, another config, another release."""
    path = tmp_path / "processed.parquet"
    process_data(raw, str(path), config)
    table = pa.parquet.read_table(path)
    place = table.column_names.index("size")
    other_type = table.set_column(place, "size", table["size"].cast(pa.int64(), safe=False))
    for other, described, reason in (
        (other_type, None, "column 'size' was changed since the data was processed: expected double, found int64"),
        (table.drop_columns("size"), None, "column 'size' was changed .*: expected double, found none"),
        (table.append_column("new", table["size"]), None, "column 'new' .*: expected no such column, found double"),
        (table, b"{}", "was processed by another release of this package: process the data again"),
    ):
        metadata = table.schema.metadata | ({} if described is None else {KEY.encode(): described})
        pa.parquet.write_table(other.replace_schema_metadata(metadata), tmp_path / "changed.parquet")
        with pytest.raises(DataError, match=reason):
            DataLoader(config, str(tmp_path / "changed.parquet")).load()


def test_only_what_is_read_differently_needs_processing_again(config: Config) -> None:
    """How a model is trained does not matter; another kind, mark or class does."""
    other = config.model_copy(update={"training": config.training.model_copy(update={"folds": 3})})
    assert reading_hash(other) == reading_hash(config)
    source = config.model_copy(update={"data": config.data.model_copy(update={"source": "elsewhere.csv"})})
    assert reading_hash(source) == reading_hash(config)
    marks = config.model_copy(update={"data": config.data.model_copy(update={"missing_values": ("?",)})})
    assert reading_hash(marks) != reading_hash(config)


def test_a_processed_table_of_another_config_is_refused(raw: pd.DataFrame, config: Config, tmp_path: Path) -> None:
    """Its values may have been read otherwise."""
    process_data(raw, str(tmp_path / "t.parquet"), config)
    other = config.model_copy(update={"data": config.data.model_copy(update={"missing_values": ("?",)})})
    with pytest.raises(DataError, match=r"t\.parquet was processed by a config with other data or features"):
        DataLoader(other, str(tmp_path / "t.parquet")).load()


def test_the_command_processes_and_keeps_a_record(command: Command, tmp_path: Path) -> None:
    """The packaged problem, to a file that `train` takes; the record is a line of JSON."""
    done = command("process", "--output", "titanic.parquet", "--record", "runs.jsonl")
    assert done.code == 0, done.err
    assert done.out.startswith("1309 of 1309 rows of titanic.csv written to titanic.parquet in ")
    record: dict[str, Any] = json.loads((tmp_path / "runs.jsonl").read_text())
    assert (record["run"], record["rows_in"], record["config_hash"]) == ("process", 1309, cm.load_config().hash)
    done = command("process", "--output", "titanic.parquet", "--record", "no/such/runs.jsonl")
    assert (done.code, done.err) == (2, "error: no/such/runs.jsonl cannot be written: No such file or directory\n")
