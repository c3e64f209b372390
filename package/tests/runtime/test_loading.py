"""What loading a model refuses: changed files, bent golden rows, and files that no runtime can run."""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import shutil
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import joblib
import onnx
import orjson
import pytest
import sklearn.base
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from problems import EVERY_KIND, make_config, make_table, train
from resealed import ALLEN, reseal

from classification_model import predict
from classification_model.errors import ArtifactError, VerificationError
from classification_model.predict import Predictor, make_prediction, packaged_predictor
from classification_model.processing.fitted_pipelines import load_pipeline
from classification_model.processing.pipeline_model import load_predictor
from classification_model.runtime.model_folder.artifact import MANIFEST, read_files, read_manifest
from classification_model.runtime.verification import verify


@pytest.fixture
def copy(model_folder: Path, tmp_path: Path) -> Path:
    """Copy the packaged model."""
    return shutil.copytree(model_folder, tmp_path / "model")


def core_of(folder: Path) -> Path:
    """Return the file of the compiled model."""
    name = read_manifest(folder).compiled
    assert name is not None
    return folder / name


def swap(folder: Path, content: bytes) -> None:
    """Put other bytes in the place of the compiled model, with good hashes."""
    core_of(folder).write_bytes(content)
    reseal(folder)


def change(folder: Path, edit: Callable[[Any], Any]) -> None:
    """Edit the graph of the compiled model, with good hashes."""
    model = onnx.load(core_of(folder))
    edit(model)
    swap(folder, model.SerializeToString())


def test_the_packaged_model_is_loaded_once(copy: Path) -> None:
    """One process loads the packaged model once; another folder is loaded each time, and answers the same."""
    assert packaged_predictor() is packaged_predictor()
    answer = Predictor.load(str(copy)).predict([ALLEN])
    assert answer == Predictor.load(copy).predict([ALLEN]) == make_prediction(input_data=[ALLEN])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=40)
@given(st.data())
def test_a_changed_byte_of_any_file_is_refused_with_both_hashes(
    model_folder: Path, copy: Path, data: st.DataObject
) -> None:
    """One byte of the graph, the pickle or a report, changed anywhere, is enough for the model not to be loaded."""
    name = data.draw(st.sampled_from(sorted(read_manifest(model_folder).files)))
    whole = (model_folder / name).read_bytes()
    changed = bytearray(whole)
    changed[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    (copy / name).write_bytes(changed)
    expected, found = hashlib.sha256(whole).hexdigest(), hashlib.sha256(changed).hexdigest()
    with pytest.raises(VerificationError, match=f"^{name} was changed: expected sha256 {expected} .* found {found}"):
        Predictor.load(copy)
    (copy / name).write_bytes(whole)


# The compiled model


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"onnxruntime \S+ cannot run the compiled model \(.*\)"),
        (b"\x08\x0a", r"onnxruntime \S+ cannot run the compiled model \(.*\)"),
        (b"garbage", r"the compiled model is not a valid ONNX model \(.*\)"),
        (bytes(1000), r"the compiled model is not a valid ONNX model \(.*\)"),
    ],
    ids=repr,
)
def test_what_is_no_onnx_model_is_refused(copy: Path, content: bytes, message: str) -> None:
    """A file of other bytes with a good hash is an error of one line."""
    swap(copy, content)
    with pytest.raises(VerificationError, match=f"^{message}: train it again$") as caught:
        Predictor.load(copy)
    assert str(caught.value).isprintable()


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=60)
@given(st.data())
def test_a_corrupted_graph_with_good_hashes_is_refused_or_predicts_the_same(
    model_folder: Path, copy: Path, capfd: pytest.CaptureFixture[str], data: st.DataObject
) -> None:
    """Cut short or with a changed byte, the graph is refused, or it predicts the same."""
    whole = core_of(model_folder).read_bytes()
    place = data.draw(st.integers(0, len(whole) - 1))
    changed = bytearray(whole if data.draw(st.booleans()) else whole[:place])
    if place < len(changed):
        changed[place] ^= data.draw(st.integers(1, 255))
    shutil.copy(model_folder / MANIFEST, copy / MANIFEST)
    swap(copy, bytes(changed))
    with suppress(VerificationError):  # unless it is a byte of a name, or of a category of no golden row
        Predictor.load(copy).check_golden_rows()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "edit",
    [
        lambda model: setattr(model.opset_import[0], "version", 10_000),
        lambda model: setattr(model.opset_import[1], "version", 10_000),
        lambda model: setattr(model, "ir_version", 10_000),
        lambda model: setattr(model.graph.node[0], "op_type", "FutureOperator"),
    ],
    ids=["opset", "opset of trees", "format", "operator"],
)
def test_a_graph_of_the_future_says_to_train_again(copy: Path, edit: Callable[[Any], Any]) -> None:
    """An opset, a format or an operator that this onnxruntime does not know is an error that names its version."""
    change(copy, edit)
    with pytest.raises(VerificationError, match=r"^onnxruntime \S+ cannot run .*: train it again"):
        Predictor.load(copy)


