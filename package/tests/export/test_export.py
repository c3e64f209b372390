"""Every converter against what it converts, and the two graphs that a pipeline becomes."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import orjson
import pandas as pd
import pytest
from feature_engine.imputation import CategoricalImputer
from fitted import BASES, METHODS, compile_pipeline, data_of, estimator_of, evidence_of, fit, fitted, portable_of, prove
from numpy.typing import NDArray
from problems import DERIVED, EVERY_KIND, load, make_config, make_table
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier, VotingClassifier
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    PolynomialFeatures,
    QuantileTransformer,
    StandardScaler,
    TargetEncoder,
)
from sklearn.svm import LinearSVC

from classification_model.errors import ExportError
from classification_model.export.convert_pipeline import compile_core, convert_pipeline
from classification_model.export.graph import DOUBLE, STRING, Graph
from classification_model.export.portable.model import compile_portable
from classification_model.export.proof.parity import prove_core
from classification_model.export.step_converters import convert_step
from classification_model.export.table import Table
from classification_model.processing.data_manager import TrainingData
from classification_model.runtime.verification import verify

CALIBRATED = [f"{method} {base}{rest}" for method in METHODS for base in BASES for rest in ("", ", one for all")]


def assert_agrees(pipeline: Pipeline, data: TrainingData, generated_rows: int = 300) -> None:
    """Hold both graphs against the pipeline."""
    core, portable = prove(pipeline, data, generated_rows)
    assert core.holds
    assert portable.holds


# Steps


@pytest.mark.slow
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("name", [name for name, item in EVERY_KIND.items() if item["kind"] != "text"])
def test_each_kind_encoding_and_imputation_compiles_alone(name: str, classes: int) -> None:
    """A single column of any kind makes both graphs: with numbers only, with categories only."""
    assert_agrees(fitted(classes, "logistic_regression", name), data_of(classes, name))


@pytest.mark.slow
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("name", DERIVED)
def test_each_derivation_compiles_with_its_sources_alone(name: str, classes: int) -> None:
    """A derived column of any kind makes both graphs."""
    names = (name, *DERIVED[name]["from"])
    assert_agrees(fitted(classes, "logistic_regression", *names), data_of(classes, *names))


def test_columns_without_a_category_that_is_frequent_compile(tmp_path: Path) -> None:
    """Where every category is rare, or one is all there is, the graphs agree."""
    table = make_table(120)
    table["shape"] = [f"s{number}" for number in range(120)]
    table["grade"] = ["low"] * 118 + ["high", None]
    features = {name: EVERY_KIND[name] for name in ("size", "shape", "grade")}
    data = load(table, make_config(features, folder=tmp_path))
    assert_agrees(fit(data, estimator_of("logistic_regression")), data)


class Shifted(TransformerMixin, BaseEstimator):
    """A transformer that nobody has a converter for."""


def test_a_step_without_converter_is_named() -> None:
    """A step that is not known, or a transformer inside of one, is named with what it is."""
    data, pipeline = data_of(2, "size"), fit(data_of(2, "size"), LogisticRegression())
    pipeline.steps.insert(-1, ("shift", Shifted()))
    with pytest.raises(
        ExportError, match=r"^the pipeline's step 'shift' cannot be compiled: no converter for Shifted$"
    ):
        compile_pipeline(pipeline, data.schema)
    pipeline.steps.pop(-2)
    pipeline.named_steps["scale"].transformer_ = PolynomialFeatures()
    with pytest.raises(
        ExportError, match="the pipeline's step 'scale' cannot be compiled: no converter for Polynomial"
    ):
        compile_pipeline(pipeline, data.schema)


def test_a_step_that_no_converter_expected_is_named() -> None:
    """Whatever fails in a converter is an error of ours that names the step."""
    data, pipeline = data_of(2, "size"), fit(data_of(2, "size"), LogisticRegression())
    del pipeline.named_steps["scale"].transformer_.mean_
    with pytest.raises(
        ExportError, match=r"^the pipeline's step 'scale' cannot be compiled: its converter failed \(Attr"
    ):
        compile_pipeline(pipeline, data.schema)


@pytest.mark.parametrize(
    ("steps", "remainder", "found"),
    [
        ([("scale", StandardScaler(), ["a"])], "passthrough", "StandardScaler"),
        (
            [("scale", StandardScaler(), ["a"]), ("ranks", QuantileTransformer(n_quantiles=9), ["b"])],
            "drop",
            "Stand.*Quantile.*",
        ),
        ([("rates", TargetEncoder(), ["a"])], "drop", "TargetEncoder.*remainder='drop'"),
        ([("nothing", "passthrough", ["a"])], "passthrough", "passthrough"),
    ],
)
def test_a_column_transformer_without_converter_says_what_can_be_compiled(
    steps: list[tuple[str, Any, list[str]]], remainder: str, found: str
) -> None:
    """Whatever a ColumnTransformer is made of, the message names it and what has a converter instead."""
    transformer = ColumnTransformer(steps, remainder=remainder, verbose_feature_names_out=False)
    transformer.set_output(transform="pandas").fit(pd.DataFrame({"a": [1.0, 2, 3] * 9, "b": 1.0}), [0, 0, 1] * 9)
    expected = f"no converter for a ColumnTransformer of .*{found}.*: expected one TargetEncoder, .*passthrough"
    with pytest.raises(ExportError, match=expected):
        convert_step(transformer, Table(Graph(taken=[]), ["a", "b"], {"a"}))


def test_a_function_transformer_without_converter_says_what_can_be_compiled() -> None:
    """`numpy.clip` without both of its limits as keyword arguments is refused by name, as any other function is."""
    transformer = FunctionTransformer(np.clip, kw_args={"min": 0, "max": 1}).fit([[1.0]])
    with pytest.raises(
        ExportError, match=r"no converter for a FunctionTransformer of clip .*: expected numpy.clip with kw_args of a_m"
    ):
        convert_step(transformer, Table(Graph(taken=[]), ["a"], set()))


def test_a_step_on_columns_of_another_kind_names_the_column() -> None:
    """A step that fills texts cannot be compiled on numbers, nor one that flags gaps on texts: the column is named."""
    numbers = pd.DataFrame({"a": [1.0, None]}, dtype=object)
    imputer = CategoricalImputer(variables=["a"], ignore_format=True, fill_value="x").fit(numbers)
    with pytest.raises(ExportError, match="column 'a' is no column of texts at this step"):
        convert_step(imputer, Table(Graph(taken=[]), ["a"], set()))


# Estimators


@pytest.mark.slow
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("name", CALIBRATED)
def test_calibrated_estimators_compile(name: str, classes: int) -> None:
    """Each base by each method, with an estimator for each fold or one for all, to within 1e-12."""
    names = ("size", "price", "shape", "code")
    data, pipeline = data_of(classes, *names), fitted(classes, name, *names)
    prove_core(compile_pipeline(pipeline, data.schema), pipeline, data.schema, evidence_of(pipeline, data, 200))


@pytest.mark.slow
@pytest.mark.parametrize("weights", [None, [1, 3], [0.5, 0.0]])
def test_averages_compile_with_their_weights(weights: list[float] | None) -> None:
    """Members are averaged with the weights they have."""
    data = data_of(3, "size", "shape")
    members = [(name, estimator_of(name)) for name in ("logistic_regression", "random_forest")]
    average = VotingClassifier(members, voting="soft", weights=weights, flatten_transform=False)
    assert_agrees(fit(data, average), data)


def test_isotonic_calibration_in_single_precision_is_refused() -> None:
    """No estimator here gives scores in single precision; of one that did, nothing is guessed."""
    data = data_of(2, "size", "price")
    pipeline = fit(data, CalibratedClassifierCV(LogisticRegression(), method="isotonic", cv=3))
    classifier = pipeline[-1].calibrated_classifiers_[1]
    x, y = np.array([0, 1, 2], dtype=np.float32), np.array([0, 0, 1], dtype=np.float32)
    classifier.calibrators[0] = IsotonicRegression(out_of_bounds="clip").fit(x, y)
    with pytest.raises(ExportError, match="no converter for an IsotonicRegression in float32, only in float64"):
        compile_pipeline(pipeline, data.schema)


@pytest.mark.slow
@pytest.mark.parametrize("classes", [2, 3])
def test_isotonic_calibration_that_knows_one_score_or_gives_nothing_compiles(classes: int) -> None:
    """A calibrator of a single threshold is a constant; where every class gets zero, all are as likely."""
    data = data_of(classes, "size")
    pipeline = fit(data, CalibratedClassifierCV(LogisticRegression(), method="isotonic", cv=3))
    first, second, _ = pipeline[-1].calibrated_classifiers_
    first.calibrators[0] = IsotonicRegression(out_of_bounds="clip").fit([1.0, 1.0], [0.25, 0.25])
    for number in range(len(second.calibrators)):
        second.calibrators[number] = IsotonicRegression(out_of_bounds="clip").fit([-9.0, 1.0, 2.0], [0.0, 0.0, 1.0])
    assert_agrees(pipeline, data)


@pytest.mark.slow
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize(
    "estimator",
    [
        RandomForestClassifier(n_estimators=3, min_samples_leaf=1000, random_state=0),
        HistGradientBoostingClassifier(max_iter=2, min_samples_leaf=1000),
        HistGradientBoostingClassifier(max_iter=3, max_leaf_nodes=2, min_samples_leaf=40),
    ],
    ids=["forest", "boosting", "stumps"],
)
def test_trees_that_do_not_branch_compile(estimator: ClassifierMixin, classes: int) -> None:
    """A tree that is a single leaf adds a constant."""
    data = data_of(classes, "size", "shape")
    assert_agrees(fit(data, estimator), data)


@pytest.mark.slow
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("name", BASES)
def test_a_single_feature_is_enough(name: str, classes: int, tmp_path: Path) -> None:
    """Each estimator compiles where there is one number to learn from."""
    config = make_config({"count": EVERY_KIND["count"]}, folder=tmp_path, classes=classes)
    data = load(make_table(160, classes, gaps=0), config)
    pipeline = fit(data, estimator_of(name))
    assert pipeline[-1].n_features_in_ == 1
    assert_agrees(pipeline, data)


def categorical_boosting() -> ClassifierMixin:
    return HistGradientBoostingClassifier(max_iter=2, categorical_features=[0])


@pytest.mark.parametrize(
    ("estimator", "reason"),
    [
        (categorical_boosting(), "HistGradientBoostingClassifier with categorical features: encode them before"),
        (CalibratedClassifierCV(categorical_boosting(), cv=2), "HistGradientBoostingClassifier with categorical"),
        (KNeighborsClassifier(), "KNeighborsClassifier"),
        (CalibratedClassifierCV(LinearSVC(), cv=2), "LinearSVC"),
        (VotingClassifier([("a", LogisticRegression())], voting="hard"), "a VotingClassifier that counts votes"),
        (VotingClassifier([("a", KNeighborsClassifier())], voting="soft"), "KNeighborsClassifier"),
    ],
    ids=["categorical", "calibrated categorical", "unknown", "unknown base", "votes", "unknown member"],
)
def test_estimators_without_converter_are_named(estimator: ClassifierMixin, reason: str) -> None:
    """What cannot be compiled is said, wherever in an ensemble it is."""
    names = ("open", "size")
    pipeline = fit(data_of(2, *names), estimator)
    with pytest.raises(
        ExportError, match=f"^the pipeline's step 'estimator' cannot be compiled: no converter for {reason}"
    ):
        compile_pipeline(pipeline, data_of(2, *names).schema)


def test_calibration_by_an_unknown_method_or_a_partial_fold_is_refused() -> None:
    """A method of another scikit-learn, or a fold that has not seen every class, is no guess."""
    data = data_of(3, "size")
    pipeline = fit(data, CalibratedClassifierCV(LogisticRegression(), cv=2))
    classifier = pipeline[-1].calibrated_classifiers_[1]
    classifier.method = "venn"
    with pytest.raises(ExportError, match="no converter for a CalibratedClassifierCV by method 'venn'"):
        compile_pipeline(pipeline, data.schema)
    classifier.estimator.classes_ = classifier.estimator.classes_[:2]
    with pytest.raises(ExportError, match="of which a fold has not seen every class"):
        compile_pipeline(pipeline, data.schema)


# Graphs


def described(values: Any) -> dict[str, tuple[int, list[str | int]]]:
    """Return type and shape of each input or output."""
    shapes = {}
    for value in values:
        tensor = value.type.tensor_type
        shapes[value.name] = (tensor.elem_type, [dim.dim_param or dim.dim_value for dim in tensor.shape.dim])
    return shapes


@pytest.mark.parametrize("classes", [2, 3])
def test_the_core_takes_numbers_and_codes(classes: int) -> None:
    """Its inputs and output have the documented names, types and shapes."""
    data = data_of(classes)
    converted = convert_pipeline(fitted(classes, "random_forest"), data.schema)
    model = onnx.load_from_string(compile_core(converted))
    onnx.checker.check_model(model, full_check=True)
    assert described(model.graph.input) == {
        "numbers": (DOUBLE, ["rows", len(converted.numbers)]),
        "codes": (onnx.TensorProto.INT64, ["rows", len(converted.categories)]),
    }
    assert described(model.graph.output) == {"probabilities": (DOUBLE, ["rows", classes])}
    assert {prop.key for prop in model.metadata_props} == {"plan", "numbers", "categories"}


@pytest.mark.parametrize("classes", [2, 3])
def test_the_portable_graph_takes_raw_columns(classes: int) -> None:
    """Each raw column is an input of its name; outputs are label and probabilities; operators are ONNX's own."""
    data = data_of(classes)
    converted = convert_pipeline(fitted(classes, "random_forest"), data.schema)
    model = onnx.load_from_string(portable_of(converted, data).content)
    onnx.checker.check_model(model, full_check=True)
    texts = {"shape", "grade", "code", "note"}
    assert described(model.graph.input) == {
        name: (STRING if name in texts else DOUBLE, ["rows", 1]) for name in (*EVERY_KIND, "digits")
    }
    assert described(model.graph.output) == {
        "label": (STRING, ["rows"]),
        "probabilities": (DOUBLE, ["rows", classes]),
    }
    assert {opset.domain for opset in model.opset_import} == {"", "ai.onnx.ml"}


