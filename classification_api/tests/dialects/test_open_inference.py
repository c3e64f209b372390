"""The dialect of `/v2/models/{name}/infer`."""

from __future__ import annotations

import json
import struct
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from classification_model import AnswerIssue
from hypothesis import given
from hypothesis import strategies as st

from app.dialects import Answered, Asked
from app.dialects.limits import Limits
from app.dialects.open_inference import HEADER_LENGTH, OpenInference
from app.dialects.open_inference_metadata import OUTPUTS, model_slug, server_metadata
from app.dialects.tensors import DATATYPES, binary
from app.problem_details import Problem

LIMITS = Limits(rows=100, depth=16, values=10_000)
SEX = {"name": "sex", "shape": [2], "datatype": "BYTES", "data": ["female", None]}
AGE = {"name": "age", "shape": [2, 1], "datatype": "FP64", "data": [28.5, 3]}
ANSWERED = Answered(
    predictions=["survived", "died"],
    probabilities=[{"died": 0.25, "survived": 0.75}, {"died": 0.875, "survived": 0.125}],
    prediction_ids=["first", "second"],
    name="Titanic survival",
    version="1.0.0",
    warnings=[],
)
_NUMPY = {"BOOL": "?", "FP16": "<f2", "FP32": "<f4", "FP64": "<f8"} | {
    f"{sign}INT{bits}": f"<{kind}{bits // 8}" for sign, kind in (("", "i"), ("U", "u")) for bits in (8, 16, 32, 64)
}


def read(document: Any, raw: bytes | None = None, limits: Limits = LIMITS) -> Asked:
    """Read a document, with bytes behind it."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    if raw is None:
        return OpenInference().read(body, limits, b"", b"application/json")
    return OpenInference().read(body + raw, limits, b"", b"", b"%d" % len(body))


def column(values: list[Any], datatype: str, **members: Any) -> dict[str, Any]:
    return {"name": "x", "shape": [len(values)], "datatype": datatype, "data": values, **members}


def test_each_tensor_is_a_column() -> None:
    """Tensors of shape [n] and [n, 1] give the values of n rows, and null is a missing one."""
    asked = read({"inputs": [SEX, AGE]})
    assert asked.rows == [{"sex": "female", "age": 28.5}, {"sex": None, "age": 3.0}]
    assert asked.places == "rows"


def test_values_may_be_nested_as_the_shape_is() -> None:
    """A tensor of shape [n, 1] may be written as arrays of one value."""
    assert read({"inputs": [AGE | {"data": [[28.5], [None]]}]}).rows == [{"age": 28.5}, {"age": None}]


@pytest.mark.parametrize(
    ("datatype", "value"),
    [
        ("BYTES", 1), ("BYTES", True), ("BYTES", ["a", 1]), ("BOOL", 1), ("BOOL", "true"), ("INT8", 128),
        ("INT8", -129), ("INT64", 1.0), ("INT64", True), ("INT64", "1"), ("INT64", 2**63), ("UINT8", -1),
        ("UINT64", 2**64), ("FP16", 65505), ("FP32", 3.5e38), ("FP64", "1"), ("FP64", True), ("FP64", 10**400),
        ("FP64", {"a": 1}),
    ],
)  # fmt: skip
def test_a_value_of_another_datatype_is_refused(datatype: str, value: Any) -> None:
    """A value that is not of the tensor's datatype, or beyond its range, is an error that names the input."""
    with pytest.raises(Problem, match="the input 'x': expected") as caught:
        read({"inputs": [column([value], datatype)]})
    assert caught.value.status == 422


