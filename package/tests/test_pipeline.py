"""The pipeline that a config describes: finite numbers whatever goes in, and nothing lost on the way."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from problems import DERIVED, EVERY_KIND, load, make_config, make_table
from sklearn.pipeline import Pipeline

from classification_model.errors import ConfigError
from classification_model.pipeline import build_pipeline, build_preparation
from classification_model.processing.data_manager import TrainingData
from classification_model.processing.features.derivation_steps import build_derivations
from classification_model.processing.fields import to_frame
from classification_model.processing.fitted_pipelines import dump_pipeline
from classification_model.processing.indicators import free_names
from classification_model.runtime.input.checking import check_rows
from classification_model.training.folds import class_numbers

ESTIMATORS: dict[str, dict[str, Any]] = {
    "logistic_regression": {},
    "random_forest": {"n_estimators": 5},
    "extra_trees": {"n_estimators": 5},
    "hist_gradient_boosting": {"max_iter": 5},
    "average": {"logistic_regression": {}, "random_forest": {"n_estimators": 5}},
}
NUMBERS = ("size", "price", "count")


@cache
def data_of(classes: int, *names: str) -> TrainingData:
    """Load the table of a number of classes, with all features or some."""
    features = {name: item for name, item in (EVERY_KIND | DERIVED).items() if not names or name in names}
    with TemporaryDirectory() as folder:
        return load(make_table(150, classes), make_config(features, folder=Path(folder), classes=classes))


@cache
def fitted(classes: int, estimator: str, *names: str) -> Pipeline:
    """Fit a pipeline on all training rows."""
    data = data_of(classes, *names)
    pipeline = build_pipeline(data.config, estimator, ESTIMATORS[estimator])
    return pipeline.fit(data.train.features, class_numbers(data.train.labels, data.classes))


def features_of(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Put raw values into the frame that a pipeline takes; what a row leaves out is missing."""
    columns = {name: [row.get(name) for row in rows] for name in EVERY_KIND}
    return to_frame(columns, data_of(2).schema)


number = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([0.0, -0.0, 1e30, -1e30, 5e-324, 1e-300])
text = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8) | st.sampled_from(
    ["ball", "disc", "low", "K7", "missing", "rare", "now 7 pieces", "a|b"]
)
values = {
    "numeric": number,
    "boolean": st.sampled_from([0.0, 1.0]),
    "categorical": text,
    "text": text,
    "datetime": st.floats(-62_135_596_800, 253_402_300_799),
}
rows = st.lists(
    st.fixed_dictionaries({name: st.none() | values[item["kind"]] for name, item in EVERY_KIND.items()}),
    min_size=1,
    max_size=5,
)
NOTHING: dict[str, Any] = {}
UNSEEN = {"shape": "\N{SNOWMAN}", "grade": "\N{SNOWMAN}", "code": "\N{SNOWMAN}", "note": "\N{SNOWMAN}"}
LARGEST = dict.fromkeys(NUMBERS, 1.7e308) | {"day": 253_402_300_799.0, "open": 1.0}
SMALLEST = dict.fromkeys(NUMBERS, -1.7e308) | {"day": -62_135_596_800.0, "open": 0.0}
TINY = dict.fromkeys(NUMBERS, 5e-324)
EDGES = [NOTHING, UNSEEN, LARGEST, SMALLEST, TINY, LARGEST | {"price": 5e-324}, SMALLEST | {"price": -0.0}]


@pytest.mark.slow
@settings(max_examples=25)
@pytest.mark.parametrize("classes", [2, 3])
@given(rows=rows)
def test_preparation_is_finite_whatever_goes_in(classes: int, rows: list[dict[str, Any]]) -> None:
    """Any row of missing, unseen, huge and tiny values becomes finite numbers, a row for a row, the same alone."""
    preparation = fitted(classes, "logistic_regression")[:-1]
    prepared = preparation.transform(features_of(rows))
    assert np.isfinite(prepared.to_numpy(dtype=np.float64)).all()
    alone = pd.concat([preparation.transform(features_of([row])) for row in rows], ignore_index=True)
    assert_frame_equal(prepared.reset_index(drop=True), alone)


