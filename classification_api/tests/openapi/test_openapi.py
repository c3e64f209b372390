"""The OpenAPI document: valid, derived from the model that serves, and true."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import pytest
import schemathesis
from classification_model.predict import Predictor
from classification_model.runtime.input.checking import check_rows
from classification_model.runtime.input.number_format import NumberFormat
from classification_model.runtime.input.schema import InputSchema, SchemaField
from classification_model.runtime.model_folder.packaged import packaged_model
from clocked import StartClocked
from conftest import KEY, ROW, Listening, Server
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openapi_spec_validator import validate
from schemathesis import GenerationMode

from app.main import create_app
from app.openapi.examples import PREDICTION_ID
from app.openapi.rows import row_schema
from app.problem_details import STATUS
from app.served_models import ServingModel
from app.settings import Settings

COMMA = NumberFormat(decimal=",")
EVERY_KIND = InputSchema(
    fields=(
        SchemaField(name="size", kind="numeric", nullable=True, missing_values=(), minimum=0, maximum=10),
        SchemaField(
            name="home", kind="categorical", nullable=False, aliases=("home.dest", "to"), categories=("a", "b")
        ),
        SchemaField(name="port", kind="categorical", nullable=True, aliases=("from", "harbour")),
        SchemaField(name="open", kind="boolean", nullable=True),
        SchemaField(name="note", kind="text", nullable=True),
        SchemaField(name="day", kind="datetime", nullable=True),
        SchemaField(name="week", kind="datetime", nullable=True, datetime_format="%d.%m.%Y"),
        SchemaField(name="paid", kind="numeric", nullable=True, written=COMMA, missing_values=("3",)),
        SchemaField(name="date", kind="datetime", nullable=True, datetime_format="%Y%m%d"),
        SchemaField(name="at", kind="datetime", nullable=True, datetime_format="unix_ms"),
    ),
    ignored=("boat",),
)
ROW_OF_EVERY_KIND = jsonschema_rs.validator_for(row_schema(EVERY_KIND))
#: Routes that ask for a key.
KEYED = {
    "/predict",
    "/invocations",
    "/feedback",
    "/monitoring",
    "/model",
    "/model/reports",
    "/model/reports/{report}",
    "/metrics",
    "/v2",
    "/v2/models/{name}",
    "/v2/models/{name}/versions/{version}",
    "/v2/models/{name}/infer",
    "/v2/models/{name}/versions/{version}/infer",
}
texts = st.text(max_size=5) | st.sampled_from(
    [
        "1",
        " 28.5 ",
        "1,5",
        "20190115",
        "$1,200",
        "1e40",
        "yes",
        "T",
        "NaN",
        "?",
        "",
        "2026-01-31",
        "31.01.2026",
        "2026-01-31T12:00:00Z",
    ]
    + ["7".rjust(length, "0") for length in (1000, 1001, 10_000, 10_001)]
    + ["2026-01-31" + " " * 1000, "yes" + " " * 1000]
)
numbers = (
    st.integers(-3, 3)
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([2**53, 2**53 + 1, 1e30, -1e30, 1.1e30, 2**64, 2**64 + 1, 0.5])
)
values: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | numbers | texts | st.lists(st.none(), max_size=1) | st.just({})
)
KEYS = (
    "size",
    "home",
    "home.dest",
    "to",
    "port",
    "from",
    "harbour",
    "open",
    "note",
    "day",
    "week",
    "paid",
    "date",
    "at",
    "boat",
    "other",
)


def document_of(server: Listening, **headers: str) -> dict[str, Any]:
    answer = server.client.get("/openapi.json", headers=headers)
    assert answer.status_code == 200
    document: dict[str, Any] = answer.json()
    return document


def operations_of(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {f"{method.upper()} {path}": its for path, of in document["paths"].items() for method, its in of.items()}


def examples_of(described: dict[str, Any]) -> list[Any]:
    if "example" in described:
        return [described["example"]]
    return [example["value"] for example in described.get("examples", {}).values()]


@pytest.fixture(scope="module")
def document(server: Server) -> dict[str, Any]:
    """Return the document of the packaged model."""
    return document_of(server)


def test_it_is_valid(document: dict[str, Any]) -> None:
    """The document is OpenAPI 3.1, and each operation has a name of its own."""
    assert document["openapi"].startswith("3.1.")
    validate(document)
    names = [operation["operationId"] for operation in operations_of(document).values()]
    assert len(names) == len(set(names))


def test_it_names_every_route(document: dict[str, Any]) -> None:
    """What the server answers is in the document, and nothing else is."""
    paths = {path for path in document["paths"] if not path.startswith("/v2")}
    assert paths == {
        "/predict", "/invocations", "/feedback", "/monitoring", "/model", "/model/reports", "/model/reports/{report}",
        "/metrics", "/version", "/ping",
        "/health", "/health/live", "/health/ready",
    }  # fmt: skip
    model, version = "/v2/models/{name}", "/v2/models/{name}/versions/{version}"
    assert document["paths"].keys() - paths == {
        "/v2", "/v2/health/live", "/v2/health/ready",
        model, f"{model}/ready", f"{model}/infer", version, f"{version}/ready", f"{version}/infer",
    }  # fmt: skip


def test_columns_classes_and_limits_are_those_of_the_server(document: dict[str, Any]) -> None:
    """The row has the model's columns, used and ignored, labels are its classes, limits those of the settings."""
    manifest = Predictor.load(packaged_model()).manifest
    schemas = document["components"]["schemas"]
    assert schemas["Row"]["properties"].keys() == manifest.input_schema.names.keys()
    assert schemas["Row"]["required"] == [field.name for field in manifest.input_schema.fields if not field.nullable]
    assert schemas["Predictions"]["properties"]["predictions"]["items"]["enum"] == list(manifest.classes)
    assert schemas["Rows"]["properties"]["inputs"]["maxItems"] == 5000


