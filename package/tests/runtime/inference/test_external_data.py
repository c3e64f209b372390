"""Graphs that keep a tensor in another file: what onnxruntime makes of them, and that none becomes a model here."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from commands import Command
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st
from onnx import AttributeProto, ModelProto, SparseTensorProto, TensorProto, helper, numpy_helper
from resealed import ALLEN, reseal

from classification_model.errors import VerificationError
from classification_model.predict import Predictor
from classification_model.runtime.inference import session
from classification_model.runtime.inference.external_data import DEEPEST, LEADS, refuse_external_data
from classification_model.runtime.inference.session import start_session
from classification_model.runtime.model_folder.artifact import read_manifest
from classification_model.runtime.store.store import ModelStore
from classification_model.runtime.verification import verify
from classification_model.runtime.wheel.build import build_wheel

#: The file in the working directory that a tensor is kept in, and how the tensor is called.
FILE, NAME = "coefficients.bin", "coef"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def external(tensor: TensorProto) -> TensorProto:
    """Put the numbers of a tensor into the file, and return one that names it."""
    Path(FILE).write_bytes(numpy_helper.to_array(tensor).tobytes())
    moved = TensorProto(
        name=NAME, data_type=tensor.data_type, dims=tensor.dims, data_location=TensorProto.DataLocation.EXTERNAL
    )
    moved.external_data.add(key="location", value=FILE)
    return moved


def as_initializer(model: ModelProto, tensor: TensorProto) -> None:
    """Keep it as an initializer of the graph."""
    model.graph.initializer.append(external(tensor))


def as_attribute(model: ModelProto, tensor: TensorProto) -> None:
    """Keep it as the value of a constant."""
    model.graph.node.insert(0, helper.make_node("Constant", [], [tensor.name], value=external(tensor)))


def branch(name: str, tensor: TensorProto) -> Any:
    """Return a subgraph that gives an initializer."""
    given = helper.make_node("Identity", [tensor.name], [f"{name}_given"])
    shape = helper.make_tensor_value_info(f"{name}_given", tensor.data_type, tensor.dims)
    return helper.make_graph([given], name, [], [shape], [tensor])


def in_branch(model: ModelProto, tensor: TensorProto) -> None:
    """Keep it in the subgraph that a condition chooses."""
    other = TensorProto()
    other.CopyFrom(tensor)
    other.name = "other"
    node = helper.make_node(
        "If",
        ["always"],
        [tensor.name],
        then_branch=branch("then", external(tensor)),
        else_branch=branch("else", other),
    )
    model.graph.initializer.append(numpy_helper.from_array(np.array(True), "always"))
    model.graph.node.insert(0, node)


def in_loop(model: ModelProto, tensor: TensorProto) -> None:
    """Keep it in the body of a loop that is run once."""
    go_on = helper.make_tensor_value_info("go_on", TensorProto.BOOL, [])
    body = branch("body", external(tensor))
    body.input.extend([helper.make_tensor_value_info("turn", TensorProto.INT64, []), go_on])
    body.node.append(helper.make_node("Identity", ["go_on"], ["goes_on"]))
    body.output.insert(0, helper.make_tensor_value_info("goes_on", TensorProto.BOOL, []))
    model.graph.initializer.append(numpy_helper.from_array(np.array(1), "once"))
    model.graph.initializer.append(numpy_helper.from_array(np.array([0]), "first"))
    model.graph.node.insert(0, helper.make_node("Loop", ["once", ""], ["turns"], body=body))
    model.graph.node.insert(1, helper.make_node("Squeeze", ["turns", "first"], [tensor.name]))


def sparse(tensor: TensorProto) -> SparseTensorProto:
    """Return a sparse tensor of the same numbers, which are in the file."""
    places = np.arange(np.prod(tensor.dims, dtype=int))
    values = external(tensor)
    del values.dims[:]
    values.dims.append(len(places))
    indices = np.stack(np.unravel_index(places, tuple(tensor.dims)), axis=1)
    return SparseTensorProto(dims=tensor.dims, values=values, indices=numpy_helper.from_array(indices))


def as_sparse_initializer(model: ModelProto, tensor: TensorProto) -> None:
    """Keep it as the values of a sparse initializer."""
    model.graph.sparse_initializer.append(sparse(tensor))


def in_function(model: ModelProto, tensor: TensorProto) -> None:
    """Keep it in the body of a function of the model's own."""
    body = [helper.make_node("Constant", [], ["given"], value=external(tensor))]
    add_function(model, tensor, helper.make_function("own", "give", [], ["given"], body, model.opset_import))


