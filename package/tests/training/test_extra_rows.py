"""Training on more than the source: rows put below the table, frames instead of it, and a version of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from problems import EVERY_KIND, make_config, make_table

from classification_model.config.core import Config
from classification_model.errors import ConfigError, DataError, InputError
from classification_model.processing.data_manager import DataLoader, TrainingData
from classification_model.processing.raw_tables import hash_of_rows
from classification_model.processing.splitting import share_of
from classification_model.runtime.model_folder.artifact import read_manifest
from classification_model.train_pipeline import run_training, train_model, write_model
from classification_model.training.folder_names import model_folder
from classification_model.training.up_to_date import is_current

TABLE = make_table(160)
MORE = make_table(80, seed=5).assign(key=range(1000, 1080))


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """Describe the table, which is there as a file."""
    TABLE.to_csv(tmp_path / "table.csv", index=False)
    return make_config({"size": "numeric", "shape": "categorical"}, folder=tmp_path)


def sizes(data: TrainingData) -> tuple[set[float], set[float]]:
    """Return the sizes of the rows to learn from, and of those held out."""
    return set(data.train.features["size"].dropna()), set(data.holdout.features["size"].dropna())


def test_extra_rows_are_held_out_by_the_rule_of_the_table(config: Config) -> None:
    """A row's index decides on its side, whether it stands in the table or below it; no row of the table changes it."""
    alone, both = DataLoader(config).load(), DataLoader(config, extra=MORE).load()
    assert len(both.train) + len(both.holdout) == 240
    held = MORE[[share_of(str(key)) < 0.2 for key in MORE["key"]]]
    assert 0 < len(held) < 80
    assert len(both.holdout) == len(alone.holdout) + len(held)
    assert sizes(both)[1] == sizes(alone)[1] | set(held["size"].dropna())
    assert both.holdout_rule.rule == alone.holdout_rule.rule


@pytest.mark.slow
def test_extra_rows_are_the_same_as_a_longer_table(config: Config, tmp_path: Path) -> None:
    """What is learned is what a file of both would give, to the last bit, but for the table's fingerprint."""
    pd.concat([TABLE, MORE]).to_csv(tmp_path / "both.csv", index=False)
    below = train_model(config, extra=MORE, jobs=1).report.manifest
    whole = train_model(config, source=str(tmp_path / "both.csv"), jobs=1).report.manifest
    for name in ("golden_rows", "metrics", "input_schema", "holdout", "training_distribution"):
        assert getattr(below, name) == getattr(whole, name)
    assert (below.data.rows, below.data.columns) == (whole.data.rows, whole.data.columns)


def test_the_fingerprint_covers_the_extra_rows(config: Config) -> None:
    """One cell of an extra row changes the fingerprint, their order too; the same rows give the same one again."""
    first = DataLoader(config, extra=MORE).load().fingerprint
    assert first == DataLoader(config, extra=MORE.copy()).load().fingerprint
    changed = MORE.copy()
    changed.loc[3, "size"] = 1.25
    other = {DataLoader(config, extra=rows).load().fingerprint.sha256 for rows in (changed, MORE[::-1], MORE[:79])}
    assert len(other | {first.sha256, DataLoader(config).load().fingerprint.sha256}) == 5
    assert first.rows == 240


def test_no_extra_rows_are_none(config: Config) -> None:
    """An empty frame changes nothing."""
    assert DataLoader(config, extra=MORE[:0]).load().fingerprint == DataLoader(config).load().fingerprint


def test_what_extra_rows_do_not_have_is_missing(config: Config) -> None:
    """Only the target and the index must be there; a feature that is not is missing in these rows."""
    data = DataLoader(config, extra=MORE[["key", "size", "colour"]]).load()
    gaps = data.train.features["shape"].isna().sum() + data.holdout.features["shape"].isna().sum()
    assert gaps == TABLE["shape"].isna().sum() + 80


def test_typed_values_are_read_as_the_texts_of_the_table_are(config: Config) -> None:
    """Extra rows may hold numbers of pandas' own types where the file holds texts."""
    typed = MORE.assign(size=pd.array(MORE["size"].to_numpy(dtype=float, na_value=np.nan), dtype="Float64"))
    assert sizes(DataLoader(config, extra=typed).load()) == sizes(DataLoader(config, extra=MORE).load())


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (MORE.assign(more=1), "the extra rows: expected columns of the table, found 'more': leave it out"),
        (MORE.drop(columns="colour"), "the extra rows: expected the column 'colour', the target, found none"),
        (MORE.drop(columns="key"), "the extra rows: expected the column 'key', the index, found none"),
        (
            MORE.assign(key=range(100, 180)),
            "the index: expected unique values, found '100' in rows 100 and 160 \\(count",
        ),
        (
            MORE.assign(colour=None),
            r"column 'colour', the target, is missing in 80 row\(s\), first in row 160 \(counted from 0\)",
        ),
        (
            MORE.assign(colour="blue"),
            "the target: expected a value of data.classes .*, found 'blue' in row .*: list it",
        ),
        (
            MORE.assign(size="large"),
            "column 'size', numeric, row 160 \\(counted from 0\\): expected a number, found text",
        ),
        (
            pd.concat([MORE, MORE[["size"]]], axis=1),
            "the table of extra rows: expected each column name once, found 'size' twice",
        ),
    ],
)
def test_extra_rows_that_do_not_fit_are_told(config: Config, rows: pd.DataFrame, message: str) -> None:
    """Unknown columns, no target, a repeated index and unreadable values are errors that name row and column."""
    with pytest.raises(DataError, match=message):
        DataLoader(config, extra=rows).load()