def test_limits_on_texts_are_those_of_the_model(document: dict[str, Any]) -> None:
    """Each column says how many characters a text of it may have, whoever reads the document."""
    columns = document["components"]["schemas"]["Row"]["properties"]
    found = {name: its["maxLength"] for name, its in columns.items() if "maxLength" in its}
    searched_or_numbers = dict.fromkeys(["name", "sex", "age", "sibsp", "parch", "fare", "cabin"], 1000)
    assert found == searched_or_numbers | {"pclass": 10_000, "ticket": 10_000}


@pytest.mark.slow
def test_limits_are_those_of_the_settings(clocked: StartClocked) -> None:
    """A limit that is set stands in the document."""
    document = document_of(clocked(limit_rows=7, limit_explained_rows=3))
    assert document["components"]["schemas"]["Rows"]["properties"]["inputs"]["maxItems"] == 7
    (explain,) = [its for its in operations_of(document)["POST /predict"]["parameters"] if its.get("name") == "explain"]
    assert "at most 3 rows" in explain["description"]


def test_every_code_is_documented(document: dict[str, Any]) -> None:
    """Each code that a client can read stands at its status, as problem details."""
    told = {}
    for name, response in document["components"]["responses"].items():
        (media_type,) = response["content"]
        assert media_type == "application/problem+json"
        for code in response["content"][media_type]["schema"]["allOf"][1]["properties"]["code"]["enum"]:
            told[code] = int(name.removeprefix("Problem"))
    # The others: no client is left to read it, no key is asked for, and no operation is meant.
    assert STATUS.items() - told.items() == {("client_gone", 408), ("unauthorized", 401), ("method_not_allowed", 405)}
    assert told.items() <= STATUS.items()