def as_default_of_function(model: ModelProto, tensor: TensorProto) -> None:
    """Keep it as the default of a function's attribute."""
    body = helper.make_node("Constant", [], ["given"])
    body.attribute.add(name="value", ref_attr_name="numbers", type=AttributeProto.TENSOR)
    function = helper.make_function("own", "give", [], ["given"], [body], model.opset_import)
    function.attribute_proto.append(helper.make_attribute("numbers", external(tensor)))
    add_function(model, tensor, function)


def add_function(model: ModelProto, tensor: TensorProto, function: Any) -> None:
    """Give a model a function, and take the tensor from it."""
    model.functions.append(function)
    model.opset_import.append(helper.make_opsetid("own", 1))
    model.graph.node.insert(0, helper.make_node("give", [], [tensor.name], domain="own"))


PLACES = [
    as_initializer,
    as_attribute,
    in_branch,
    in_loop,
    as_sparse_initializer,
    in_function,
    as_default_of_function,
]


def move(path: Path, place: Callable[[ModelProto, TensorProto], None]) -> None:
    """Move the coefficients of a graph into the file; it predicts what it did, as long as the file stays."""
    model = onnx.load(path)
    product = next(node for node in model.graph.node if node.op_type == "MatMul")
    tensor = next(item for item in model.graph.initializer if item.name == product.input[1])
    model.graph.initializer.remove(tensor)
    tensor.name = product.input[1] = NAME
    place(model, tensor)
    path.write_bytes(model.SerializeToString())


def plain_run(content: bytes, inputs: dict[str, Any]) -> Any:
    """Return the probabilities that onnxruntime gives with nobody between."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return session.run(["probabilities"], inputs)[0]


def zeros(content: bytes) -> dict[str, Any]:
    """Return a row of zeros and empty texts for a graph."""
    model = onnx.load_from_string(content)
    kinds = {TensorProto.DOUBLE: np.float64, TensorProto.INT64: np.int64, TensorProto.STRING: object}
    found = {}
    for item in model.graph.input:
        width = item.type.tensor_type.shape.dim[1].dim_value
        kind = kinds[item.type.tensor_type.elem_type]
        found[item.name] = np.full((1, width), "" if kind is object else 0, dtype=kind)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("graph", ["compiled", "portable"])
@pytest.mark.parametrize("place", PLACES)
def test_a_tensor_in_another_file_is_refused_wherever_it_is(
    model_folder: Path, here: Path, command: Command, place: Callable[[ModelProto, TensorProto], None], graph: str
) -> None:
    """Without the guard the graph predicts what the file says; no load, no proof, no store and no wheel takes it."""
    folder = shutil.copytree(model_folder, here / "model")
    path = folder / str(getattr(read_manifest(folder), graph))
    inputs, expected = zeros(path.read_bytes()), plain_run(path.read_bytes(), zeros(path.read_bytes()))
    move(path, place)
    reseal(folder)
    np.testing.assert_allclose(plain_run(path.read_bytes(), inputs), expected, rtol=1e-12)
    size = Path(FILE).stat().st_size
    Path(FILE).write_bytes(np.full(size // 8, 3.0).tobytes())
    assert np.abs(plain_run(path.read_bytes(), inputs) - expected).max() > 0.01

    message = f"the {graph} model keeps the tensor '{NAME}' in another file, which cannot be verified: train it again"
    with pytest.raises(VerificationError, match=f"^{message}$"):
        verify(folder)
    with pytest.raises(VerificationError, match=message):
        build_wheel(folder, "own-model", output=here / "dist")
    done = command("verify", folder)
    assert (done.code, message in done.err) == (1, True)
    if graph == "compiled":
        with pytest.raises(VerificationError, match=message):
            Predictor.load(folder)
        with pytest.raises(VerificationError, match=message):
            ModelStore(here / "store").add(folder)
    else:
        assert Predictor.load(folder).predict([ALLEN])["errors"] is None


def no_guard(_content: bytes, _what: str) -> None:
    """Let everything pass."""


@pytest.mark.parametrize("place", PLACES)
def test_onnxruntime_by_itself_reads_no_other_file(
    model_folder: Path,
    here: Path,
    place: Callable[[ModelProto, TensorProto], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Should a tensor in another file ever get past the first guard, the options of the session are a second one."""
    folder = shutil.copytree(model_folder, here / "model")
    move(folder / "core.onnx", place)
    reseal(folder)
    monkeypatch.setattr(session, "refuse_external_data", no_guard)
    with pytest.raises(VerificationError, match=r"^onnxruntime \S+ cannot run the compiled model"):
        Predictor.load(folder)
    monkeypatch.setattr(session, "_OPTIONS", {})
    assert Predictor.load(folder).predict([ALLEN])["errors"] is None  # so it would have read the file


