"""NVIDIA Triton's client against a real server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import tritonclient.http as triton
from classification_model.predict import Predictor, packaged_predictor
from conftest import PATIENCE, Server
from tritonclient.utils import InferenceServerException

from app.dialects.open_inference_metadata import model_name

ROWS: list[dict[str, Any]] = [
    {"pclass": "1", "sex": "female", "age": 29.0, "fare": 211.5, "name": "Allen, Miss. Elisabeth", "ticket": "24160"},
    {"pclass": "3", "sex": "male", "age": None, "fare": 7.25, "name": "Bräund, Mr. Owen", "ticket": "A/5 21171"},
]


@pytest.fixture
def client(server: Server) -> Iterator[Any]:
    patience = {"connection_timeout": PATIENCE, "network_timeout": PATIENCE}
    with triton.InferenceServerClient(server.url.removeprefix("http://"), **patience) as made:
        yield made


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return packaged_predictor()


@pytest.fixture(scope="module")
def name(predictor: Predictor) -> str:
    return model_name(predictor.manifest)


def tensor(column: str, values: list[Any], datatype: str, *, is_binary: bool) -> Any:
    """Return an input as a user of the client makes it."""
    kind: Any = {"BYTES": object, "INT64": np.int64, "FP64": np.float64}[datatype]
    made = triton.InferInput(column, [len(values)], datatype)
    made.set_data_from_numpy(np.array(values, dtype=kind), binary_data=is_binary)
    return made


def tensors(rows: list[dict[str, Any]], *, is_binary: bool) -> list[Any]:
    """Return all columns of rows but, in JSON, which cannot say NaN, those with missing numbers."""
    made = []
    for column in rows[0]:
        values = [row[column] for row in rows]
        if column not in {"age", "fare"}:
            made.append(tensor(column, values, "BYTES", is_binary=is_binary))
        elif is_binary or None not in values:
            made.append(tensor(column, values, "FP64", is_binary=is_binary))
    return made + [tensor(column, [0] * len(rows), "INT64", is_binary=is_binary) for column in ("sibsp", "parch")]


def expected(predictor: Predictor, *, with_age: bool) -> Any:
    rows = [row | {"sibsp": 0, "parch": 0} for row in ROWS]
    if not with_age:
        rows = [{key: value for key, value in row.items() if key != "age"} for row in rows]
    return predictor.predict(rows)


@pytest.mark.parametrize("is_binary", [True, False])
def test_a_client_gets_the_predictions_of_the_package(
    client: Any, predictor: Predictor, name: str, is_binary: bool
) -> None:
    """Rows that the client sends in bytes or as JSON are predicted as the package predicts them."""
    result = client.infer(name, tensors(ROWS, is_binary=is_binary), request_id="mine")
    answer = expected(predictor, with_age=is_binary)
    assert [label.decode() for label in result.as_numpy("predictions")] == answer["predictions"]
    classes = [label.decode() for label in result.as_numpy("classes")]
    shares = result.as_numpy("probabilities")
    assert [dict(zip(classes, row, strict=True)) for row in shares.tolist()] == answer["probabilities"]
    assert len(set(result.as_numpy("prediction_ids").tolist())) == len(ROWS)
    response = result.get_response()
    assert (response["id"], response["model_name"], response["model_version"]) == ("mine", name, answer["version"])


def test_a_client_may_ask_for_one_output_as_json(client: Any, predictor: Predictor, name: str) -> None:
    """A client that asks for one output without bytes gets that one, as JSON."""
    wanted = [triton.InferRequestedOutput("predictions", binary_data=False)]
    version = predictor.manifest.version
    result = client.infer(name, tensors(ROWS, is_binary=True), model_version=version, outputs=wanted)
    answer = expected(predictor, with_age=True)
    assert result.as_numpy("predictions").tolist() == answer["predictions"]
    assert [output["name"] for output in result.get_response()["outputs"]] == ["predictions"]


def test_a_client_may_send_many_rows(client: Any, predictor: Predictor, name: str) -> None:
    """A body that a thread reads is answered like a small one, in the order of its rows."""
    result = client.infer(name, tensors(ROWS * 500, is_binary=True))
    labels = [label.decode() for label in result.as_numpy("predictions")]
    assert labels == expected(predictor, with_age=True)["predictions"] * 500


@pytest.mark.parametrize(
    ("sent", "found"),
    [
        (("age", ["old", "young"], "BYTES"), r"rows\[0\].age: expected a number"),
        (("cabins", ["a", "b"], "BYTES"), r"rows\[0\].cabins: not a column"),
        (("age", [float("inf"), 1.0], "FP64"), "expected finite numbers"),
    ],
)
def test_a_client_is_told_what_is_wrong(client: Any, name: str, sent: tuple[str, list[Any], str], found: str) -> None:
    """An error says in one text what was wrong and where; the client raises it as its message."""
    others = [made for made in tensors(ROWS, is_binary=True) if made.name() != sent[0]]
    with pytest.raises(InferenceServerException, match=found) as caught:
        client.infer(name, [*others, tensor(*sent, is_binary=True)])
    assert caught.value.status() == "422"


def test_nan_in_json_is_answered_with_a_remedy(client: Any, name: str) -> None:
    """NaN is no JSON, so that a client which sends it as such is told; in bytes it is a missing value."""
    ages = tensor("age", [float("nan"), 1.0], "FP64", is_binary=False)
    with pytest.raises(InferenceServerException, match="NaN and Infinity are not JSON"):
        client.infer(name, [*(made for made in tensors(ROWS, is_binary=True) if made.name() != "age"), ages])


def test_a_client_learns_what_the_model_takes(client: Any, predictor: Predictor, name: str) -> None:
    """The metadata names all inputs and outputs, and a request made of them alone is answered."""
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready(name)
    assert client.is_model_ready(name, predictor.manifest.version)
    assert "binary_tensor_data" in client.get_server_metadata()["extensions"]
    metadata = client.get_model_metadata(name, predictor.manifest.version)
    assert metadata == client.get_model_metadata(name)
    assert metadata["versions"] == [predictor.manifest.version]
    assert {made["name"]: made["datatype"] for made in metadata["inputs"]}["age"] == "FP64"
    row = predictor.manifest.golden_rows[0].inputs
    inputs = [
        tensor(made["name"], [row[made["name"]]], made["datatype"], is_binary=True)
        for made in metadata["inputs"]
        if row.get(made["name"]) is not None
    ]
    result = client.infer(name, inputs)
    given = {made.name(): row[made.name()] for made in inputs}
    (label,) = predictor.predict([given])["predictions"]
    assert label is not None
    assert result.as_numpy("predictions").tolist() == [label.encode()]
    shapes = {made["name"]: made["shape"] for made in metadata["outputs"]}
    for output, shape in shapes.items():
        found = result.as_numpy(output).shape
        assert all(size in {-1, real} for size, real in zip(shape, found, strict=True)), output


@pytest.mark.parametrize("version", ["", "0.0.0"])
def test_another_model_is_not_found(client: Any, name: str, version: str) -> None:
    """A name or version that is not served is 404, and the client can show why."""
    asked = name if version else "iris"
    with pytest.raises(InferenceServerException, match="the served model, found others") as caught:
        client.infer(asked, tensors(ROWS, is_binary=True), model_version=version)
    assert caught.value.status() == "404"
    assert not client.is_model_ready(asked, version)
    with pytest.raises(InferenceServerException, match="the served model, found others"):
        client.get_model_metadata(asked, version)
