"""The classifier as an estimator of scikit-learn: its own checks, its tools, and what `fit` does with odd rows."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from problems import make_config, make_table
from sklearn.base import clone
from sklearn.calibration import CalibrationDisplay
from sklearn.exceptions import NotFittedError
from sklearn.inspection import permutation_importance
from sklearn.metrics import RocCurveDisplay, accuracy_score, classification_report
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.utils.estimator_checks import estimator_checks_generator

import classification_model as cm
from classification_model.errors import ConfigError, DataError, FitDataError, InputError

mpl.use("agg")
QUICK: dict[str, Any] = {"estimator": "logistic_regression", "trials": 1, "jobs": 1}
FEATURES = {"size": {"kind": "numeric"}, "shape": {"kind": "categorical"}, "open": {"kind": "boolean"}}


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    """Make a table of every kind of column, with the target."""
    return make_table(150)


@pytest.fixture(scope="module")
def rows(table: pd.DataFrame) -> pd.DataFrame:
    """Take the target off."""
    return table.drop(columns=["colour"])


def checks() -> Iterator[Any]:
    """Yield each check of scikit-learn with an estimator, but for that of arrays of other libraries, which it skips."""
    for estimator in (
        cm.Classifier(**QUICK),
        cm.Classifier(estimator="hist_gradient_boosting", trials=1, folds=2, jobs=1),
    ):
        for each, check in estimator_checks_generator(estimator):
            if check.func.__name__ != "check_array_api_input":
                yield pytest.param(each, check, id=f"{estimator.estimator}-{check.func.__name__}")


@pytest.mark.parametrize(("estimator", "check"), list(checks()))
def test_it_passes_the_checks_of_scikit_learn(estimator: Any, check: Any) -> None:
    """Arrays of numbers need no config."""
    check(estimator)


def test_clone_keeps_a_config_and_every_option() -> None:
    """A clone is unfitted, and equal in all that it was made with."""
    config = make_config(FEATURES)
    original = cm.Classifier(config, threshold=0.4, **QUICK)
    copied = clone(original)
    assert copied.get_params()["config"] == config
    assert copied.threshold == 0.4
    assert "config=<Config of 'colours'>" in repr(copied)
    with pytest.raises(NotFittedError, match="not fitted"):
        copied.predict(make_table(5))


def test_cross_validation_judges_a_config(table: pd.DataFrame, rows: pd.DataFrame) -> None:
    """Accuracy and other metrics come from rows that no fold learned from, whatever the labels look like."""
    classifier = cm.Classifier(make_config(FEATURES), **QUICK)
    assert cross_val_score(classifier, rows, table["colour"], cv=3).mean() > 0.7
    assert cross_val_score(classifier, rows, table["colour"], cv=3, scoring="roc_auc").mean() > 0.8
    numbers = (table["colour"] == "green").astype(int)
    named = make_config(FEATURES, data={"classes": {"0": "red", "1": "green"}})
    assert cross_val_score(cm.Classifier(named, **QUICK), rows, numbers, cv=3, scoring="f1").mean() > 0.7


def test_a_grid_search_tries_options_of_the_training(table: pd.DataFrame, rows: pd.DataFrame) -> None:
    """Each option of the section training can be searched."""
    search = GridSearchCV(
        cm.Classifier(make_config(FEATURES), **QUICK), {"class_weights": ["none", "balanced"], "threshold": [0.5]}, cv=2
    )
    search.fit(rows, table["colour"])
    assert search.best_params_["class_weights"] in {"none", "balanced"}
    assert search.best_estimator_.predict(rows).isin(["red", "green"]).all()


def test_displays_and_inspection_take_a_trained_model(table: pd.DataFrame, rows: pd.DataFrame) -> None:
    """`labels_of` gives scikit-learn the labels that predictions are compared with."""
    model = cm.train(table, config=make_config(FEATURES))
    labels = model.labels_of(table)
    assert CalibrationDisplay.from_estimator(model, rows, labels, n_bins=4).prob_true.max() <= 1
    found = permutation_importance(model, rows, labels, n_repeats=2, random_state=0)
    assert rows.columns[found.importances_mean.argmax()] in {"size", "shape"}
    assert "green" in classification_report(labels, model.predict(rows))


def test_predictions_are_values_of_y(rows: pd.DataFrame, table: pd.DataFrame) -> None:
    """Classes have the type and the values of the labels given, sorted, whatever the order of the config."""
    numbers = (table["colour"] == "green").to_numpy()
    fitted = cm.Classifier(**QUICK).fit(rows, numbers)
    assert fitted.classes_.tolist() == [False, True]
    assert fitted.predict(rows).dtype == bool
    of_config = cm.Classifier(make_config(FEATURES), **QUICK).fit(rows, table["colour"])
    assert of_config.classes_.tolist() == ["green", "red"]
    shares = of_config.predict_proba(rows)
    assert np.allclose(shares.sum(axis=1), 1)
    assert (of_config.classes_[shares.argmax(axis=1)] == of_config.predict(rows)).all()


def test_several_values_of_one_class_are_refused(table: pd.DataFrame, rows: pd.DataFrame) -> None:
    """Metrics of scikit-learn would take them for classes of their own; labels are accepted."""
    spelled = table["colour"].where(np.arange(len(table)) % 2 == 0, table["colour"].str.upper())
    values = {"red": "warm", "RED": "warm", "green": "cold", "GREEN": "cold"}
    classifier = cm.Classifier(make_config(FEATURES, data={"classes": values}), **QUICK)
    with pytest.raises(FitDataError, match="found 'RED' and 'red' for 'warm': use the labels in their place"):
        classifier.fit(rows, spelled)
    fitted = classifier.fit(rows, spelled.map(values))
    assert fitted.classes_.tolist() == ["cold", "warm"]
    assert fitted.score(rows, spelled.map(values)) > 0.7


def test_a_class_without_rows_is_refused(table: pd.DataFrame, rows: pd.DataFrame) -> None:
    """A fold may lack a rare class of the config; the classes would not be those of the other folds."""
    with pytest.raises(FitDataError, match="expected rows of every class, found none of 'blue'"):
        cm.Classifier(make_config(FEATURES, classes=3), **QUICK).fit(rows, table["colour"])


@pytest.mark.parametrize("values", [(0, 1), (False, True), ("no", "yes"), (1.0, 2.0), ("0", "1")])
def test_a_trained_model_predicts_the_values_of_its_target(
    table: pd.DataFrame, rows: pd.DataFrame, values: Any
) -> None:
    """Displays and metrics of scikit-learn take the column of the table as it is, whatever its type."""
    known = table.assign(colour=np.where(table["colour"] == "green", values[1], values[0]))
    spelled = [str(value).lower() for value in values]
    config = make_config(FEATURES, data={"classes": dict(zip(spelled, spelled, strict=True))})
    model = cm.train(known, config=config)
    assert model.classes_.tolist() == list(values)
    assert accuracy_score(known["colour"], model.predict(rows)) == model.score(known) > 0.7
    assert CalibrationDisplay.from_estimator(model, rows, known["colour"], n_bins=3).prob_true.max() > 0.5
    assert RocCurveDisplay.from_estimator(model, rows, known["colour"]).roc_auc > 0.8
    assert model.labels_of(known).tolist() == known["colour"].tolist()
    assert model.predict_frame(rows)["prediction"].tolist() == model.predict(rows).tolist()


def test_a_loaded_model_predicts_numbers_and_truth_values_as_such(table: pd.DataFrame, tmp_path: Path) -> None:
    """As pandas reads a CSV file; labels that a config gives stay labels."""
    for values, named in (((0, 1), None), ((False, True), None), ((0, 1), ("cold", "warm"))):
        known = table.assign(colour=np.where(table["colour"] == "green", values[1], values[0]))
        spelled = [str(value).lower() for value in values]
        classes = dict(zip(spelled, named or spelled, strict=True))
        cm.train(known, config=make_config(FEATURES, data={"classes": classes})).save(tmp_path / "model")
        assert cm.load(tmp_path / "model").classes_.tolist() == list(named or values)


def test_a_loaded_model_cannot_be_cloned_into_one_without_its_config(table: pd.DataFrame, tmp_path: Path) -> None:
    """Cross-validation of it would judge something else."""
    model = cm.train(table, config=make_config(FEATURES))
    assert clone(model).config == model.config
    model.save(tmp_path / "model")
    with pytest.raises(InputError, match=r"found a loaded model: use Classifier\(config\) instead"):
        clone(cm.load(tmp_path / "model"))


def test_a_class_of_one_row_is_fitted_without_a_comparison() -> None:
    """Folds need two rows of each class; a fit on fewer takes the first setting."""
    draw = np.random.default_rng(0)
    frame = pd.DataFrame({"size": draw.normal(size=12), "weight": draw.normal(size=12)})
    labels = ["a"] * 11 + ["b"]
    config = make_config(
        {"size": {"kind": "numeric"}, "weight": {"kind": "numeric"}},
        data={"index": None, "classes": {"a": "a", "b": "b"}},
    )
    fitted = cm.Classifier(config, **QUICK).fit(frame, labels)
    assert fitted.predict_proba(frame).shape == (12, 2)
    with pytest.raises(InputError, match="does not know which settings were tried"):
        fitted.leaderboard()


def test_a_fitted_classifier_can_be_pickled_and_saved(rows: pd.DataFrame, table: pd.DataFrame, tmp_path: Path) -> None:
    """What comes back predicts the same; a folder says that nothing was held out."""
    fitted = cm.Classifier(make_config(FEATURES), **QUICK).fit(rows, table["colour"])
    again = pickle.loads(pickle.dumps(fitted))  # noqa: S301 - its own
    assert (again.predict_proba(rows) == fitted.predict_proba(rows)).all()
    manifest = fitted.save(tmp_path / "model")
    assert manifest.holdout.kind == "none"
    assert manifest.metrics == {}
    loaded = cm.load(tmp_path / "model")
    assert np.allclose(loaded.predict_proba(rows), fitted.predict_proba(rows), atol=1e-12)
    assert fitted.explain(rows.head(2)).shape == (2, 3)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda rows, y: (rows.assign(colour=y), y), "expected features without the target, found the column 'colour'"),
        (lambda rows, y: (rows.drop(columns=["size"]), y), "has no column 'size', which features.size names"),
        (lambda rows, y: (rows.assign(size="big"), y), "column 'size', numeric, row 0 .* expected a number"),
        (lambda rows, y: (rows.head(0), y.head(0)), "has no rows"),
        (lambda rows, y: (rows, y.head(3)), r"labels: expected shape \(150,\)"),
        (lambda rows, y: (rows, y.where(y != "red", None)), "the target, is missing in"),
        (lambda rows, y: (rows, y.where(y != "red", "pink")), "expected a value of data.classes"),
        (lambda rows, y: (rows, y.where(y != "red", "green")), "expected two classes or more, found one"),
        (lambda rows, y: (rows.assign(size=None), y), "column 'size' is missing in every row"),
        (lambda rows, y: (rows.assign(key=1), y), "column 'key', the index: expected unique values"),
        (lambda rows, y: (pd.concat([rows, rows[["size"]]], axis=1), y), "each column name once, found 'size' twice"),
        (lambda rows, y: (pd.concat({"a": rows}, axis=1), y), "expected one name for each column, found 2 levels"),
    ],
)
def test_rows_that_cannot_be_learned_from_are_errors_of_this_package(
    rows: pd.DataFrame, table: pd.DataFrame, spoil: Any, message: str
) -> None:
    """The message is that of the command line; what is wrong with the rows is a ValueError too."""
    X, y = spoil(rows, table["colour"])
    with pytest.raises((DataError, InputError), match=message) as caught:
        cm.Classifier(make_config(FEATURES), **QUICK).fit(X, y)
    assert isinstance(caught.value, InputError | FitDataError)


def test_an_option_that_is_not_allowed_is_named(rows: pd.DataFrame, table: pd.DataFrame) -> None:
    """Options are checked as those of the config are, when the rows come."""
    with pytest.raises(InputError, match=r"training\.folds: expected .* found 1"):
        cm.Classifier(make_config(FEATURES), folds=1).fit(rows, table["colour"])
    with pytest.raises(InputError, match=r"config: expected what load_config returns, .* found dict"):
        cm.Classifier({}).fit(rows, table["colour"])  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"training\.class_weights.*pink"):
        cm.Classifier(make_config(FEATURES), class_weights={"pink": 2.0}).fit(rows, table["colour"])