def test_a_tensor_of_training_in_another_file_is_refused_too(model_folder: Path, here: Path) -> None:
    """Today onnxruntime does not look at what belongs to training; that is for another version to change."""
    model = onnx.load(model_folder / "core.onnx")
    for part in ("initialization", "algorithm"):
        changed = ModelProto()
        changed.CopyFrom(model)
        graph = getattr(changed.training_info.add(), part)
        graph.initializer.append(external(numpy_helper.from_array(np.zeros(3), NAME)))
        with pytest.raises(VerificationError, match=f"the model keeps the tensor '{NAME}' in another file"):
            refuse_external_data(changed.SerializeToString(), "model")


def ways_to_tensors() -> dict[str, dict[int, str]]:
    """Return, by ONNX's own description, the fields of each message that lead to tensors."""
    fields: dict[str, dict[int, str]] = {}
    pending = [ModelProto.DESCRIPTOR]
    while pending:
        message = pending.pop()
        if message.name not in fields:
            inner = [field for field in message.fields if field.message_type is not None]
            fields[message.name] = {field.number: field.message_type.name for field in inner}
            pending += [field.message_type for field in inner]
    leading = {"TensorProto"}
    while more := {name for name, inner in fields.items() if leading.intersection(inner.values())} - leading:
        leading |= more
    return {
        name: {number: inner for number, inner in fields[name].items() if inner in leading}
        for name in leading - {"TensorProto"}
    }


def test_the_reader_goes_wherever_onnx_allows_a_tensor() -> None:
    """A new place for tensors in ONNX's format fails here."""
    assert ways_to_tensors() == LEADS


def with_tensor(tensor: bytes, name: bytes = b"\x42\x04coef") -> bytes:
    """Return the bytes of a model with one initializer of these fields."""
    return field(7, field(5, tensor + name))