@pytest.mark.slow
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_probabilities_are_probabilities_at_every_edge(classes: int, estimator: str) -> None:
    """Each estimator gives each edge case a probability for each class, none of them NaN, that sum to one."""
    probabilities = fitted(classes, estimator).predict_proba(features_of(EDGES))
    assert probabilities.shape == (len(EDGES), classes)
    assert (probabilities >= 0).all()
    assert probabilities.sum(axis=1) == pytest.approx(1)


@pytest.mark.slow
@settings(max_examples=10)
@pytest.mark.parametrize("estimator", ESTIMATORS)
@given(rows=rows)
def test_any_row_is_predicted(estimator: str, rows: list[dict[str, Any]]) -> None:
    """Each estimator predicts any row."""
    probabilities = fitted(3, estimator).predict_proba(features_of(rows))
    assert probabilities.shape == (len(rows), 3)
    assert np.isfinite(probabilities).all()


@pytest.mark.slow
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("name", [name for name, item in EVERY_KIND.items() if item["kind"] != "text"])
def test_a_single_feature_of_any_kind_makes_a_model(classes: int, name: str) -> None:
    """Each kind, encoding and imputation works alone, and at every edge."""
    pipeline = fitted(classes, "logistic_regression", name)
    frame = features_of(EDGES)[[name]]
    assert np.isfinite(pipeline[:-1].transform(frame).to_numpy(dtype=np.float64)).all()
    assert np.isfinite(pipeline.predict_proba(frame)).all()


@pytest.mark.slow
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("name", DERIVED)
def test_a_derived_feature_of_any_kind_makes_a_model(classes: int, name: str) -> None:
    """Each derivation works with its sources alone, and at every edge."""
    sources = DERIVED[name]["from"]
    pipeline = fitted(classes, "logistic_regression", name, *sources)
    frame = features_of(EDGES)[[column for column in EVERY_KIND if column in sources]]
    assert np.isfinite(pipeline[:-1].transform(frame).to_numpy(dtype=np.float64)).all()
    assert np.isfinite(pipeline.predict_proba(frame)).all()


def prepare(features: dict[str, Any], frame: pd.DataFrame, other: pd.DataFrame | None = None) -> pd.DataFrame:
    """Fit a preparation on one frame, and return what it makes of it or of another."""
    labels = np.arange(len(frame)) % 2
    preparation = build_preparation(make_config(features)).fit(frame, labels)
    prepared: pd.DataFrame = preparation.transform(frame if other is None else other)
    return prepared


def numbers(**columns: Sequence[float | None]) -> pd.DataFrame:
    """Give a frame of numbers."""
    return pd.DataFrame(columns, dtype=np.float64)


def texts(**columns: Sequence[str | None]) -> pd.DataFrame:
    """Give a frame of texts."""
    return pd.DataFrame(columns, dtype=object)


@pytest.mark.parametrize(("impute", "filled"), [("median", 2.0), ("mean", 4.0), (-7.0, -7.0)])
def test_a_missing_number_is_imputed_beside_an_indicator(impute: str | float, filled: float) -> None:
    """A gap becomes the training median, mean or a number of choice, and a column says that it was one."""
    features = {"x": {"kind": "numeric", "impute": impute}}
    train = numbers(x=[1.0, 2.0, None, 9.0])
    prepared = prepare(features, train, numbers(x=[None, filled]))
    assert prepared["x_na"].tolist() == [1, 0]
    assert prepared["x"][0] == prepared["x"][1]


def test_an_indicator_stands_only_where_training_saw_gaps() -> None:
    """A column without gaps in training has no indicator; a gap at prediction is imputed all the same."""
    prepared = prepare({"x": "numeric"}, numbers(x=[1.0, 2.0, 6.0]), numbers(x=[None, 2.0]))
    assert prepared.columns.tolist() == ["x"]
    assert prepared["x"][0] == prepared["x"][1]


