"""The dialect of `/invocations`, and what MLflow's client sends against a real server."""

from __future__ import annotations

import json
from time import thread_time
from typing import Any

import pytest
from classification_model.predict import packaged_predictor
from conftest import Server
from hypothesis import given
from hypothesis import strategies as st

from app.dialects import Answered, Asked
from app.dialects.limits import Limits
from app.dialects.mlflow_scoring import MLflowScoring
from app.problem_details import Problem

LIMITS = Limits(rows=100, depth=16, values=10_000)
ROWS = [{"age": 28.5, "sex": "female"}, {"age": None, "sex": "male"}]
SPLIT = {"columns": ["age", "sex"], "data": [[28.5, "female"], [None, "male"]]}
COLUMNS = {"age": [28.5, None], "sex": ["female", "male"]}
ANSWERED = Answered(
    predictions=["survived", "died"],
    probabilities=[{"died": 0.25, "survived": 0.75}, {"died": 0.875, "survived": 0.125}],
    prediction_ids=["first", "second"],
    name="Titanic survival",
    version="1.0.0",
    warnings=[],
)


def read(document: Any, media_type: bytes = b"application/json") -> Asked:
    """Read a body."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return MLflowScoring().read(body, LIMITS, b"", media_type)


def read_csv(body: bytes) -> list[dict[str, Any]]:
    """Read a CSV body."""
    return read(body, b"text/csv").rows


@pytest.mark.parametrize(
    ("document", "places"),
    [
        ({"dataframe_split": SPLIT}, "dataframe_split.data"),
        ({"dataframe_split": SPLIT | {"index": ["a", 7]}}, "dataframe_split.data"),
        ({"dataframe_records": ROWS}, "dataframe_records"),
        ({"dataframe_records": ROWS, "params": {}}, "dataframe_records"),
        ({"instances": ROWS, "params": None}, "instances"),
        ({"instances": COLUMNS}, "rows"),
        ({"inputs": ROWS}, "inputs"),
        ({"inputs": COLUMNS}, "rows"),
    ],
)
def test_each_format_gives_the_same_rows(document: Any, places: str) -> None:
    """However a table is written, its rows are the same, and errors will point to where they stand."""
    asked = read(document)
    assert asked.rows == ROWS
    assert asked.places == places
    assert asked.index is None


def test_nan_is_a_missing_value() -> None:
    """MLflow's client writes NaN for a missing value; the same letters in a text stay as they are."""
    body = b'{"dataframe_split": {"columns": ["a", "NaN"], "data": [[NaN, "NaN"], [1, "\\\\\\"NaN"]]}}'
    assert read(body).rows == [{"a": None, "NaN": "NaN"}, {"a": 1, "NaN": '\\"NaN'}]


@pytest.mark.parametrize("number", [b"Infinity", b"-Infinity", b"1e400", b"-1e400"])
@pytest.mark.parametrize(
    "body",
    [
        b'{"dataframe_records": [{"a": %b}]}',
        b'{"dataframe_split": {"columns": ["a"], "data": [[%b]]}}',
        b'{"inputs": {"a": [%b]}}',
    ],
)
def test_infinite_numbers_are_refused(body: bytes, number: bytes) -> None:
    """A number that is not finite is an error in every format."""
    with pytest.raises(Problem) as caught:
        read(body % number)
    assert caught.value.status == 422