def field(number: int, content: bytes) -> bytes:
    """Return a field of protobuf that holds bytes."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(value: int) -> bytes:
    """Return a number of variable length."""
    groups = [value & 0x7F]
    while value := value >> 7:
        groups.append(value & 0x7F)
    return bytes(group | 0x80 for group in groups[:-1]) + bytes(groups[-1:])


@pytest.mark.parametrize(
    "tensor",
    [
        b"\x70\x01",
        b"\x70\x01\x70\x00",
        b"\x70\x00\x70\x01",
        b"\x70\x81\x00",
        b"\x70" + varint(2**32 + 1),
        b"\x70" + varint(2**64 - 1),
        b"\xf0\x80\x00\x01",
        b"\x6a\x00",
        b"\x6a\x00\x70\x00",
        b"\xea\x00\x00",
    ],
    ids=bytes.hex,
)
def test_whatever_a_tensor_says_of_another_file_counts(tensor: bytes) -> None:
    """Said twice, taken back, spelled longer than needed or without a location: it is refused."""
    expected = "^the model keeps the tensor 'coef' in another file, which cannot be verified: train it again$"
    with pytest.raises(VerificationError, match=expected):
        refuse_external_data(with_tensor(tensor), "model")
    refuse_external_data(with_tensor(b"\x70\x00\x70\x80\x00"), "model")


@pytest.mark.parametrize(
    ("name", "called"),
    [
        (b"", "a tensor without a name"),
        (field(8, b"a\n\x1b[31mb"), r"the tensor 'a\\n\\x1b\[31mb'"),
        (field(8, b"\xff"), "the tensor '\ufffd'"),
        (field(8, b"x" * 10_000), f"the tensor '{'x' * 100}'"),
    ],
)
def test_the_name_of_a_tensor_makes_one_short_line(name: bytes, called: str) -> None:
    """A name is somebody else's text."""
    with pytest.raises(VerificationError, match=f"^the model keeps {called} in another file") as caught:
        refuse_external_data(with_tensor(b"\x70\x01", name), "model")
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"\x08", "at byte 1: a number without an end"),
        (b"\x08" + b"\x80" * 10 + b"\x00", "at byte 1: a number without an end"),
        (b"\x3a\x05abc", "at byte 2: cut short"),
        (b"\x0d\x00\x00", "at byte 1: cut short"),
        (b"\x09" + bytes(7), "at byte 1: cut short"),
        (b"\x00\x00", "at byte 0: no field begins here"),
        (varint(2**32) + b"\x00", "at byte 0: no field begins here"),
        (b"\x0b\x0c", "at byte 0: wire type 3, which ONNX does not use"),
        (b"\x0e", "at byte 0: wire type 6, which ONNX does not use"),
        (b"\x38\x00", "at byte 1: expected GraphProto with wire type 2, found 0"),
        (with_tensor(b"\x72\x00"), "at byte 6: expected data_location of a tensor with wire type 0, found 2"),
        (with_tensor(b"\x68\x00"), "at byte 5: expected external_data of a tensor with wire type 2, found 0"),
    ],
)
def test_bytes_that_are_no_model_are_refused(content: bytes, why: str) -> None:
    """Cut short, of other wire types or of no fields at all: the error names the byte."""
    with pytest.raises(VerificationError, match=rf"^the model is not a valid ONNX model \({why}\): train it again$"):
        refuse_external_data(content, "model")


def nested(times: int) -> bytes:
    """Return a graph in a node of a graph, and so on."""
    graph = field(5, b"\x70\x01")
    for _ in range(times):
        graph = field(1, field(5, field(6, graph)))
    return field(7, graph)


def test_nesting_has_an_end() -> None:
    """Tensors are found as deep as protobuf's own readers go; what is deeper is refused, and breaks nothing."""
    with pytest.raises(VerificationError, match="keeps a tensor without a name in another file"):
        refuse_external_data(nested(32), "model")
    for times in (33, 10_000):
        with pytest.raises(VerificationError, match=f"more than {DEEPEST} messages inside each other"):
            refuse_external_data(nested(times), "model")