def test_numbers_are_scaled_and_truth_values_are_not() -> None:
    """A number's mean is 0 and its deviation 1 in training; a truth value stays 0 or 1."""
    frame = numbers(x=[10.0, 20.0, 60.0, 110.0], yes=[0.0, 1.0, 1.0, 0.0])
    prepared = prepare({"x": "numeric", "yes": "boolean"}, frame)
    assert prepared["x"].mean() == pytest.approx(0)
    assert prepared["x"].std(ddof=0) == pytest.approx(1)
    assert prepared["yes"].tolist() == [0, 1, 1, 0]


@pytest.mark.parametrize("impute", ["median", "mean"])
def test_a_column_without_a_value_is_zero(impute: str) -> None:
    """Where the rows of a fold hold no value of a column, it is a constant rather than NaN."""
    features = {"x": {"kind": "numeric", "impute": impute}, "y": "numeric"}
    prepared = prepare(features, numbers(x=[None] * 3, y=[1.0, 2.0, 3.0]), numbers(x=[None, 5.0], y=[1.0, 1.0]))
    assert prepared["x"].tolist() == [0, 5]


@pytest.mark.parametrize("size", [1e30, 1e150, 1.7e308])
def test_huge_numbers_in_training_are_finite(size: float) -> None:
    """Numbers whose squares no float can hold are scaled without a warning, and keep their order."""
    prepared = prepare({"x": "numeric"}, numbers(x=[-size, 0.0, size, None]))
    assert np.isfinite(prepared.to_numpy()).all()
    assert prepared["x"][0] < prepared["x"][1] < prepared["x"][2]


def test_a_huge_number_at_prediction_fits_into_single_precision() -> None:
    """What lies a million deviations out is held there, so that trees can compare it."""
    prepared = prepare({"x": "numeric"}, numbers(x=[0.0, 1e-20]), numbers(x=[1e30, -1e30]))
    assert prepared["x"].tolist() == [1e6, -1e6]


def test_categories_are_one_hot() -> None:
    """Each category has a column of its own, a missing one too, an unseen one is 0 in all."""
    frame = texts(c=["a", "b", None, "a", "b", None])
    prepared = prepare({"c": "categorical"}, frame, texts(c=["a", "b", None, "new"]))
    assert prepared.columns.tolist() == ["c_a", "c_b", "c_missing"]
    assert prepared.to_numpy().tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0]]


def test_an_unseen_value_is_neither_of_two_categories() -> None:
    """Of two categories each has a column, so that an unseen or missing value is not taken for one of them."""
    preparation = build_preparation(make_config({"c": "categorical"})).fit(texts(c=["a", "b", "a"]))
    assert preparation.transform(texts(c=["a", "b", "new", None])).to_numpy().tolist() == [
        [1, 0],
        [0, 1],
        [0, 0],
        [0, 0],
    ]


def test_rare_and_unseen_categories_are_one() -> None:
    """Categories of a smaller share than asked for are merged, and an unseen one counts among them."""
    config = make_config({"c": "categorical"}, training={"rare_label_share": 0.2})
    frame = texts(c=["a"] * 8 + ["b"] * 8 + ["c", "d"])
    preparation = build_preparation(config).fit(frame)
    prepared = preparation.transform(texts(c=["a", "c", "d", "new"]))
    assert prepared["c_rare"].tolist() == [0, 1, 1, 1]


def test_ordinal_categories_are_numbers() -> None:
    """Each category is a number of its own, an unseen one is -1."""
    features = {"c": {"kind": "categorical", "encode": "ordinal"}}
    prepared = prepare(features, texts(c=["a", "b", None] * 2), texts(c=["a", "b", None, "new"]))
    assert sorted(prepared["c"]) == [-1, 0, 1, 2]
    assert prepared["c"][3] == -1


def test_target_encoding_gives_unseen_categories_the_rate_of_all_rows() -> None:
    """A category is the share of the class among its rows, drawn to that of all rows, which an unseen one gets."""
    features = {"c": {"kind": "categorical", "encode": "target"}}
    frame = texts(c=["a", "b"] * 20)  # `prepare` numbers the classes 0, 1, 0, 1
    prepared = prepare(features, frame, texts(c=["a", "b", "new"]))
    assert prepared.columns.tolist() == ["target__c"]
    low, high, unseen = prepared["target__c"]
    assert low < 0.1
    assert high > 0.9
    assert unseen == 0.5


