"""Estimators that somebody fitted, saved as model folders: proved, described as far as known, or refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, PolynomialFeatures, RobustScaler, StandardScaler
from sklearn.svm import SVC

from classification_model.errors import ClassificationModelError, DataError, ExportError, InputError
from classification_model.export import compile_and_prove
from classification_model.own_models.save_estimator import save_estimator
from classification_model.predict import Predictor
from classification_model.processing.fitted_pipelines import load_pipeline
from classification_model.runtime.model_folder.manifest import Manifest
from classification_model.runtime.verification import verify
from classification_model.runtime.wheel.description import describe

DRAW = np.random.default_rng(0)
BUNCH = load_breast_cancer(as_frame=True)
RAW = BUNCH.data.iloc[:, :4].rename(columns=lambda name: name.replace(" ", "_"))
TWO = ((RAW - RAW.mean()) / RAW.std()).round(3)
TWO_LABELS = BUNCH.target.map({0: "malignant", 1: "benign"})
THREE, THREE_LABELS = load_iris(as_frame=True, return_X_y=True)
GAPS = TWO.mask(DRAW.random(TWO.shape) < 0.1)


def save(estimator: Any, folder: Path, features: pd.DataFrame, labels: Any, **options: Any) -> Manifest:
    """Publish an estimator that was fitted on rows."""
    described: dict[str, Any] = {"name": "tumours", "version": "1.2.0", "folder": folder / "model"}
    return save_estimator(estimator, features, labels, **described | options)


def fitted(estimator: Any = None) -> Any:
    """Fit an estimator on the table of two classes."""
    return (LogisticRegression(max_iter=500) if estimator is None else estimator).fit(TWO, TWO_LABELS)


ESTIMATORS: dict[str, tuple[Any, pd.DataFrame, Any]] = {
    "linear": (LogisticRegression(max_iter=5000), TWO, TWO_LABELS),
    "linear, three classes": (LogisticRegression(max_iter=5000), THREE, THREE_LABELS),
    "forest": (RandomForestClassifier(9, random_state=0), TWO, TWO_LABELS),
    "forest with gaps": (RandomForestClassifier(9, random_state=0), GAPS, TWO_LABELS),
    "boosting with gaps": (HistGradientBoostingClassifier(max_iter=9), GAPS, TWO_LABELS),
    "boosting": (HistGradientBoostingClassifier(max_iter=9), THREE, THREE_LABELS),
    "scaled": (make_pipeline(StandardScaler(), LogisticRegression()), TWO, TWO_LABELS),
    "scaled trees": (make_pipeline(StandardScaler(), RandomForestClassifier(9, random_state=0)), TWO, TWO_LABELS),
    "imputed": (make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression()), GAPS, TWO_LABELS),
    "imputed and flagged": (
        make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler(), LogisticRegression()),
        GAPS,
        TWO_LABELS,
    ),
    "to a range": (make_pipeline(MinMaxScaler((-1, 1), clip=True), LogisticRegression()), THREE, THREE_LABELS),
    "to the largest": (make_pipeline(MaxAbsScaler(), LogisticRegression()), THREE, THREE_LABELS),
    "robustly": (make_pipeline(RobustScaler(), ExtraTreesClassifier(9, random_state=0)), THREE, THREE_LABELS),
    "calibrated": (CalibratedClassifierCV(RandomForestClassifier(5, random_state=0), cv=3), TWO, TWO_LABELS),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", ESTIMATORS)
def test_an_estimator_is_served_as_it_predicts(case: str, tmp_path: Path) -> None:
    """The folder verifies, and its model gives what the estimator gives, row by row, with a proof of it."""
    estimator, features, labels = ESTIMATORS[case]
    estimator.fit(features, labels)
    manifest = save(estimator, tmp_path, features, labels)
    assert manifest.parity is not None
    assert manifest.parity.holds
    assert (manifest.parity.training_rows, manifest.parity.generated_rows) == (
        len(features),
        compile_and_prove.GENERATED_ROWS,
    )
    assert manifest.portable == "model.onnx"
    verify(tmp_path / "model")
    answer: Any = Predictor.load(tmp_path / "model").predict(features)
    found = np.array([[row[label] for label in manifest.classes] for row in answer["probabilities"]])
    assert np.abs(found - estimator.predict_proba(features)).max() <= 1e-12
    assert answer["predictions"] == [str(label) for label in estimator.predict(features)]


def test_the_manifest_says_no_more_than_is_known(tmp_path: Path) -> None:
    """Without rows to judge it on there are neither metrics nor a distribution of predictions, nor a hold-out."""
    manifest = save(fitted(), tmp_path, TWO, TWO_LABELS, monitoring={"masked": ["mean_area"], "window": "7d"})
    assert (manifest.metrics, manifest.prediction_distribution) == ({}, {})
    assert (manifest.holdout.kind, manifest.holdout.rows, manifest.holdout.share) == ("none", 0, 0.0)
    assert (manifest.name, manifest.version, manifest.config_hash) == ("tumours", "1.2.0", "")
    assert (manifest.classes, manifest.threshold) == (("benign", "malignant"), 0.5)
    assert manifest.estimator == "logistic_regression"
    assert manifest.parameters["max_iter"] == 500
    assert (manifest.data.rows, manifest.data.columns) == (len(TWO), 5)
    assert set(manifest.training_distribution) == set(TWO.columns)
    assert manifest.monitoring["masked"] == ["mean_area"]
    assert manifest.monitoring["minimum_count"] == 100
    assert [field.kind for field in manifest.input_schema.fields] == ["numeric"] * 4
    assert manifest.input_schema.fields[0].minimum == TWO["mean_radius"].min()


@pytest.mark.slow
def test_metrics_are_those_of_rows_that_were_given_for_it(tmp_path: Path) -> None:
    """Metrics are scikit-learn's of the rows of evaluation, and the hold-out says which these were."""
    train, test = slice(0, 400), slice(400, None)
    estimator = LogisticRegression(max_iter=5000).fit(TWO[train], TWO_LABELS[train])
    evaluation = (TWO[test].assign(more=1), TWO_LABELS[test])
    manifest = save(estimator, tmp_path, TWO[train], TWO_LABELS[train], evaluation=evaluation, threshold=0.4)
    shares = estimator.predict_proba(TWO[test])[:, 1]
    truth = TWO_LABELS[test] == "malignant"
    assert manifest.metrics["roc_auc"].value == pytest.approx(roc_auc_score(truth, shares))
    assert manifest.metrics["accuracy"].value == accuracy_score(truth, shares >= 0.4)
    assert (manifest.holdout.kind, manifest.holdout.rows) == ("table", len(TWO) - 400)
    assert set(manifest.prediction_distribution) == {"benign", "malignant"}
    assert manifest.data.rows == 400