def test_a_file_of_the_own_format_of_onnxruntime_is_refused(model_folder: Path, here: Path) -> None:
    """It is told by its bytes, in which nobody has looked for other files."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(here / "core.ort")
    options.add_session_config_entry("session.save_model_format", "ORT")
    folder = shutil.copytree(model_folder, here / "model")
    core = (folder / "core.onnx").read_bytes()
    onnxruntime.InferenceSession(core, options, providers=["CPUExecutionProvider"])
    content = (here / "core.ort").read_bytes()
    np.testing.assert_array_equal(plain_run(content, zeros(core)), plain_run(core, zeros(core)))
    (folder / "core.onnx").write_bytes(content)
    reseal(folder)
    with pytest.raises(VerificationError, match="the compiled model is not a valid ONNX model"):
        Predictor.load(folder)


def test_onnxruntime_does_not_guess_the_format(model_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes that have the mark of its own format in the right place are read as ONNX, or not at all."""
    monkeypatch.setattr(session, "refuse_external_data", no_guard)
    with pytest.raises(VerificationError, match="protobuf parsing failed"):
        start_session(b"\x18\x00\x00\x00ORTM" + bytes(100), "model")


def test_a_node_for_another_processor_reads_no_file(here: Path) -> None:
    """ONNX Runtime's own operator that names a file has no implementation on a CPU."""
    (here / FILE).write_bytes(bytes(8))
    node = helper.make_node(
        "EPContext", [], ["y"], domain="com.microsoft", embed_mode=0, main_context=1, ep_cache_context=FILE
    )
    graph = helper.make_graph([node], "g", [], [helper.make_tensor_value_info("y", TensorProto.DOUBLE, [1])])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("com.microsoft", 1)], ir_version=10)
    with pytest.raises(
        VerificationError, match=r"^onnxruntime \S+ cannot run the model \(.*(NOT_IMPLEMENTED|INVALID_GRAPH)"
    ):
        start_session(model.SerializeToString(), "model")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["core.onnx", "model.onnx"])
def test_no_prefix_of_a_graph_breaks_the_reader(model_folder: Path, name: str) -> None:
    """Cut short anywhere, a graph is well formed or refused, and nothing else happens."""
    whole = (model_folder / name).read_bytes()
    places = range(0, len(whole), 1 if len(whole) < 100_000 else 37)
    refused = 0
    for place in places:
        try:
            refuse_external_data(whole[:place], "model")
        except VerificationError:
            refused += 1
    assert refused > 0.9 * len(places)


@given(st.data())
def test_no_bytes_break_the_reader_or_the_session(model_folder: Path, data: st.DataObject) -> None:
    """A graph with changed bytes, or cut short, makes a session or a `VerificationError`."""
    content = bytearray((model_folder / "core.onnx").read_bytes())
    del content[data.draw(st.integers(0, len(content)), label="length") :]
    for _ in range(data.draw(st.integers(0, 3), label="changes") if content else 0):
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    with suppress(VerificationError):
        start_session(bytes(content), "model")


def tensors_in(message: Any) -> list[TensorProto]:
    """Return the tensors of a message by protobuf's own account of what it holds."""
    if isinstance(message, TensorProto):
        return [message]
    found = []
    for descriptor, value in message.ListFields():
        if descriptor.message_type is not None:
            for item in value if descriptor.is_repeated else [value]:
                found += tensors_in(item)
    return found


@given(st.data())
def test_the_reader_finds_what_protobuf_finds(model_folder: Path, data: st.DataObject) -> None:
    """Of any bytes that the reader lets pass, no tensor is in another file by protobuf's own reading."""
    content = bytearray((model_folder / "core.onnx").read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 2))
        content[place : place + 2] = data.draw(st.sampled_from([b"\x70\x01", b"\x6a\x00", b"\x2a\x02"]))
    try:
        refuse_external_data(bytes(content), "model")
    except VerificationError:
        return
    try:
        model = ModelProto.FromString(bytes(content))
    except DecodeError:
        return
    assert not [item for item in tensors_in(model) if item.data_location or item.external_data]