@pytest.mark.parametrize(
    ("document", "found"),
    [
        ([], "exactly one of .* in an object"),
        ({}, "exactly one of .* found none"),
        ({"inputs": ROWS, "instances": ROWS}, "found inputs and instances"),
        ({"inputs": ROWS, "signature_name": "x"}, "only inputs, found 'signature_name'"),
        ({"inputs": ROWS, "params": {"explain": True}}, "no params"),
        ({"inputs": ROWS, "params": []}, "no params"),
        ({"inputs": []}, "at least one row"),
        ({"inputs": {}}, "at least one column in inputs"),
        ({"inputs": "a"}, "inputs as an array of rows or an object of columns"),
        ({"inputs": {"age": 1}}, "column 'age' of inputs as an array"),
        ({"inputs": {"age": [1], "sex": []}}, "1 values in column 'sex', as in the one before it, found 0"),
        ({"inputs": [[1, 2]]}, "since the columns of an array have no names"),
        ({"inputs": [{}, 1]}, r"inputs\[1\] as an object"),
        ({"dataframe_records": COLUMNS}, "dataframe_records as an array of objects"),
        ({"dataframe_split": []}, "dataframe_split as an object of columns, data and"),
        ({"dataframe_split": {"data": [[1]]}}, "dataframe_split as an object of columns, data and"),
        ({"dataframe_split": SPLIT | {"name": 1}}, "dataframe_split as an object of columns, data and"),
        ({"dataframe_split": SPLIT | {"columns": "ab"}}, "columns and data of dataframe_split as arrays"),
        ({"dataframe_split": SPLIT | {"columns": ["a", 1]}}, r"dataframe_split.columns\[1\] as a text"),
        ({"dataframe_split": SPLIT | {"columns": ["a", "a"]}}, "'a' twice in dataframe_split.columns"),
        ({"dataframe_split": SPLIT | {"data": [[1, 2], [1]]}}, r"dataframe_split.data\[1\] as an array of 2 values"),
        ({"dataframe_split": SPLIT | {"index": [1]}}, "one key per row"),
    ],
)
def test_a_broken_request_is_refused(document: Any, found: str) -> None:
    """What breaks the protocol is 422, and the error says where and what was expected."""
    with pytest.raises(Problem, match=found) as caught:
        read(document)
    assert caught.value.status == 422


@pytest.mark.parametrize(
    "document",
    [
        {"dataframe_split": {"columns": ["a"], "data": [[1]] * 101}},
        {"dataframe_records": [0] * 101},
        {"inputs": {"a": [1] * 101}},
    ],
)
def test_too_many_rows_are_refused(document: Any) -> None:
    """More rows than the limit are 413 in every format."""
    with pytest.raises(Problem, match="at most 100 rows, found 101") as caught:
        read(document)
    assert caught.value.status == 413


def test_a_key_given_twice_is_refused() -> None:
    """A column that a record has twice is an error, and so is one among columns."""
    for body in (b'{"inputs": [{"a": 1, "a": 2}]}', b'{"inputs": {"a": [1], "a": [2]}}'):
        with pytest.raises(Problem, match="found 'a' twice"):
            read(body)


def test_deep_nesting_is_refused() -> None:
    """Values nested deeper than the limit are an error."""
    nested: Any = 1
    for _ in range(20):
        nested = [nested]
    with pytest.raises(Problem, match="at most 16 nested"):
        read({"inputs": [{"a": nested}]})


def test_parameters_in_the_url_are_refused() -> None:
    """The route knows no parameters in its URL."""
    with pytest.raises(Problem, match="no query parameters"):
        MLflowScoring().read(json.dumps({"inputs": ROWS}).encode(), LIMITS, b"explain=true", b"application/json")


def seconds_to_refuse(body: bytes) -> float:
    """Return the least of several times that this thread computes until a body is refused."""
    times = []
    for _ in range(5):
        began = thread_time()
        with pytest.raises(Problem):
            read(body)
        times.append(thread_time() - began)
    return min(times)


@pytest.mark.parametrize(
    ("begin", "repeated"),
    [(b'{"inputs": [{"a": NaN, "b": "', b'\\"'), (b"NaN", b'"'), (b"", b"NaN"), (b'{"inputs": "NaN', b"\\")],
)
def test_the_work_to_refuse_a_body_grows_with_its_size(begin: bytes, repeated: bytes) -> None:
    """The time to look for NaN grows with the size of the body, eight times here, not with its square."""
    short, long = (seconds_to_refuse(begin + repeated * count) for count in (30_001, 240_001))
    assert long < 32 * short


@pytest.mark.parametrize(
    "body",
    [
        b"age,sex\n28.5,female\n,male\n",
        b"\xef\xbb\xbfage,sex\r\n28.5,female\r\n,male",
        b'"age","sex"\n\n"28.5","female"\n"","male"\n',
        b",age,sex\n0,28.5,female\n1,,male\n",
    ],
)
def test_csv_gives_rows(body: bytes) -> None:
    """Lines are rows of texts, an empty cell is missing, and the index that pandas writes is left out."""
    assert read_csv(body) == [{"age": "28.5", "sex": "female"}, {"age": None, "sex": "male"}]