@pytest.mark.parametrize("key", ["plan", "numbers", "categories"])
@pytest.mark.parametrize("value", [None, "", "{}", "[1]", '{"a": 1}'])
def test_a_graph_that_does_not_say_what_it_takes_is_refused(copy: Path, key: str, value: str | None) -> None:
    """Metadata that are gone or of another shape are an error, not a crash."""

    def edit(model: Any) -> None:
        kept = {item.key: item.value for item in model.metadata_props if item.key != key}
        helper.set_model_props(model, kept if value is None else kept | {key: value})

    change(copy, edit)
    with pytest.raises(VerificationError):
        Predictor.load(copy)


def test_a_number_of_the_graph_that_differs_by_a_millionth_is_refused_by_the_golden_rows(copy: Path) -> None:
    """A manifest that was sealed anew around another valid graph does not make it the model."""

    def edit(model: Any) -> None:
        changed = 0
        for item in model.graph.initializer:
            if item.data_type == TensorProto.DOUBLE:
                item.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(item) * (1 + 1e-6), item.name))
                changed += 1
        assert changed

    change(copy, edit)
    with pytest.raises(VerificationError, match=r"golden row \d+ .* differs .* by \d\.\d+e-0\d: train it again"):
        Predictor.load(copy)


@pytest.mark.slow
def test_a_graph_of_other_columns_is_refused(copy: Path, tmp_path: Path) -> None:
    """The compiled model of another problem, in this folder with good hashes, cannot predict the golden rows."""
    other = train(make_table(), make_config({"size": EVERY_KIND["size"]}, folder=tmp_path)).folder
    swap(copy, core_of(other).read_bytes())
    with pytest.raises(VerificationError, match=r"cannot predict its golden rows \(KeyError\): train it again"):
        Predictor.load(copy)


# Golden rows, classes and libraries


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows.clear(), "expected golden rows .*, found none: train it again"),
        (lambda rows: rows[0]["inputs"].update(age="young"), "a golden row of .* does not fit its input schema"),
        (lambda rows: rows[0]["inputs"].update(shoe_size=42), "a golden row of .* does not fit its input schema"),
        (lambda rows: rows[0]["inputs"].pop("sex"), "a golden row of .* does not fit its input schema"),
        (lambda rows: rows[0]["probabilities"].pop(), r"cannot predict its golden rows \(ValueError\)"),
        (lambda rows: [row["probabilities"].pop() for row in rows], r"of shape \(28, 2\) .* \(28, 1\) recorded"),
    ],
)
def test_golden_rows_that_cannot_be_held_against_are_refused(
    copy: Path, change: Callable[[list[dict[str, Any]]], Any], message: str
) -> None:
    """Golden rows that were removed or bent prove nothing, and a model without proof is not loaded."""
    rows = orjson.loads((copy / MANIFEST).read_bytes())["golden_rows"]
    change(rows)
    reseal(copy, golden_rows=rows)
    with pytest.raises(VerificationError, match=message):
        Predictor.load(copy)


