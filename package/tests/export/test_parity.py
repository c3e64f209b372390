"""The proof that compiled models predict what their pipeline predicts, and what happens where they do not."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from fitted import BASES, compile_pipeline, data_of, estimator_of, evidence_of, fit, fitted, portable_of, prove
from numpy.typing import NDArray
from problems import DERIVED, EVERY_KIND, make_config, make_table, train
from resealed import reseal
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler, TargetEncoder
from test_export import CALIBRATED
from threadpoolctl import threadpool_limits

from classification_model.errors import ArtifactError, ExportError, VerificationError
from classification_model.export import estimator_converters, step_converters, trees
from classification_model.export.convert_pipeline import convert_pipeline
from classification_model.export.graph import DOUBLE, Graph
from classification_model.export.portable import numbers, texts
from classification_model.export.portable.portable_parity import prove_portable
from classification_model.export.proof.edge_rows import edge_rows
from classification_model.export.proof.evidence import TOLERANCE, Evidence
from classification_model.export.proof.parity import prove_core
from classification_model.export.proof.thresholds import thresholds_of_fields
from classification_model.export.table import Features
from classification_model.predict import Predictor
from classification_model.processing.pipeline_model import load_predictor
from classification_model.runtime.inference.compiled import PROBABILITIES, CompiledModel
from classification_model.runtime.inference.session import start_session
from classification_model.runtime.input.checking import CheckedRows
from classification_model.runtime.input.columns import Column
from classification_model.runtime.input.values import LONGEST_PARSED_TEXT, LONGEST_TEXT
from classification_model.runtime.model_folder.artifact import read_files, read_manifest
from classification_model.runtime.portable import PortableModel
from classification_model.runtime.verification import verify
from classification_model.training.training_report import TrainingReport

pytestmark = pytest.mark.slow


MODELS = [
    *BASES,
    "sigmoid logistic_regression",
    "isotonic random_forest",
    "temperature average",
    "average of calibrated",
]


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("name", MODELS)
def test_compiled_models_agree_with_their_pipeline(
    name: str, classes: int, record_property: Callable[[str, object], None]
) -> None:
    """Each estimator, on every training row and thousands of edges, all at once and row by row, to within 1e-12."""
    data = data_of(classes)
    core, portable = prove(fitted(classes, name), data, generated_rows=3000)
    for what, parity in (("core.onnx", core), ("model.onnx", portable)):
        assert parity.holds
        assert (parity.training_rows, parity.generated_rows) == (len(data.train), 3000)
        assert parity.largest_difference <= parity.tolerance == 1e-12
        record_property(
            "parity",
            f"{name}, {classes} classes, {what}: {parity.training_rows} training rows and {parity.generated_rows} "
            f"generated ones differ by {parity.largest_difference:.1e} at most, {parity.other_classes} in their class",
        )


def test_the_packaged_model_was_proved(model_folder: Path, record_property: Callable[[str, object], None]) -> None:
    """The Titanic's pipeline is compiled whole, both ways; nothing that it derives is left to the caller."""
    manifest = read_manifest(model_folder)
    assert (manifest.compiled, manifest.not_compiled) == ("core.onnx", None)
    assert (manifest.portable, manifest.not_portable, manifest.portable_inputs) == ("model.onnx", None, {})
    for name, parity in ((manifest.compiled, manifest.parity), (manifest.portable, manifest.portable_parity)):
        assert parity is not None
        assert parity.holds
        assert parity.generated_rows == 10_000
        record_property("parity", f"Titanic, {manifest.estimator}, {name}: {parity.largest_difference:.1e} at most")


def test_a_forest_and_boosting_agree_to_the_last_digit_before_calibration() -> None:
    """Trees are summed in scikit-learn's order, since an isotonic calibration may make much of a last digit."""
    for name in ("isotonic random_forest", "isotonic extra_trees", "isotonic hist_gradient_boosting"):
        core, _ = prove(fitted(2, name), data_of(2), generated_rows=1000)
        assert core.largest_difference < 1e-15


# Rows beside other rows


def part_of(evidence: Evidence, rows: slice) -> dict[str, Column]:
    """Return some of the rows of evidence as columns."""
    return {name: column[rows] for name, column in evidence.columns.items()}


