"""`train` and `load`: the same model as by the command line, its frames, its card, and what is refused."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from commands import Command
from problems import make_config, make_table
from written import write_table

import classification_model as cm
from classification_model.classifier.classifier import Classifier
from classification_model.config.core import parse_config
from classification_model.errors import (
    ArtifactError,
    ConfigError,
    DataError,
    GateError,
    InputError,
    VerificationError,
)
from classification_model.runtime.model_folder.manifest import Manifest

FEATURES = {"size": {"kind": "numeric"}, "shape": {"kind": "categorical"}, "day": {"kind": "datetime"}}
CONFIG = """
app:
  name: colours
data:
  source: table.csv
  target: colour
features:
  size: numeric
  shape: categorical
training:
  estimator: logistic_regression
  trials: 1
"""


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    """Make a table with the target."""
    return make_table(200)


@pytest.fixture(scope="module")
def model(table: pd.DataFrame) -> Classifier:
    """Train on it."""
    return cm.train(table, config=make_config(FEATURES))


@pytest.fixture(scope="module")
def gapless(table: pd.DataFrame) -> Classifier:
    """Train on it without gaps, so that each column must be there."""
    return cm.train(table.assign(size=table["size"].fillna(0)), config=make_config(FEATURES))


def check_same_hashes(ours: Manifest, theirs: Manifest) -> None:
    """Compare all that is no date and no duration."""
    assert (ours.config_hash, ours.data.sha256) == (theirs.config_hash, theirs.data.sha256)
    assert ours.files.keys() == theirs.files.keys()
    for name in (theirs.pipeline, theirs.compiled, theirs.portable):
        assert name is not None
        assert ours.files[name] == theirs.files[name], name


@pytest.mark.slow
def test_from_a_table_and_its_target_comes_the_model_of_init_and_train(
    command: Command, table: pd.DataFrame, tmp_path: Path
) -> None:
    """The drafted config is the same, and so are the hashes of the model."""
    write_table(table[["key", "size", "shape", "colour"]].head(120), str(tmp_path / "table.csv"))
    assert command("init", "table.csv", "--target", "colour").code == 0
    assert command("train", "--config", "config.yml", "--output", "models").code == 0
    (folder,) = (tmp_path / "models").iterdir()
    trained = cm.train("table.csv", target="colour")
    check_same_hashes(trained.save(tmp_path / "ours"), cm.read_manifest(folder))
    assert trained.draft_ == (tmp_path / "config.yml").read_text(encoding="utf-8")


def test_from_a_config_comes_the_model_of_train(command: Command, table: pd.DataFrame, tmp_path: Path) -> None:
    """Whether the table is that of the config or another one."""
    write_table(table, str(tmp_path / "table.csv"))
    (tmp_path / "config.yml").write_text(CONFIG, encoding="utf-8")
    assert command("train", "--config", "config.yml", "--output", "models").code == 0
    (folder,) = (tmp_path / "models").iterdir()
    theirs = cm.read_manifest(folder)
    check_same_hashes(cm.train(config="config.yml").save(tmp_path / "by_config"), theirs)
    by_both = cm.train(tmp_path / "table.csv", config=tmp_path / "config.yml")
    check_same_hashes(by_both.save(tmp_path / "by_both"), theirs)


@pytest.mark.slow
def test_a_frame_needs_its_target_alone(table: pd.DataFrame) -> None:
    """Kinds, classes and what to leave out are inferred as `init` does."""
    trained = cm.train(table[["key", "size", "shape", "colour"]], target="colour")
    assert repr(trained).startswith("<Classifier of 'colour', version ")
    assert parse_config(str(trained.draft_)).hash == trained.manifest_.config_hash
    quick = cm.train(table, config=trained.draft_, estimator="logistic_regression", trials=1)
    assert quick.leaderboard()["candidate"].tolist() == ["logistic_regression"]
    assert set(trained.classes_) == {"red", "green"}
    assert "key" not in {field.name for field in trained.manifest_.input_schema.fields}
    assert trained.report_ is not None
    assert trained.report_.manifest.metrics["roc_auc"].value > 0.7


def test_predictions_stand_on_the_index_of_the_frame(model: Classifier, table: pd.DataFrame) -> None:
    """Whatever the index is, also one that repeats; the order of columns does not matter."""
    shuffled = table.sample(frac=1, random_state=0)
    predicted = model.predict(shuffled)
    assert predicted.index.equals(shuffled.index)
    assert (predicted.sort_index() == model.predict(table)).all()
    assert (model.predict(table[list(reversed(table.columns))]) == model.predict(table)).all()
    repeated = table.set_axis(["same"] * len(table))
    assert model.predict_frame(repeated).index.tolist() == ["same"] * len(table)
    assert model.explain(repeated.head(3)).index.tolist() == ["same"] * 3


def test_a_frame_of_predictions_is_what_the_predictor_says(model: Classifier, table: pd.DataFrame) -> None:
    """Label, probabilities and warnings are those of `Predictor.predict`, and of the other methods."""
    odd = table.head(20).assign(size=[*range(19), 1e6])
    frame = model.predict_frame(odd)
    answer = model.model_.predictor.predict(odd)
    assert frame.columns.tolist() == ["prediction", "probability_red", "probability_green", "warnings", "errors"]
    assert frame["prediction"].tolist() == answer["predictions"]
    assert frame["probability_green"].tolist() == [one["green"] for one in answer["probabilities"] if one]
    assert "above the training range" in frame["warnings"].iloc[19]
    assert frame["errors"].isna().all()
    assert (frame["prediction"] == model.predict(odd)).all()
    assert np.array_equal(frame[["probability_green", "probability_red"]].to_numpy(), model.predict_proba(odd))


def test_a_row_in_error_is_named_and_the_others_can_be_predicted(model: Classifier, table: pd.DataFrame) -> None:
    """`predict` refuses the rows; `predict_frame` says what is wrong beside the others' predictions."""
    odd = table.head(4).assign(size=[1.0, "big", 2.0, 3.0])
    with pytest.raises(DataError, match=r"1 of 4 row\(s\) cannot be predicted: row 1 .*size: expected a number"):
        model.predict(odd)
    with pytest.raises(DataError, match="call predict_frame"):
        model.explain(odd)
    frame = model.predict_frame(odd)
    assert frame["prediction"].isna().tolist() == [False, True, False, False]
    assert "expected a number" in frame["errors"].iloc[1]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda table: table.drop(columns=["size"]), "the given table: expected the column 'size', found no such"),
        (lambda table: table.rename(columns={"size": "sizes"}), "expected the column 'size', found 'sizes': rename it"),
        (lambda table: table.assign(weight=1), "expected columns of the training table, found 'weight': remove it"),
        (lambda table: pd.concat([table, table[["size"]]], axis=1), "each column name once, found 'size' twice"),
        (lambda table: table["size"], "expected a pandas DataFrame, .* found Series"),
        (
            lambda table: table.to_numpy(),
            "expected a pandas DataFrame, .* found ndarray",
        ),
    ],
)
def test_a_frame_with_other_columns_is_refused_as_a_file_is(
    gapless: Classifier, table: pd.DataFrame, spoil: Any, message: str
) -> None:
    """Every method that takes rows names the column, and what to do."""
    for method in (gapless.predict, gapless.predict_proba, gapless.predict_frame, gapless.explain):
        with pytest.raises((DataError, InputError), match=message):
            method(spoil(table))