def test_classes_that_are_not_those_of_the_model_are_refused(copy: Path) -> None:
    """A manifest with a label too many is refused when it is loaded, not when a row is predicted."""
    reseal(copy, classes=["died", "survived", "unknown"])
    with pytest.raises(VerificationError, match=r"expected probabilities of shape \(28, 3\)"):
        Predictor.load(copy)


def test_other_library_versions_with_the_same_predictions_pass_with_a_note(copy: Path) -> None:
    """What decides is what the model predicts; that what runs it differs is only noted."""
    libraries = read_manifest(copy).libraries
    assert Predictor.load(copy).notes == ()
    reseal(copy, libraries=libraries | {"onnxruntime": "1.0", "scikit-learn": "1.8.0", "python": "3.10.1"})
    notes = Predictor.load(copy).notes
    assert notes == (f"onnxruntime 1.0 when made, {libraries['onnxruntime']} here",)


def test_other_library_versions_with_other_predictions_fail_and_name_them(copy: Path) -> None:
    """Where predictions differ, the versions to install are named."""
    manifest = orjson.loads((copy / MANIFEST).read_bytes())
    manifest["golden_rows"][3]["probabilities"][0] += 2e-9
    reseal(copy, golden_rows=manifest["golden_rows"], libraries=manifest["libraries"] | {"numpy": "1.0"})
    with pytest.raises(VerificationError, match=r"golden row 3 .* differs .* \(numpy 1\.0 when made, [\d.]+ here\)"):
        Predictor.load(copy)


def test_a_difference_in_the_last_digits_is_no_difference(copy: Path) -> None:
    """Another processor may add in another order: less than 1e-9 passes."""
    rows = orjson.loads((copy / MANIFEST).read_bytes())["golden_rows"]
    rows[3]["probabilities"][0] += 5e-10
    reseal(copy, golden_rows=rows)
    assert Predictor.load(copy).notes == ()


# The pipeline, in the workshop


class Malicious:
    """An object whose unpickling makes a folder."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return os.mkdir, (str(self.marker),)


@pytest.mark.parametrize("place", ["pipeline", "extra"])
@pytest.mark.parametrize("load", [Predictor.load, load_predictor, load_pipeline])
def test_row_29_a_malicious_pickle_is_never_unpickled(
    copy: Path, tmp_path: Path, place: str, load: Callable[[Path], Any]
) -> None:
    """A pickle that would run a command runs nothing, whether it replaces the pipeline or lies beside it."""
    marker = tmp_path / "marker"
    content = pickle.dumps(Malicious(marker))
    (copy / (read_manifest(copy).pipeline if place == "pipeline" else "extra.pkl")).write_bytes(content)
    with pytest.raises(VerificationError, match=r"(was changed|not in manifest\.json)"):
        load(copy)
    assert not marker.exists()
    joblib.load(io.BytesIO(content))
    assert marker.is_dir()  # so it would have run


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", "EOFError"),
        (b"garbage", r"\w+Error"),
        (b"\x80\x04cnumpy\nno_such_thing\n.", "AttributeError"),
        (b"\x80\x04cno_such_library\nClass\n.", "ModuleNotFoundError"),
    ],
    ids=repr,
)
def test_a_pickle_that_cannot_be_loaded_here_says_what_it_was_fitted_with(
    copy: Path, content: bytes, error: str
) -> None:
    """A pickle with a good hash that today's libraries cannot load is an error that names the versions to install."""
    (copy / read_manifest(copy).pipeline).write_bytes(content)
    reseal(copy, libraries=read_manifest(copy).libraries | {"scikit-learn": "0.1"})
    expected = rf"cannot be unpickled \({error}\): install the versions that .*\(scikit-learn 0\.1 when made, "
    with pytest.raises(VerificationError, match=expected):
        load_pipeline(copy)