def in_parts(run: Callable[[slice], NDArray[np.float64]], count: int) -> dict[str, NDArray[np.float64]]:
    """Run rows all at once, then alone, in parts of several sizes, and in parts that begin later."""
    found = {"at once": run(slice(0, count))}
    for size in (1, 2, 3, 5, 7, 33):
        found[f"by {size}"] = np.concatenate([run(slice(row, row + size)) for row in range(0, count, size)])
    for first in (1, 2, 3, 5):
        found[f"in two from {first}"] = np.concatenate([run(slice(0, first)), run(slice(first, count))])
    return found


def assert_equal_to_the_last_bit(found: dict[str, NDArray[np.float64]]) -> None:
    """Compare all ways with the first."""
    expected = found["at once"]
    assert len(np.unique(expected, axis=0)) > 1
    assert {way: int((rows != expected).any(axis=1).sum()) for way, rows in found.items()} == dict.fromkeys(found, 0)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("name", [*MODELS, "temperature logistic_regression"])
def test_a_row_is_answered_the_same_to_the_last_bit_whatever_stands_beside_it(name: str, classes: int) -> None:
    """A compiled pipeline gives a row, of training or of edges, the same probabilities alone and among any others."""
    data, pipeline = data_of(classes), fitted(classes, name)
    evidence = evidence_of(pipeline, data, 150)
    compiled = CompiledModel(compile_pipeline(pipeline, data.schema))
    count = evidence.rows.count

    def run(rows: slice) -> NDArray[np.float64]:
        return compiled.probabilities(part_of(evidence, rows), len(range(count)[rows]))

    def run_rows(rows: slice) -> NDArray[np.float64]:
        values = {name: column.tolist() for name, column in part_of(evidence, rows).items()}
        return compiled.probabilities_of_rows(
            [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]
        )

    found = in_parts(run, count)
    assert_equal_to_the_last_bit(found | {f"rows {way}": rows for way, rows in in_parts(run_rows, count).items()})
    portable = PortableModel(portable_of(convert_pipeline(pipeline, data.schema), data).content)
    assert_equal_to_the_last_bit(
        in_parts(lambda rows: portable.predict(part_of(evidence, rows), len(range(count)[rows]))[1], count)
    )


@pytest.mark.parametrize("classes", [2, 3, 6])
@pytest.mark.parametrize("name", [*BASES, *CALIBRATED, "average of calibrated"])
def test_estimators_answer_a_row_the_same_to_the_last_bit_whatever_stands_beside_it(name: str, classes: int) -> None:
    """Each estimator by each calibration, with odd and even numbers of classes, few and many."""
    features, labels = make_classification(500, 9, n_informative=8, n_redundant=0, n_classes=classes, random_state=0)
    features = np.asarray(features, dtype=np.float64)
    graph = Graph(taken=["features", PROBABILITIES])
    places = np.arange(9, dtype=np.int64)
    taken = Features(graph.input("features", DOUBLE, 9), places, 9)
    with threadpool_limits(1):
        estimator = estimator_of(name).fit(features[:300], labels[:300])
    graph.output(PROBABILITIES, estimator_converters.convert_estimator(estimator, graph, taken), DOUBLE, classes)
    session = start_session(graph.to_bytes({}), "estimator")

    def run(rows: slice) -> NDArray[np.float64]:
        answer: NDArray[np.float64] = session.run(None, {"features": features[rows].copy()})[0]
        return answer

    found = in_parts(run, len(features))
    assert abs(found["at once"] - estimator.predict_proba(features)).max() <= TOLERANCE
    assert_equal_to_the_last_bit(found)


def test_the_packaged_model_answers_a_row_the_same_alone_and_among_others(model_folder: Path) -> None:
    """What a caller gets is equal too, of few rows as of many."""
    predictor = Predictor.load(model_folder)
    rows = [row.inputs for row in predictor.manifest.golden_rows] * 3
    alone = [predictor.predict([row])["probabilities"][0] for row in rows]
    for size in (2, 7, len(rows)):
        parts = [predictor.predict(rows[start : start + size]) for start in range(0, len(rows), size)]
        assert [share for part in parts for share in part["probabilities"]] == alone