def test_a_missing_value_is_filled_where_the_estimator_cannot_do_without(tmp_path: Path) -> None:
    """The folder's pipeline begins with the median of each column, and a prediction of such a row has a warning."""
    save(fitted(), tmp_path, TWO, TWO_LABELS)
    pipeline, _ = load_pipeline(tmp_path / "model")
    assert [name for name, _ in pipeline.steps] == ["impute_missing", "estimator"]
    predictor = Predictor.load(tmp_path / "model")
    row = TWO.iloc[0].to_dict()
    answer = predictor.predict([row | {"mean_area": None}])
    assert [warning["code"] for warning in answer["warnings"]] == ["unexpected_missing"]
    median = predictor.predict([row | {"mean_area": TWO["mean_area"].median()}])
    assert answer["probabilities"] == median["probabilities"]


def test_an_estimator_that_knows_missing_values_stays_as_it_is(tmp_path: Path) -> None:
    """Where trees know what to do with a missing value, nothing is put before them."""
    manifest = save(fitted(HistGradientBoostingClassifier(max_iter=5)), tmp_path, TWO, TWO_LABELS)
    pipeline, _ = load_pipeline(tmp_path / "model")
    assert len(pipeline.steps) == 1
    assert manifest.estimator == "hist_gradient_boosting"