def test_no_rows_give_no_predictions(model: Classifier, table: pd.DataFrame) -> None:
    """An empty frame of the right columns is predicted as an empty file is: to nothing."""
    nothing = table.head(0)
    assert model.predict(nothing).empty
    assert model.predict_proba(nothing).shape == (0, 2)
    assert model.predict_frame(nothing).empty
    assert model.explain(nothing).shape == (0, 3)


def test_dtypes_of_pandas_are_read_as_their_values(model: Classifier, table: pd.DataFrame) -> None:
    """Numbers, categories, nullable types, Arrow's and moments are the values that a file would hold."""
    plain = table.assign(size=table["size"].astype(float))
    expected = model.predict_proba(plain)
    day = pd.to_datetime(table["day"])
    for changed in (
        plain.assign(size=plain["size"].astype("Float64")),
        plain.assign(shape=plain["shape"].astype("category")),
        plain.assign(shape=plain["shape"].astype("string")),
        plain.assign(day=day),
        plain.assign(day=day.astype("timestamp[us][pyarrow]")),
        plain.assign(size=plain["size"].astype("string")),
    ):
        assert np.array_equal(model.predict_proba(changed), expected)


def test_contributions_sum_to_the_difference_from_the_baseline(model: Classifier, table: pd.DataFrame) -> None:
    """A row of the frame sums to its output minus that of the typical row."""
    plain, found = model.explain(table.head(6)), model.explain(table.head(6), outputs=True)
    assert np.allclose(plain.sum(axis=1), found["output"] - found["base_output"])
    assert found["explained_class"].tolist() == ["green"] * 6
    assert plain.equals(found[["size", "shape", "day"]])
    assert plain.attrs.keys() == {"scale", "baseline"}
    assert plain.attrs["scale"] == model.explain(table.head(0)).attrs["scale"] == "log_odds"


def test_score_reads_labels_from_the_table_or_beside_it(model: Classifier, table: pd.DataFrame) -> None:
    """Labels may be raw values or names; a wrong one is named."""
    share = model.score(table)
    assert share == model.score(table.drop(columns=["colour"]), table["colour"])
    assert share == (model.predict(table) == model.labels_of(table)).mean()
    with pytest.raises(DataError, match=r"the target, row 0 .*expected one of the labels .* found 'pink'"):
        model.score(table.assign(colour="pink"))
    with pytest.raises(DataError, match="the target is missing in row 1"):
        model.score(table.assign(colour=table["colour"].where(table.index != 1, None)))
    with pytest.raises(DataError, match="has no column 'colour', the target"):
        model.score(table.drop(columns=["colour"]))
    with pytest.raises(InputError, match=r"labels: expected shape \(200,\)"):
        model.score(table, ["red"])
    with pytest.raises(DataError, match="expected rows to score, found none"):
        model.score(table.head(0))
    with pytest.raises(InputError, match="sample_weight: expected 200 weights with a sum above 0"):
        model.score(table, sample_weight=[1, 2])
    assert model.score(table, sample_weight=np.ones(200)) == share