def test_both_graphs_share_what_was_learned() -> None:
    """The nodes of the core stand in the portable graph as they are."""
    data = data_of(2)
    converted = convert_pipeline(fitted(2, "hist_gradient_boosting"), data.schema)
    core, portable = (
        {node.output[0]: node for node in onnx.load_from_string(content).graph.node}
        for content in (compile_core(converted), portable_of(converted, data).content)
    )
    trees = [name for name, node in core.items() if node.op_type == "TreeEnsemble"]
    assert trees
    assert set(core) <= set(portable)
    assert all(core[name] == portable[name] for name in trees)


_PRINT_HASHES = """
from fitted import data_of, fitted, portable_of
from hashlib import sha256
from classification_model.export.convert_pipeline import compile_core, convert_pipeline
data = data_of(3)
converted = convert_pipeline(fitted(3, "average"), data.schema)
for content in (compile_core(converted), portable_of(converted, data).content):
    print(sha256(content).hexdigest())
"""


@pytest.mark.slow
def test_the_same_training_gives_the_same_bytes() -> None:
    """Compiled twice, and in a process that orders sets otherwise, the graphs are the same to the byte."""
    data = data_of(3)
    pipeline = fitted(3, "average")
    expected = []
    for _ in range(2):
        converted = convert_pipeline(pipeline, data.schema)
        expected.append([compile_core(converted), portable_of(converted, data).content])
    assert expected[0] == expected[1]
    done = subprocess.run(
        [sys.executable, "-c", _PRINT_HASHES],
        cwd=Path(__file__).parents[1],
        env=os.environ | {"PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [hashlib.sha256(content).hexdigest() for content in expected[0]]


@pytest.mark.slow
def test_names_of_columns_may_be_those_of_tensors(tmp_path: Path) -> None:
    """Columns called as the graphs call their own tensors are no trouble; an output's name gets an underscore."""
    new = {"size": "label", "price": "probabilities", "count": "numbers", "shape": "codes", "grade": "constant_0"}
    new |= {"code": "raw_Equal_10", "note": "Grüße, \N{SNOWMAN}", "open": "features"}
    table = make_table(150).rename(columns=new)
    features: dict[str, Any] = {new.get(name, name): item for name, item in EVERY_KIND.items()}
    for name, item in DERIVED.items():
        features[name] = item | {"from": [new.get(source, source) for source in item["from"]]}
    data = load(table, make_config(features, folder=tmp_path))
    pipeline = fit(data, estimator_of("logistic_regression"))
    assert_agrees(pipeline, data)
    content = portable_of(convert_pipeline(pipeline, data.schema), data).content
    inputs = {item["column"]: item["name"] for item in metadata_of(content)["inputs"]}
    assert (inputs.pop("label"), inputs.pop("probabilities")) == ("label_", "probabilities_")
    assert all(name == column for column, name in inputs.items())


# The portable graph, as another program uses it


def metadata_of(content: bytes) -> dict[str, Any]:
    """Return what a model says of itself."""
    return {prop.key: orjson.loads(prop.value) for prop in onnx.load_from_string(content).metadata_props}


def feed(content: bytes, rows: list[dict[str, Any]]) -> tuple[list[str], NDArray[np.float64]]:
    """Run a portable model with onnxruntime alone; what a row does not hold is missing."""
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    inputs = {}
    for item in session.get_inputs():
        is_text = item.type == "tensor(string)"
        values = [row.get(item.name, "" if is_text else np.nan) for row in rows]
        inputs[item.name] = np.array(values, dtype=object if is_text else np.float64).reshape(-1, 1)
    label, probabilities = session.run(["label", "probabilities"], inputs)
    return label.tolist(), probabilities


def test_another_program_needs_nothing_but_the_file(model_folder: Path) -> None:
    """The Titanic's model answers raw columns as the package does."""
    manifest = verify(model_folder).manifest
    assert manifest.portable is not None
    golden = manifest.golden_rows
    rows = [{name: value for name, value in row.inputs.items() if value is not None} for row in golden]
    labels, probabilities = feed((model_folder / manifest.portable).read_bytes(), rows)
    assert abs(probabilities - [row.probabilities for row in golden]).max() < 1e-12
    assert manifest.threshold is not None
    assert labels == [manifest.classes[int(row.probabilities[1] >= manifest.threshold)] for row in golden]


def test_a_derived_input_is_described(tmp_path: Path) -> None:
    """A column that ONNX cannot derive is an input; the model says how to derive it, and why it does not."""
    data, pipeline = data_of(2), fitted(2, "logistic_regression")
    portable = portable_of(convert_pipeline(pipeline, data.schema), data)
    assert portable.derived_inputs == {"digits": "pattern of note: ONNX does not read numbers from texts exactly"}
    metadata = metadata_of(portable.content)
    assert metadata["classes"] == ["red", "green"]
    assert metadata["threshold"] == 0.4
    described = {item["name"]: item for item in metadata["inputs"]}
    assert described["size"] == {"name": "size", "column": "size", "kind": "number"}
    assert described["note"] == {"name": "note", "column": "note", "kind": "text"}
    expected = {"derive": "pattern", "sources": ["note"], "outputs": ["digits"], "pattern": r"\d+", "as_number": True}
    assert described["digits"] == {
        "name": "digits",
        "column": "digits",
        "kind": "number",
        "derivation": expected,
        "reason": portable.derived_inputs["digits"],
    }
    assert metadata["plan"] == [expected]
    with_digits, without = (
        feed(portable.content, [{"note": "now 7 pieces", **row}])[1] for row in ({"digits": 7.0}, {})
    )
    alone = prove_core(compile_pipeline(pipeline, data.schema), pipeline, data.schema, evidence_of(pipeline, data, 10))
    assert alone.holds
    assert not np.array_equal(with_digits, without)


def test_the_label_at_the_threshold_is_the_second_class() -> None:
    """A probability of exactly the threshold is enough."""
    data, pipeline = data_of(2, "size", "price"), fitted(2, "random_forest", "size", "price")
    converted = convert_pipeline(pipeline, data.schema)
    rows = [{"size": 1.0, "price": 20.0}]
    probability = feed(portable_of(converted, data).content, rows)[1][0, 1]
    for threshold, label in ((probability, "green"), (np.nextafter(probability, 1), "red"), (0.0, "green")):
        content = compile_portable(converted, data.schema, data.classes, float(threshold)).content
        assert feed(content, rows)[0] == [label]


def test_of_classes_as_likely_the_first_is_the_label() -> None:
    """Without a threshold the label is the first of the most probable classes, of two as of three."""
    for classes in (2, 3):
        data = data_of(classes, "size")
        pipeline = fit(data, RandomForestClassifier(n_estimators=1, bootstrap=False, min_samples_leaf=1000))
        tree = pipeline[-1].estimators_[0].tree_
        tree.value[:] = 1 / classes
        content = compile_portable(convert_pipeline(pipeline, data.schema), data.schema, data.classes, None).content
        labels, probabilities = feed(content, [{"size": 1.0}])
        assert (probabilities == 1 / classes).all()
        assert labels == ["red"]


@pytest.mark.slow
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize(
    "name", ["logistic_regression", "isotonic random_forest", "sigmoid average", "temperature average"]
)
def test_no_rows_give_no_answers(name: str, classes: int) -> None:
    """Both outputs of no rows are empty."""
    data = data_of(classes)
    converted = convert_pipeline(fitted(classes, name), data.schema)
    labels, probabilities = feed(portable_of(converted, data).content, [])
    assert labels == []
    assert probabilities.shape == (0, classes)