def test_target_encoding_of_training_rows_is_cross_fitted() -> None:
    """A training row is never encoded by its own label: categories of one row each say nothing."""
    features = {"c": {"kind": "categorical", "encode": "target"}}
    frame = texts(c=[f"K{row}" for row in range(60)])
    labels = np.arange(60) % 2
    learned = build_preparation(make_config(features)).fit_transform(frame, labels)
    assert np.ptp(learned.to_numpy()) < 0.05


def test_no_warning_when_a_class_is_smaller_than_the_encoding_folds() -> None:
    """Target encoding makes do with as many folds as the smallest class has rows."""
    features = {"c": {"kind": "categorical", "encode": "target"}}
    config = make_config(features, training={"encoding_folds": 50})
    labels = np.array([0] * 10 + [1])
    prepared = build_preparation(config).fit_transform(texts(c=list("abababababa")), labels)
    assert np.isfinite(prepared.to_numpy()).all()


CLASHES: dict[str, tuple[dict[str, Any], pd.DataFrame, int]] = {
    "missing indicator": (
        {"x": "numeric", "x_na": "numeric"},
        numbers(x=[1.0, None, 3.0, 4.0], x_na=[5.0, 6.0, 9.0, 7.0]),
        3,
    ),
    "one-hot category": (
        {"c": "categorical", "c_a": "numeric"},
        texts(c=["a", "b", "c"] * 2).assign(c_a=[1.0, 2.0, 7.0, 3.0, 9.0, 8.0]),
        4,
    ),
    "two one-hot categories": (
        {"c": "categorical", "c_a": "categorical"},
        texts(c=["a_b", "x", "y"] * 2, c_a=["b", "b", "c", "d", "c", "d"]),
        6,
    ),
    "one-hot category and its neighbour": (
        {"c": "categorical", "c_a": "categorical"},
        texts(c=["a", "x", "y"] * 2, c_a=["b", "b", "c", "d", "c", "d"]),
        6,
    ),
    "part of a date": (
        {"d": {"kind": "datetime", "parts": ["month"]}, "d_month": "numeric"},
        numbers(d=[0.0, 4e6, 8e6, 9e7], d_month=[5.0, 6.0, 9.0, 7.0]),
        2,
    ),
    "parts of two dates": (
        {
            "d": {"kind": "datetime", "parts": ["day_of_year"]},
            "d_day_of": {"kind": "datetime", "parts": ["year"]},
        },
        numbers(d=[0.0, 4e6, 8e6, 9e7], d_day_of=[0.0, 4e7, 8e7, 9e8]),
        2,
    ),
    "step of a pipeline": (
        {"d": "text", "_a___b": {"derive": "pattern", "from": "d", "pattern": "."}, "steps": "numeric"},
        texts(d=["x", "y", "z"] * 2).assign(steps=[1.0, 2.0, 7.0, 3.0, 9.0, 8.0]),
        4,
    ),
}


@pytest.mark.parametrize("case", CLASHES)
def test_no_name_takes_the_place_of_another(case: str) -> None:
    """A column whose name is that of something the pipeline makes stays beside it: as many columns, all distinct."""
    features, frame, count = CLASHES[case]
    prepared = prepare(features, frame)
    assert len(set(prepared.columns)) == prepared.shape[1] == count
    assert not prepared.T.duplicated().any()


def test_classes_of_a_target_encoding_do_not_clash() -> None:
    """Of three classes each target encoding is a column a class, whatever other columns are called."""
    features = {"c": {"kind": "categorical", "encode": "target"}, "c_0": "numeric", "target__c_1": "numeric"}
    frame = texts(c=list("abc") * 4).assign(c_0=np.arange(12.0), target__c_1=np.arange(12.0) ** 2)
    prepared = build_preparation(make_config(features, classes=3)).fit_transform(frame, np.arange(12) % 3)
    assert len(set(prepared.columns)) == prepared.shape[1] == 5