def test_csv_may_hold_quoted_commas_and_lines() -> None:
    """A quoted cell may hold commas, line breaks and doubled quotes."""
    assert read_csv(b'name,sex\n"Allen, ""Miss""\nElisabeth",female\n') == [
        {"name": 'Allen, "Miss"\nElisabeth', "sex": "female"}
    ]


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"", "a line of column names"),
        (b"\n\n", "a line of column names"),
        (b"age,sex\n", "at least one row"),
        (b"age,sex\n1\n", "2 cells, one per column, found 1 on line 2"),
        (b"age,age\n1,2\n", "'age' twice in header"),
        (b"age,\n1,2\n", "a name for each column"),
        (b'""\n1\n', "a name for each column"),
        (b'age\n"1\n', "as of RFC 4180"),
        (b'age\n"1"2\n', "as of RFC 4180"),
        (b"age\n" + b"1" * 131_073, "as of RFC 4180"),
        (b"age\n\xff\n", "CSV in UTF-8"),
        (b"age\n\0\n", "text without NUL"),
    ],
)
def test_broken_csv_is_refused(body: bytes, found: str) -> None:
    """What is no table of one header and rows is 422."""
    with pytest.raises(Problem, match=found) as caught:
        read_csv(body)
    assert caught.value.status == 422


def test_too_many_lines_are_refused() -> None:
    """More rows than the limit are 413."""
    with pytest.raises(Problem, match="at most 100 rows") as caught:
        read_csv(b"age\n" + b"1\n" * 101)
    assert caught.value.status == 413


def test_the_answer_has_the_labels_as_predictions() -> None:
    """Clients read "predictions"; what else `/predict` tells stands beside it."""
    written = MLflowScoring().write(read({"inputs": ROWS}), ANSWERED)
    assert written.media_type == b"application/json"
    assert json.loads(written.body) == {
        "predictions": ["survived", "died"],
        "probabilities": ANSWERED.probabilities,
        "prediction_ids": ["first", "second"],
        "version": "1.0.0",
        "warnings": [],
    }


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("invalid_rows", "BAD_REQUEST"),
        ("too_many_rows", "BAD_REQUEST"),
        ("unauthorized", "UNAUTHENTICATED"),
        ("overloaded", "TEMPORARILY_UNAVAILABLE"),
        ("internal_error", "INTERNAL_ERROR"),
    ],
)
def test_an_error_has_mlflows_name(code: str, name: str) -> None:
    """An error has the members of MLflow's own: one of its names, and a text."""
    assert MLflowScoring().explain(Problem(code, "what")) == {"error_code": name, "message": "what"}


#: What the client of MLflow 3.17 sends of a frame with missing values.
FRAME = b"""{"dataframe_split": {"index": [10, 20], "columns": ["pclass", "sex", "age", "fare", "name", "ticket", \
"sibsp", "parch", "cabin"], "data": [["1", "female", 29.0, 211.5, "Allen, Miss. \\"NaN\\"", "24160", 0, 0, NaN], \
["3", "male", NaN, 7.25, "Br\\u00e4und, Mr. Owen", "A/5 21171", 1, 0, "C85"]]}}"""
PASSENGERS = [
    {"pclass": "1", "sex": "female", "age": 29.0, "fare": 211.5, "name": 'Allen, Miss. "NaN"', "ticket": "24160"}
    | {"sibsp": 0, "parch": 0, "cabin": None},
    {"pclass": "3", "sex": "male", "age": None, "fare": 7.25, "name": "Bräund, Mr. Owen", "ticket": "A/5 21171"}
    | {"sibsp": 1, "parch": 0, "cabin": "C85"},
]


def test_a_frame_of_mlflows_client_is_predicted(server: Server) -> None:
    """The bytes that MLflow's client makes of a frame with missing values give the predictions of the package."""
    reply = server.post("/invocations", content=FRAME, headers={"content-type": "application/json"})
    answer = packaged_predictor().predict(PASSENGERS)
    assert reply.status_code == 200
    assert {key: reply.json()[key] for key in answer if key != "errors"} == {
        key: value for key, value in answer.items() if key != "errors"
    }