def test_a_saved_model_is_loaded_with_its_target(model: Classifier, table: pd.DataFrame, tmp_path: Path) -> None:
    """It predicts the same, and knows its target; it can be saved and packed again."""
    saved = model.save(tmp_path / "model")
    loaded = cm.load(tmp_path / "model")
    assert loaded.manifest_.target == "colour"
    assert np.array_equal(loaded.predict_proba(table), model.predict_proba(table))
    assert loaded.score(table) == model.score(table)
    assert loaded.save(tmp_path / "copy").files == saved.files
    assert loaded.leaderboard().equals(model.leaderboard())
    assert loaded.wheel("colour-model", output=tmp_path).name == f"colour_model-{saved.version}-py3-none-any.whl"
    (tmp_path / "model" / saved.pipeline).write_bytes(b"")
    with pytest.raises(VerificationError, match="was changed"):
        cm.load(tmp_path / "model")
    with pytest.raises(ArtifactError, match=r"found no manifest\.json"):
        cm.load(tmp_path / "nothing")


def test_the_packaged_model_is_the_default(model_folder: Path) -> None:
    """`load()` takes the model that the package ships."""
    assert cm.load().manifest_ == cm.read_manifest(model_folder)


def test_bins_of_a_number_are_classes(table: pd.DataFrame) -> None:
    """With target_bins, numbers are labels, and predictions are names of bins."""
    draw = np.random.default_rng(1)
    numbers = table.assign(colour=(table["size"].astype(float).fillna(0) * 10 + draw.normal(size=200)).round(2))
    config = make_config(FEATURES, data={"classes": {}, "target_bins": 2})
    trained = cm.train(numbers, config=config)
    assert trained.score(numbers) > 0.7
    fitted = Classifier(config, jobs=1).fit(numbers.drop(columns=["colour"]), numbers["colour"])
    assert fitted.predict(numbers).isin(trained.classes_).all()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({}, InputError, "expected a table and the column to predict, or a config"),
        ({"data": "table.csv"}, InputError, "expected a table and the column to predict, or a config"),
        ({"data": "table.csv", "target": "colour", "config": "config.yml"}, InputError, "found both"),
        ({"data": "nothing.csv", "target": "colour"}, DataError, r"nothing\.csv"),
        (
            {"data": pd.Series([1]), "target": "colour"},
            InputError,
            "expected a path, a URL or a pandas DataFrame, found S",
        ),
        ({"data": pd.DataFrame({8: [1]}), "target": 8}, InputError, "target: expected the name of a column as text"),
        ({"config": {}}, InputError, "config: expected what load_config returns"),
        ({"config": "app:\n  nam: x\n"}, ConfigError, r"the given config:2: app\.nam"),
        ({"config": make_config(FEATURES), "folds": 1}, InputError, r"training\.folds"),
        ({"config": "nothing.yml"}, ConfigError, r"nothing\.yml"),
        ({"data": pd.DataFrame({"size": [1.0]}), "target": "color"}, DataError, "has no column 'color', the target"),
        ({"data": pd.DataFrame({"color": []}), "target": "color"}, DataError, "the given table has no rows"),
    ],
)
def test_what_cannot_be_trained_is_an_error_of_this_package(
    arguments: dict[str, Any], error: type[Exception], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The messages are those of `init` and `train`."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=message):
        cm.train(**arguments)


def test_a_missed_gate_leaves_no_model(table: pd.DataFrame) -> None:
    """A gate of the config holds in a notebook too."""
    with pytest.raises(GateError, match="misses its gates"):
        cm.train(table, config=make_config(FEATURES, gates={"roc_auc": 0.9999}))


def test_the_card_shows_what_the_model_is(model: Classifier) -> None:
    """A notebook shows name, metrics, columns and use; texts are escaped."""
    card = model._repr_html_()
    assert "<h3>colours</h3>" in card
    assert f"{model.manifest_.metrics['roc_auc'].value:.4f}" in card
    assert "ball, cube, disc" in card
    assert "model.predict(frame)" in card
    assert model._repr_mimebundle_()["text/html"] == card
    assert "<script" not in card
    odd = cm.Classifier("<b>.yml")._repr_html_()
    assert "&lt;b&gt;" in odd


def test_every_public_method_has_a_docstring_with_its_parameters() -> None:
    """What completion shows can be read."""
    for name, method in inspect.getmembers(Classifier, inspect.isfunction):
        if not name.startswith("_") and method.__module__ == Classifier.__module__:
            documented = inspect.getdoc(method) or ""
            for parameter in list(inspect.signature(method).parameters)[1:]:
                assert parameter in documented, (name, parameter)