# What the proof looks at


def test_rows_of_edges_leave_no_edge_out() -> None:
    """Each field is missing, then absent where it may be; texts are of every sort; trees are met where they turn."""
    data = data_of(2)
    pipeline = fitted(2, "random_forest")
    thresholds = thresholds_of_fields(pipeline, data.train.features[:1])
    rows = edge_rows(data.train.features, data.schema, thresholds, 4000, 0)
    for number, field in enumerate(data.schema.fields):
        assert rows[number][field.name] is None
        assert (field.name in rows[len(data.schema.fields) + number]) == (not field.nullable)
    found = {name: {row.get(name) for row in rows} for name in EVERY_KIND}
    longest = {field.name: field.longest_text for field in data.schema.fields}
    assert (longest["code"], longest["note"]) == (LONGEST_TEXT, LONGEST_PARSED_TEXT)
    for name in ("shape", "grade", "code", "note"):
        assert {"", "\N{SNOWMAN}", "é" * longest[name]} <= found[name]
        assert max(len(value) for value in found[name] if value is not None) == longest[name]
    turning = thresholds["size"]
    assert len(found["size"] & set(turning.tolist())) > 20
    assert {-1e30, 1e30, None} <= found["size"]
    assert found["open"] == {None, 0.0, 1.0}


def test_edges_of_texts_put_white_space_before_signs() -> None:
    """Where a pattern cuts at a sign, there is white space before it, of more than one kind."""
    data = data_of(2)
    features = data.train.features.assign(note="Sage, Mr. X")
    rows = edge_rows(features, data.schema, {}, 500, 0)
    assert "Sage\N{EM SPACE} \t, Mr\N{EM SPACE} \t. X" in {row.get("note") for row in rows}


def test_close_calls_are_no_disagreement() -> None:
    """A class may differ within 1e-12 around the threshold, or between classes as likely; nowhere else."""

    def evidence(probabilities: list[list[float]], threshold: float | None) -> Evidence:
        rows = CheckedRows(len(probabilities), {})
        return Evidence(rows, {}, 1, np.array(probabilities), threshold)

    close = evidence([[0.6, 0.4 - 1e-13], [0.7, 0.3]], 0.4)
    assert close.other_classes([np.array([1, 1])]).tolist() == [False, True]
    tied = evidence([[0.4, 0.4, 0.2], [0.5, 0.4, 0.1]], None)
    assert tied.other_classes([np.array([1, 1])]).tolist() == [False, True]
    report = close.report([close.probabilities + TOLERANCE / 2], [np.array([1, 0])])
    assert report.holds
    assert not close.report([close.probabilities + 2 * TOLERANCE], [np.array([0, 0])]).holds
    assert close.differences([np.array([[np.nan, 0.4], [0.7, 0.3]])]).tolist() == [np.inf, 0.0]
    assert close.name_row(0) == "training row 0 (counted from 0)"
    assert close.name_row(1) == "generated row 0 (counted from 0)"


def test_only_the_worst_of_several_ways_counts() -> None:
    """A difference that only rows alone show is a difference."""
    data = data_of(2)
    evidence = evidence_of(fitted(2, "logistic_regression"), data)
    alone = evidence.probabilities.copy()
    alone[5] += 1e-9
    assert evidence.differences([evidence.probabilities, alone]).argmax() == 5


# Converters that are wrong


def bend(monkeypatch: pytest.MonkeyPatch, converters: dict[type, Any], kind: type, value: float) -> None:
    """Let a converter of an estimator's scores be wrong by a little."""
    converter = converters[kind]

    def bent(estimator: Any, graph: Graph, features: Any) -> str:
        return graph.add("Add", converter(estimator, graph, features), np.array([value]))

    monkeypatch.setitem(converters, kind, bent)


def test_a_wrong_estimator_is_told_by_row_and_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """A score that is off by a billionth fails, naming a row and the step from which on it differs."""
    data, pipeline = data_of(2), fitted(2, "logistic_regression")
    bend(monkeypatch, estimator_converters.SCORES, LogisticRegression, 1e-9)
    message = (
        r"^the compiled model disagrees with its pipeline by \S+ on (training|generated) row \d+ "
        r"\(counted from 0\), more than 1e-12 allow, from the step 'estimator' on$"
    )
    with pytest.raises(ExportError, match=message):
        prove_core(compile_pipeline(pipeline, data.schema), pipeline, data.schema, evidence_of(pipeline, data, 50))