@pytest.mark.parametrize("path", ["/predict", "/v2/models/titanic-survival/infer", "/invocations"])
def test_examples_are_answered_so(server: Server, document: dict[str, Any], path: str) -> None:
    """The example of a request is answered as the example of the answer says, but for the names of predictions."""
    (operation,) = [
        its for name, its in operations_of(document).items()
        if name.replace("{name}", "titanic-survival") == f"POST {path}"
    ]  # fmt: skip
    requested = operation["requestBody"]["content"]["application/json"]
    answered = operation["responses"]["200"]["content"]["application/json"]
    (request,) = examples_of(requested)
    expected = (
        [answered["example"]] if "example" in answered else [its["value"] for its in answered["examples"].values()]
    )
    for answer, query in zip(expected, ({}, {"explain": "true"}), strict=False):
        reply = server.post(path, json=request, params=query)
        assert reply.status_code == 200, reply.text
        written = json.dumps(reply.json())
        for name in _ids(reply.json()):
            written = written.replace(name, PREDICTION_ID)
        assert json.loads(written) == answer


def _ids(answer: dict[str, Any]) -> list[str]:
    ids = answer.get("prediction_ids")
    if ids is None:
        (ids,) = [output["data"] for output in answer["outputs"] if output["name"] == "prediction_ids"]
    return list(ids)


def test_examples_fit_their_schemas(document: dict[str, Any]) -> None:
    """Every example in the document is valid where it stands."""
    seen = 0
    for operation in operations_of(document).values():
        for holder in (operation.get("requestBody", {}), operation["responses"]["200"]):
            for described in holder.get("content", {}).values():
                schema = described.get("schema", {}) | {"components": document["components"]}
                for example in examples_of(described):
                    jsonschema_rs.validate(schema, example)
                    seen += 1
    assert seen == 9


@pytest.mark.slow
@settings(max_examples=1000, deadline=None)
@given(st.dictionaries(st.sampled_from(KEYS), values, max_size=8))
def test_the_schema_of_a_row_agrees_with_what_is_accepted(row: dict[str, Any]) -> None:
    """No row is accepted that breaks its schema; one that fits is refused only for what JSON Schema cannot say."""
    errors = check_rows(EVERY_KIND, [row]).errors
    is_valid = ROW_OF_EVERY_KIND.is_valid(row)
    if not errors:
        assert is_valid
    elif is_valid:
        kinds = {field.name: field.kind for field in EVERY_KIND.fields}
        names = {given: name for given, name in EVERY_KIND.names.items() if given in row}
        for error in errors:
            (value,) = [row[given] for given, name in names.items() if name == error.field]
            assert _is_beyond_json_schema(kinds[error.field], value), error


def _is_beyond_json_schema(kind: str, value: Any) -> bool:
    """Tell whether a value may be refused though it fits the schema of its column."""
    if kind == "datetime" and isinstance(value, (int, float)):
        return True  # digits that are no date, or too large a number of seconds
    if isinstance(value, str):
        return kind in {"numeric", "boolean", "datetime"} or "\0" in value
    most = {"numeric": 2**53, "categorical": 2**64, "text": 2**64}.get(kind)
    return type(value) is int and most is not None and abs(value) > most