@pytest.mark.parametrize(
    ("document", "found"),
    [
        ([], 'an object with "inputs"'),
        ({}, 'an object with "inputs"'),
        ({"inputs": []}, 'an object with "inputs"'),
        ({"inputs": [SEX], "input": 1}, "outputs\", found 'input'"),
        ({"inputs": ["a"]}, r"inputs\[0\] as an object"),
        ({"inputs": [SEX, {"name": "a"}]}, r"inputs\[1\] as an object"),
        ({"inputs": [SEX | {"size": 1}]}, r"inputs\[0\] as an object"),
        ({"inputs": [SEX | {"shape": 2}]}, r"inputs\[0\].shape as \[rows\]"),
        ({"inputs": [SEX | {"shape": [True]}]}, r"inputs\[0\].shape as \[rows\]"),
        ({"inputs": [SEX | {"shape": [1, 1, 2]}]}, r"inputs\[0\].shape as \[rows\]"),
        ({"inputs": [SEX | {"shape": [-1]}]}, "whole numbers from 0"),
        ({"inputs": [SEX | {"shape": [0], "data": []}]}, "at least one row"),
        ({"inputs": [SEX | {"shape": [10**400]}]}, "whole numbers from 0"),
        ({"inputs": [{"name": "input-0", "shape": [2, 3], "datatype": "FP64", "data": [0] * 6}]}, "as one column"),
        ({"inputs": [SEX | {"shape": [3]}]}, "3 values, as its shape says, found 2"),
        ({"inputs": [SEX, AGE | {"shape": [3]}]}, r"as many rows in inputs\[1\] as in inputs\[0\]"),
        ({"inputs": [SEX | {"datatype": "STRING"}]}, r"inputs\[0\].datatype as one of BYTES, BOOL, INT8"),
        ({"inputs": [SEX | {"datatype": ["BYTES"]}]}, r"inputs\[0\].datatype as one of"),
        ({"inputs": [SEX | {"data": "female"}]}, r"inputs\[0\].data as an array"),
        ({"inputs": [SEX | {"name": 1}]}, r"inputs\[0\] as a text"),
        ({"inputs": [SEX | {"parameters": 1}]}, r"parameters of inputs\[0\] as an object"),
        ({"inputs": [SEX | {"parameters": {"binary_data_size": 8}}]}, "the header Inference-Header-Content-Length"),
        ({"inputs": [SEX | {"parameters": {"shared_memory_region": "r"}}]}, "found shared_memory_region"),
        ({"inputs": [SEX], "id": 1}, "id as a text"),
        ({"inputs": [SEX], "id": "a" * 257}, "id as a text"),
        ({"inputs": [SEX], "parameters": {"sequence_id": 7}}, "found sequence_id"),
        ({"inputs": [SEX], "parameters": {"binary_data_output": 1}}, "binary_data_output as true or false"),
        ({"inputs": [SEX], "outputs": {}}, "outputs as an array"),
        ({"inputs": [SEX], "outputs": ["predictions"]}, r"outputs\[0\] as an object of name"),
        ({"inputs": [SEX], "outputs": [{"name": "logits"}]}, r"outputs\[0\].name as one of predictions, prob"),
        ({"inputs": [SEX], "outputs": [{"name": "classes"}] * 2}, r"outputs\[1\].name as one of .* each at most once"),
        ({"inputs": [SEX], "outputs": [{"name": "classes", "parameters": {"classification": 2}}]}, "classification"),
    ],
)
def test_a_broken_request_is_refused(document: Any, found: str) -> None:
    """What breaks the protocol is 422, and the error says where and what was expected."""
    with pytest.raises(Problem, match=found) as caught:
        read(document)
    assert caught.value.status == 422


def test_a_column_given_twice_is_refused() -> None:
    """Two tensors of one name are an error."""
    with pytest.raises(Problem, match="'sex' twice") as caught:
        read({"inputs": [SEX, SEX]})
    assert caught.value.code == "duplicate_key"


def test_too_many_rows_are_refused_by_their_shape() -> None:
    """A shape beyond the limit of rows is 413 whatever data it has."""
    with pytest.raises(Problem, match="at most 100 rows, found 101") as caught:
        read({"inputs": [SEX | {"shape": [101], "data": [[[[]]]]}]})
    assert caught.value.status == 413