def test_truth_values_and_integers_are_fields_of_their_kind(tmp_path: Path) -> None:
    """A column of truth values takes those, one of whole numbers takes numbers; classes may be truth values."""
    features = pd.DataFrame({"is_big": TWO["mean_area"] > 0, "rank": TWO["mean_area"].rank().astype(int)})
    truth = TWO_LABELS == "malignant"
    estimator = make_pipeline(StandardScaler(), LogisticRegression()).fit(features, truth)
    manifest = save(estimator, tmp_path, features, truth)
    assert [field.kind for field in manifest.input_schema.fields] == ["boolean", "numeric"]
    assert manifest.classes == ("false", "true")
    answer = Predictor.load(tmp_path / "model").predict([{"is_big": True, "rank": 500}])
    assert answer["predictions"] == ["true"]


def test_classes_may_be_named(tmp_path: Path) -> None:
    """Names given for the classes are what is predicted."""
    manifest = save(
        LogisticRegression(max_iter=5000).fit(TWO, BUNCH.target),
        tmp_path,
        TWO,
        BUNCH.target,
        class_names=["malignant", "benign"],
    )
    assert manifest.classes == ("malignant", "benign")


def test_a_saved_model_has_a_wheel_like_any_other(tmp_path: Path) -> None:
    """The description of its wheel says that no metrics are known, where none are."""
    manifest = save(fitted(), tmp_path, TWO, TWO_LABELS)
    text = describe(manifest, "tumours", "predicts tumours", ("a.whl", "b.whl"))
    assert "The model was not evaluated" in text
    assert "On 0 rows" not in text


def without_fit() -> Any:
    """Return an estimator that was never fitted."""
    return LogisticRegression()