def test_a_wrong_step_is_told_by_feature_and_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """A column that is scaled wrongly is named, with the steps that change it."""
    data, pipeline = data_of(2), fitted(2, "logistic_regression")
    converter = step_converters._OF_NUMBERS[StandardScaler]

    def wrong(scaler: StandardScaler, names: list[str], table: Any) -> None:
        shifted = StandardScaler()
        shifted.mean_ = scaler.mean_ + np.where(np.array(names) == "price", 1e-6, 0.0)
        shifted.scale_ = scaler.scale_
        converter(shifted, names, table)

    monkeypatch.setitem(step_converters._OF_NUMBERS, StandardScaler, wrong)
    with pytest.raises(
        ExportError, match=r"on \w+ row \d+ \(counted from 0\), .* from the feature 'price' \(steps .*scale.*\) on$"
    ):
        prove_core(compile_pipeline(pipeline, data.schema), pipeline, data.schema, evidence_of(pipeline, data, 50))


def test_a_wrong_encoding_is_told_by_feature(monkeypatch: pytest.MonkeyPatch) -> None:
    """A category that is encoded wrongly is named."""
    data, pipeline = data_of(2), fitted(2, "logistic_regression")
    encoder = pipeline.named_steps["target"].named_transformers_["target"]
    assert isinstance(encoder, TargetEncoder)
    encodings = [rates.copy() for rates in encoder.encodings_]
    encodings[0][3] += 0.01
    evidence = evidence_of(pipeline, data, 50)
    converters = dict(step_converters.CONVERTERS)

    def wrong(transformer: Any, table: Any) -> None:
        right, encoder.encodings_ = encoder.encodings_, encodings
        try:
            converters[type(transformer)](transformer, table)
        finally:
            encoder.encodings_ = right

    monkeypatch.setitem(step_converters.CONVERTERS, type(pipeline.named_steps["target"]), wrong)
    with pytest.raises(ExportError, match=r"from the feature 'code' \(steps impute_category, target\) on$"):
        prove_core(compile_pipeline(pipeline, data.schema), pipeline, data.schema, evidence)


def test_thresholds_that_are_rounded_are_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trees whose thresholds are cut to single precision, as is common, do not pass: rows lie on every threshold."""
    data, pipeline = data_of(2, "size", "price"), fitted(2, "hist_gradient_boosting", "size", "price")
    add = trees.Trees.add

    def rounded(self: trees.Trees, **node: Any) -> None:
        node["threshold"] = np.asarray(node["threshold"]).astype(np.float32).astype(np.float64)
        add(self, **node)

    monkeypatch.setattr(trees.Trees, "add", rounded)
    with pytest.raises(ExportError, match="generated row"):
        prove_core(compile_pipeline(pipeline, data.schema), pipeline, data.schema, evidence_of(pipeline, data, 4000))


def test_a_graph_that_does_not_run_is_no_proof() -> None:
    """What onnxruntime refuses is told as such, for either model."""
    data, pipeline = data_of(2), fitted(2, "logistic_regression")
    evidence = evidence_of(pipeline, data, 10)
    with pytest.raises(ExportError, match=r"^the compiled model is not a valid ONNX model"):
        prove_core(b"no model", pipeline, data.schema, evidence)
    with pytest.raises(ExportError, match=r"^onnxruntime does not run the portable model: "):
        prove_portable(b"no model", data.classes, evidence)


def test_rows_that_the_pipeline_cannot_predict_are_no_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipeline that fails on a row of edges is told as such, so that training can go on."""
    data, pipeline = data_of(2, "size"), fit(data_of(2, "size"), LogisticRegression())
    del pipeline[-1].coef_
    with pytest.raises(ExportError, match=r"^the pipeline does not predict every generated row \(AttributeError: "):
        evidence_of(pipeline, data, 10)