@given(st.lists(st.text("ab_", max_size=3)), st.lists(st.text("ab_", max_size=3)))
def test_free_names_are_free(wanted: list[str], taken: list[str]) -> None:
    """Each wanted name, lengthened where it must be, is neither taken nor another's."""
    names = free_names(wanted, taken)
    assert len(set(names)) == len(wanted)
    assert not set(names) & set(taken)
    assert all(name.rstrip("_") == wish.rstrip("_") for name, wish in zip(names, wanted, strict=True))


def test_a_problem_of_texts_alone_is_refused() -> None:
    """When no feature enters the model, the error says so before anything is fitted."""
    features = {"note": "text", "shape": {"kind": "categorical", "encode": "none"}}
    with pytest.raises(
        ConfigError, match="features: expected one or more that enter the model, found texts and columns"
    ):
        build_pipeline(make_config(features))


def test_columns_that_only_feed_others_stay_out() -> None:
    """Text, dates and columns with `encode: none` do not reach the estimator themselves."""
    prepared = fitted(2, "logistic_regression")[:-1].transform(features_of([NOTHING]))
    names = {name.partition("__")[2] for name in prepared.columns}
    assert not names & {"note", "day"}
    assert {"size", "word_now", "day_month", "moment_day_of_year", "code"} <= names


@pytest.mark.slow
def test_the_order_of_columns_does_not_change_a_prediction() -> None:
    """A frame in another order of columns gives the same, where the pipeline begins with no transformer of ours."""
    names = ("size", "price", "shape", "code")
    pipeline, frame = fitted(2, "logistic_regression", *names), data_of(2, *names).holdout.features
    assert (pipeline.predict_proba(frame[frame.columns[::-1]]) == pipeline.predict_proba(frame)).all()


def test_the_order_of_keys_does_not_change_the_frame() -> None:
    """Rows whose keys stand in any order become the frame that training had, and so the same predictions."""
    schema = data_of(2).schema
    row = {"size": 1.0, "shape": "ball", "note": "now 1 pieces", "day": "2024-02-29", "open": "yes"}
    row |= {name: None for name in EVERY_KIND if name not in row}
    forward, backward = (
        to_frame(check_rows(schema, [given_row]).columns, schema) for given_row in (row, dict(reversed(row.items())))
    )
    assert_frame_equal(forward, backward)


@pytest.mark.slow
def test_fitting_twice_gives_the_same_bytes() -> None:
    """A pipeline with every kind of step, fitted twice on the same rows, is the same when written."""
    data = data_of(3)
    labels = class_numbers(data.train.labels, data.classes)
    first, second = (
        dump_pipeline(build_pipeline(data.config, "average", ESTIMATORS["average"]).fit(data.train.features, labels))
        for _ in range(2)
    )
    assert first == second


def test_the_input_stays_as_it_was() -> None:
    """Fitting and predicting change neither the training frame nor the one to predict."""
    data = data_of(2)
    frame = data.train.features.copy(deep=True)
    build_pipeline(data.config).fit(frame, class_numbers(data.train.labels, data.classes)).predict_proba(frame)
    assert_frame_equal(frame, data.train.features)


def test_derivations_come_before_parts_of_dates() -> None:
    """Derived features are computed in the order of the config, then the parts of dates, whatever they are called."""
    names = [name for name, _ in build_derivations(data_of(2).config)]
    assert names == [f"derive_{number}_{name}" for number, name in enumerate([*DERIVED, "day"])]


@pytest.mark.slow
@pytest.mark.parametrize("gaps", [0, 0.1, 0.6])
def test_nothing_warns_in_a_whole_fit(tmp_path: Path, gaps: float) -> None:
    """Fitting and predicting with every kind of feature, with few gaps, many and none, gives no warning."""
    data = load(make_table(200, gaps=gaps), make_config(EVERY_KIND | DERIVED, folder=tmp_path))
    labels = class_numbers(data.train.labels, data.classes)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pipeline = build_pipeline(data.config).fit(data.train.features, labels)
        assert np.isfinite(pipeline.predict_proba(features_of(EDGES))).all()