BAD: dict[str, tuple[Callable[[], Any], dict[str, Any], type[ClassificationModelError], str]] = {
    "unfitted": (
        without_fit,
        {},
        InputError,
        r"expected a fitted estimator, found an unfitted LogisticRegression: call its fit",
    ),
    "unfitted pipeline": (
        lambda: make_pipeline(StandardScaler(), LogisticRegression()),
        {},
        InputError,
        "an unfitted Pipeline",
    ),
    "no estimator": (lambda: "model", {}, InputError, "expected a fitted scikit-learn classifier, found str"),
    "regressor": (
        lambda: LinearRegression().fit(TWO, BUNCH.target),
        {},
        InputError,
        "expected a classifier of one target with predict_proba, found LinearRegression",
    ),
    "no probabilities": (lambda: fitted(SVC()), {}, InputError, "with predict_proba, found SVC"),
    "unknown estimator": (
        lambda: fitted(GaussianNB()),
        {},
        ExportError,
        r"the pipeline's step 'estimator' cannot be compiled: no converter for GaussianNB",
    ),
    "unknown step": (
        lambda: fitted(make_pipeline(StandardScaler(), PolynomialFeatures(), LogisticRegression(max_iter=9999))),
        {},
        ExportError,
        r"the pipeline's step 'polynomialfeatures' cannot be compiled: no converter for PolynomialFeatures",
    ),
    "nested": (
        lambda: fitted(Pipeline([("inner", make_pipeline(StandardScaler())), ("last", LogisticRegression())])),
        {},
        ExportError,
        "the pipeline's step 'inner' cannot be compiled: no converter for Pipeline",
    ),
    "array": (
        lambda: LogisticRegression(max_iter=5000).fit(TWO.to_numpy(), TWO_LABELS),
        {},
        InputError,
        "expected a LogisticRegression fitted on a pandas DataFrame, .*, found one fitted without names",
    ),
    "other columns": (fitted, {"features": THREE}, InputError, r"features: expected the columns \['mean_radius'"),
    "other order": (fitted, {"features": TWO[TWO.columns[::-1]]}, InputError, "that LogisticRegression was fitted on"),
    "gaps it cannot do with": (fitted, {"features": GAPS}, InputError, "found rows that it cannot predict: Input"),
    "too few labels": (
        fitted,
        {"labels": TWO_LABELS[:9]},
        DataError,
        r"labels: expected shape \(569,\), one for each row, found",
    ),
    "missing label": (
        fitted,
        {"labels": [None, *TWO_LABELS[1:]]},
        DataError,
        "labels: the label of row 0 \\(counted from 0\\) is missing: fill it or remove the row",
    ),
    "NaN for a label": (
        fitted,
        {"labels": [*TWO_LABELS[:568], np.nan]},
        DataError,
        "the label of row 568 \\(counted from 0\\) is missing",
    ),
    "other labels": (
        fitted,
        {"labels": BUNCH.target},
        DataError,
        "labels: expected classes of the estimator \\(benign, malignant\\), found 0 in row 0 \\(counted from 0\\)",
    ),
    "one label": (
        fitted,
        {"labels": ["benign"] * 569},
        DataError,
        "labels: expected rows of every class, found none of 'malignant'",
    ),
    "lists as labels": (fitted, {"labels": [[1]] * 569}, DataError, r"labels: expected shape \(569,\)"),
    "huge": (
        lambda: HistGradientBoostingClassifier(max_iter=2).fit(TWO * 1e31, TWO_LABELS),
        {"features": TWO * 1e31},
        DataError,
        "features: column 'mean_radius', row 0 \\(counted from 0\\): expected a number of at most 1e30 in size",
    ),
    "empty column": (
        lambda: RandomForestClassifier(2).fit(TWO.assign(mean_area=np.nan), TWO_LABELS),
        {"features": TWO.assign(mean_area=np.nan)},
        DataError,
        "column 'mean_area' is missing in every row",
    ),
    "version": (fitted, {"version": "latest"}, InputError, "version: expected a PEP 440 version, such as 1.2.0"),
    "name": (fitted, {"name": " "}, InputError, "name: expected a name of the problem, found nothing"),
    "threshold": (fitted, {"threshold": 1.5}, InputError, "threshold: expected a number between 0 and 1, found 1.5"),
    "class names": (fitted, {"class_names": ["a", "a"]}, InputError, "class_names: expected 2 different names"),
    "unknown limit": (
        fitted,
        {"monitoring": {"acuracy_floor": 0.8}},
        InputError,
        r"^monitoring\.acuracy_floor: expected 'accuracy_floor' \(known here: .*drift\), found an unknown key$",
    ),
    "unknown limit of drift": (
        fitted,
        {"monitoring": {"drift": {"psy": 0.8}}},
        InputError,
        r"^monitoring\.drift\.psy: expected 'psi' \(known here: psi, p_value, share\), found an unknown key$",
    ),
    "limit of another type": (
        fitted,
        {"monitoring": {"accuracy_floor": "high", "window": "weekly"}},
        InputError,
        r"^monitoring\.accuracy_floor: expected a number, found 'high'; monitoring\.window: .*, found 'weekly'$",
    ),
    "limits that are no mapping": (
        fitted,
        {"monitoring": [1]},
        InputError,
        r"^monitoring: expected a mapping of keys to limits, found a list$",
    ),
    "unknown masked": (
        fitted,
        {"monitoring": {"masked": ["x"]}},
        InputError,
        "masked: expected one of: mean_radius, .*, found 'x'",
    ),
    "rows it learned": (
        fitted,
        {"evaluation": (TWO[:99], TWO_LABELS[:99])},
        DataError,
        "evaluation: expected rows that the estimator was not fitted on, found only rows of features",
    ),
    "evaluation without a column": (
        fitted,
        {"evaluation": (TWO[["mean_area"]], TWO_LABELS)},
        DataError,
        "evaluation: expected the columns of features, found no 'mean_radius'",
    ),
    "evaluation of one class": (
        fitted,
        {"evaluation": (TWO[:2] + 1, ["benign", "benign"])},
        DataError,
        r"evaluation: expected rows of two classes or more, found 2 row\(s\) of 1",
    ),
    "evaluation with other labels": (
        fitted,
        {"evaluation": (TWO[:2] + 1, ["benign", "good"])},
        DataError,
        "the labels of evaluation: expected classes .*, found 'good' in row 1 \\(counted from 0\\)",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", BAD)
def test_what_does_not_fit_is_told_and_leaves_nothing(case: str, tmp_path: Path) -> None:
    """Each fault is one line that says what was expected and found, and no folder is written."""
    make, options, kind, message = BAD[case]
    options = {"features": TWO, "labels": TWO_LABELS} | options
    with pytest.raises(kind, match=message) as caught:
        save(make(), tmp_path, **options)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())