def test_csv_as_pandas_writes_it_is_predicted(server: Server) -> None:
    """A CSV body with an index, quoted names and empty cells gives the predictions of the package."""
    body = (
        ",pclass,sex,age,fare,name,ticket,sibsp,parch,cabin\n"
        '10,1,female,29.0,211.5,"Allen, Miss. ""NaN""",24160,0,0,\n'
        '20,3,male,,7.25,"Bräund, Mr. Owen",A/5 21171,1,0,C85\n'
    )
    content_type = {"content-type": "text/csv; charset=utf-8"}
    reply = server.post("/invocations", content=body.encode(), headers=content_type)
    assert reply.status_code == 200
    assert reply.json()["probabilities"] == packaged_predictor().predict(PASSENGERS)["probabilities"]


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (FRAME.replace(b"29.0", b'"old"'), "application/json", 422),
        (FRAME, "application/vnd.apache.parquet", 415),
        (FRAME, "application/json; charset=latin-1", 415),
    ],
)
def test_an_error_of_the_server_has_mlflows_members(
    server: Server, body: bytes, content_type: str, status: int
) -> None:
    """Whatever is wrong, the reply has MLflow's members beside those of problem details."""
    reply = server.post("/invocations", content=body, headers={"content-type": content_type})
    assert reply.status_code == reply.json()["status"] == status
    assert reply.json()["error_code"] == "BAD_REQUEST"
    assert reply.json()["message"].startswith(reply.json()["detail"])


@pytest.mark.parametrize("path", ["/ping", "/health", "/version"])
def test_what_mlflows_client_looks_at_first_is_there(server: Server, path: str) -> None:
    """MLflow's client waits for /ping, platforms for /health, and the version can be asked for."""
    assert server.client.get(path).status_code == 200


_SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=5)
_JSON = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)
_NAMES = st.sampled_from(["age", "sex", "NaN"])
_TABLES = (
    st.lists(st.dictionaries(_NAMES, _SCALARS), max_size=3)
    | st.dictionaries(_NAMES, st.lists(_SCALARS, min_size=2, max_size=2))
    | st.fixed_dictionaries(
        {"columns": st.lists(_NAMES, max_size=2) | _JSON, "data": st.lists(st.lists(_SCALARS, max_size=2)) | _JSON},
        optional={"index": _JSON},
    )
    | _JSON
)
_REQUESTS = st.dictionaries(
    st.sampled_from(["dataframe_split", "dataframe_records", "inputs", "instances", "params"]), _TABLES, max_size=2
)


@pytest.mark.slow
@given(_REQUESTS | _JSON)
def test_any_json_is_read_or_refused(document: Any) -> None:
    """Whatever JSON is sent gives rows or a problem that can be written."""
    dialect = MLflowScoring()
    refused: Problem | None = None
    try:
        asked = dialect.read(json.dumps(document).encode(), LIMITS, b"", b"application/json")
        assert asked.rows
        assert all(type(row) is dict for row in asked.rows)
    except Problem as problem:
        refused = problem
    if refused is not None:
        refused.members |= dialect.explain(refused)
        assert json.loads(refused.body("id"))["message"]


@given(st.data(), st.sampled_from([b"text/csv", b"application/json"]))
def test_a_mutated_request_is_read_or_refused(data: st.DataObject, media_type: bytes) -> None:
    """A good body with a few bytes changed, cut out or put in gives rows or a problem."""
    good = (
        b'age,name\n1,"a,""b"""\n,c\n' if media_type == b"text/csv" else json.dumps({"dataframe_split": SPLIT}).encode()
    )
    body = bytearray(good)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(body) - 1))
        body[place : place + data.draw(st.integers(0, 2))] = data.draw(
            st.binary(max_size=2) | st.sampled_from([b'"', b",", b"\n", b"\r", b"NaN", b"\\"])
        )
    try:
        read(bytes(body), media_type)
    except Problem as problem:
        problem.body()


@given(st.binary(max_size=60), st.sampled_from([b"text/csv", b"application/json"]))
def test_any_bytes_are_read_or_refused(body: bytes, media_type: bytes) -> None:
    """Whatever bytes are sent give rows or a problem."""
    try:
        read(body, media_type)
    except Problem as problem:
        problem.body()