def test_a_wrong_label_alone_fails() -> None:
    """The portable model's probabilities may be right and its label not: another threshold is found out."""
    data, pipeline = data_of(2), fitted(2, "logistic_regression")
    converted = convert_pipeline(pipeline, data.schema)
    evidence = evidence_of(pipeline, data)
    content = portable_of(converted, data).content
    other = Evidence(evidence.rows, evidence.columns, evidence.training_rows, evidence.probabilities, 0.6)
    assert prove_portable(content, data.classes, evidence).holds
    with pytest.raises(
        ExportError, match=r"^the portable model disagrees .* row \d+ \(counted from 0\), .* or in its label$"
    ):
        prove_portable(content, data.classes, other)
    with pytest.raises(ExportError, match="or in its label"):
        prove_portable(content, tuple(reversed(data.classes)), evidence)


# What training makes of a failure


def train_in(folder: Path, classes: int = 2) -> TrainingReport:
    """Train a model of every kind of feature."""
    return train(make_table(160, classes), make_config(EVERY_KIND | DERIVED, folder=folder, classes=classes))


def test_training_publishes_both_models(tmp_path: Path) -> None:
    """A model folder holds both, the manifest both proofs and what the portable one cannot derive."""
    report = train_in(tmp_path)
    manifest = read_manifest(report.folder)
    assert (manifest.compiled, manifest.portable) == ("core.onnx", "model.onnx")
    assert {"core.onnx", "model.onnx"} <= set(manifest.files)
    assert manifest.parity is not None
    assert manifest.portable_parity is not None
    assert manifest.parity.holds
    assert manifest.portable_parity.holds
    assert manifest.portable_inputs == {"digits": "pattern of note: ONNX does not read numbers from texts exactly"}
    assert (manifest.not_compiled, manifest.not_portable) == (None, None)
    assert verify(report.folder).manifest == manifest


def test_a_model_that_disagrees_is_not_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Training goes on without a compiled model and says why; its pipeline predicts in the workshop, with a warning."""
    bend(monkeypatch, estimator_converters.SCORES, LogisticRegression, 1e-9)
    with caplog.at_level(logging.WARNING):
        report = train_in(tmp_path)
    manifest = read_manifest(report.folder)
    assert (manifest.compiled, manifest.parity, manifest.portable, manifest.portable_parity) == (None,) * 4
    assert not [name for name in read_files(report.folder, manifest) if name.endswith(".onnx")]
    reason = manifest.not_compiled
    assert reason is not None
    assert "from the step 'estimator' on" in reason
    assert manifest.not_portable == reason
    assert f"the model is not compiled: {reason}" in caplog.messages
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        predictor = load_predictor(report.folder)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert reason in caplog.text
    assert any(reason in note for note in predictor.notes)
    row = dict.fromkeys(EVERY_KIND)
    assert predictor.predict([row])["predictions"][0] in manifest.classes
    with pytest.raises(
        ArtifactError, match=r"has no compiled model .*: change its config and train it again, or install"
    ):
        Predictor.load(report.folder)
    with pytest.raises(ArtifactError, match="has no compiled model"):
        verify(report.folder)


def test_a_step_without_converter_leaves_the_pipeline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A step that nobody can convert is named by the warning and by the manifest."""
    monkeypatch.delitem(estimator_converters.SCORES, LogisticRegression)
    with caplog.at_level(logging.WARNING):
        manifest = train_in(tmp_path).manifest
    reason = "the pipeline's step 'estimator' cannot be compiled: no converter for LogisticRegression"
    assert (manifest.compiled, manifest.not_compiled) == (None, reason)
    assert f"the model is not compiled: {reason}" in caplog.messages