@pytest.mark.slow
def test_what_the_document_calls_valid_is_predicted(server: Server, document: dict[str, Any]) -> None:
    """Bodies made of the schema of /predict get 200, or 422 only for reasons that JSON Schema cannot say."""
    kinds = {field["name"]: field["kind"] for field in server.client.get("/model").json()["input_schema"]["fields"]}
    operation = schemathesis.openapi.from_dict(document)["/predict"]["POST"]
    statuses = []

    @settings(max_examples=200, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(operation.as_strategy(generation_mode=GenerationMode.POSITIVE))
    def check(case: schemathesis.Case[Any]) -> None:
        body = json.loads(json.dumps(case.body))
        reply = server.post(json=body)
        statuses.append(reply.status_code)
        if reply.status_code != 200:
            _check_refusal(reply, body, kinds)

    check()
    assert statuses.count(200) >= 20


def _check_refusal(reply: httpx.Response, body: dict[str, Any], kinds: dict[str, str]) -> None:
    problem = reply.json()
    assert reply.status_code == 422, problem
    keys = body.get("index")
    if problem["code"] == "invalid_request" and keys is not None:
        # 1.0 is an integer to JSON Schema, and no key.
        assert len(keys) != len(body["inputs"]) or any(isinstance(key, float) for key in keys), problem
    elif problem["code"] == "too_deep":
        assert "boat" in json.dumps(body)
    elif problem["code"] == "invalid_json":
        assert "\\u0000" in json.dumps(body), problem
    else:
        assert problem["code"] == "invalid_rows", problem
        for place in problem["errors"]:
            row, _, name = place["where"].removeprefix("inputs[").partition("].")
            assert _is_beyond_json_schema(kinds[name], body["inputs"][int(row)][name]), place


@pytest.mark.slow
def test_it_changes_with_the_model() -> None:
    """The document is made once for a model, and anew when another one serves."""
    app = create_app(Settings())
    models = app.state.predictions.models
    without = app.openapi()
    assert without["components"]["schemas"]["Row"] == {
        "type": "object",
        "description": "Values by column; `GET /model` lists the columns.",
    }
    validate(without)
    predictor = Predictor.load(packaged_model())
    models.current = ServingModel(predictor, Settings(), packaged_model())
    first = app.openapi()
    assert first is app.openapi()
    assert "age" in first["components"]["schemas"]["Row"]["properties"]
    assert "version 1.0.0" in first["info"]["description"]
    manifest = predictor.manifest.model_copy(update={"version": "2.0.0"})
    models.current = ServingModel(Predictor(predictor.model, manifest), Settings(), packaged_model())
    assert "version 2.0.0" in app.openapi()["info"]["description"]


@pytest.mark.slow
def test_it_is_told_without_a_model(clocked: StartClocked, tmp_path: Path) -> None:
    """Without a model the document tells what holds for any."""
    document = document_of(clocked(model_folder=tmp_path))
    validate(document)
    assert "properties" not in document["components"]["schemas"]["Row"]


def test_behind_a_prefix_it_says_where_the_server_is() -> None:
    """Where a proxy leaves out a part of the path, the document names it."""
    app = create_app(Settings())

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app, root_path="/models")
        async with httpx.AsyncClient(transport=transport, base_url="http://server") as client:
            return await client.get("/openapi.json")

    assert asyncio.run(ask()).json()["servers"] == [{"url": "/models"}]
    assert "servers" not in app.openapi()


def test_where_keys_are_asked_for_strangers_learn_nothing_of_the_model(locked: Server) -> None:
    """Without a key the document names the operations alone; with one, it tells columns and examples."""
    stranger = document_of(locked)
    validate(stranger)
    written = json.dumps(stranger)
    assert "sibsp" not in written
    assert "Titanic" not in written
    assert locked.client.get("/openapi.json", headers={"X-API-Key": "another key"}).status_code == 401
    for headers in ({"X-API-Key": KEY}, {"Authorization": f"Bearer {KEY}"}):
        assert "sibsp" in document_of(locked, **headers)["components"]["schemas"]["Row"]["properties"]
    asking = {name.split()[1] for name, its in operations_of(stranger).items() if "security" in its}
    assert asking == KEYED
    assert all("401" in its["responses"] for its in operations_of(stranger).values() if "security" in its)


def test_without_keys_no_key_is_spoken_of(document: dict[str, Any]) -> None:
    """Where no keys are asked for, the document has no security and no 401."""
    written = json.dumps(document)
    assert "security" not in written
    assert "401" not in json.dumps([list(its["responses"]) for its in operations_of(document).values()])


def test_a_date_is_described_in_words() -> None:
    """More texts are read as dates than any format of JSON Schema allows, so that none is given."""
    properties = row_schema(EVERY_KIND)["properties"]
    assert "format" not in properties["day"]
    assert "ISO 8601" in properties["day"]["description"]
    assert "%d.%m.%Y" in properties["week"]["description"]


def test_the_row_of_the_tests_fits(document: dict[str, Any]) -> None:
    """A row that is predicted all over the tests is valid."""
    jsonschema_rs.validate(document["components"]["schemas"]["Row"], ROW)