def test_beside_a_validation_table_no_extra_row_is_held_out(config: Config, tmp_path: Path) -> None:
    """With a table of its own to be judged on, all extra rows are learned from."""
    MORE.assign(key=range(5000, 5080)).to_csv(tmp_path / "second.csv", index=False)
    judged = config.model_copy(update={"data": config.data.model_copy(update={"validation_source": "second.csv"})})
    data = DataLoader(judged.at(tmp_path), extra=make_table(40, seed=9).assign(key=range(2000, 2040))).load()
    assert (len(data.train), len(data.holdout)) == (200, 80)


@pytest.mark.slow
def test_a_version_of_its_own_changes_nothing_else(config: Config, tmp_path: Path) -> None:
    """Folder, pipeline and manifest carry it; the hash of the config and what was learned stay."""
    version = "1.0.0+20261121t130430.1a2b3c"
    plain = run_training(config, output=tmp_path, jobs=1)
    report = run_training(config, output=tmp_path, version=version, jobs=1)
    assert report.folder == model_folder(config, tmp_path, version)
    assert report.folder.name == f"classification_model_output_v{version}"
    manifest = read_manifest(report.folder)
    assert (manifest.version, manifest.pipeline) == (version, f"classification_model_output_v{version}.pkl")
    assert manifest.config_hash == plain.manifest.config_hash == config.hash
    assert manifest.golden_rows == plain.manifest.golden_rows
    assert is_current(config, plain.folder)
    for bad in ("latest", "1.0.0/..", "v1", ""):
        with pytest.raises(InputError, match=r"version: expected a PEP 440 version, such as 1\.2\.0\+20260131"):
            run_training(config, output=tmp_path, version=bad, jobs=1)


@pytest.mark.slow
def test_training_writes_nothing_before_it_is_told_to(config: Config, tmp_path: Path) -> None:
    """A trained model is in memory, predicts, and is written where and when the caller says."""
    before = set(tmp_path.iterdir())
    trained = train_model(config, jobs=1)
    assert set(tmp_path.iterdir()) == before
    rows: list[dict[str, Any]] = [{"size": 1, "shape": "disc"}]
    answer = trained.predictor.predict(rows)
    report = write_model(trained, tmp_path / "models" / "here")
    assert report.folder == tmp_path / "models" / "here"
    assert report.manifest == read_manifest(report.folder)
    assert set(report.manifest.files) == set(trained.contents)
    assert trained.report.folder == Path("classification_model_output_v1.0.0")
    assert answer["errors"] is None


def test_a_frame_stands_in_for_a_file(tmp_path: Path) -> None:
    """Of a frame, with the names before or after a rename and without columns of no use, the same is learned."""
    (tmp_path / "none").mkdir()
    data = {"rename": {"Size": "size"}, "leakage": ["after"]}
    config = make_config({"size": "numeric"}, folder=tmp_path / "none", data=data)
    old = TABLE.rename(columns={"size": "Size"})
    first, second = DataLoader(config, old).load(), DataLoader(config, TABLE).load()
    assert sizes(first) == sizes(second)
    assert first.fingerprint == second.fingerprint
    whole = DataLoader(make_config(EVERY_KIND, folder=tmp_path), TABLE, extra=MORE).load()
    assert whole.fingerprint.rows == 240
    with pytest.raises((DataError, ConfigError), match="the given table has no column 'size'"):
        DataLoader(config, TABLE.drop(columns="size")).load()


CELLS = st.one_of(
    st.none(), st.text(max_size=3), st.integers(), st.floats(), st.booleans(), st.dates(), st.lists(st.none())
)


@pytest.mark.slow
@settings(max_examples=200)
@given(rows=st.lists(st.tuples(CELLS, CELLS), max_size=4))
def test_every_table_has_a_fingerprint(rows: list[tuple[Any, Any]]) -> None:
    """Cells of any kind are spelled, the same each time, and a cell more or less is another table."""
    table = pd.DataFrame(rows, columns=["a", "b"], dtype=object)
    found = hash_of_rows(table)
    assert found == hash_of_rows(table.copy())
    longer = pd.concat([table, pd.DataFrame([("x", "y")], columns=["a", "b"], dtype=object)])
    assert found not in {hash_of_rows(longer), hash_of_rows(table.rename(columns={"a": "c"}))}