def test_a_pickle_of_another_scikit_learn_is_loaded_without_noise(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """scikit-learn's warning of another version is not passed on."""
    manifest = read_manifest(copy)
    pipeline = joblib.load(io.BytesIO(read_files(copy, manifest)[manifest.pipeline]))
    with monkeypatch.context() as patch:
        patch.setattr(sklearn.base, "__version__", "1.8.0")
        joblib.dump(pipeline, copy / manifest.pipeline)
    assert b"1.8.0" in (copy / manifest.pipeline).read_bytes()
    reseal(copy)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert load_pipeline(copy)[0].steps
    assert caught == []


def test_a_model_that_was_not_compiled_is_for_the_workshop(copy: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Without a compiled form the runtime refuses with the reason; the workshop predicts with it, and warns."""
    expected = Predictor.load(copy).predict([ALLEN])
    reseal(copy, compiled=None, parity=None, not_compiled="no converter for Magic")
    with pytest.raises(ArtifactError, match=r"has no compiled model \(no converter for Magic\): .* \[train\]"):
        Predictor.load(copy)
    predictor = load_predictor(copy)
    assert "no converter for Magic" in caplog.text
    (note,) = predictor.notes
    assert "no converter for Magic" in note
    answer = predictor.predict([ALLEN])
    assert answer["predictions"] == expected["predictions"]
    assert answer["probabilities"][0] == pytest.approx(expected["probabilities"][0], abs=1e-12)


def test_a_pipeline_that_differs_is_refused_by_the_golden_rows(copy: Path) -> None:
    """Where the pipeline predicts, it is held against the golden rows as the compiled model is."""
    pipeline, manifest = load_pipeline(copy)
    pipeline[-1].intercept_ = pipeline[-1].intercept_ + 1e-6
    joblib.dump(pipeline, copy / manifest.pipeline)
    reseal(copy, compiled=None, parity=None, not_compiled="no converter for Magic")
    with pytest.raises(
        VerificationError, match=r"golden row \d+ .* differs from its recorded probabilities by \d\.\d+e-0[78]"
    ):
        load_predictor(copy)


# What names something that is not there


@pytest.mark.parametrize("part", ["pipeline", "compiled", "portable"])
def test_a_manifest_that_names_a_file_it_does_not_list_is_refused(copy: Path, part: str) -> None:
    """A model that is to be there and is not is an error that names it."""
    reseal(copy, **{part: "nope.onnx"})
    with pytest.raises(
        VerificationError, match=r"expected the file 'nope\.onnx' of the model among its files, found none"
    ):
        verify(copy)


@pytest.mark.parametrize("baseline", [{}, {"age": 3}, {"age": "young"}])
def test_a_baseline_that_is_no_row_is_refused(copy: Path, baseline: dict[str, Any]) -> None:
    """What predictions are explained against is read when the model is loaded, not when one is explained."""
    whole = read_manifest(copy).baseline
    reseal(copy, baseline=baseline if len(baseline) != 1 or baseline["age"] == 3 else whole | baseline)
    with pytest.raises(
        VerificationError, match="the baseline of the model does not fit its input schema: train it again"
    ):
        Predictor.load(copy)


def test_threads_that_come_together_load_the_packaged_model_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks first loads it, the others wait."""
    predict._load.cache_clear()
    loaded = []

    def load(folder: None) -> object:
        time.sleep(0.05)
        loaded.append(object())
        return loaded[-1]

    monkeypatch.setattr(Predictor, "load", load)
    with ThreadPoolExecutor(8) as threads:
        found = set(threads.map(lambda _: packaged_predictor(), range(8)))
    predict._load.cache_clear()
    assert found == set(loaded)
    assert len(loaded) == 1