def test_deep_nesting_is_refused() -> None:
    """Parameters nested deeper than the limit are an error, though nobody reads them."""
    nested: Any = 1
    for _ in range(20):
        nested = [nested]
    with pytest.raises(Problem, match="at most 16 nested"):
        read({"inputs": [SEX], "parameters": {"a": nested}})


@pytest.mark.parametrize("body", [b"", b"{", b'{"inputs": NaN}', b'{"inputs": ["\\u0000"]}', b"\xff"])
def test_what_is_not_json_is_refused(body: bytes) -> None:
    """Broken JSON, NaN and NUL are errors."""
    with pytest.raises(Problem) as caught:
        read(body)
    assert caught.value.code == "invalid_json"


def test_parameters_in_the_url_are_refused() -> None:
    """The route knows no parameters in its URL."""
    with pytest.raises(Problem, match="no query parameters"):
        OpenInference().read(json.dumps({"inputs": [SEX]}).encode(), LIMITS, b"explain=true", b"")


@given(st.data())
def test_bytes_and_json_give_the_same_rows(data: st.DataObject) -> None:
    """A tensor in bytes is read as the same one in JSON, whichever its datatype."""
    datatype = data.draw(st.sampled_from(DATATYPES))
    if datatype == "BYTES":
        values: list[Any] = data.draw(
            st.lists(st.text(st.characters(exclude_characters="\0", codec="utf-8")), min_size=1)
        )
        raw = b"".join(struct.pack("<I", len(text.encode())) + text.encode() for text in values)
    else:
        raw = data.draw(st.binary(min_size=1, max_size=10)) * np.dtype(_NUMPY[datatype]).itemsize
        if datatype == "BOOL":
            raw = bytes(byte % 2 for byte in raw)
        numbers = np.frombuffer(raw, _NUMPY[datatype])
        if datatype.startswith("FP"):
            numbers = np.where(np.isinf(numbers), 1, numbers)
            raw = numbers.tobytes()
        values = [None if value != value else value for value in numbers.tolist()]  # noqa: PLR0124 - NaN
    in_json = column(values, datatype)
    in_bytes = {key: value for key, value in in_json.items() if key != "data"}
    in_bytes["parameters"] = {"binary_data_size": len(raw)}
    read_from_json = read({"inputs": [in_json]}).rows
    assert read({"inputs": [in_bytes]}, raw).rows == read_from_json
    assert [type(row["x"]) for row in read({"inputs": [in_bytes]}, raw).rows] == [
        type(row["x"]) for row in read_from_json
    ]


def _in_bytes(datatype: str, count: int, size: int) -> dict[str, Any]:
    return {"name": "x", "shape": [count], "datatype": datatype, "parameters": {"binary_data_size": size}}


@pytest.mark.parametrize(
    ("tensor", "raw", "found"),
    [
        (_in_bytes("FP64", 1, 8), b"\0" * 9, "8 bytes after the JSON, found 9"),
        (_in_bytes("FP64", 1, 9), b"\0" * 8, "only after the JSON, in binary_data_size bytes"),
        (_in_bytes("FP64", 1, -1), b"\0" * 8, "only after the JSON, in binary_data_size bytes"),
        (_in_bytes("FP64", 2, 8), b"\0" * 8, "16 bytes, as its shape says, found 8"),
        (_in_bytes("FP64", 1, 8), struct.pack("<d", float("inf")), "finite numbers"),
        (_in_bytes("BOOL", 1, 1), b"\2", "bytes of 0 or 1"),
        (_in_bytes("BYTES", 1, 3), b"\0\0\0", "1 texts, each after its length"),
        (_in_bytes("BYTES", 1, 5), b"\xff\xff\xff\xffa", "1 texts, each after its length"),
        (_in_bytes("BYTES", 1, 10), b"\1\0\0\0a" * 2, "1 texts, each after its length"),
        (_in_bytes("BYTES", 1, 5), b"\1\0\0\0\xff", "texts in UTF-8"),
        (_in_bytes("BYTES", 1, 5), b"\1\0\0\0\0", "texts without NUL"),
        (_in_bytes("BYTES", 1, 5) | {"data": ["a"]}, b"\1\0\0\0a", "only after the JSON, in binary_data_size bytes"),
    ],
)
def test_broken_bytes_are_refused(tensor: dict[str, Any], raw: bytes, found: str) -> None:
    """Bytes that are not what the tensor says are 422."""
    with pytest.raises(Problem, match=found) as caught:
        read({"inputs": [tensor]}, raw)
    assert caught.value.status == 422


