"""The compiled model itself: columns and rows through the graph, at any size, in any thread."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from problems import DERIVED, EVERY_KIND, make_config, make_table, train

from classification_model.errors import VerificationError
from classification_model.runtime.inference.compiled import CHUNK, CompiledModel
from classification_model.runtime.input.checking import check_input
from classification_model.runtime.input.columns import Column, Encoded, encode
from classification_model.runtime.model_folder.manifest import Manifest
from classification_model.training.training_report import TrainingReport

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=[2, 3])
def report(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> TrainingReport:
    """Train on every kind of column, with two classes and with three."""
    config = make_config(EVERY_KIND | DERIVED, folder=tmp_path_factory.mktemp("problem"), classes=request.param)
    return train(make_table(200, request.param), config)


@pytest.fixture(scope="module")
def compiled(report: TrainingReport) -> CompiledModel:
    assert report.manifest.compiled is not None
    return CompiledModel((report.folder / report.manifest.compiled).read_bytes())


def columns_of(manifest: Manifest, rows: int) -> dict[str, Column]:
    """Read a made table as columns."""
    table = make_table(rows, seed=7, gaps=0.3).drop(columns=["key", "colour"])
    return check_input(manifest.input_schema, table).arrays(manifest.input_schema.texts)


@pytest.mark.parametrize("count", [1, 2, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK])
def test_each_row_is_answered_as_it_is_alone(report: TrainingReport, compiled: CompiledModel, count: int) -> None:
    """However many rows come at once, over the borders of chunks too, each gets what it gets alone."""
    columns = columns_of(report.manifest, count)
    together = compiled.probabilities(columns, count)
    assert together.shape == (count, len(report.manifest.classes))
    values = {name: column.tolist() for name, column in columns.items()}
    for row in {0, count // 2, count - 1}:
        alone = compiled.probabilities_of_rows([{name: column[row] for name, column in values.items()}])
        assert alone[0].tolist() == together[row].tolist()
    assert together.sum(axis=1) == pytest.approx(1, abs=1e-12)


def test_a_text_that_no_row_has_changes_nothing(report: TrainingReport, compiled: CompiledModel) -> None:
    """Values of an encoded column that no code points at, and other orders of the values, are of no effect."""
    columns = columns_of(report.manifest, 50)
    expected = compiled.probabilities(columns, 50)
    other: dict[str, Column] = {}
    for name, column in columns.items():
        if isinstance(column, Encoded):
            size = len(column.values)
            codes = np.where(column.codes < 0, -1, size - column.codes)
            column = Encoded(codes, ["unused", *reversed(column.values)])  # noqa: PLW2901
        other[name] = column
    assert compiled.probabilities(other, 50).tolist() == expected.tolist()


def test_threads_share_one_model(report: TrainingReport, compiled: CompiledModel) -> None:
    """Eight threads that ask at once, for columns and for rows, get what one gets."""
    columns = columns_of(report.manifest, 3000)
    expected = compiled.probabilities(columns, 3000).tolist()
    row = {name: column[:1].tolist()[0] for name, column in columns.items()}
    with ThreadPoolExecutor(8) as threads:
        many = list(threads.map(lambda _: compiled.probabilities(columns, 3000).tolist(), range(16)))
        single = list(threads.map(lambda _: compiled.probabilities_of_rows([dict(row)]).tolist(), range(500)))
    assert all(answer == expected for answer in many)
    assert single == [single[0]] * 500


def test_numbers_in_the_place_of_categories_are_refused(report: TrainingReport, compiled: CompiledModel) -> None:
    """A graph and a schema that do not belong together are an error, not a wrong answer."""
    columns = columns_of(report.manifest, 3) | {"shape": np.zeros(3)}
    with pytest.raises(VerificationError, match="expects categories in 'shape', which holds numbers: train it again"):
        compiled.probabilities(columns, 3)


def test_encoding_gives_each_text_once_in_order_of_appearance() -> None:
    """Codes are places of values; a missing text is -1 and None."""
    column = encode(["b", None, "a", "b", "", None])
    assert column.codes.tolist() == [0, -1, 1, 0, 2, -1]
    assert list(column.values) == ["b", "a", ""]
    assert column.tolist() == ["b", None, "a", "b", "", None]
    assert column[1:3].tolist() == [None, "a"]
    assert encode([]).tolist() == []


def test_the_files_of_one_training_are_equal(report: TrainingReport, tmp_path: Path) -> None:
    """A second training on the same table gives the same compiled model, byte for byte."""
    classes = len(report.manifest.classes)
    again = train(make_table(200, classes), make_config(EVERY_KIND | DERIVED, folder=tmp_path, classes=classes))
    assert again.manifest.compiled is not None
    name = again.manifest.compiled
    assert (again.folder / name).read_bytes() == (report.folder / name).read_bytes()


def test_onnxruntime_writes_nothing_into_the_users_home(model_folder: Path, tmp_path: Path) -> None:
    """Its telemetry, which would leave an identifier there, is off unless somebody switches it on."""
    code = f"from classification_model.predict import Predictor; Predictor.load({str(model_folder)!r})"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not list(tmp_path.iterdir())
