"""Training, whole: a model folder that is right, repeatable, current or not, or not there at all."""

from __future__ import annotations

import hashlib
import logging
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from problems import CLASSES, DERIVED, EVERY_KIND, load, make_config, make_table, train
from sklearn.datasets import load_iris, load_wine
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score

from classification_model.config.core import parse_config
from classification_model.errors import ArtifactError, GateError, InputError
from classification_model.evaluation.metrics import METRICS, choose_threshold
from classification_model.predict import Predictor
from classification_model.processing.fitted_pipelines import load_pipeline
from classification_model.reporting.leaderboard import read_leaderboard
from classification_model.runtime.model_folder.artifact import (
    MANIFEST,
    read_files,
    read_manifest,
    read_model,
    write_model_folder,
)
from classification_model.runtime.model_folder.manifest import MetricValue
from classification_model.train_pipeline import run_training
from classification_model.training.describe_model import code_hash
from classification_model.training.folder_names import model_folder
from classification_model.training.folds import class_numbers
from classification_model.training.gates import check_gates
from classification_model.training.training_report import TrainingReport
from classification_model.training.up_to_date import is_current

pytestmark = pytest.mark.slow


FOLDER = "classification_model_output_v1.0.0"


@pytest.fixture(scope="module", params=[2, 3], ids=["binary", "three classes"])
def report(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> TrainingReport:
    """Train on every kind of feature."""
    folder = tmp_path_factory.mktemp("trained")
    return train(
        make_table(240, request.param), make_config(EVERY_KIND | DERIVED, folder=folder, classes=request.param)
    )


def test_a_model_folder_is_whole(report: TrainingReport) -> None:
    """Training leaves pipeline, manifest and reports, which verify, and nothing beside them."""
    files = {path.relative_to(report.folder).as_posix() for path in report.folder.rglob("*") if path.is_file()}
    models = {f"{FOLDER}.pkl", "core.onnx", "model.onnx"}
    reports = {"reports/report.html", "reports/eda.html", "reports/model_card.md", "reports/leaderboard.csv"}
    assert files == models | reports | {MANIFEST}
    assert {path.name for path in report.folder.parent.iterdir()} == {FOLDER, "table.csv"}
    assert Predictor.load(report.folder).manifest == report.manifest
    assert report.seconds > 0


def test_metrics_are_those_of_rows_that_were_held_out(report: TrainingReport) -> None:
    """The manifest's metrics are what scikit-learn computes of the saved model's predictions for the hold-out."""
    holdout, classes = report.data.holdout, report.data.classes
    pipeline, manifest = load_pipeline(report.folder)
    probabilities = pipeline.predict_proba(holdout.features)
    truth = class_numbers(holdout.labels, classes)
    area = roc_auc_score(truth, probabilities[:, 1] if len(classes) == 2 else probabilities, multi_class="ovr")
    assert manifest.metrics["roc_auc"].value == pytest.approx(area)
    assert manifest.metrics["log_loss"].value == pytest.approx(log_loss(truth, probabilities))
    assert manifest.metrics["accuracy"].value == accuracy_score(truth, probabilities.argmax(axis=1))
    assert set(manifest.metrics) == set(METRICS)
    assert all(metric.low <= metric.value <= metric.high for metric in manifest.metrics.values())


def test_the_manifest_says_what_was_done(report: TrainingReport) -> None:
    """Estimator, setting, hashes, classes, hold-out and distributions are those of this training."""
    manifest, data = report.manifest, report.data
    assert (manifest.estimator, manifest.parameters) == ("logistic_regression", report.selection.winner.setting)
    assert manifest.data == data.fingerprint
    assert manifest.classes == data.classes
    assert manifest.code_hash == code_hash()
    assert manifest.holdout.rows == len(data.holdout)
    assert set(manifest.training_distribution) == set(EVERY_KIND)
    assert set(manifest.prediction_distribution) == set(data.classes)
    assert manifest.threshold == (0.5 if len(data.classes) == 2 else None)
    assert [name for name, _, _ in report.judged.importances] != []


def test_labels_are_predicted(report: TrainingReport) -> None:
    """The saved model predicts raw rows, one result a row, in the labels of the config."""
    rows = make_table(20, len(report.data.classes), seed=9).drop(columns=["key", "colour"])
    answer = Predictor.load(report.folder).predict(rows)
    assert set(answer["predictions"]) <= set(report.data.classes)
    assert len(answer["predictions"]) == 20
    assert answer["errors"] is None


@pytest.mark.parametrize(("loader", "suffix"), [(load_iris, "csv"), (load_wine, "json"), (load_wine, "parquet")])
def test_three_classes_are_told_apart(tmp_path: Path, loader: Callable[..., Any], suffix: str) -> None:
    """Iris and wine, from a config that names a file and a target and no more, are told apart."""
    bunch = loader(as_frame=True)
    table = bunch.data.assign(kind=np.array(bunch.target_names)[bunch.target])
    text = (
        f"app:\n  name: plants\ndata:\n  source: table.{suffix}\n  target: kind\n"
        "training:\n  candidates:\n    logistic_regression:\n"
    )
    report = train(table, parse_config(text, folder=tmp_path))
    assert report.manifest.metrics["roc_auc"].value > 0.97
    assert report.manifest.classes == tuple(sorted(bunch.target_names))


TRAIN = """
import sys
from pathlib import Path
from problems import DERIVED, EVERY_KIND, make_config, make_table, train
candidates = {
    "logistic_regression": {"C": ["1", "0.1"]},
    "random_forest": {"n_estimators": "5"},
    "hist_gradient_boosting": {"max_iter": "5"},
    "average": {},
}
training = {"candidates": candidates, "budget_seconds": 600, "estimator": "average", "threshold": "accuracy"}
folder, jobs = Path(sys.argv[1]), int(sys.argv[2])
train(make_table(150), make_config(EVERY_KIND | DERIVED, folder=folder, training=training), jobs=jobs)
"""


def train_elsewhere(folder: Path, jobs: int, **environment: str) -> subprocess.Popen[bytes]:
    """Start training in a process of its own."""
    folder.mkdir()
    path = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    return subprocess.Popen(
        [sys.executable, "-W", "error::RuntimeWarning", "-c", TRAIN, folder, str(jobs)],
        env={**os.environ, "PYTHONPATH": path, **environment},
        cwd=folder,
    )


def hashes(folder: Path) -> dict[str, str]:
    """Give the hash of each file of a model, without the times in the manifest and the reports that have times."""
    contents = {path.name: path.read_bytes() for path in (folder / FOLDER).rglob("*") if path.is_file()}
    contents[MANIFEST] = re.sub(rb'"(created|digest)": "[^"]*"', b"", contents[MANIFEST])
    for name in ("report.html", "eda.html", "leaderboard.csv"):
        del contents[name]
        contents[MANIFEST] = re.sub(rb'"reports/%b": \{[^}]*\}' % name.encode(), b"", contents[MANIFEST])
    return {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}


def test_training_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    """The same table, config and code give the same files, whatever the hash seed, threads, clock, zone and folder."""
    one = {"PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "TZ": "UTC"}
    other = {"PYTHONHASHSEED": "1", "OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2", "TZ": "Asia/Tokyo"}
    first = train_elsewhere(tmp_path / "first", 1, **one)
    second = train_elsewhere(tmp_path / "second", 2, SOURCE_DATE_EPOCH="0", **other)
    assert (first.wait(), second.wait()) == (0, 0)
    assert len(hashes(tmp_path / "first")) == 5
    assert hashes(tmp_path / "second") == hashes(tmp_path / "first")


def test_the_clock_may_be_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SOURCE_DATE_EPOCH stands in for the clock, and then training twice gives the same bytes of every file."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    config = make_config({"size": "numeric"}, folder=tmp_path)
    first = read_model(train(make_table(), config).folder)
    second = train(make_table(), config)
    assert second.manifest.created == "2023-11-14T22:13:20Z"
    assert read_model(second.folder) == first
    assert b"2023-11-14 at 22:13 UTC" in first.contents["reports/report.html"]
    assert b"Fit, s" not in first.contents["reports/report.html"]
    assert read_leaderboard(first.contents["reports/leaderboard.csv"])["fit_seconds"].isna().all()


def test_the_time_of_making_is_universal(report: TrainingReport) -> None:
    """Without it, `created` is now, in UTC."""
    created = pd.Timestamp(report.manifest.created)
    assert str(created.tz) == "UTC"
    assert abs((pd.Timestamp.now("UTC") - created).total_seconds()) < 3600


def test_a_missed_gate_saves_nothing(tmp_path: Path) -> None:
    """A model that misses its gates is not saved; each gate is named with what was reached and demanded."""
    config = make_config({"size": "numeric"}, folder=tmp_path, gates={"roc_auc": 0.999, "log_loss": 0.001, "f1": 0.01})
    with pytest.raises(GateError, match="the model misses its gates and is not saved: ") as caught:
        train(make_table(), config)
    number = r"\d\.\d{4}"
    missed = rf"is {number} \(95% interval {number} to {number}\)"
    assert re.search(
        rf"roc_auc {missed}, expected at least 0\.999; log_loss {missed}, expected at most", str(caught.value)
    )
    assert "f1" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["table.csv"]


def test_a_missed_gate_leaves_the_former_model(tmp_path: Path) -> None:
    """When a retrained model misses a gate, the one that was there stays as it was."""
    former = train(make_table(), make_config({"size": "numeric"}, folder=tmp_path)).manifest
    with pytest.raises(GateError, match="accuracy is"):
        train(make_table(), make_config({"price": "numeric"}, folder=tmp_path, gates={"accuracy": 0.99}))
    assert Predictor.load(tmp_path / FOLDER).manifest == former


@pytest.mark.parametrize(("name", "value"), [("roc_auc", 0.8), ("log_loss", 0.8)])
def test_a_gate_that_is_just_reached_is_passed(name: str, value: float) -> None:
    """A gate is a limit that may be touched, from above or from below."""
    config = make_config(gates={name: 0.8})
    check_gates(config, {name: MetricValue(value=value, low=0.7, high=0.9)})
    worse = value - 0.001 if METRICS[name] else value + 0.001
    with pytest.raises(GateError, match=f"{name} is"):
        check_gates(config, {name: MetricValue(value=worse, low=0.7, high=0.9)})


@pytest.mark.parametrize("measure", ["accuracy", "balanced_accuracy", "f1", 0.3])
def test_the_threshold_is_chosen_out_of_fold(tmp_path: Path, measure: str | float) -> None:
    """A threshold is the number of the config, or the best by its measure on out-of-fold predictions."""
    config = make_config({"size": "numeric"}, folder=tmp_path, training={"threshold": measure})
    report = train(make_table(240), config)
    outcome = report.selection.out_of_fold()
    expected = choose_threshold(outcome, measure) if isinstance(measure, str) else measure
    assert report.manifest.threshold == expected
    assert report.judged.outcome.threshold == expected


#: Changes something in a folder, or gives the sections of another config.
Change = Callable[[Path, pd.DataFrame], object]


def rewrite(**update: Any) -> Change:
    """Return a change that makes the manifest say that something else made the model."""

    def apply(folder: Path, _: pd.DataFrame) -> None:
        model = folder / FOLDER
        manifest = read_manifest(model)
        write_model_folder(model, manifest.model_copy(update=update), read_files(model, manifest))

    return apply


def table_with(name: str) -> Change:
    """Return a change of one cell of a table."""

    def apply(folder: Path, table: pd.DataFrame) -> None:
        changed = table.copy()
        changed.loc[5, "size"] = 9.75
        changed.to_csv(folder / name, index=False)

    return apply


def damage(name: str) -> Change:
    """Return a change of one byte of a file of the model."""

    def apply(folder: Path, _: pd.DataFrame) -> None:
        path = folder / FOLDER / name
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)

    return apply


CHANGES: dict[str, Change] = {
    "table": table_with("table.csv"),
    "validation table": table_with("second.csv"),
    "no table": lambda folder, _: (folder / "table.csv").unlink(),
    "no validation table": lambda folder, _: (folder / "second.csv").unlink(),
    "config": lambda *_: {"training": {"random_state": 1}},
    "gates": lambda *_: {"gates": {"roc_auc": 0.01}},
    "libraries": rewrite(libraries={"numpy": "1.0"}),
    "code": rewrite(code_hash="0" * 64),
    "pipeline": damage(f"{FOLDER}.pkl"),
    "report": damage("reports/report.html"),
    "manifest": damage(MANIFEST),
    "no report": lambda folder, _: (folder / FOLDER / "reports/model_card.md").unlink(),
    "another file": lambda folder, _: (folder / FOLDER / "more.txt").write_text("x"),
    "no model": lambda folder, _: (folder / FOLDER).rename(folder / "elsewhere"),
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train once with a validation table; give the folder of tables and model."""
    folder = tmp_path_factory.mktemp("current")
    make_table(60, seed=1).assign(key=range(1000, 1060)).to_csv(folder / "second.csv", index=False)
    train(make_table(), current_config(folder))
    return folder


def current_config(folder: Path, **sections: Any) -> Any:
    """Describe the problem of `trained`."""
    return make_config({"size": "numeric"}, folder=folder, data={"validation_source": "second.csv"}, **sections)


@pytest.fixture
def copied(trained: Path, tmp_path: Path) -> Path:
    """Copy the tables and the model to change."""
    for path in trained.rglob("*"):
        if path.is_file():
            target = tmp_path / path.relative_to(trained)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    return tmp_path


def test_an_unchanged_model_is_current(copied: Path) -> None:
    """With the same config, tables, libraries and code, in any folder, there is nothing to train."""
    assert is_current(current_config(copied), copied / FOLDER)
    assert is_current(current_config(Path("/nowhere/at/all")), copied / FOLDER) is False


@pytest.mark.parametrize("case", CHANGES)
def test_a_change_is_noticed(copied: Path, case: str) -> None:
    """A change of the config, a table, a library, the code or a file of the model asks for training."""
    found = CHANGES[case](copied, make_table(60 if case == "validation table" else 120))
    sections = found if isinstance(found, dict) else {}
    assert not is_current(current_config(copied, **sections), copied / FOLDER)


def test_another_source_is_another_table(copied: Path) -> None:
    """A source given by the caller is what the model is held against."""
    config = current_config(copied)
    assert is_current(config, copied / FOLDER, str(copied / "table.csv"))
    assert not is_current(config, copied / FOLDER, str(copied / "second.csv"))


def test_comments_are_no_change(tmp_path: Path) -> None:
    """A config with other comments and blank lines is the same problem."""
    text = "app:\n  name: a\ndata:\n  source: table.csv\n  target: colour\n  index: key\n"
    text += "training:\n  folds: 2\n  candidates:\n    logistic_regression:\n"
    report = train(make_table(), parse_config(text, folder=tmp_path))
    commented = "# A comment.\n\n" + text.replace("  index: key\n", "  # Another.\n  index: key\n")
    assert is_current(parse_config(commented, folder=tmp_path), report.folder)


def test_the_folder_is_named_after_the_version(tmp_path: Path) -> None:
    """A model's folder carries the name and the version of its config."""
    app = {"version": "2.1.0rc1+20260101.abc", "pipeline_save_file": "colours_v"}
    assert model_folder(make_config(app=app), tmp_path) == tmp_path / "colours_v2.1.0rc1+20260101.abc"


def test_an_installed_package_keeps_its_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the package lies in site-packages, a model needs a folder of its own."""
    monkeypatch.setattr("classification_model.training.folder_names.trained_models", lambda: Path("/x/site-packages/y"))
    with pytest.raises(ArtifactError, match="the model of an installed package is not replaced: set --output"):
        model_folder(make_config())


def test_no_row_that_is_held_out_is_learned_from(tmp_path: Path) -> None:
    """Labels of the hold-out turned around change what is measured, and nothing of the model."""
    table = make_table(240)
    config = make_config({"size": "numeric", "shape": "categorical"}, folder=tmp_path)
    held = set(
        load(table.assign(serial=table["key"]), make_config({"serial": "numeric"}, folder=tmp_path)).holdout.features[
            "serial"
        ]
    )
    first = train(table, config)
    pickled = (first.folder / f"{FOLDER}.pkl").read_bytes()
    turned = table.copy()
    places = turned["key"].isin(held)
    turned.loc[places, "colour"] = turned.loc[places, "colour"].map({"red": "green", "green": "red"})
    second = train(turned, config)
    assert (second.folder / f"{FOLDER}.pkl").read_bytes() == pickled
    assert second.manifest.metrics["roc_auc"].value == pytest.approx(1 - first.manifest.metrics["roc_auc"].value)


def test_steps_are_logged_with_their_figures(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Loading, each trial and saving are logged as records with fields, not as prose."""
    with caplog.at_level(logging.INFO, "classification_model"):
        report = train(make_table(), make_config({"size": "numeric"}, folder=tmp_path))
    records = {record.message: vars(record) for record in caplog.records}
    assert records["table loaded"]["rows"] == len(report.data.train)
    assert records["candidate judged"]["candidate"] == "logistic_regression"
    assert records["candidate judged"]["log_loss"] == report.selection.winner.scores["log_loss"]
    assert records["model saved"]["version"] == "1.0.0"


@pytest.mark.parametrize("candidate", ["logistic_regression", "random_forest", "hist_gradient_boosting", "average"])
def test_weights_reach_the_model_that_is_saved(tmp_path: Path, candidate: str) -> None:
    """Where the second class weighs three times as much by row and three times by class, the saved model says so."""
    draw = np.random.default_rng(0)
    table = pd.DataFrame({"key": range(400), "noise": draw.normal(size=400)})
    table["colour"] = [CLASSES[row % 10 == 0] for row in range(400)]  # one in ten
    table["weight"] = np.where(table["colour"] == "green", 3.0, 1.0)
    leaf = {"min_samples_leaf": "80"}
    candidates = {"logistic_regression": {}, "random_forest": leaf, "hist_gradient_boosting": leaf, "average": {}}
    training = {"candidates": candidates, "estimator": candidate, "class_weights": {"green": "3"}, "trials": 1}
    config = make_config({"noise": "numeric"}, folder=tmp_path, data={"weight": "weight"}, training=training)
    report = train(table, config)
    assert report.manifest.estimator == candidate
    answer: Any = Predictor.load(report.folder).predict(table[["noise"]])
    mean = np.mean([probability["green"] for probability in answer["probabilities"]])
    assert mean == pytest.approx(1 / 2, abs=0.07)  # 9 to 9


def test_a_rare_class_may_be_missing_from_the_hold_out(tmp_path: Path) -> None:
    """Three classes of which the validation table shows two are judged and reported without a warning."""
    table = make_table(240, 3)
    second = table[table["colour"] != CLASSES[2]]
    second.assign(key=range(1000, 1000 + len(second))).to_csv(tmp_path / "second.csv", index=False)
    data = {"validation_source": "second.csv"}
    report = train(table, make_config({"size": "numeric"}, folder=tmp_path, classes=3, data=data))
    assert all(np.isfinite(metric.value) for metric in report.manifest.metrics.values())


@pytest.mark.parametrize("wanted", ["now", "", "-1", "1e9", "9" * 30])
def test_a_bad_clock_is_told_before_the_work(tmp_path: Path, wanted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """SOURCE_DATE_EPOCH is read first: what is no time in it ends the training before it begins."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", wanted)
    with pytest.raises(
        InputError, match=r"^environment variable SOURCE_DATE_EPOCH: expected seconds since 1970, found '"
    ):
        run_training(make_config(folder=tmp_path), output=tmp_path)


def test_dates_that_cannot_write_every_year_are_compiled_all_the_same(tmp_path: Path) -> None:
    """A column of ISO weeks has edges like any other, and a compiled model."""
    table = make_table(120)
    table["week"] = [f"2024-W{1 + row % 50:02}-1" for row in range(120)]
    feature = {"kind": "datetime", "datetime_format": "%G-W%V-%u"}
    report = train(table, make_config({"size": "numeric", "week": feature}, folder=tmp_path))
    assert report.manifest.not_compiled is None
    assert Predictor.load(report.folder).predict([{"size": 1, "week": "0001-W01-1"}])["errors"] is None