@pytest.mark.parametrize("length", [b"", b"-1", b"x", b"1_0", b"9999", b"9" * 5000, b"\xb2"])
def test_a_wrong_length_of_the_json_is_refused(length: bytes) -> None:
    """The header must say how much of the body is JSON."""
    with pytest.raises(Problem, match="Inference-Header-Content-Length"):
        OpenInference().read(json.dumps({"inputs": [SEX]}).encode(), LIMITS, b"", b"", length)


def test_the_answer_holds_all_outputs() -> None:
    """Without a choice all outputs are answered, the probabilities row by row in the order of the classes."""
    asked = read({"id": "mine", "inputs": [SEX], "parameters": {"priority": 1}})
    written = OpenInference().write(asked, ANSWERED)
    assert written.media_type == b"application/json"
    assert json.loads(written.body) == {
        "model_name": "titanic-survival",
        "model_version": "1.0.0",
        "id": "mine",
        "outputs": [
            {"name": "predictions", "shape": [2], "datatype": "BYTES", "data": ["survived", "died"]},
            {"name": "probabilities", "shape": [2, 2], "datatype": "FP64", "data": [0.25, 0.75, 0.875, 0.125]},
            {"name": "prediction_ids", "shape": [2], "datatype": "BYTES", "data": ["first", "second"]},
            {"name": "classes", "shape": [2], "datatype": "BYTES", "data": ["died", "survived"]},
        ],
    }


def test_the_answer_holds_the_outputs_that_were_asked_for() -> None:
    """Outputs are answered in the order in which they were asked for, without an id where none was given."""
    asked = read({"inputs": [SEX], "outputs": [{"name": "classes"}, {"name": "predictions"}]})
    content = json.loads(OpenInference().write(asked, ANSWERED).body)
    assert [output["name"] for output in content["outputs"]] == ["classes", "predictions"]
    assert "id" not in content


def test_outputs_are_written_in_bytes_where_that_is_asked_for() -> None:
    """An output in bytes stands behind the JSON, whose length the header says."""
    asked = read(
        {
            "inputs": [SEX],
            "parameters": {"binary_data_output": True},
            "outputs": [{"name": "predictions"}, {"name": "classes", "parameters": {"binary_data": False}}],
        }
    )
    written = OpenInference().write(asked, ANSWERED)
    ((name, length),) = written.headers
    assert (name, written.media_type) == (HEADER_LENGTH, b"application/octet-stream")
    predictions, classes = json.loads(written.body[: int(length)])["outputs"]
    assert predictions["parameters"] == {"binary_data_size": 20}
    assert "data" not in predictions
    assert classes["data"] == ["died", "survived"]
    assert written.body[int(length) :] == b"\x08\0\0\0survived\x04\0\0\0died"


def test_the_answer_counts_warnings() -> None:
    """Values unlike those of training are counted in the parameters, where the protocol allows numbers only."""
    asked = read({"inputs": [SEX]})
    warning: AnswerIssue = {"row": 0, "field": "sex", "code": "unseen", "message": "a category"}
    warned = replace(ANSWERED, warnings=[warning])
    assert json.loads(OpenInference().write(asked, warned).body)["parameters"] == {"warnings": 1}