def test_a_wrong_translation_of_texts_makes_inputs_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a translated text disagrees, what is derived from texts is an input of the portable model instead."""
    contains = texts.contains
    monkeypatch.setattr(texts, "contains", lambda graph, text, words: contains(graph, text, [*words, "later"]))
    report = train_in(tmp_path)
    manifest = report.manifest
    assert manifest.portable == "model.onnx"
    assert manifest.portable_parity is not None
    assert manifest.portable_parity.holds
    assert sorted(manifest.portable_inputs) == ["digits", "log_price", "shape_and_open", "urgent", "word"]
    assert manifest.portable_inputs["urgent"] == "contains of note: its translation gave another result"
    model = onnx.load(report.folder / "model.onnx")
    assert "note" not in {item.name for item in model.graph.input}  # nothing needs it any more
    assert verify(report.folder).manifest == manifest


def test_the_portable_model_fails_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Where only the portable model disagrees, the compiled one is published, and the manifest says what failed."""
    add = numbers.add
    monkeypatch.setattr(numbers, "add", lambda graph, sources, plus: add(graph, sources, plus + 1e-6))
    with caplog.at_level(logging.WARNING):
        report = train_in(tmp_path)
    manifest = report.manifest
    assert (manifest.compiled, manifest.portable, manifest.portable_parity) == ("core.onnx", None, None)
    assert manifest.portable_inputs == {}
    assert manifest.not_portable is not None
    assert "the portable model disagrees with the pipeline by" in manifest.not_portable
    assert f"no portable model: {manifest.not_portable}" in caplog.messages
    assert "model.onnx" not in manifest.files
    assert verify(report.folder).manifest.compiled == "core.onnx"
    assert Predictor.load(report.folder).manifest == manifest


def test_a_translation_that_crashes_leaves_the_compiled_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that no translation should raise costs the portable model, not the training."""

    def crash(*_: Any) -> str:
        msg = "unheard of"
        raise KeyError(msg)

    monkeypatch.setattr(numbers, "divide", crash)
    manifest = train_in(tmp_path).manifest
    assert manifest.compiled == "core.onnx"
    assert (
        manifest.not_portable == "the portable model cannot be compiled: its converter failed (KeyError: 'unheard of')"
    )


# The portable model of a folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train a model once."""
    return train_in(tmp_path_factory.mktemp("trained"), classes=3).folder


def test_a_portable_model_that_predicts_otherwise_is_found_by_verify(folder: Path, tmp_path: Path) -> None:
    """Good hashes do not save a portable model whose probabilities or labels are not those of the golden rows."""
    copy = shutil.copytree(folder, tmp_path / "copy")
    path = copy / "model.onnx"
    whole = path.read_bytes()
    for name in ("probabilities", "labels"):
        model = onnx.load_from_string(whole)
        for constant in model.graph.initializer:
            if name == "labels" and list(constant.string_data) == [b"red", b"green", b"blue"]:
                constant.string_data[0] = b"violet"
            if name == "probabilities" and constant.dims == [3] and constant.data_type == onnx.TensorProto.DOUBLE:
                constant.raw_data = np.add(onnx.numpy_helper.to_array(constant), [0.0, 0.0, 1e-3]).tobytes()
        path.write_bytes(model.SerializeToString())
        assert path.read_bytes() != whole
        reseal(copy)
        with pytest.raises(
            VerificationError, match=r"^model\.onnx: the predictions for the golden rows differ from the recorded ones"
        ):
            verify(copy)
    path.write_bytes(whole)
    reseal(copy)
    assert verify(copy).manifest.portable == "model.onnx"


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "cannot run the portable model .*"), (b"garbage", "the portable model is not a valid ONNX model .*")],
)
def test_a_portable_model_that_is_none_is_found_by_verify(
    folder: Path, tmp_path: Path, content: bytes, message: str
) -> None:
    """What onnxruntime cannot run as the portable model is an error of ours; the compiled one still predicts."""
    copy = shutil.copytree(folder, tmp_path / "copy")
    (copy / "model.onnx").write_bytes(content)
    reseal(copy)
    with pytest.raises(VerificationError, match=f"{message}: train it again$"):
        verify(copy)
    assert Predictor.load(copy).manifest.portable == "model.onnx"


def test_a_portable_model_must_say_what_it_takes(folder: Path, tmp_path: Path) -> None:
    """Without its metadata nobody can feed it."""
    copy = shutil.copytree(folder, tmp_path / "copy")
    model = onnx.load(copy / "model.onnx")
    del model.metadata_props[:]
    (copy / "model.onnx").write_bytes(model.SerializeToString())
    reseal(copy)
    with pytest.raises(
        VerificationError, match="expected the inputs of the portable model in its metadata, found none"
    ):
        verify(copy)