def test_an_error_says_what_and_where_in_one_text() -> None:
    """Clients of the protocol show "error" alone, so it holds the detail, the first place and the remedy."""
    place = {"where": "rows[3].age", "code": "type", "message": "expected a number, found text"}
    problem = Problem("invalid_rows", "expected rows", places=[place, place], remedy="look")
    told = OpenInference().explain(problem)
    assert told == {"error": "expected rows; rows[3].age: expected a number, found text; look"}


@pytest.mark.parametrize(
    ("name", "slug"),
    [("Titanic survival", "titanic-survival"), ("  Überfällig? (2026) ", "uberfallig-2026"), ("生存", "model")],
)
def test_a_model_has_a_name_for_urls(name: str, slug: str) -> None:
    """The name of the problem becomes lower case letters, digits and hyphens; of a slug it is the slug."""
    assert model_slug(name) == slug == model_slug(slug)


def test_the_server_says_that_it_reads_bytes() -> None:
    """Clients see from the metadata that tensors may be in bytes."""
    assert server_metadata("1.2.3") == {
        "name": "classification-api",
        "version": "1.2.3",
        "extensions": ["binary_tensor_data"],
    }


_SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=5)
_JSON = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)
_PARAMETERS = (
    st.none()
    | _JSON
    | st.fixed_dictionaries(
        {},
        optional={
            "binary_data_size": st.integers(-1, 20) | _JSON,
            "binary_data": st.booleans() | _JSON,
            "binary_data_output": st.booleans() | _JSON,
            "sequence_id": _JSON,
        },
    )
)
_TENSORS = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["age", "sex", "x"]) | _JSON,
        "shape": st.sampled_from([[1], [2], [1, 1]]) | _JSON,
        "datatype": st.sampled_from(DATATYPES) | _JSON,
    },
    optional={"data": st.lists(_SCALARS, max_size=2) | _JSON, "parameters": _PARAMETERS},
)
_REQUESTS = st.fixed_dictionaries(
    {"inputs": st.lists(_TENSORS | _JSON, max_size=2) | _JSON},
    optional={
        "id": st.text() | _JSON,
        "parameters": _PARAMETERS,
        "outputs": st.lists(
            st.fixed_dictionaries(
                {"name": st.sampled_from(list(OUTPUTS)) | _JSON}, optional={"parameters": _PARAMETERS}
            )
        )
        | _JSON,
    },
)


@pytest.mark.slow
@given(_REQUESTS | _JSON, st.none() | st.binary(max_size=20), st.none() | st.binary(max_size=5))
def test_whatever_is_sent_is_read_or_refused(document: Any, raw: bytes | None, spoilt: bytes | None) -> None:
    """Any JSON, any bytes behind it, and any wrong length of it give rows or a problem that can be written."""
    body = json.dumps(document).encode()
    length = spoilt if raw is None else b"%d" % len(body)
    dialect = OpenInference()
    refused: Problem | None = None
    try:
        asked = dialect.read(body + (raw or b""), LIMITS, b"", b"", length)
        assert all(row.keys() == asked.rows[0].keys() for row in asked.rows)
        dialect.write(asked, ANSWERED)
    except Problem as problem:
        refused = problem
    if refused is not None:
        refused.members |= dialect.explain(refused)
        assert json.loads(refused.body("id"))["error"]


@given(st.data())
def test_a_mutated_request_is_read_or_refused(data: st.DataObject) -> None:
    """A good request in bytes with a few bytes changed, cut out or put in gives rows or a problem."""
    ages = binary("FP64", [1.5, 2.5])
    document = {
        "inputs": [SEX, {"name": "age", "shape": [2], "datatype": "FP64", "parameters": {"binary_data_size": 16}}]
    }
    head = json.dumps(document).encode()
    body = bytearray(head + ages)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(body) - 1))
        body[place : place + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
    try:
        OpenInference().read(bytes(body), LIMITS, b"", b"", b"%d" % len(head))
    except Problem as problem:
        problem.body()
